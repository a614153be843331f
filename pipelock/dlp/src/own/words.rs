//! The words of a text that are long enough for a secret: most text is passed after one look at the
//! end of what such a word would cover.

use std::ops::Range;

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;
/// How many bytes one look sees.
const STEP: usize = 8;

/// Calls `see` with every word of at least so many bytes, sixteen or more, that begins before `until`.
pub(super) fn each(text: &[u8], until: usize, least: usize, mut see: impl FnMut(Range<usize>)) {
    // Such a word begins here at the earliest.
    let mut at = 0;
    while at < until {
        let end = at + least;
        let Some(sample) = text.get(at..end).and_then(|word| word.last_chunk::<STEP>()) else {
            return;
        };
        let ends = others(u64::from_le_bytes(*sample));
        if ends != 0 {
            at = end - ends.leading_zeros() as usize / 8;
            continue;
        }
        let start = end - last(text.get(at..end).unwrap_or_default());
        if start > at {
            at = start;
            continue;
        }
        let end = end + first(text.get(end..).unwrap_or_default());
        see(start..end);
        at = end + 1;
    }
}

/// How many of the first bytes are of a word.
fn first(text: &[u8]) -> usize {
    let mut at = 0;
    // Long rows are measured many bytes at a time, and most words end within the first few.
    while let Some(some) = text.get(at..).and_then(|rest| rest.first_chunk::<STEP>()) {
        let ends = others(u64::from_le_bytes(*some));
        if ends != 0 {
            return at + ends.trailing_zeros() as usize / 8;
        }
        at += STEP;
        let (blocks, _) = text.get(at..).unwrap_or_default().as_chunks::<32>();
        at += blocks.iter().take_while(|block| are_of_words(block)).count() * 32;
    }
    let rest = text.get(at..).unwrap_or_default();
    at + rest.iter().take_while(|&&byte| is_of_word(byte)).count()
}

/// How many of the last bytes are of a word.
fn last(text: &[u8]) -> usize {
    let mut count = 0;
    let (rest, eights) = text.as_rchunks::<STEP>();
    for eight in eights.iter().rev() {
        let ends = others(u64::from_le_bytes(*eight));
        if ends != 0 {
            return count + ends.leading_zeros() as usize / 8;
        }
        count += STEP;
    }
    count + rest.iter().rev().take_while(|&&byte| is_of_word(byte)).count()
}

/// What a secret is made of: visible ASCII, but for what always ends a word.
#[inline]
#[expect(clippy::needless_bitwise_bool, reason = "with branches each byte would be judged alone")]
pub(super) fn is_of_word(byte: u8) -> bool {
    let quotes = (byte == b'"') | (byte == b'\'') | (byte == b'`');
    let more = (byte == b'<') | (byte == b'>') | (byte == b'\\');
    (byte.wrapping_sub(b'!') < 94) & !quotes & !more
}

#[inline]
fn are_of_words(block: &[u8; 32]) -> bool {
    block.iter().fold(true, |all, &byte| all & is_of_word(byte))
}

/// The highest bit of each of eight bytes that is of no word.
#[inline]
fn others(bytes: u64) -> u64 {
    const FROM_FIRST: u64 = ONES * (0x80 - b'!' as u64);
    let low = bytes & !HIGH;
    let differs = |from: u64, byte: u8| (from ^ (ONES * u64::from(byte))) + !HIGH;
    // Angle brackets are told apart by this bit alone.
    let brackets = differs(low | (ONES * 2), b'>');
    let quotes = differs(low, b'"') & differs(low, b'\'') & differs(low, b'`');
    let is_word = (low + FROM_FIRST) & brackets & quotes & differs(low, b'\\');
    (!is_word | (low + ONES) | bytes) & HIGH
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drawn::Drawn;

    #[test]
    fn bytes_are_told_apart_many_at_a_time_as_they_are_one_by_one() {
        for byte in 0..=u8::MAX {
            let spoken = byte.is_ascii_graphic() && !br#""'`<>\"#.contains(&byte);
            assert_eq!(is_of_word(byte), spoken, "{byte}");
            for at in 0..8 {
                let mut eight = *b"az09~!}_";
                eight[at] = byte;
                let expected = if spoken { 0 } else { 0x80 << (8 * at) };
                assert_eq!(others(u64::from_le_bytes(eight)), expected, "{byte} {at}");
            }
        }
        for len in 0..100 {
            for at in 0..=len {
                let mut text = vec![b'x'; len];
                if let Some(byte) = text.get_mut(at) {
                    *byte = b' ';
                }
                assert_eq!(first(&text), at);
                assert_eq!(last(&text), if at < len { len - at - 1 } else { len });
            }
        }
    }

    #[test]
    fn every_word_that_is_long_enough_is_seen_and_no_other() {
        let mut drawn = Drawn(0x2545_f491_4f6c_dd1d);
        for round in 0..2000 {
            let mut text = Vec::new();
            while text.len() < round {
                let state = drawn.bits();
                text.extend(std::iter::repeat_n(b'x', (state >> 40) as usize % 40));
                text.push([b' ', b'"', 0xc3, b'\n'][(state >> 60) as usize % 4]);
            }
            for (least, until) in [(16, text.len()), (24, text.len()), (33, text.len() / 2)] {
                let mut expected = Vec::new();
                let mut start = 0;
                for word in text.split(|&byte| byte != b'x') {
                    if word.len() >= least && start < until {
                        expected.push(start..start + word.len());
                    }
                    start += word.len() + 1;
                }
                let mut seen = Vec::new();
                each(&text, until, least, |word| seen.push(word));
                assert_eq!(seen, expected);
            }
        }
    }
}

//! Classes of bytes, as tables.

/// A class: whether each byte is in it.
pub(crate) struct Class {
    has: [bool; 256],
    /// Where it is letters and digits and a few more, those: many bytes are judged in one step then.
    few: Option<[u8; FEW]>,
}

const FEW: usize = 5;

impl Class {
    pub(crate) const fn new(alphanumeric: bool, more: &[u8]) -> Self {
        let mut has = [false; 256];
        let mut byte = 0_u8;
        while byte < 128 {
            has[byte as usize] = alphanumeric && byte.is_ascii_alphanumeric();
            byte += 1;
        }
        // A letter in the place of what there is none of changes nothing.
        let (mut few, mut at) = ([b'a'; FEW], 0);
        while at < more.len() {
            has[more[at] as usize] = true;
            if at < FEW {
                few[at] = more[at];
            }
            at += 1;
        }
        let few = if alphanumeric && more.len() <= FEW { Some(few) } else { None };
        Self { has, few }
    }

    #[inline]
    pub(crate) const fn has(&self, byte: u8) -> bool {
        self.has[byte as usize]
    }

    /// Whether all of a few are in it.
    #[inline]
    pub(crate) fn has_all(&self, bytes: &[u8]) -> bool {
        bytes.iter().fold(true, |all, &byte| all & self.has(byte))
    }

    /// Whether all are in it, and whether any is: without a branch for each.
    #[inline]
    pub(crate) fn all(&self, bytes: [u8; 8]) -> bool {
        bytes.iter().fold(true, |all, &byte| all & self.has(byte))
    }

    #[inline]
    pub(crate) fn any(&self, bytes: [u8; 8]) -> bool {
        bytes.iter().fold(false, |any, &byte| any | self.has(byte))
    }

    /// How many of the first bytes are in it.
    pub(crate) fn first(&self, text: &[u8]) -> usize {
        let many = self.few.map_or(0, |few| {
            let (blocks, _) = text.as_chunks::<16>();
            blocks.iter().take_while(|block| is_of(**block, few)).count() * 16
        });
        let text_behind = text.get(many..).unwrap_or_default();
        many + self.first_by_table(text_behind)
    }

    fn first_by_table(&self, text: &[u8]) -> usize {
        let whole = text.as_chunks::<8>().0.iter().take_while(|some| self.all(**some)).count() * 8;
        let rest = text.get(whole..).unwrap_or_default();
        whole + rest.iter().position(|&byte| !self.has(byte)).unwrap_or(rest.len())
    }

    /// Where the first byte of it stands.
    pub(crate) fn find(&self, text: &[u8]) -> Option<usize> {
        let whole = text.as_chunks::<8>().0.iter().take_while(|some| !self.any(**some)).count() * 8;
        let rest = text.get(whole..).unwrap_or_default();
        rest.iter().position(|&byte| self.has(byte)).map(|at| whole + at)
    }

    /// How many of the last bytes are in it.
    pub(crate) fn last(&self, text: &[u8]) -> usize {
        text.iter().rev().position(|&byte| !self.has(byte)).unwrap_or(text.len())
    }
}

/// Whether all are letters, digits or one of a few: steps that a compiler does for all bytes at once.
#[inline]
#[expect(clippy::needless_bitwise_bool, reason = "with branches each byte would be judged alone")]
fn is_of<const N: usize>(bytes: [u8; N], few: [u8; FEW]) -> bool {
    bytes.iter().fold(true, |all, &byte| {
        let letter = (byte | 0x20).wrapping_sub(b'a') < 26;
        let digit = byte.wrapping_sub(b'0') < 10;
        let more = few.iter().fold(false, |any, &other| any | (byte == other));
        all & (letter | digit | more)
    })
}

/// What base64 of either alphabet is made of, with its padding.
pub(crate) static RUN: Class = Class::new(true, b"+/=_-");
/// What the long words of tokens are made of.
pub(crate) static WORD: Class = Class::new(true, b"_-");

/// What ends a word ends every credential without white space.
pub(crate) static ENDS: Class = Class::new(
    false,
    b"\0\x01\x02\x03\x04\x05\x06\x07\x08\t\n\x0b\x0c\r\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\
      \x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f \"'<>,;()[]{}`|",
);

/// What text is made of.
pub(crate) const fn is_text(byte: u8) -> bool {
    byte.wrapping_sub(b' ') < 95 || matches!(byte, b'\n' | b'\r' | b'\t')
}

/// Where the next character beyond ASCII may begin: a byte that begins one, and one behind it that goes
/// on. Noise is full of either and has few of both.
pub(crate) fn beyond_ascii(text: &[u8], from: usize) -> Option<usize> {
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let mut at = from;
    while let Some(nine) = text.get(at..).and_then(|rest| rest.first_chunk::<9>()) {
        let [bytes, next] = [nine.first_chunk::<8>(), nine.last_chunk::<8>()]
            .map(|eight| eight.map_or(0, |eight| u64::from_le_bytes(*eight)));
        if bytes & HIGH != 0 {
            let begins = bytes & bytes << 1 & next & !(next << 1) & HIGH;
            if begins != 0 {
                return Some(at + begins.trailing_zeros() as usize / 8);
            }
            at += 8;
            continue;
        }
        at += 8;
        // Most text goes on without any, and is passed many bytes at a time.
        let (blocks, _) = text.get(at..).unwrap_or_default().as_chunks::<32>();
        at += blocks.iter().take_while(|block| block.is_ascii()).count() * 32;
    }
    let begins = |pair: &[u8]| matches!(pair, [0xc0..=0xff, 0x80..=0xbf]);
    text.get(at..)?.windows(2).position(begins).map(|nth| at + nth)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drawn::Drawn;

    #[test]
    fn rows_of_a_class_are_measured_many_bytes_at_a_time_as_they_are_one_by_one() {
        for class in [&RUN, &WORD] {
            for byte in 0..=u8::MAX {
                for at in [0, 7, 15, 16, 17, 31, 39, 40] {
                    let mut text = *b"aZ09+/=_-bcdefghijklmnopqrstuvwxyzABCDEFG";
                    text[at] = byte;
                    let slow = text.iter().take_while(|&&byte| class.has(byte)).count();
                    assert_eq!(class.first(&text), slow, "{byte} {at}");
                }
            }
        }
    }

    #[test]
    fn characters_beyond_ascii_are_seen_eight_bytes_at_a_time_as_they_are_one_by_one() {
        let mut drawn = Drawn(0x2545_f491_4f6c_dd1d);
        let text: Vec<u8> = std::iter::repeat_with(|| {
            let state = drawn.bits();
            // Now letters, now noise.
            if (state >> 40).is_multiple_of(4) { (state >> 32 & 0xff) as u8 } else { b'a' }
        })
        .take(3000)
        .collect();
        let begins = |pair: &[u8]| pair[0] >= 0xc0 && (0x80..0xc0).contains(&pair[1]);
        for end in [text.len(), 9, 8, 2, 1, 0] {
            let text = &text[..end];
            for from in 0..end {
                let slow = text[from..].windows(2).position(begins).map(|nth| from + nth);
                assert_eq!(beyond_ascii(text, from), slow, "{from}");
            }
        }
    }
}

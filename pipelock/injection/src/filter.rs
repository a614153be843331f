//! Every place where one of many words stands, in one pass over every second byte.
//!
//! Of each word two groups of four bytes are known, one behind the other: whether a word begins at an
//! even place or an odd one, one of the two meets a look. A word is compared only there.

use std::ops::Range;

/// Which places are looked at.
const STEP: usize = 2;
const GROUP: usize = 4;
/// How much is looked through before one branch is taken, and how far the last group reaches beyond.
const BLOCK: usize = 16;
const BEYOND: usize = GROUP - STEP;
/// One for each hash of three bytes; its bits are the fourth's. Few enough to stay near the processor.
const ROWS: usize = 1 << 12;

/// What a word is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    /// In small letters.
    Word,
    /// In its own letters.
    Code,
    /// In small letters: the text of this number that a rule needs.
    Need(usize),
}

/// A group of a word.
#[derive(Debug)]
struct Needle {
    /// The word's first bytes in small letters, and which of the eight there are.
    head: u64,
    mask: u64,
    /// Where in the word the group stands.
    skip: usize,
    row: usize,
    word: Box<[u8]>,
    kind: Kind,
}

/// The words, ready to be found.
pub(crate) struct Filter {
    rows: Box<[u32; ROWS]>,
    /// In the order of their rows.
    needles: Vec<Needle>,
    /// Where those of each row begin.
    heads: Box<[u16; ROWS]>,
}

impl Filter {
    /// A test sees to it that no word is too short.
    pub(crate) fn new<'w>(words: impl Iterator<Item = (&'w [u8], Kind)>) -> Self {
        let mut rows = Box::new([0; ROWS]);
        let mut needles: Vec<Needle> =
            words.flat_map(|(word, kind)| needles(word, kind, &mut rows)).collect();
        needles.sort_by_key(|needle| needle.row);
        let mut heads = Box::new([u16::MAX; ROWS]);
        for (number, needle) in needles.iter().enumerate().rev() {
            heads[needle.row] = u16::try_from(number).unwrap_or(u16::MAX);
        }
        Self { rows, needles, heads }
    }

    /// Calls `see` with each place where one stands; `small` is the text in small letters.
    pub(crate) fn each(&self, text: &[u8], small: &[u8], see: &mut impl FnMut(Range<usize>, Kind)) {
        let mut at = 0;
        while let Some(block) = small.get(at..).and_then(<[u8]>::first_chunk) {
            let bits = groups(block).map(|group| self.bit(group));
            if bits.iter().fold(0, |seen, bit| seen | bit) & 1 == 1 {
                self.look((text, small), at, block, see);
            }
            at += BLOCK;
        }
        // Behind the last byte stands what is in no word.
        let mut block = [0; BLOCK + BEYOND];
        let rest = small.get(at..).unwrap_or_default();
        block.iter_mut().zip(rest).for_each(|(byte, last)| *byte = *last);
        self.look((text, small), at, &block, see);
    }

    /// What the groups of a block are; apart, so that the pass over the blocks stays in registers.
    #[inline(never)]
    fn look(
        &self,
        texts: (&[u8], &[u8]),
        at: usize,
        block: &[u8; BLOCK + BEYOND],
        see: &mut impl FnMut(Range<usize>, Kind),
    ) {
        for (nth, group) in groups(block).into_iter().enumerate() {
            if self.bit(group) & 1 == 1 {
                self.check(texts, at + STEP * nth, group, see);
            }
        }
    }

    /// The lowest bit says whether a group may be one of a word.
    #[inline]
    fn bit(&self, group: u32) -> u32 {
        self.rows[row(group)].wrapping_shr(group >> 24)
    }

    fn check(
        &self,
        (text, small): (&[u8], &[u8]),
        at: usize,
        group: u32,
        see: &mut impl FnMut(Range<usize>, Kind),
    ) {
        let row = row(group);
        let alike = self.needles.get(usize::from(self.heads[row])..).unwrap_or_default();
        for needle in alike.iter().take_while(|needle| needle.row == row) {
            let Some(start) = at.checked_sub(needle.skip) else { continue };
            let rest = small.get(start..).unwrap_or_default();
            // One comparison says no to nearly all.
            let begins = rest
                .first_chunk()
                .is_none_or(|head| (u64::from_le_bytes(*head) ^ needle.head) & needle.mask == 0);
            if !begins {
                continue;
            }
            let written = match needle.kind {
                Kind::Word | Kind::Need(_) => rest,
                Kind::Code => text.get(start..).unwrap_or_default(),
            };
            if written.starts_with(&needle.word) {
                see(start..start + needle.word.len(), needle.kind);
            }
        }
    }
}

/// Those that begin in a block.
#[inline]
fn groups(block: &[u8; BLOCK + BEYOND]) -> [u32; BLOCK / STEP] {
    std::array::from_fn(|nth| {
        let rest = block.get(STEP * nth..).unwrap_or_default();
        u32::from_le_bytes(*rest.first_chunk().unwrap_or(&[0; GROUP]))
    })
}

/// The two groups of a word that are rarest elsewhere; their bits are set.
fn needles(word: &[u8], kind: Kind, rows: &mut [u32; ROWS]) -> Vec<Needle> {
    let small = word.to_ascii_lowercase();
    let mut head = [0; 8];
    head.iter_mut().zip(&small).for_each(|(byte, letter)| *byte = *letter);
    let mask = u64::MAX >> (64 - 8 * word.len().min(8));
    let groups = small.windows(GROUP + STEP - 1).enumerate();
    let two = |window: &[u8]| window.windows(GROUP).map(commonness).sum::<u64>();
    let first = groups.min_by_key(|(_, window)| two(window)).map_or(0, |(skip, _)| skip);
    (first..first + STEP)
        .filter_map(|skip| {
            let &[a, b, c] = small.get(skip..)?.first_chunk()?;
            // A word of four bytes may have any byte behind it.
            let last = small.get(skip + GROUP - 1);
            let group = u32::from_le_bytes([a, b, c, last.copied().unwrap_or(0)]);
            rows[row(group)] |= last.map_or(u32::MAX, |&last| 1_u32.wrapping_shl(last.into()));
            let word = word.into();
            Some(Needle { head: u64::from_le_bytes(head), mask, skip, row: row(group), word, kind })
        })
        .collect()
}

/// How often a group stands in other texts, about.
fn commonness(group: &[u8]) -> u64 {
    /// How often each letter does, as powers of two.
    const LETTERS: &[u8; 26] = b"53556445613546641566434231";
    let letter = |byte: &u8| match byte {
        b'a'..=b'z' => u32::from(LETTERS[usize::from(byte - b'a')] - b'0'),
        b' ' => 8,
        _ => 3,
    };
    1 << group.iter().map(letter).sum::<u32>()
}

/// Of the three lowest bytes: the highest is multiplied out of all that is kept.
#[inline]
const fn row(group: u32) -> usize {
    (group.wrapping_mul(0x9e37_79b1 << 8) >> 20) as usize
}

impl std::fmt::Debug for Filter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Filter").field("needles", &self.needles.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::{DISGUISES, ENCODED, WORDS};

    #[test]
    fn each_word_is_found_once_wherever_it_stands() {
        let words = [WORDS, DISGUISES].concat();
        let words = words.iter().map(|word| (word.as_bytes(), Kind::Word));
        let all: Vec<_> =
            words.chain(ENCODED.iter().map(|code| (code.as_bytes(), Kind::Code))).collect();
        let filter = Filter::new(all.iter().copied());
        for (word, kind) in all {
            assert!(word.len() >= GROUP, "{} is too short", word.escape_ascii());
            for (before, behind) in (0..40).flat_map(|before| [0, 1, 2, 40].map(|n| (before, n))) {
                let text = [&vec![b'~'; before], word, &vec![b'~'; behind]].concat();
                let mut seen = Vec::new();
                let small = text.to_ascii_lowercase();
                filter.each(&text, &small, &mut |place, kind| seen.push((place, kind)));
                let this = (before..before + word.len(), kind);
                let times = seen.iter().filter(|seen| **seen == this).count();
                assert_eq!(times, 1, "{} behind {before}", word.escape_ascii());
            }
        }
    }

    #[test]
    fn a_code_in_other_letters_is_another_code() {
        let code = ("aWdub3Jl".as_bytes(), Kind::Code);
        let filter = Filter::new(std::iter::once(code));
        let mut count = 0;
        for text in ["aWdub3Jl", "awdub3jl"] {
            let small = text.to_ascii_lowercase();
            filter.each(text.as_bytes(), small.as_bytes(), &mut |_, _| count += 1);
        }
        assert_eq!(count, 1);
    }
}

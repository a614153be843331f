//! Every place where one of many words stands, in one pass over every second byte.
//!
//! Of each word two groups of four bytes are known, one behind the other: whether a word begins at an
//! even place or an odd one, one of the two meets a look. A word is compared only there.

mod commonness;
mod needle;

use std::ops::Range;

use self::commonness::Commonness;
use self::needle::{GROUP, Needle, ROWS, STEP, row, two_needles};

/// How much is looked through before one branch is taken, and how far the last group reaches beyond.
const BLOCK: usize = 16;
const BEYOND: usize = GROUP - STEP;
/// So many blocks are passed over before those that need a look get one.
const BATCH: usize = 64;
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

/// The words, ready to be found.
pub(crate) struct Filter {
    rows: Box<[u32; ROWS]>,
    words: Vec<(Box<[u8]>, Kind)>,
    /// In the order of their rows.
    needles: Vec<Needle>,
    /// Where those of each row begin, and where all end.
    heads: Box<[u16; ROWS + 1]>,
}

impl Filter {
    /// A test sees to it that no word is too short.
    pub(crate) fn new<'w>(words: impl Iterator<Item = (&'w [u8], Kind)>) -> Self {
        let words: Vec<(Box<[u8]>, Kind)> = words.map(|(word, kind)| (word.into(), kind)).collect();
        let common = Commonness::new();
        let mut rows = Box::new([0; ROWS]);
        let mut needles = Vec::new();
        for (number, (word, _)) in words.iter().enumerate() {
            needles.extend(two_needles(word, number, &common, &mut rows).into_iter().flatten());
        }
        needles.sort_by_key(|needle| needle.row);
        let mut heads = Box::new([0; ROWS + 1]);
        for (row, head) in heads.iter_mut().enumerate() {
            let before = needles.partition_point(|needle| usize::from(needle.row) < row);
            *head = u16::try_from(before).unwrap_or(u16::MAX);
        }
        Self { rows, words, needles, heads }
    }

    /// Calls `see` with each place where one stands; `small` is the text in small letters.
    pub(crate) fn each(&self, text: &[u8], small: &[u8], see: &mut impl FnMut(Range<usize>, Kind)) {
        let (mut at, mut hits) = (0, [(0, 0); BATCH]);
        loop {
            // Which blocks need a look is no branch: half of such branches would be foretold wrongly.
            let (begin, mut count) = (at, 0);
            while at < begin + BATCH * BLOCK
                && let Some(block) = small.get(at..).and_then(<[u8]>::first_chunk)
            {
                let bits = self.bits(block);
                if let Some(hit) = hits.get_mut(count) {
                    *hit = (at, bits);
                }
                count += usize::from(bits != 0);
                at += BLOCK;
            }
            for &(at, bits) in hits.iter().take(count) {
                self.look((text, small), at, bits, see);
            }
            if at == begin {
                break;
            }
        }
        // Behind the last byte stands what is in no word.
        let mut block = [0; BLOCK + BEYOND];
        let rest = small.get(at..).unwrap_or_default();
        block.iter_mut().zip(rest).for_each(|(byte, last)| *byte = *last);
        self.look((text, small), at, self.bits(&block), see);
    }

    /// Which of the groups that begin in a block may be one of a word.
    #[inline]
    fn bits(&self, block: &[u8; BLOCK + BEYOND]) -> u32 {
        let bit = |nth: usize| {
            let rest = block.get(STEP * nth..).unwrap_or_default();
            let group = u32::from_le_bytes(*rest.first_chunk().unwrap_or(&[0; GROUP]));
            self.rows[usize::from(row(group))].wrapping_shr(group >> 24) & 1
        };
        (0..BLOCK / STEP).rev().fold(0, |bits, nth| bits << 1 | bit(nth))
    }

    /// What those groups are.
    fn look(
        &self,
        texts: (&[u8], &[u8]),
        at: usize,
        mut bits: u32,
        see: &mut impl FnMut(Range<usize>, Kind),
    ) {
        while bits != 0 {
            self.check(texts, at + STEP * bits.trailing_zeros() as usize, see);
            bits &= bits - 1;
        }
    }

    fn check(
        &self,
        (text, small): (&[u8], &[u8]),
        at: usize,
        see: &mut impl FnMut(Range<usize>, Kind),
    ) {
        let group = small.get(at..).and_then(<[u8]>::first_chunk);
        let Some(&[a, b, c]) = group else { return };
        let row = usize::from(row(u32::from_le_bytes([a, b, c, 0])));
        let alike = usize::from(self.heads[row])..usize::from(self.heads[row + 1]);
        for needle in self.needles.get(alike).unwrap_or_default() {
            let Some(start) = at.checked_sub(needle.skip.into()) else { continue };
            let rest = small.get(start..).unwrap_or_default();
            let len = usize::from(needle.len);
            // One comparison says no to nearly all, and yes to a short word.
            let compared = rest.first_chunk().map(|head| {
                let differs = u64::from_le_bytes(*head) ^ needle.head;
                differs.wrapping_shl(64 - 8 * u32::from(needle.len.min(8))) == 0
            });
            if compared == Some(false) {
                continue;
            }
            let Some((word, kind)) = self.words.get(usize::from(needle.word)) else { continue };
            let stands = match kind {
                Kind::Word | Kind::Need(_) if len <= 8 && compared.is_some() => true,
                Kind::Word | Kind::Need(_) => rest.starts_with(word),
                Kind::Code => text.get(start..).is_some_and(|rest| rest.starts_with(word)),
            };
            if stands {
                see(start..start + len, *kind);
            }
        }
    }
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

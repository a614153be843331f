//! Every place where one of many words stands, in one pass over every second byte.
//!
//! Of each word two groups of three bytes are known, one behind the other: whether a word begins at
//! an even place or an odd one, one of the two meets a look. A word is compared only there.

use std::ops::Range;

/// Which places are looked at.
const STEP: usize = 2;
const GROUP: usize = 3;
/// The fewest bytes of a word.
const LEAST: usize = GROUP + STEP - 1;
const BITS: usize = 1 << 16;
/// How much is looked through before one branch is taken.
const BLOCK: usize = 16;

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
    word: Box<[u8]>,
    kind: Kind,
    /// Where in the word the group stands.
    skip: usize,
    hash: u16,
}

/// The words, ready to be found.
pub(crate) struct Filter {
    bits: Box<[u64; BITS / 64]>,
    /// In the order of their hashes.
    needles: Vec<Needle>,
    /// Where those of a hash begin.
    heads: Box<[u16]>,
}

impl Filter {
    /// A test sees to it that no word is too short.
    pub(crate) fn new<'w>(words: impl Iterator<Item = (&'w [u8], Kind)>) -> Self {
        let mut needles: Vec<Needle> = words.flat_map(|(word, kind)| needles(word, kind)).collect();
        needles.sort_by_key(|needle| needle.hash);
        let mut bits = Box::new([0; BITS / 64]);
        for needle in &needles {
            bits[usize::from(needle.hash >> 6)] |= 1 << (needle.hash & 63);
        }
        let mut heads = vec![u16::MAX; BITS].into_boxed_slice();
        for (number, needle) in needles.iter().enumerate().rev() {
            if let Some(head) = heads.get_mut(usize::from(needle.hash)) {
                *head = u16::try_from(number).unwrap_or(u16::MAX);
            }
        }
        Self { bits, needles, heads }
    }

    /// Calls `see` with each place where one stands; `small` is the text in small letters.
    pub(crate) fn each(&self, text: &[u8], small: &[u8], see: &mut impl FnMut(Range<usize>, Kind)) {
        let mut at = 0;
        // Two bytes more than a block: the group at its last place reaches beyond it.
        while let Some(bytes) = small.get(at..).and_then(|rest| rest.first_chunk::<{ BLOCK + 2 }>())
        {
            let [low, high] = [0, BLOCK / 2].map(|half| {
                let mut eight = [0; 8];
                eight.copy_from_slice(&bytes[half..half + 8]);
                u64::from_le_bytes(eight)
            });
            // The groups that begin in the last two bytes of a half reach into what follows it.
            let next = |from: usize| u64::from(bytes[from]) << 16;
            let hashes = [
                hash(low),
                hash(low >> 16),
                hash(low >> 32),
                hash(low >> 48 | next(BLOCK / 2)),
                hash(high),
                hash(high >> 16),
                hash(high >> 32),
                hash(high >> 48 | next(BLOCK)),
            ];
            if hashes.iter().fold(0, |seen, &hash| seen | self.bit(hash)) & 1 == 1 {
                for (nth, &hash) in hashes.iter().enumerate() {
                    if self.bit(hash) & 1 == 1 {
                        self.check((text, small), at + STEP * nth, hash, see);
                    }
                }
            }
            at += BLOCK;
        }
        for (nth, group) in small.get(at..).unwrap_or_default().windows(GROUP).enumerate() {
            let &[a, b, c] = group else { continue };
            let hash = hash(u64::from_le_bytes([a, b, c, 0, 0, 0, 0, 0]));
            if nth % STEP == 0 && self.bit(hash) & 1 == 1 {
                self.check((text, small), at + nth, hash, see);
            }
        }
    }

    /// The lowest bit says whether a group has this hash.
    #[inline]
    fn bit(&self, hash: u16) -> u64 {
        self.bits[usize::from(hash >> 6)] >> (hash & 63)
    }

    #[inline(never)]
    fn check(
        &self,
        (text, small): (&[u8], &[u8]),
        at: usize,
        hash: u16,
        see: &mut impl FnMut(Range<usize>, Kind),
    ) {
        let first = self.heads.get(usize::from(hash)).map_or(usize::MAX, |&head| usize::from(head));
        let alike = self.needles.get(first..).unwrap_or_default();
        for needle in alike.iter().take_while(|needle| needle.hash == hash) {
            let Some(start) = at.checked_sub(needle.skip) else { continue };
            let written = match needle.kind {
                Kind::Word | Kind::Need(_) => small,
                Kind::Code => text,
            };
            if written.get(start..).is_some_and(|rest| rest.starts_with(&needle.word)) {
                see(start..start + needle.word.len(), needle.kind);
            }
        }
    }
}

/// The two groups of a word that are rarest elsewhere.
fn needles(word: &[u8], kind: Kind) -> Vec<Needle> {
    let commonness = |byte: &u8| match byte {
        b' ' | b'a' | b'e' | b'i' | b'n' | b'o' | b'r' | b's' | b't' => 4_u32,
        b'a'..=b'z' => 2,
        _ => 1,
    };
    let rarest = |window: &&[u8]| window.iter().map(commonness).product::<u32>();
    let windows = word.windows(LEAST);
    let Some((skip, _)) = windows.enumerate().min_by_key(|(_, window)| rarest(window)) else {
        return Vec::new();
    };
    let groups = word.windows(GROUP).enumerate().skip(skip).take(STEP);
    groups
        .filter_map(|(skip, group)| {
            let &[a, b, c] = group else { return None };
            let small = [a, b, c].map(|byte| byte.to_ascii_lowercase());
            let hash = hash(u64::from_le_bytes([small[0], small[1], small[2], 0, 0, 0, 0, 0]));
            Some(Needle { word: word.into(), kind, skip, hash })
        })
        .collect()
}

/// Of the three lowest bytes.
#[inline]
const fn hash(bytes: u64) -> u16 {
    ((bytes & 0x00ff_ffff).wrapping_mul(0x9e37_79b1) >> 16 & 0xffff) as u16
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
            assert!(word.len() >= LEAST, "{} is too short", word.escape_ascii());
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

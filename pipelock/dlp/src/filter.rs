//! Every place where one of many short texts stands, in one pass over every second byte: two pairs of
//! bytes that follow one another nominate, the text itself decides.

mod buckets;

use self::buckets::{Buckets, PAIRS, Window};
use crate::shape::Shape;

/// A text that is looked for.
struct Needle {
    text: Box<[u8]>,
    /// The number of the rule it belongs to.
    rule: usize,
}

/// The fewest bytes of a needle.
const LEAST: usize = 3;
/// How many bytes the two windows of a needle cover, one of which stands at an even place.
const COVERED: usize = 5;
/// How many places are passed before one branch is taken.
const BLOCK: usize = 16;

/// The needles, ready to be found.
pub(crate) struct Filter {
    buckets: Buckets,
    needles: Vec<Needle>,
    longest: usize,
}

impl Filter {
    /// Needles shorter than three bytes are left out: a test sees to it that there are none. What may
    /// stand behind a short one is read off the shape of its rule.
    pub(crate) fn new(anchors: &[(usize, &str, &Shape)]) -> Self {
        let anchors: Vec<_> =
            anchors.iter().filter(|(_, text, _)| text.len() >= LEAST).copied().collect();
        let mut windows = Vec::with_capacity(anchors.len() * 2);
        for (needle, &(_, text, shape)) in anchors.iter().enumerate() {
            let place = |at: usize| match text.as_bytes().get(at) {
                Some(&byte) => vec![byte],
                None => shape.allowed(at),
            };
            let skip = rarest(text.as_bytes());
            windows.extend([skip, skip + 1].map(|skip| Window {
                needle,
                skip,
                places: [0, 1, 2, 3].map(|nth| place(skip + nth)),
            }));
        }
        let longest = anchors.iter().map(|(_, text, _)| text.len()).max().unwrap_or_default();
        let needle =
            |(rule, text, _): (usize, &str, _)| Needle { text: text.as_bytes().into(), rule };
        Self {
            buckets: Buckets::of(windows),
            needles: anchors.into_iter().map(needle).collect(),
            longest: longest.max(COVERED),
        }
    }

    /// Calls `see` with each needle that begins before `until`: where it stands, and its rule.
    pub(crate) fn each(&self, text: &[u8], until: usize, mut see: impl FnMut(usize, usize)) {
        let text = text.get(..until.saturating_add(self.longest)).unwrap_or(text);
        let (blocks, rest) = text.as_chunks::<BLOCK>();
        // The pair before the block, and where its place is.
        let (mut before, mut at) = (0_u32, 0_usize);
        for block in blocks {
            let kinds = self.kinds(block);
            let mut seen = before & kinds[0] >> 16;
            for pair in kinds.windows(2) {
                seen |= pair[0] & pair[1] >> 16;
            }
            if seen & 0xffff != 0 {
                let firsts = std::iter::once(&before).chain(&kinds);
                for (nth, (first, second)) in firsts.zip(&kinds).enumerate() {
                    if first & second >> 16 & 0xffff != 0 {
                        self.check(text, at + 2 * nth - 2, &mut see);
                    }
                }
            }
            before = kinds[7];
            at += BLOCK;
        }
        for pair in rest.as_chunks::<2>().0 {
            let kind = self.buckets.kinds(pair_of(*pair));
            if before & kind >> 16 & 0xffff != 0 {
                self.check(text, at - 2, &mut see);
            }
            before = kind;
            at += 2;
        }
        // What follows the last pair may be anything.
        if before & 0xffff != 0 {
            self.check(text, at - 2, &mut see);
        }
    }

    /// What each pair of a block may belong to.
    #[inline]
    fn kinds(&self, block: &[u8; BLOCK]) -> [u32; BLOCK / 2] {
        let [one, two] = [0, 8].map(|from| {
            let eight = block.get(from..).and_then(|rest| rest.first_chunk::<8>());
            pairs_of(u64::from_le_bytes(*eight.unwrap_or(&[0; 8])))
        });
        let kind = |pairs: u64, nth: u32| self.buckets.kinds((pairs >> (16 * nth) & 0xffff) as u16);
        [
            kind(one, 0),
            kind(one, 1),
            kind(one, 2),
            kind(one, 3),
            kind(two, 0),
            kind(two, 1),
            kind(two, 2),
            kind(two, 3),
        ]
    }

    #[inline(never)]
    fn check(&self, text: &[u8], at: usize, see: &mut impl FnMut(usize, usize)) {
        let Some(&pair) = text.get(at..).and_then(|rest| rest.first_chunk::<2>()) else { return };
        for (number, skip) in self.buckets.alike(pair_of(pair)) {
            let (Some(needle), Some(start)) = (self.needles.get(number), at.checked_sub(skip))
            else {
                continue;
            };
            if text.get(start..).is_some_and(|rest| rest.starts_with(&needle.text)) {
                see(start, needle.rule);
            }
        }
    }
}

impl std::fmt::Debug for Filter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Filter").field("needles", &self.needles.len()).finish_non_exhaustive()
    }
}

/// Where in a text the bytes stand that are rarest elsewhere.
fn rarest(text: &[u8]) -> usize {
    let commonness =
        |window: &[u8]| window.iter().map(|&byte| u64::from(commonness(byte))).product();
    let windows = text.windows(COVERED).map(commonness);
    windows.enumerate().min_by_key(|&(_, common): &(usize, u64)| common).map_or(0, |(at, _)| at)
}

/// How often a byte occurs in source code and prose, roughly.
const fn commonness(byte: u8) -> u32 {
    match byte {
        b'e' | b't' | b'a' | b'o' | b'i' | b'n' | b's' | b'r' | b' ' => 60,
        b'l' | b'c' | b'd' | b'u' | b'p' | b'm' | b'f' | b'-' => 35,
        b'h' | b'g' | b'y' | b'b' | b'w' | b'v' | b'_' | b'k' | b':' | b'/' | b'.' => 20,
        b'x' | b'A'..=b'I' | b'L'..=b'P' | b'R'..=b'U' | b'0'..=b'2' | b'"' | b'=' => 8,
        _ => 4,
    }
}

/// Two bytes as a number below [`PAIRS`]: a needle is of ASCII, so seven bits of each are enough.
const fn pair_of([one, two]: [u8; 2]) -> u16 {
    (one & 0x7f) as u16 | ((two & 0x7f) as u16) << 7
}

/// Four pairs in one step.
#[inline]
const fn pairs_of(eight: u64) -> u64 {
    const FIRST: u64 = 0x007f_007f_007f_007f;
    eight & FIRST | eight >> 1 & FIRST << 7
}

const _: () = assert!(pair_of([0xff, 0xff]) as usize == PAIRS - 1);

#[cfg(test)]
mod tests;

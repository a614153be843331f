//! Every place where one of many short texts stands, in one pass: a bit per hash of three bytes,
//! of each text the three that are rarest elsewhere.

/// A text that is looked for.
#[derive(Clone, Debug)]
struct Needle {
    text: Box<[u8]>,
    /// Where in the text the three bytes stand by which it is found.
    skip: usize,
    hash: u16,
    /// The number of the rule it belongs to.
    rule: usize,
}

/// The fewest bytes of a needle.
const LEAST: usize = 3;
const WORDS: usize = 1024;
/// How many places are looked at before one branch is taken.
const BLOCK: usize = 8;

/// The needles, ready to be found.
pub(crate) struct Filter {
    bits: Box<[u64; WORDS]>,
    /// Where the needles of each hash begin; they end where the hash changes.
    heads: Box<[u16]>,
    needles: Vec<Needle>,
    longest: usize,
}

impl Filter {
    /// Needles shorter than three bytes are left out: a test sees to it that there are none.
    pub(crate) fn new(anchors: &[(usize, &str)]) -> Self {
        let made = anchors.iter().filter_map(|&(rule, text)| Needle::new(rule, text.as_bytes()));
        let mut needles: Vec<Needle> = made.collect();
        needles.sort_by_key(|needle| needle.hash);
        let mut bits = Box::new([0; WORDS]);
        let mut heads = vec![u16::MAX; usize::from(u16::MAX) + 1].into_boxed_slice();
        for (number, needle) in needles.iter().enumerate() {
            let hash = usize::from(needle.hash);
            bits[hash / 64] |= 1 << (hash % 64);
            if let Some(head) = heads.get_mut(hash).filter(|head| **head == u16::MAX) {
                *head = u16::try_from(number).unwrap_or(u16::MAX);
            }
        }
        let longest = needles.iter().map(|needle| needle.text.len()).max().unwrap_or_default();
        Self { bits, heads, needles, longest }
    }

    /// Calls `see` with each needle that begins before `until`: where it stands, and its rule.
    pub(crate) fn each(&self, text: &[u8], until: usize, mut see: impl FnMut(usize, usize)) {
        let text = text.get(..until.saturating_add(self.longest)).unwrap_or(text);
        let mut at = 0;
        let eight = |at: usize| text.get(at..).and_then(|rest| rest.first_chunk::<8>());
        while let (Some(&one), Some(&two)) = (eight(at), eight(at + BLOCK / 2)) {
            let [one, two] = [one, two].map(u64::from_le_bytes);
            let hashes = [one, one >> 8, one >> 16, one >> 24, two, two >> 8, two >> 16, two >> 24]
                .map(hash);
            if hashes.iter().fold(0, |seen, &hash| seen | self.bit(hash)) & 1 == 1 {
                for (nth, &hash) in hashes.iter().enumerate() {
                    if self.bit(hash) & 1 == 1 {
                        self.check(text, at + nth, hash, &mut see);
                    }
                }
            }
            at += BLOCK;
        }
        for (nth, window) in text.get(at..).unwrap_or_default().windows(LEAST).enumerate() {
            let &[a, b, c] = window else { continue };
            let hash = hash(u64::from_le_bytes([a, b, c, 0, 0, 0, 0, 0]));
            if self.bit(hash) & 1 == 1 {
                self.check(text, at + nth, hash, &mut see);
            }
        }
    }

    /// The lowest bit says whether a needle has this hash.
    #[inline]
    fn bit(&self, hash: u16) -> u64 {
        self.bits[usize::from(hash >> 6)] >> (hash & 63)
    }

    #[inline(never)]
    fn check(&self, text: &[u8], at: usize, hash: u16, see: &mut impl FnMut(usize, usize)) {
        let head = self.heads.get(usize::from(hash)).map_or(usize::MAX, |&head| usize::from(head));
        let alike = self.needles.get(head..).unwrap_or_default();
        for needle in alike.iter().take_while(|needle| needle.hash == hash) {
            let Some(start) = at.checked_sub(needle.skip) else { continue };
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

impl Needle {
    fn new(rule: usize, text: &[u8]) -> Option<Self> {
        let rarest = |window: &&[u8]| window.iter().map(|&byte| commonness(byte)).product::<u32>();
        let window = text.windows(LEAST).min_by_key(rarest)?;
        let skip = text.windows(LEAST).position(|other| other == window)?;
        let &[a, b, c] = window else { return None };
        let hash = hash(u64::from_le_bytes([a, b, c, 0, 0, 0, 0, 0]));
        Some(Self { text: text.into(), skip, hash, rule })
    }
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

/// Of the three lowest bytes.
#[inline]
const fn hash(bytes: u64) -> u16 {
    ((bytes & 0x00ff_ffff).wrapping_mul(0x9e37_79b1) >> 16 & 0xffff) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_needle_is_found_where_it_stands_also_in_another() {
        let filter = Filter::new(&[(0, "sk-"), (1, "sk-ant-"), (2, "ant")]);
        for before in 0..20 {
            let text = ["x".repeat(before).as_str(), " sk-ant-y"].concat();
            let mut seen = Vec::new();
            filter.each(text.as_bytes(), text.len(), |at, rule| seen.push((at, rule)));
            seen.sort_unstable();
            assert_eq!(seen, [(before + 1, 0), (before + 1, 1), (before + 4, 2)]);
        }
    }
}

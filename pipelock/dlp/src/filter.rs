//! Every place where one of many short texts stands, in one pass: a bit per hash of three bytes.

/// A text that is looked for.
#[derive(Clone, Debug)]
pub(crate) struct Needle {
    text: Box<[u8]>,
    hash: u16,
    /// The number of the rule it belongs to.
    pub(crate) rule: usize,
    pub(crate) form: Form,
}

/// How a text is written where it is looked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Form {
    Plain,
    /// In base64, of whose groups of three bytes it begins in the byte `skip`. That many digits of
    /// the group stand before the first one that nothing else decides.
    Base64 {
        skip: usize,
        before: usize,
    },
}

/// The fewest bytes of a needle.
const LEAST: usize = 3;
const WORDS: usize = 1024;

/// The needles, ready to be found.
pub(crate) struct Filter {
    bits: Box<[u64; WORDS]>,
    /// Where the needles of each hash begin; they end where the hash changes.
    heads: Box<[u16]>,
    needles: Vec<Needle>,
}

impl Filter {
    /// Needles shorter than three bytes are left out: a test sees to it that there are none.
    pub(crate) fn new(anchors: &[(usize, &str)]) -> Self {
        let mut needles = Vec::new();
        for &(rule, text) in anchors {
            push(&mut needles, rule, Form::Plain, text.as_bytes());
            for skip in 0..3 {
                let (before, standard) = encoded(text.as_bytes(), skip);
                let form = Form::Base64 { skip, before };
                let safe: Vec<u8> = standard.iter().map(|&digit| url_safe(digit)).collect();
                if safe != standard {
                    push(&mut needles, rule, form, &safe);
                }
                push(&mut needles, rule, form, &standard);
            }
        }
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
        Self { bits, heads, needles }
    }

    /// Calls `see` with each needle and where it stands.
    pub(crate) fn each(&self, text: &[u8], mut see: impl FnMut(usize, &Needle)) {
        for (at, window) in text.windows(LEAST).enumerate() {
            let &[a, b, c] = window else { continue };
            let hash = hash(a, b, c);
            let index = usize::from(hash);
            if self.bits[index / 64] >> (index % 64) & 1 == 1 {
                self.check(text, at, hash, &mut see);
            }
        }
    }

    #[inline(never)]
    fn check(&self, text: &[u8], at: usize, hash: u16, see: &mut impl FnMut(usize, &Needle)) {
        let head = self.heads.get(usize::from(hash)).map_or(usize::MAX, |&head| usize::from(head));
        let rest = text.get(at..).unwrap_or_default();
        let alike = self.needles.get(head..).unwrap_or_default();
        for needle in alike.iter().take_while(|needle| needle.hash == hash) {
            if rest.starts_with(&needle.text) {
                see(at, needle);
            }
        }
    }
}

impl std::fmt::Debug for Filter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Filter").field("needles", &self.needles.len()).finish_non_exhaustive()
    }
}

fn push(needles: &mut Vec<Needle>, rule: usize, form: Form, text: &[u8]) {
    if let Some(&[a, b, c]) = text.first_chunk::<LEAST>() {
        needles.push(Needle { text: text.into(), hash: hash(a, b, c), rule, form });
    }
}

const fn hash(a: u8, b: u8, c: u8) -> u16 {
    let bytes = u32::from_le_bytes([a, b, c, 0]);
    (bytes.wrapping_mul(0x9e37_79b1) >> 16) as u16
}

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The digits that the text alone decides, when it begins in that byte of a group, and how many of
/// the first group stand before them.
fn encoded(text: &[u8], skip: usize) -> (usize, Vec<u8>) {
    let bit = |at: usize| {
        let byte = text.get(at / 8).copied().unwrap_or_default();
        usize::from(byte >> (7 - at % 8) & 1)
    };
    let before = (skip * 8).div_ceil(6);
    let first = before * 6 - skip * 8;
    let count = (text.len() * 8 - first) / 6;
    let digit = |nth: usize| {
        let value = (0..6).fold(0, |value, at| value << 1 | bit(first + nth * 6 + at));
        DIGITS[value]
    };
    (before, (0..count).map(digit).collect())
}

const fn url_safe(digit: u8) -> u8 {
    match digit {
        b'+' => b'-',
        b'/' => b'_',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digits_that_a_text_decides_are_those_of_the_encoding() {
        // base64("ghp_x") = Z2hwX3g=, base64("aghp_x") = YWdocF94, base64("aaghp_x") = YWFnaHBfeA==
        assert_eq!(encoded(b"ghp_", 0), (0, b"Z2hwX".to_vec()));
        assert_eq!(encoded(b"ghp_", 1), (2, b"docF".to_vec()));
        assert_eq!(encoded(b"ghp_", 2), (3, b"naHBf".to_vec()));
    }

    #[test]
    fn every_needle_is_found_where_it_stands_also_in_another() {
        let filter = Filter::new(&[(0, "sk-"), (1, "sk-ant-"), (2, "ant")]);
        let mut seen = Vec::new();
        filter.each(b"x sk-ant-y", |at, needle| seen.push((at, needle.rule)));
        assert_eq!(seen, [(2, 0), (2, 1), (5, 2)]);
    }
}

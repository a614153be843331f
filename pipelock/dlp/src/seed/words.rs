//! The words of the list in a text, eight letters in one step, and what may stand between two of them.

use std::sync::OnceLock;

/// The list, sorted as it is published.
static WORDS: &str = include_str!("../seed-words.txt");
const SHORTEST: usize = 3;
pub(super) const LONGEST: usize = 8;
/// The most bytes between two words: a quote, a comma, a line break and a deep indentation as a string
/// of JSON writes them, or a line break and a number.
pub(super) const BETWEEN: usize = 15;
const HIGH: u64 = 0x8080_8080_8080_8080;
const ONES: u64 = 0x0101_0101_0101_0101;
/// The bit that makes a letter a small one.
const SMALL: u64 = ONES * 0x20;

/// The list as numbers: a word of at most eight letters is one, and they are sorted as the words are.
#[derive(Debug)]
pub(super) struct List {
    /// A bit for each hash of a word: most other words end here.
    bits: Box<[u64; 1024]>,
    keys: Vec<u64>,
}

/// A word of the list in a text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Word {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) number: usize,
    /// What stands before it since the word before, without digits: words that are written in one
    /// way have the same.
    pub(super) manner: u64,
}

impl List {
    pub(super) fn get() -> &'static Self {
        static LIST: OnceLock<List> = OnceLock::new();
        LIST.get_or_init(|| {
            let keys: Vec<u64> = WORDS.split_ascii_whitespace().map(key_of).collect();
            let mut bits = Box::new([0; 1024]);
            for &key in &keys {
                let hash = hash(key);
                bits[hash / 64] |= 1 << (hash % 64);
            }
            Self { bits, keys }
        })
    }

    /// A word's number.
    fn number(&self, key: u64) -> Option<usize> {
        let hash = hash(key);
        let maybe = self.bits[hash / 64] >> (hash % 64) & 1 == 1;
        maybe.then(|| self.keys.binary_search(&key).ok()).flatten()
    }

    /// The word that begins there.
    pub(super) fn word(&self, text: &[u8], start: usize, manner: u64) -> Option<Word> {
        let bytes = eight(text, start);
        let len = (!letters(bytes) & HIGH).trailing_zeros() as usize / 8;
        if len < SHORTEST || (len == LONGEST && is_letter(text.get(start + LONGEST))) {
            return None;
        }
        let number = self.number(key(bytes, len))?;
        Some(Word { start, end: start + len, number, manner })
    }

    /// The word around a place, or the next one where none is there.
    pub(super) fn word_at(&self, text: &[u8], at: usize) -> Option<Word> {
        let mut from = at;
        while from <= at + BETWEEN {
            let seen = letters(eight(text, from));
            if seen == 0 {
                from += 8;
                continue;
            }
            let letter = from + seen.trailing_zeros() as usize / 8;
            if !is_of_escape(text, letter) {
                return self.word(text, beginning(text, letter), 0);
            }
            from = letter + 1;
        }
        None
    }

    /// The word behind a word, whatever may stand between them.
    pub(super) fn next(&self, text: &[u8], word: &Word) -> Option<Word> {
        match gap(text, word.end) {
            Gap::Word { start, manner } => self.word(text, start, manner),
            Gap::Open | Gap::None => None,
        }
    }

    /// The word before what begins at a place, which may be the end of a text.
    pub(super) fn before(&self, text: &[u8], at: usize) -> Option<Word> {
        let from = at.saturating_sub(BETWEEN);
        let gap_before = text.get(from..at)?;
        // The letter of an escape is none of a word's; a word ends with the last other letter.
        let ends = (from..at).rev().zip(gap_before.iter().rev());
        let last = ends.filter(|(_, byte)| byte.is_ascii_alphabetic()).map(|(at, _)| at);
        let end = last.into_iter().find(|&last| !is_of_escape(text, last))? + 1;
        let word = self.word(text, beginning(text, end - 1), 0).filter(|word| word.end == end)?;
        let leads_here = match gap(text, end) {
            Gap::Word { start, .. } => start == at,
            Gap::Open => at == text.len(),
            Gap::None => false,
        };
        leads_here.then_some(word)
    }
}

/// What stands behind a word.
enum Gap {
    /// What may stand between two, and then a letter.
    Word {
        start: usize,
        manner: u64,
    },
    /// The text ends before that is decided.
    Open,
    None,
}

/// White space, also as JSON writes it, quotes and commas, what stands between words in a form, and the
/// marks and numbers of a list.
fn gap(text: &[u8], end: usize) -> Gap {
    let (mut at, mut manner, mut digits) = (end, 0_u64, false);
    let mut mark = |byte: u8| manner = manner.wrapping_mul(0x0100_0000_01b3) ^ u64::from(byte);
    while at - end <= BETWEEN {
        let Some(&byte) = text.get(at) else { return Gap::Open };
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' => {
                return Gap::Word { start: at, manner };
            }
            b'0'..=b'9' => digits = true,
            b'.' | b')' | b':' | b']' if digits => {
                digits = false;
                mark(byte);
            }
            b'\\' => {
                mark(byte);
                if let Some(&letter @ (b'n' | b'r' | b't')) = text.get(at + 1) {
                    mark(letter);
                    at += 1;
                }
            }
            b' ' | b'\t' | b'\r' | b'\n' | b'"' | b'\'' | b'`' | b',' | b';' | b'|' | b'+'
            | b'-' | b'_' | b'*' | b'#' | b'(' | b'[' => mark(byte),
            _ => return Gap::None,
        }
        at += 1;
    }
    Gap::None
}

/// Where the word begins in which this letter stands.
pub(super) fn beginning(text: &[u8], letter: usize) -> usize {
    let head = text.get(..letter).unwrap_or_default();
    let count =
        head.iter().rev().take(LONGEST + 1).take_while(|byte| byte.is_ascii_alphabetic()).count();
    let start = letter - count;
    if is_of_escape(text, start) { start + 1 } else { start }
}

/// Whether a letter is that of an escape.
fn is_of_escape(text: &[u8], at: usize) -> bool {
    let before = at.checked_sub(1).and_then(|at| text.get(at));
    before == Some(&b'\\') && matches!(text.get(at), Some(b'n' | b'r' | b't'))
}

fn is_letter(byte: Option<&u8>) -> bool {
    byte.is_some_and(u8::is_ascii_alphabetic)
}

/// Eight bytes, those behind the end as zeros.
fn eight(text: &[u8], at: usize) -> u64 {
    let rest = text.get(at..).unwrap_or_default();
    let bytes = rest.first_chunk::<8>().copied().unwrap_or_else(|| {
        let mut bytes = [0; 8];
        bytes.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
        bytes
    });
    u64::from_le_bytes(bytes)
}

/// The highest bit of each byte that is a letter.
fn letters(bytes: u64) -> u64 {
    const FROM_A: u64 = ONES * (0x80 - b'a' as u64);
    const BEYOND_Z: u64 = ONES * (0x80 - b'z' as u64 - 1);
    let low = (bytes | SMALL) & !HIGH;
    (low + FROM_A) & !(low + BEYOND_Z) & !bytes & HIGH
}

/// The first letters as a number, small ones.
fn key(bytes: u64, len: usize) -> u64 {
    let small = bytes | SMALL;
    (small & u64::MAX >> (64 - 8 * len)).swap_bytes()
}

fn key_of(word: &str) -> u64 {
    key(eight(word.as_bytes(), 0), word.len())
}

const fn hash(key: u64) -> usize {
    (key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 48) as usize
}

#[cfg(test)]
mod tests;

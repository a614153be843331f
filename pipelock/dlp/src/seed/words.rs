//! The words of the list in a text, eight letters in one step, and what may stand between two of them.

use std::sync::OnceLock;

use crate::bytes::Class;

/// The list, sorted as it is published.
static WORDS: &str = include_str!("../seed-words.txt");
pub(super) const LONGEST: usize = 8;
/// The most bytes between two words: a quote, a comma, a line break and a deep indentation as a string
/// of JSON writes them, or a line break and a number.
pub(super) const BETWEEN: usize = 15;
const HIGH: u64 = 0x8080_8080_8080_8080;
const ONES: u64 = 0x0101_0101_0101_0101;
/// The bit that makes a letter a small one.
const SMALL: u64 = ONES * 0x20;

/// The list as numbers: a word of at most eight letters is one.
#[derive(Debug)]
pub(super) struct List {
    /// A bit for each hash of a word: most other words end here.
    bits: Box<[u64; 1024]>,
    /// Every word's number at its place by hash, or at the next that is free; 0 is none.
    slots: Box<[(u64, u16)]>,
}

const SLOTS: usize = 4096;

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
            let slots = vec![(0, 0); SLOTS].into_boxed_slice();
            let mut made = Self { bits: Box::new([0; 1024]), slots };
            for (word, number) in WORDS.split_ascii_whitespace().zip(0..) {
                let key = key_of(word);
                let hash = hash(key);
                made.bits[hash / 64] |= 1 << (hash % 64);
                let mut slot = hash % SLOTS;
                while made.slots[slot].0 != 0 {
                    slot = (slot + 1) % SLOTS;
                }
                made.slots[slot] = (key, number);
            }
            made
        })
    }

    /// Whether a word has this hash.
    #[inline]
    fn may_be(&self, key: u64) -> bool {
        let hash = hash(key);
        self.bits[hash / 64] >> (hash % 64) & 1 == 1
    }

    /// A word's number.
    #[inline]
    fn number(&self, key: u64) -> Option<usize> {
        if !self.may_be(key) {
            return None;
        }
        let mut slot = hash(key) % SLOTS;
        loop {
            match self.slots[slot] {
                (0, _) => return None,
                (known, number) if known == key => return Some(usize::from(number)),
                _ => slot = (slot + 1) % SLOTS,
            }
        }
    }

    /// The word that begins there.
    #[inline]
    pub(super) fn word(&self, text: &[u8], start: usize, manner: u64) -> Option<Word> {
        let bytes = eight(text, start);
        let len = first_letters(letters(bytes));
        // Shorter ones are no word's key, so that most end at the same branch.
        let number = self.number(key(bytes, len))?;
        if len == LONGEST && is_letter(text.get(start + LONGEST)) {
            return None;
        }
        Some(Word { start, end: start + len, number, manner })
    }

    /// The word around a place, or the next one where none is there, if another may follow it. Nearly
    /// all is decided by one branch.
    #[inline]
    #[expect(clippy::needless_bitwise_bool, reason = "many branches would be wrong more often")]
    pub(super) fn word_at(&self, text: &[u8], at: usize) -> Option<Word> {
        let whole = |from: usize| text.get(from..).and_then(|rest| rest.first_chunk::<8>());
        let (Some(before), Some(here)) = (at.checked_sub(8).and_then(whole), whole(at)) else {
            return self.word_round(text, at);
        };
        let [mut before, mut here] =
            [before, here].map(|bytes| letters(u64::from_le_bytes(*bytes)));
        let mut from = at;
        if here == 0 {
            (from, before, here) = (at + 8, 0, letters(eight(text, at + 8)));
            if here == 0 {
                return None;
            }
        }
        let skip = here.trailing_zeros() as usize / 8;
        let begun = if skip == 0 { last_letters(before) } else { 0 };
        // The letter of an escape is none of the word's.
        let run = from + skip - begun;
        let is_escaped = text.get(run.wrapping_sub(1)) == Some(&b'\\');
        let is_escape = is_escaped & text.get(run).is_some_and(|&byte| ESCAPES.has(byte));
        let start = run + usize::from(is_escape);
        let bytes = eight(text, start);
        let len = first_letters(letters(bytes));
        if len == 0 {
            return self.word_round(text, at);
        }
        // Where it stands right behind what stands behind this one, the next is a word as well.
        let end = text.get(start + len);
        let next = eight(text, start + len + 1);
        let next_len = first_letters(letters(next));
        let may_go_on = (next_len == 0) | (end == Some(&b'\\')) | self.may_be(key(next, next_len));
        let is_whole = ((begun < LONGEST) | is_escape) & (start <= at + BETWEEN);
        let is_followed = end.is_none_or(|&byte| GAP.has(byte));
        if !(is_whole & is_followed & self.may_be(key(bytes, len)) & may_go_on) {
            return None;
        }
        self.word(text, start, 0)
    }

    /// The same, wherever it stands.
    fn word_round(&self, text: &[u8], at: usize) -> Option<Word> {
        let mut from = at;
        while from <= at + BETWEEN {
            let seen = letters(eight(text, from));
            if seen == 0 {
                from += 8;
                continue;
            }
            let letter = from + seen.trailing_zeros() as usize / 8;
            let start = beginning(text, letter);
            // Too long, or the letter of an escape.
            if start + LONGEST > letter && start <= letter {
                return self.word(text, start, 0);
            }
            if start <= letter {
                return None;
            }
            from = start;
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

/// The letters of escapes for white space.
static ESCAPES: Class = Class::new(false, b"nrt");
/// What may stand right behind a word that another follows.
static GAP: Class = Class::new(false, b"0123456789\\ \t\r\n\"'`,;|+-_*#([");

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

/// Where the word begins in which this letter stands; behind it where it is that of an escape.
#[inline]
pub(super) fn beginning(text: &[u8], letter: usize) -> usize {
    let before = last_letters(letters(eight_before(text, letter)));
    let mut start = letter - before;
    // The letter of an escape may make it one longer.
    if before == LONGEST && start.checked_sub(1).is_some_and(|at| is_letter(text.get(at))) {
        start -= 1;
    }
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
#[inline]
fn eight(text: &[u8], at: usize) -> u64 {
    match text.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        Some(bytes) => u64::from_le_bytes(*bytes),
        None => eight_of(text.get(at..).unwrap_or_default().iter()),
    }
}

/// Eight bytes before a place, those before the beginning as zeros.
#[inline]
fn eight_before(text: &[u8], at: usize) -> u64 {
    match text.get(..at).and_then(|head| head.last_chunk::<8>()) {
        Some(bytes) => u64::from_le_bytes(*bytes),
        None => eight_of(text.get(..at).unwrap_or_default().iter().rev()).swap_bytes(),
    }
}

#[cold]
fn eight_of<'b>(some: impl Iterator<Item = &'b u8>) -> u64 {
    let mut bytes = [0; 8];
    bytes.iter_mut().zip(some).for_each(|(to, from)| *to = *from);
    u64::from_le_bytes(bytes)
}

/// How many of the first bytes, or of the last ones, are letters.
#[inline]
const fn first_letters(letters: u64) -> usize {
    (!letters & HIGH).trailing_zeros() as usize / 8
}

#[inline]
const fn last_letters(letters: u64) -> usize {
    (!letters & HIGH).leading_zeros() as usize / 8
}

/// The highest bit of each byte that is a letter.
#[inline]
fn letters(bytes: u64) -> u64 {
    const FROM_A: u64 = ONES * (0x80 - b'a' as u64);
    const BEYOND_Z: u64 = ONES * (0x80 - b'z' as u64 - 1);
    let low = (bytes | SMALL) & !HIGH;
    (low + FROM_A) & !(low + BEYOND_Z) & !bytes & HIGH
}

/// The first letters as a number, small ones.
fn key(bytes: u64, len: usize) -> u64 {
    let small = bytes | SMALL;
    (small & u64::MAX >> (64 - 8 * len.max(1))).swap_bytes()
}

fn key_of(word: &str) -> u64 {
    key(eight(word.as_bytes(), 0), word.len())
}

const fn hash(key: u64) -> usize {
    (key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 48) as usize
}

#[cfg(test)]
mod tests;

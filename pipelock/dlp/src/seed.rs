//! Seed phrases of wallets (BIP-39): words of one list in a row, the last of which holds a checksum.
//!
//! The checksum of twelve words is right once in sixteen times by chance, so a list of words would show
//! phrases all over. A phrase has 24 words at most: what is clearly longer is a list, and is told as one.

mod words;

use std::collections::BTreeSet;

use sha2::{Digest as _, Sha256};

use self::words::{BETWEEN, LONGEST, List, Word, beginning};
use crate::rule::Severity;
use crate::set::{Hit, Part, Pass};

/// The rule of a phrase.
pub(crate) const RULE: &str = "seed-phrase";
/// The rule of a list: no secret by itself, but one may stand in it.
pub(crate) const LIST_RULE: &str = "seed-word-list";
/// How many words a phrase has.
const COUNTS: [usize; 5] = [24, 21, 18, 15, 12];
const FEWEST: usize = 12;
/// More words in a row are a list. Some beside a phrase may be of it by chance: "secret", "seed", "then".
const MOST: usize = 32;
/// Twelve words of three letters cover such a place, and the word there is one of them.
const STEP: usize = 40;
/// The fewest words of a phrase that stand behind the first such place.
const LEFT: usize = FEWEST - 1 - STEP / 4;
/// What must be seen of a row before a place, so that it is known whether it is a list.
pub(crate) const BEFORE: usize = (MOST + 2) * (LONGEST + BETWEEN);

/// Looks for phrases: first for one word of the list at each place that a phrase covers, then for its
/// neighbours.
pub(crate) fn each(part: Part<'_>, pass: &mut Pass) {
    let Part { text, until, more, .. } = part;
    let list = List::get();
    let mut at = 0;
    while at < text.len().min(until.saturating_add(STEP)) {
        if let Some(word) = list.word_at(text, at) {
            let row = row_round(list, text, word);
            if row.len() >= FEWEST {
                judge(&row, pass);
                at = row.last().map_or(at, |word| word.end).max(at);
            }
        }
        at += STEP;
    }
    if more && let Some(open) = open_row(list, text) {
        pass.open = Some(pass.open.map_or(open, |other| other.min(open)));
    }
}

/// All words in a row around one; none where they are too few. The first place that a phrase covers is at
/// most [`STEP`] bytes behind its beginning, which is eight words, and so some are left behind it.
fn row_round(list: &List, text: &[u8], word: Word) -> Vec<Word> {
    let behind = std::iter::successors(list.next(text, &word), |word| list.next(text, word));
    let behind = behind.take(FEWEST).count();
    if behind < LEFT {
        return Vec::new();
    }
    let before = || {
        std::iter::successors(list.before(text, word.start), |word| list.before(text, word.start))
    };
    if before().take(FEWEST).count() + 1 + behind < FEWEST {
        return Vec::new();
    }
    // Once more from the first on, since what stands between is known from before it.
    let first = before().last().unwrap_or(word);
    std::iter::successors(Some(first), |word| list.next(text, word)).collect()
}

/// Where the row begins that may go on behind the end, as far as it decides anything.
fn open_row(list: &List, text: &[u8]) -> Option<usize> {
    // The last word may not be whole, and what has its form may go on to be one of the list.
    let begun = text.last().is_some_and(u8::is_ascii_alphabetic);
    let end = if begun { beginning(text, text.len() - 1) } else { text.len() };
    let before =
        std::iter::successors(list.before(text, end), |word| list.before(text, word.start));
    before.take(MOST + 1).last().map(|word| word.start)
}

/// Takes in what a row shows: a list, or the phrases in it, of each beginning the longest.
fn judge(row: &[Word], pass: &mut Pass) {
    let mut tell = |rule, severity, first: &Word, last: &Word| {
        let (start, end) = (first.start, last.end);
        pass.hits.push(Hit { rule, severity, start, end, encoding: "plain", secret: None });
    };
    let is_list = row.len() > MOST;
    if let Some([first, .., last]) = row.get(..=MOST).filter(|words| looks_drawn(words)) {
        tell(LIST_RULE, Severity::Low, first, last);
    }
    let mut covered = 0;
    for (from, first) in row.iter().enumerate() {
        let phrase = |count: &usize| {
            let words = row.get(from..from + count)?;
            let stands = !is_list || stands_apart(row.get(from + count), words);
            (stands && is_phrase(words)).then(|| words.last()).flatten()
        };
        // What lies within one phrase is right by chance.
        if let Some(last) = COUNTS.iter().find_map(phrase).filter(|last| last.end > covered) {
            covered = last.end;
            tell(RULE, Severity::Critical, first, last);
        }
    }
}

/// Whether words are written in one manner, and those on both sides in another: one phrase a line, say.
fn stands_apart(next: Option<&Word>, words: &[Word]) -> bool {
    let [first, second, rest @ ..] = words else { return false };
    let manner = second.manner;
    rest.iter().all(|word| word.manner == manner)
        && first.manner != manner
        && next.is_none_or(|next| next.manner != manner)
}

/// Whether the words are many, and in no order: drawn ones are the same twice so seldom that phrases with
/// more are all made up, and code is full of `true, false, false`.
fn looks_drawn(words: &[Word]) -> bool {
    let numbers = || words.iter().map(|word| word.number);
    let kinds = numbers().collect::<BTreeSet<_>>().len();
    kinds * 4 >= words.len() * 3 && !numbers().is_sorted() && !numbers().rev().is_sorted()
}

/// Whether the checksum is right.
fn is_phrase(words: &[Word]) -> bool {
    let bit = |at: usize| words.get(at / 11).map_or(0, |word| word.number >> (10 - at % 11) & 1);
    let of_entropy = words.len() * 11 * 32 / 33;
    let byte = |at: usize| (0..8).fold(0_u8, |byte, nth| byte << 1 | u8::from(bit(at + nth) == 1));
    let entropy: Vec<u8> = (0..of_entropy).step_by(8).map(byte).collect();
    let digest = Sha256::digest(entropy);
    let sum =
        |nth: usize| usize::from(digest.first().copied().unwrap_or_default() >> (7 - nth) & 1);
    let mut sums = (of_entropy..words.len() * 11).enumerate();
    sums.all(|(nth, at)| bit(at) == sum(nth)) && looks_drawn(words)
}

#[cfg(test)]
mod tests;

//! Seed phrases of wallets (BIP-39): words of one list in a row, the last of which holds a checksum.

use std::ops::{Range, RangeInclusive};
use std::sync::OnceLock;

use sha2::{Digest as _, Sha256};

use crate::rule::Severity;
use crate::set::{Hit, Part, Pass};

/// The rule of a phrase.
pub(crate) const RULE: &str = "seed-phrase";
/// How many words a phrase has.
const COUNTS: [usize; 5] = [24, 21, 18, 15, 12];
const FEWEST: usize = 12;
/// A phrase of twelve words of three letters covers [`SEEN`] bytes from one such place on.
const STEP: usize = 32;
const SEEN: usize = 16;
/// The longest word of the list.
const LONGEST: usize = 8;
const SHORTEST_TO_LONGEST: RangeInclusive<usize> = 3..=LONGEST;

/// The list, sorted as it is published.
static WORDS: &str = include_str!("seed-words.txt");

fn list() -> &'static [&'static str] {
    static LIST: OnceLock<Vec<&'static str>> = OnceLock::new();
    LIST.get_or_init(|| WORDS.split_ascii_whitespace().collect())
}

/// A word's number in the list.
fn number(text: &[u8], word: &Range<usize>) -> Option<usize> {
    let word = std::str::from_utf8(text.get(word.clone())?).ok()?;
    list().binary_search(&word).ok()
}

/// Looks for phrases: first for twelve words that could be of the list by their length, which prose
/// seldom has in a row, and only then into the list.
pub(crate) fn each(part: Part<'_>, pass: &mut Pass) {
    let Part { text, until, more, .. } = part;
    let mut at = 0;
    while let Some(seen) = text.get(at..).and_then(|rest| rest.first_chunk::<SEEN>()) {
        if at >= until.saturating_add(STEP) {
            break;
        }
        if is_of_words(seen) {
            let words = words_round(text, at);
            if words.len() >= FEWEST {
                phrases(text, &words, pass);
                at = words.last().map_or(at, |word| word.end).max(at);
            }
        }
        at += STEP;
    }
    if more {
        // The last word may not be whole, and what has its form may go on to be one of the list.
        let words = words_before(text, text.len() - letters_before(text, text.len()).min(LONGEST));
        let listed = words.take(COUNTS[0]).take_while(|word| number(text, word).is_some());
        if let Some(open) = listed.last().map(|word| word.start) {
            pass.open = Some(pass.open.map_or(open, |other| other.min(open)));
        }
    }
}

/// Whether all are small letters but for as many spaces as words of such lengths leave, eight at once.
fn is_of_words(seen: &[u8; SEEN]) -> bool {
    const HIGH: u64 = 0x8080_8080_8080_8080;
    const ONES: u64 = 0x0101_0101_0101_0101;
    const FROM_A: u64 = ONES * (0x80 - b'a' as u64);
    const BEYOND_Z: u64 = ONES * (0x80 - b'z' as u64 - 1);
    const SPACES: u64 = ONES * b' ' as u64;
    let mut spaces = 0;
    let words = seen.as_chunks::<8>().0;
    words.iter().all(|&word| {
        let word = u64::from_le_bytes(word);
        let low = word & !HIGH;
        let letters = (low + FROM_A) & !(low + BEYOND_Z);
        let space = !((low ^ SPACES) + (HIGH - ONES));
        spaces += (space & HIGH).count_ones();
        (letters | space) & !word & HIGH == HIGH
    }) && (1..=4).contains(&spaces)
}

/// How many letters stand before a place, and from one on; of a word too long, one more than it may have.
fn letters_before(text: &[u8], at: usize) -> usize {
    let head = text.get(..at).unwrap_or_default();
    head.iter().rev().take(LONGEST + 1).take_while(|byte| byte.is_ascii_lowercase()).count()
}

fn letters_from(text: &[u8], at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    rest.iter().take(LONGEST + 1).take_while(|byte| byte.is_ascii_lowercase()).count()
}

/// All words of a length that the list has, in a row with one space between, around a place; none where
/// they are too few.
fn words_round(text: &[u8], at: usize) -> Vec<Range<usize>> {
    let start = at - letters_before(text, at);
    let count = words_from(text, start).count() + words_before(text, start).count();
    if count < FEWEST {
        return Vec::new();
    }
    let mut words: Vec<_> = words_before(text, start).collect();
    words.reverse();
    words.extend(words_from(text, start));
    words
}

/// Such words from a place on.
fn words_from(text: &[u8], start: usize) -> impl Iterator<Item = Range<usize>> {
    let mut next = Some(start);
    std::iter::from_fn(move || {
        let start = next?;
        let end = start + letters_from(text, start);
        next = (text.get(end) == Some(&b' ')).then_some(end + 1);
        Some(start..end).filter(|word| SHORTEST_TO_LONGEST.contains(&word.len()))
    })
}

/// Such words that end with a space before a place, the nearest first.
fn words_before(text: &[u8], at: usize) -> impl Iterator<Item = Range<usize>> {
    let mut at = at;
    std::iter::from_fn(move || {
        let end = at.checked_sub(1).filter(|end| text.get(*end) == Some(&b' '))?;
        let word = end - letters_before(text, end)..end;
        at = word.start;
        Some(word).filter(|word| SHORTEST_TO_LONGEST.contains(&word.len()))
    })
}

/// Takes in the phrases among words in a row, of each beginning the longest.
fn phrases(text: &[u8], words: &[Range<usize>], pass: &mut Pass) {
    let numbers: Vec<Option<usize>> = words.iter().map(|word| number(text, word)).collect();
    for (from, first) in words.iter().enumerate() {
        let of_list = |count: &usize| {
            let some = numbers.get(from..from + count)?;
            some.iter().copied().collect::<Option<Vec<_>>>().filter(|some| is_phrase(some))
        };
        let longest =
            COUNTS.iter().find_map(|count| of_list(count).and(words.get(from + count - 1)));
        if let Some(last) = longest {
            pass.hits.push(Hit {
                rule: RULE,
                severity: Severity::Critical,
                start: first.start,
                end: last.end,
                encoding: "plain",
                secret: None,
            });
        }
    }
}

/// Whether the checksum is right. The list itself is no phrase.
fn is_phrase(words: &[usize]) -> bool {
    let bit = |at: usize| words.get(at / 11).map_or(0, |number| number >> (10 - at % 11) & 1);
    let of_entropy = words.len() * 11 * 32 / 33;
    let byte = |at: usize| (0..8).fold(0_u8, |byte, nth| byte << 1 | u8::from(bit(at + nth) == 1));
    let entropy: Vec<u8> = (0..of_entropy).step_by(8).map(byte).collect();
    let digest = Sha256::digest(entropy);
    let sum =
        |nth: usize| usize::from(digest.first().copied().unwrap_or_default() >> (7 - nth) & 1);
    let rising = words.windows(2).all(|pair| matches!(pair, [a, b] if b > a));
    !rising && (of_entropy..words.len() * 11).enumerate().all(|(nth, at)| bit(at) == sum(nth))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Rules;

    fn found(text: &str) -> Vec<(u64, usize)> {
        let findings = Rules::builtin().scan(text.as_bytes());
        let phrases = findings.iter().filter(|finding| finding.rule == RULE);
        phrases.map(|finding| (finding.offset, finding.len)).collect()
    }

    #[test]
    fn letters_and_spaces_are_judged_eight_at_a_time_as_they_are_one_by_one() {
        for byte in 0..=u8::MAX {
            for at in 0..SEEN {
                let mut seen = *b"some words of it";
                seen[at] = byte;
                let of_words = seen.iter().all(|byte| byte.is_ascii_lowercase() || *byte == b' ');
                let spaces: usize = seen.iter().map(|byte| usize::from(*byte == b' ')).sum();
                assert_eq!(is_of_words(&seen), of_words && (1..=4).contains(&spaces), "{seen:?}");
            }
        }
        assert!(!is_of_words(&[b' '; SEEN]) && !is_of_words(&[b'a'; SEEN]));
    }

    #[test]
    fn the_list_is_the_published_one() {
        assert_eq!(list().len(), 2048);
        assert!(
            list().is_sorted()
                && list().iter().all(|word| SHORTEST_TO_LONGEST.contains(&word.len()))
        );
        let digest: [u8; 32] = Sha256::digest(format!("{}\n", list().join("\n"))).into();
        assert_eq!(digest[..4], [0x2f, 0x5e, 0xed, 0x53], "BIP-39's english.txt");
    }

    #[test]
    fn published_phrases_are_found_wherever_they_stand_and_others_are_not() {
        let twelve = "legal winner thank year wave sausage worth useful legal winner thank yellow";
        let most = "letter advice cage absurd amount doctor acoustic avoid letter advice cage absurd \
                    amount doctor acoustic avoid letter advice cage absurd amount doctor acoustic bless";
        for phrase in [twelve, most] {
            for before in 0..30 {
                let text = format!("{}\"{phrase}\"", ".".repeat(before));
                let found = found(&text);
                assert_eq!(found.first(), Some(&(before as u64 + 1, phrase.len())), "{before}");
            }
            assert_eq!(found(&phrase.replace("letter", "lettuce").replace("legal", "leisure")), []);
        }
        assert_eq!(found(&list().join(" ")), []);
        let prose = "the quick brown fox jumps over the lazy dog and then some more of it ";
        assert_eq!(found(&prose.repeat(20)), []);
    }
}

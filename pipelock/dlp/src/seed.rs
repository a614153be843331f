//! Seed phrases of wallets (BIP-39): words of one list in a row, the last of which holds a checksum.

use std::ops::Range;
use std::sync::OnceLock;

use sha2::{Digest as _, Sha256};

use crate::rule::Severity;
use crate::set::{Hit, Part, Pass};

/// The rule of a phrase.
pub(crate) const RULE: &str = "seed-phrase";
/// How many words a phrase has.
const COUNTS: [usize; 5] = [24, 21, 18, 15, 12];
/// A phrase of twelve words of three letters is longer: it covers two such places.
const STEP: usize = 20;
/// The longest word of the list.
const LONGEST: usize = 8;

/// The list, sorted as it is published.
static WORDS: &str = include_str!("seed-words.txt");

fn list() -> &'static [&'static str] {
    static LIST: OnceLock<Vec<&'static str>> = OnceLock::new();
    LIST.get_or_init(|| WORDS.split_ascii_whitespace().collect())
}

/// A word's number in the list.
fn number(word: &[u8]) -> Option<usize> {
    let word = std::str::from_utf8(word).ok()?;
    list().binary_search(&word).ok()
}

/// Looks for phrases.
pub(crate) fn each(part: Part<'_>, pass: &mut Pass) {
    let Part { text, until, more, .. } = part;
    let mut at = 0;
    while let Some(&byte) = text.get(at).filter(|_| at < until.saturating_add(STEP)) {
        let next = at + STEP;
        at = next;
        // In a phrase there is a word or one space; words of prose are soon too short or too long.
        if !(byte.is_ascii_lowercase() || byte == b' ') || !looks_like(text, next - STEP) {
            continue;
        }
        let words = round(text, next - STEP);
        let Some(end) = words.last().map(|(_, word)| word.end) else { continue };
        phrases(&words, pass);
        at = next.max(end);
    }
    if more {
        let words = round(text, text.len());
        // The last word may not be whole.
        let last = text.iter().rev().take(LONGEST).take_while(|b| b.is_ascii_lowercase()).count();
        let begun = words
            .iter()
            .rev()
            .nth(words.len().min(COUNTS[0]).wrapping_sub(1))
            .map(|(_, word)| word.start);
        let open = begun.unwrap_or(text.len() - last);
        if open < text.len() {
            pass.open = Some(pass.open.map_or(open, |other| other.min(open)));
        }
    }
}

/// Whether what stands around has the form of three words of a list: a look before any is looked up.
fn looks_like(text: &[u8], at: usize) -> bool {
    let rest = text.get(at..).unwrap_or_default();
    let rest = rest.get(..STEP + LONGEST).unwrap_or(rest);
    let mut words = rest.split(|&byte| byte == b' ');
    // The first may have begun before.
    words
        .next()
        .is_some_and(|word| word.len() <= LONGEST && word.iter().all(u8::is_ascii_lowercase))
        && words.next().is_none_or(is_like)
}

fn is_like(word: &[u8]) -> bool {
    (3..=LONGEST).contains(&word.len()) && word.iter().all(u8::is_ascii_lowercase)
}

/// All words of the list in a row around a place, or before the word that stands there.
fn round(text: &[u8], at: usize) -> Vec<(usize, Range<usize>)> {
    let letters = |byte: &&u8| byte.is_ascii_lowercase();
    let rest = text.get(at..).unwrap_or_default();
    let end = at + rest.iter().take(LONGEST + 1).take_while(letters).count();
    let mut words = back(text, end);
    if words.is_empty() {
        let space = text.get(..end).unwrap_or_default().iter().rev().take_while(letters).count();
        return (end - space).checked_sub(1).map_or_else(Vec::new, |space| back(text, space));
    }
    let mut end = end;
    while text.get(end) == Some(&b' ') {
        let start = end + 1;
        let rest = text.get(start..).unwrap_or_default();
        let len = rest.iter().take(LONGEST + 1).take_while(letters).count();
        let Some(found) = rest.get(..len).and_then(number) else { break };
        words.push((found, start..start + len));
        end = start + len;
    }
    words
}

/// The words of the list in a row that end at a place.
fn back(text: &[u8], end: usize) -> Vec<(usize, Range<usize>)> {
    let (mut words, mut end) = (Vec::new(), end);
    loop {
        let head = text.get(..end).unwrap_or_default();
        let last = head.iter().rev().take(LONGEST + 1).take_while(|b| b.is_ascii_lowercase());
        let start = end - last.count();
        let Some(found) = text.get(start..end).and_then(number) else { break };
        words.push((found, start..end));
        let before = start.checked_sub(1).filter(|at| text.get(*at) == Some(&b' '));
        let Some(before) = before else { break };
        end = before;
    }
    words.reverse();
    words
}

/// Takes in the phrases among words in a row, of each beginning the longest.
fn phrases(words: &[(usize, Range<usize>)], pass: &mut Pass) {
    for from in 0..words.len() {
        let rest = words.get(from..).unwrap_or_default();
        let longest =
            COUNTS.iter().find_map(|&count| rest.get(..count).filter(|words| is_phrase(words)));
        if let Some([(_, first), .., (_, last)]) = longest {
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
fn is_phrase(words: &[(usize, Range<usize>)]) -> bool {
    let bit = |at: usize| words.get(at / 11).map_or(0, |(number, _)| number >> (10 - at % 11) & 1);
    let of_entropy = words.len() * 11 * 32 / 33;
    let byte = |at: usize| (0..8).fold(0_u8, |byte, nth| byte << 1 | u8::from(bit(at + nth) == 1));
    let entropy: Vec<u8> = (0..of_entropy).step_by(8).map(byte).collect();
    let digest = Sha256::digest(entropy);
    let sum =
        |nth: usize| usize::from(digest.first().copied().unwrap_or_default() >> (7 - nth) & 1);
    let rising = words.windows(2).all(|pair| matches!(pair, [(a, _), (b, _)] if b > a));
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
    fn the_list_is_the_published_one() {
        assert_eq!(list().len(), 2048);
        assert!(list().is_sorted() && list().iter().all(|word| is_like(word.as_bytes())));
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

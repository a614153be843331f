//! Where it is worth looking: words that most rules cannot do without, and the rarest text of each
//! other rule.

use std::ops::Range;
use std::sync::OnceLock;

use aho_corasick::packed::{Config, MatchKind, Searcher};
use memchr::memmem::Finder;

use crate::filter::{Filter, Kind};
use crate::letters::{Letter, read};
use crate::rules::{self, Seen, Unlisted};
use crate::words::{DISGUISES, ENCODED, SCRIPTS, WORDS};

/// How a character begins that is written as its number in HTML.
const REFERENCE: &str = "&#";

/// What was seen, and where.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Spot {
    /// A word, or a way of writing that hides one; a match may lie around it.
    Written(usize),
    /// All that a rule needs: a match may lie within.
    Needed(Range<usize>),
    /// A code that holds a word.
    Encoded(usize),
}

struct Searchers {
    /// All that is written in ASCII.
    filter: Filter,
    unlisted: Unlisted,
    references: Finder<'static>,
    scripts: Option<Searcher>,
}

fn searchers() -> &'static Searchers {
    static SEARCHERS: OnceLock<Searchers> = OnceLock::new();
    SEARCHERS.get_or_init(|| {
        let unlisted = rules::unlisted(WORDS);
        let words = WORDS.iter().chain(DISGUISES).map(|word| (word.as_bytes(), Kind::Word));
        let codes = ENCODED.iter().map(|code| (code.as_bytes(), Kind::Code));
        let needs = unlisted.texts.iter().enumerate();
        let needs = needs.map(|(number, text)| (text.as_slice(), Kind::Need(number)));
        let scripts =
            Config::new().match_kind(MatchKind::LeftmostFirst).builder().extend(SCRIPTS).build();
        Searchers {
            filter: Filter::new(words.chain(codes).chain(needs)),
            references: Finder::new(REFERENCE),
            scripts,
            unlisted,
        }
    })
}

/// Calls `see` for each spot of a text; `small` is the text in small letters. The order is by kind.
pub(crate) fn each(text: &[u8], small: &[u8], mut see: impl FnMut(Spot)) {
    let searchers = searchers();
    let mut seen = Seen::default();
    searchers.filter.each(text, small, &mut |place, kind| match kind {
        Kind::Word => see(Spot::Written(place.start)),
        Kind::Code => see(Spot::Encoded(place.start)),
        Kind::Need(number) => {
            if let Some(part) = searchers.unlisted.part(number, &place, small, &mut seen) {
                see(Spot::Needed(part));
            }
        }
    });
    beyond(text, &mut see);
}

/// What is written as numbers of characters, in other scripts, or in letters that look alike.
pub(crate) fn beyond(text: &[u8], mut see: impl FnMut(Spot)) {
    let searchers = searchers();
    searchers.references.find_iter(text).for_each(|at| see(Spot::Written(at)));
    if text.is_ascii() {
        return;
    }
    if let Some(scripts) = &searchers.scripts {
        scripts.find_iter(text).for_each(|found| see(Spot::Written(found.start())));
    }
    beyond_ascii(text, |at| see(Spot::Written(at)));
}

/// Characters that stand for Latin letters beside Latin letters, and such as nobody can see.
fn beyond_ascii(text: &[u8], mut see: impl FnMut(usize)) {
    let mut at = 0;
    while let Some(step) = text.get(at..).and_then(|rest| rest.iter().position(|&b| b >= 0xc2)) {
        at += step;
        let rest = text.get(at..).unwrap_or_default();
        let len = match rest.first() {
            Some(0xc2..=0xdf) => 2,
            Some(0xe0..=0xef) => 3,
            _ => 4,
        };
        let c = rest.get(..len).and_then(|bytes| std::str::from_utf8(bytes).ok());
        let Some(c) = c.and_then(|text| text.chars().next()) else {
            at += 1;
            continue;
        };
        let latin = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphabetic);
        let beside =
            latin(rest.get(len)) || latin(at.checked_sub(1).and_then(|before| text.get(before)));
        match read(c) {
            Letter::Tag(_) => see(at),
            Letter::Ascii(byte) if byte.is_ascii_alphabetic() && (beside || len > 2) => see(at),
            Letter::LooksLike(_) | Letter::Invisible if beside => see(at),
            Letter::Ascii(_) | Letter::LooksLike(_) | Letter::Invisible | Letter::Other => {}
        }
        at += len;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spots(text: &str) -> usize {
        let mut count = 0;
        each(text.as_bytes(), text.to_ascii_lowercase().as_bytes(), |_| count += 1);
        count
    }

    #[test]
    fn every_word_of_every_list_is_a_spot() {
        assert!(searchers().scripts.is_some());
        let lists = [WORDS, DISGUISES, SCRIPTS, ENCODED, &[REFERENCE]];
        for word in lists.into_iter().flatten() {
            assert!(spots(&format!("a {word} b")) > 0, "{word}");
        }
    }

    #[test]
    fn plain_text_and_other_languages_have_no_spots() {
        let plain = "fn main() { let list = vec![1, 2]; } The quick brown fox jumps.";
        assert_eq!(spots(plain), 0);
        assert_eq!(spots("Съешь же ещё этих мягких французских булок"), 0);
        assert_eq!(spots("天地玄黄 宇宙洪荒"), 0);
        assert!(spots("іgnоrе") > 0 && spots("ig\u{200b}nore") > 0);
    }
}

//! Phrases as people write them down, and lists that are none.

use super::*;
use crate::{Rules, Stream};

const TWELVE: &str = "legal winner thank year wave sausage worth useful legal winner thank yellow";
const MANY: &str = "void come effort suffer camp survey warrior heavy shoot primary clutch crush \
                    open amazing screen patrol group space point ten exist slush involve unfold";

fn of_rule(text: &str, rule: &str) -> Vec<(u64, usize)> {
    let findings = Rules::builtin().scan(text.as_bytes());
    let phrases = findings.iter().filter(|finding| finding.rule == rule);
    phrases.map(|finding| (finding.offset, finding.len)).collect()
}

fn found(text: &str) -> Vec<(u64, usize)> {
    of_rule(text, RULE)
}

/// So many words of the list that look drawn.
fn drawn(seed: usize, count: usize) -> Vec<&'static str> {
    let words: Vec<&str> = include_str!("../seed-words.txt").split_whitespace().collect();
    (0..count).map(|nth| words[(nth * nth * 7919 + nth * 104_729 + seed * 31) % 2048]).collect()
}

#[test]
fn published_phrases_are_found_wherever_they_stand_and_others_are_not() {
    for phrase in [TWELVE, MANY] {
        for before in 0..40 {
            let text = format!("{}\"{phrase}\"", ".".repeat(before));
            let found = found(&text);
            assert_eq!(found.first(), Some(&(before as u64 + 1, phrase.len())), "{before}");
        }
    }
    for other in [TWELVE.replace("legal", "leisure"), TWELVE.replace("legal", "lethal")] {
        assert_eq!(found(&other), []);
    }
    let words = include_str!("../seed-words.txt");
    assert_eq!(found(words), []);
    assert_eq!(found(&words.lines().rev().collect::<Vec<_>>().join(" ")), []);
    for words in ["ocean ", "true, false, false, ", "abandon abandon about "] {
        assert_eq!(found(&words.repeat(10)), []);
    }
    let prose = "the quick brown fox jumps over the lazy dog and then some more of it ";
    assert_eq!(found(&prose.repeat(20)), []);
}

/// A phrase as it is written down.
fn ways(phrase: &str) -> Vec<(&'static str, String)> {
    let words: Vec<&str> = phrase.split(' ').collect();
    let numbered = |end: &str| {
        let lines = words.iter().enumerate();
        lines.map(|(nth, word)| format!("{}. {word}{end}", nth + 1)).collect::<Vec<_>>().concat()
    };
    let wrapped: Vec<String> = words.chunks(5).map(|line| line.join(" ")).collect();
    vec![
        ("prose", format!("My wallet's words are: {phrase}. Please keep them safe.")),
        ("a message", format!("{{\"content\":\"words:\\n{phrase}\\nEnd\"}}")),
        ("lines", words.join("\n")),
        ("lines of Windows", words.join("\r\n")),
        ("lines in a string", words.join("\\n")),
        ("numbered", numbered("\n")),
        ("numbered in a string", numbered("\\n")),
        ("numbered in a row", numbered(" ")),
        ("a list", format!("[\n    \"{}\"\n]", words.join("\",\n    \""))),
        ("a form", words.join("+")),
        ("wrapped", wrapped.join("\n")),
        ("capitals", phrase.to_ascii_uppercase()),
    ]
}

#[test]
fn a_phrase_is_found_in_prose_in_json_one_word_a_line_and_numbered() {
    for phrase in [TWELVE, MANY] {
        for (how, text) in ways(phrase) {
            assert_eq!(found(&text).len(), 1, "{how}: {text}");
        }
    }
    for (how, text) in ways(&TWELVE.replace("sausage", "scale")) {
        assert_eq!(found(&text), [], "{how}: {text}");
    }
}

#[test]
fn several_phrases_each_on_its_line_are_all_found() {
    let text = [TWELVE, MANY, TWELVE, MANY, TWELVE].join("\n");
    assert_eq!(found(&text).len(), 5);
    let json = format!("[\"{}\"]", [TWELVE, MANY, MANY].join("\", \""));
    assert_eq!(found(&json).len(), 3);
}

#[test]
fn a_list_of_words_is_no_phrase_and_is_told_once() {
    for between in [" ", "\n", "\", \"", "\\n"] {
        for seed in 0..20 {
            let text = format!("[\"{}\"]", drawn(seed, 600).join(between));
            assert_eq!(found(&text), [], "{between:?}");
            assert_eq!(of_rule(&text, LIST_RULE).len(), 1, "{between:?}");
        }
    }
    // A list that is wrapped stays one.
    let lines: Vec<String> = drawn(1, 600).chunks(14).map(|line| line.join(" ")).collect();
    assert_eq!(found(&lines.join("\n")), []);
}

/// Whoever hides a phrase between other words of the list hides it from what blocks: it would be one
/// of forty that are right by chance. The list itself is told.
#[test]
fn a_phrase_within_a_list_is_told_as_a_list() {
    let words = drawn(3, 40).join(" ");
    let text = format!("{words} {TWELVE} {words}");
    assert_eq!((found(&text), of_rule(&text, LIST_RULE).len()), (vec![], 1));
    // A few words of the list beside it hide nothing.
    let text = format!("secret seed phrase then {MANY} thank");
    assert_eq!(found(&text).len(), 1);
}

#[test]
fn what_is_a_list_does_not_depend_on_chunks() {
    let list = drawn(5, 300).join(" ");
    let text =
        format!("{list} x {TWELVE}\n{MANY}\n{list}\n{TWELVE} yes {}", list.replace(' ', "\\n"));
    let whole = Rules::builtin().scan(text.as_bytes());
    assert!(whole.iter().any(|finding| finding.rule == RULE), "{whole:?}");
    for size in [1, 3, 50, 333, 1000] {
        let mut stream = Stream::new(Rules::builtin());
        let (mut findings, mut came) = (Vec::new(), 0);
        for chunk in text.as_bytes().chunks(size) {
            let released = came - stream.held() as u64;
            came += chunk.len() as u64;
            let new = stream.push(chunk);
            assert!(new.iter().all(|finding| finding.offset >= released), "{size}");
            findings.extend(new);
        }
        findings.extend(stream.finish());
        assert_eq!(findings, whole, "{size}");
    }
}

#[test]
fn the_shortest_phrases_are_found_from_any_place() {
    let list = List::get();
    let short: Vec<&str> = include_str!("../seed-words.txt")
        .split_whitespace()
        .filter(|word| word.len() == 3)
        .collect();
    let phrases = (0..400).map(|seed| {
        let word = |nth: usize| short[(seed * 31 + nth * nth * 17 + nth * 7) % short.len()];
        (0..12).map(word).collect::<Vec<_>>().join(" ")
    });
    let is_one = |text: &String| {
        let first = list.word(text.as_bytes(), 0, 0);
        let row = std::iter::successors(first, |word| list.next(text.as_bytes(), word));
        is_phrase(&row.collect::<Vec<_>>())
    };
    let mut count = 0;
    for phrase in phrases.filter(is_one) {
        assert_eq!(phrase.len(), 47);
        for before in 0..40 {
            let text = format!("{}{phrase}.{}", "~".repeat(before), "~".repeat(40));
            assert_eq!(found(&text), [(before as u64, 47)], "{text}");
        }
        count += 1;
    }
    assert!(count > 5, "{count}");
}

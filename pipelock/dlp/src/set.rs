//! The compiled rules: one pass over the bytes finds every anchor, an expression runs only there.

use std::sync::OnceLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use regex_automata::meta::Regex;
use regex_automata::{Anchored, Input};

use crate::rule::{Rule, Severity, Trigger};
use crate::rules;
use crate::stream::Stream;

/// A credential, or what looks like one. Never the value.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Finding {
    /// The rule's stable name.
    pub rule: &'static str,
    pub severity: Severity,
    /// Where it begins, in bytes from the start of the stream.
    pub offset: u64,
    /// How many bytes of the stream it covers; of the encoded text where it was encoded.
    pub len: usize,
    /// How it was written there: `plain`, `base64`, `hex`, …
    pub encoding: &'static str,
}

/// Rules ready to run. Built once; sharing it is free.
#[derive(Debug)]
pub struct Rules {
    anchors: AhoCorasick,
    /// The rule of each anchor, by the anchor's number.
    owners: Vec<usize>,
    words: Vec<usize>,
    compiled: Vec<Compiled>,
}

struct Compiled {
    rule: &'static Rule,
    /// Compiled when its anchor is first seen: most never are.
    regex: OnceLock<Option<Regex>>,
}

impl std::fmt::Debug for Compiled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.rule.id)
    }
}

/// A match in one buffer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hit {
    pub(crate) rule: &'static str,
    pub(crate) severity: Severity,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// What a pass over a buffer showed.
#[derive(Debug, Default)]
pub(crate) struct Pass {
    pub(crate) hits: Vec<Hit>,
    /// The earliest candidate that the next bytes could still complete.
    pub(crate) open: Option<usize>,
}

/// The longest match that may go on past a word's end.
const LONGEST_SPAN: usize = 4096;
/// The longest card or account number, with its spaces.
const LONGEST_NUMBER: usize = 48;

impl Rules {
    /// The built-in rules.
    pub fn builtin() -> &'static Self {
        static BUILTIN: OnceLock<Rules> = OnceLock::new();
        BUILTIN.get_or_init(|| Self::compile(rules::all()))
    }

    /// The names of all rules.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.compiled.iter().map(|compiled| compiled.rule.id)
    }

    fn compile(all: impl Iterator<Item = &'static Rule>) -> Self {
        let (mut anchors, mut owners, mut words, mut compiled) = (vec![], vec![], vec![], vec![]);
        for (number, rule) in all.enumerate() {
            match &rule.trigger {
                Trigger::Anchors(texts) => {
                    anchors.extend(texts.iter().copied());
                    owners.extend(texts.iter().map(|_| number));
                }
                Trigger::Word(..) => words.push(number),
            }
            compiled.push(Compiled { rule, regex: OnceLock::new() });
        }
        let built = AhoCorasick::builder()
            .match_kind(MatchKind::Standard)
            .kind(Some(AhoCorasickKind::DFA))
            .build(&anchors);
        #[expect(clippy::expect_used, reason = "the tables are ours and a test compiles them all")]
        let anchors = built.expect("the anchors fit an automaton");
        Self { anchors, owners, words, compiled }
    }

    /// Every finding in a whole text, encoded ones included.
    pub fn scan(&self, text: &[u8]) -> Vec<Finding> {
        let mut stream = Stream::new(self);
        let mut findings = stream.push(text);
        findings.extend(stream.finish());
        findings
    }

    /// One pass over a buffer as it stands. `more` says that bytes may follow.
    pub(crate) fn pass(&self, text: &[u8], more: bool) -> Pass {
        let mut pass = Pass::default();
        for found in self.anchors.find_overlapping_iter(text) {
            if let Some(&number) = self.owners.get(found.pattern().as_usize()) {
                self.try_at(number, text, found.start(), more, &mut pass);
            }
        }
        each_word(
            text,
            |start, word, pass| {
                for &number in &self.words {
                    if self.word_fits(number, word) {
                        self.try_at(number, text, start, more, pass);
                    }
                }
            },
            &mut pass,
        );
        pass
    }

    fn word_fits(&self, number: usize, word: &[u8]) -> bool {
        self.compiled.get(number).is_some_and(|compiled| match &compiled.rule.trigger {
            Trigger::Word(length, look) => length.contains(&word.len()) && look(word),
            Trigger::Anchors(_) => false,
        })
    }

    fn try_at(&self, number: usize, text: &[u8], start: usize, more: bool, pass: &mut Pass) {
        let Some(compiled) = self.compiled.get(number) else { return };
        let rule = compiled.rule;
        let before = start.checked_sub(1).and_then(|at| text.get(at));
        if rule.alone && before.is_some_and(|&b| is_word(b) && !is_escape_end(text, start)) {
            return;
        }
        let regex = compiled.regex.get_or_init(|| Regex::new(rule.expression).ok());
        let Some(regex) = regex else { return };
        let input = Input::new(text).range(start..).anchored(Anchored::Yes);
        match regex.find(input) {
            Some(found) => {
                let value = text.get(found.range()).unwrap_or_default();
                if rule.check.is_none_or(|check| check(value)) {
                    let (rule, severity) = (rule.id, rule.severity);
                    pass.hits.push(Hit { rule, severity, start, end: found.end() });
                }
            }
            None if more
                && rule.spans
                && may_go_on(rule, text.get(start..).unwrap_or_default()) =>
            {
                pass.open = Some(pass.open.map_or(start, |open| open.min(start)));
            }
            None => {}
        }
    }
}

fn each_word(text: &[u8], mut see: impl FnMut(usize, &[u8], &mut Pass), pass: &mut Pass) {
    let mut start = None;
    for (at, &byte) in text.iter().enumerate() {
        match (is_word(byte), start) {
            (true, None) => start = Some(at),
            (false, Some(from)) => {
                if at - from >= 4 {
                    see(from, text.get(from..at).unwrap_or_default(), pass);
                }
                start = None;
            }
            (true, Some(_)) | (false, None) => {}
        }
    }
    if let Some(from) = start.filter(|from| text.len() - from >= 4) {
        see(from, text.get(from..).unwrap_or_default(), pass);
    }
}

/// Whether bytes to come could make a match of a candidate that is none yet.
fn may_go_on(rule: &Rule, tail: &[u8]) -> bool {
    match &rule.trigger {
        Trigger::Anchors(_) => tail.len() < LONGEST_SPAN,
        Trigger::Word(..) => {
            let spaced =
                |&b: &u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b" -".contains(&b);
            let digits = tail.get(2..4).is_some_and(|two| two.iter().all(u8::is_ascii_digit));
            digits && tail.len() < LONGEST_NUMBER && tail.iter().all(spaced)
        }
    }
}

fn is_word(byte: u8) -> bool {
    WORD[usize::from(byte)]
}

/// `[A-Za-z0-9_-]`, looked up: this is asked for every byte.
static WORD: [bool; 256] = {
    let mut table = [false; 256];
    let mut c = 0_u8;
    while c < 128 {
        table[c as usize] = c.is_ascii_alphanumeric() || c == b'_' || c == b'-';
        c += 1;
    }
    table
};

/// Whether what precedes is the end of an escape such as `\n`, as in a JSON string.
fn is_escape_end(text: &[u8], start: usize) -> bool {
    start.checked_sub(2).and_then(|at| text.get(at)) == Some(&b'\\')
}

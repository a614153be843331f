//! The compiled rules: one pass finds every anchor, an expression runs only there.

use std::sync::{Arc, OnceLock};

use regex_automata::meta::{self, Regex};
use regex_automata::util::syntax;
use regex_automata::{Anchored, Input};

use crate::filter::{Filter, Form};
use crate::own::Own;
use crate::rule::{Rule, Severity, Trigger};
use crate::rules;
use crate::stream::Stream;
use crate::{runs, view};

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
    /// The number of its fingerprint, where it is one of the bottle's own secrets.
    pub secret: Option<usize>,
}

/// The rule of what is found by its fingerprint.
const OWN_RULE: &str = "bottle-secret";

/// Rules ready to run: the table, and the secrets of a bottle. A clone is cheap.
#[derive(Clone, Debug)]
pub struct Rules {
    table: &'static Table,
    own: Option<Arc<Own>>,
}

/// The built-in rules, compiled once.
#[derive(Debug)]
struct Table {
    filter: Filter,
    /// Rules of long words, and of numbers with spaces.
    words: Vec<usize>,
    numbers: Vec<usize>,
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
    pub(crate) encoding: &'static str,
    pub(crate) secret: Option<usize>,
}

/// What a pass over a buffer showed.
#[derive(Debug, Default)]
pub(crate) struct Pass {
    pub(crate) hits: Vec<Hit>,
    /// The earliest candidate that the next bytes could still complete.
    pub(crate) open: Option<usize>,
}

/// How often a decoded text is decoded again.
const DEPTH: usize = 3;
/// The longest match that may go on past a word's end.
const LONGEST_SPAN: usize = 4096;
/// The longest card or account number, with its spaces.
const LONGEST_NUMBER: usize = 48;

impl Table {
    fn compiled() -> &'static Self {
        static TABLE: OnceLock<Table> = OnceLock::new();
        TABLE.get_or_init(|| Self::compile(rules::all()))
    }

    fn compile(all: impl Iterator<Item = &'static Rule>) -> Self {
        let (mut anchors, mut words, mut numbers, mut compiled) = (vec![], vec![], vec![], vec![]);
        for (number, rule) in all.enumerate() {
            match &rule.trigger {
                Trigger::Anchors(texts) => {
                    anchors.extend(texts.iter().map(|&text| (number, text)));
                }
                Trigger::Word(..) => words.push(number),
                Trigger::Number(_) => numbers.push(number),
            }
            compiled.push(Compiled { rule, regex: OnceLock::new() });
        }
        Self { filter: Filter::new(&anchors), words, numbers, compiled }
    }
}

impl Rules {
    /// The built-in rules.
    pub fn builtin() -> &'static Self {
        static BUILTIN: OnceLock<Rules> = OnceLock::new();
        BUILTIN.get_or_init(|| Self { table: Table::compiled(), own: None })
    }

    /// The built-in rules and a bottle's own secrets.
    pub fn with(own: Own) -> Self {
        Self { table: Table::compiled(), own: Some(Arc::new(own)) }
    }

    /// The names of all rules.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.table.compiled.iter().map(|compiled| compiled.rule.id)
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
        self.through(text, more, DEPTH, &mut pass);
        pass
    }

    /// Everything a text holds, plainly or encoded up to `depth` times.
    pub(crate) fn through(&self, text: &[u8], more: bool, depth: usize, pass: &mut Pass) {
        self.table.filter.each(text, |at, needle| match needle.form {
            Form::Plain => self.try_at(needle.rule, text, at, more, pass),
            Form::Base64 { skip, before } if depth > 0 => {
                if let Some(hit) = view::in_base64(self, needle.rule, text, (at, skip, before)) {
                    pass.hits.push(hit);
                }
            }
            Form::Base64 { .. } => {}
        });
        runs::each_number(text, |start| {
            for &number in &self.table.numbers {
                if self.fits(number, text.get(start..).unwrap_or_default()) {
                    self.try_at(number, text, start, more, pass);
                }
            }
        });
        runs::each(text, |run| {
            runs::each_word(text, run.clone(), |word| {
                for &number in &self.table.words {
                    if self.fits(number, text.get(word.clone()).unwrap_or_default()) {
                        self.try_at(number, text, word.start, more, pass);
                    }
                }
            });
            if depth > 0 {
                view::run(self, text, run, depth - 1, pass);
            }
        });
        if let Some(own) = &self.own {
            own.each(text, |number, start, len| {
                pass.hits.push(Hit {
                    rule: OWN_RULE,
                    severity: Severity::Critical,
                    start,
                    end: start + len,
                    encoding: "plain",
                    secret: Some(number),
                });
            });
        }
        if depth > 0 {
            view::rewritten(self, text, depth - 1, pass);
        }
    }

    /// A quick look before any expression.
    fn fits(&self, number: usize, word: &[u8]) -> bool {
        self.table.compiled.get(number).is_some_and(|compiled| match &compiled.rule.trigger {
            Trigger::Word(length, look) => length.contains(&word.len()) && look(word),
            Trigger::Number(look) => look(word),
            Trigger::Anchors(_) => false,
        })
    }

    pub(crate) fn try_at(
        &self,
        number: usize,
        text: &[u8],
        start: usize,
        more: bool,
        pass: &mut Pass,
    ) {
        let Some(compiled) = self.table.compiled.get(number) else { return };
        let rule = compiled.rule;
        let before = start.checked_sub(1).and_then(|at| text.get(at));
        if before.is_some_and(|&b| rule.joins(b)) && !is_escape_end(text, start) {
            return;
        }
        let Some(regex) = compiled.regex.get_or_init(|| expression(rule.expression)) else {
            return;
        };
        let input = Input::new(text).range(start..).anchored(Anchored::Yes);
        let Some(found) = regex.find(input) else {
            if more && rule.spans && may_go_on(rule, text.get(start..).unwrap_or_default()) {
                pass.open = Some(pass.open.map_or(start, |open| open.min(start)));
            }
            return;
        };
        let end = found.end();
        if text.get(end).is_some_and(|&b| rule.goes_on(b)) {
            return;
        }
        if more && rule.spans && end == text.len() && end - start < LONGEST_SPAN {
            // It goes on, and all of it is the finding.
            pass.open = Some(pass.open.map_or(start, |open| open.min(start)));
        }
        let value = text.get(start..end).unwrap_or_default();
        if rule.check.is_none_or(|check| check(value)) {
            let (rule, severity) = (rule.id, rule.severity);
            pass.hits.push(Hit { rule, severity, start, end, encoding: "plain", secret: None });
        }
    }
}

/// Bytes, not characters: Unicode's classes take long to compile, and no credential has any.
pub(crate) fn expression(text: &str) -> Option<Regex> {
    let syntax = syntax::Config::new().unicode(false).utf8(false);
    let config = meta::Config::new().utf8_empty(false);
    Regex::builder().syntax(syntax).configure(config).build(text).ok()
}

/// Whether bytes to come could make a match of a candidate that is none yet.
fn may_go_on(rule: &Rule, tail: &[u8]) -> bool {
    match &rule.trigger {
        Trigger::Anchors(_) => tail.len() < LONGEST_SPAN,
        Trigger::Word(..) => false,
        Trigger::Number(_) => {
            let spaced =
                |&b: &u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b" -".contains(&b);
            tail.len() < LONGEST_NUMBER && tail.iter().all(spaced)
        }
    }
}

/// Whether what precedes is the end of an escape such as `\n`, as in a JSON string.
fn is_escape_end(text: &[u8], start: usize) -> bool {
    start.checked_sub(2).and_then(|at| text.get(at)) == Some(&b'\\')
}

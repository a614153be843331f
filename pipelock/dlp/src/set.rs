//! The compiled rules: one pass finds every anchor, an expression runs only where its shape fits.

use std::sync::{Arc, OnceLock};

use regex_automata::meta::{self, Regex};
use regex_automata::util::syntax;
use regex_automata::{Anchored, Input};

use crate::alive::Alive;
use crate::custom::Custom;
use crate::filter::Filter;
use crate::own::Own;
use crate::rule::{Rule, Severity, Trigger};
use crate::rules;
use crate::shape::Shape;
use crate::stream::Stream;
use crate::{published, rows, runs, seed, view};

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

/// Rules ready to run: the table, the secrets of a bottle, and what a policy brings along. A clone is
/// cheap.
#[derive(Clone, Debug)]
pub struct Rules {
    table: &'static Table,
    own: Option<Arc<Own>>,
    custom: Arc<[Custom]>,
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
    shape: Shape,
    /// Compiled when its shape is first seen: most never are.
    regex: OnceLock<Option<Regex>>,
    /// Says of the end of a text whether what follows could complete a match.
    alive: OnceLock<Option<Alive>>,
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

/// A text as one pass reads it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part<'t> {
    pub(crate) text: &'t [u8],
    /// Only what begins before this place is asked for; what stands behind it completes that.
    pub(crate) until: usize,
    /// Whether bytes may follow.
    pub(crate) more: bool,
    /// How often what is decoded may be decoded again.
    pub(crate) depth: usize,
}

/// What a pass over a buffer showed.
#[derive(Debug, Default)]
pub(crate) struct Pass {
    pub(crate) hits: Vec<Hit>,
    /// The earliest candidate that the next bytes could still complete.
    pub(crate) open: Option<usize>,
}

/// No rule of ours matches less, nor does what any of the bottle's secrets is written as.
pub(crate) const SHORTEST: usize = 8;
/// How often a decoded text is decoded again.
pub(crate) const DEPTH: usize = 3;
/// So much of what stands before a match and behind it is looked at, and waited for.
const SURROUNDINGS: usize = 16;
/// The longest match that may go on past a word's end.
const LONGEST_SPAN: usize = 4096;

impl Table {
    fn compiled() -> &'static Self {
        static TABLE: OnceLock<Table> = OnceLock::new();
        TABLE.get_or_init(|| Self::compile(rules::all()))
    }

    fn compile(all: impl Iterator<Item = &'static Rule>) -> Self {
        let (mut anchors, mut words, mut numbers, mut compiled) =
            (vec![], vec![], vec![], Vec::<Compiled>::new());
        for rule in all {
            // A test sees to it that every expression is one.
            let Some(shape) = Shape::of(rule.expression) else { continue };
            let number = compiled.len();
            match &rule.trigger {
                Trigger::Anchors(texts) => {
                    anchors.extend(texts.iter().map(|&text| (number, text)));
                }
                Trigger::Word(..) => words.push(number),
                Trigger::Number(_) => numbers.push(number),
            }
            let (regex, alive) = (OnceLock::new(), OnceLock::new());
            compiled.push(Compiled { rule, shape, regex, alive });
        }
        let anchors: Vec<_> = anchors
            .into_iter()
            .filter_map(|(number, text)| Some((number, text, &compiled.get(number)?.shape)))
            .collect();
        Self { filter: Filter::new(&anchors), words, numbers, compiled }
    }
}

impl Rules {
    /// The built-in rules.
    pub fn builtin() -> &'static Self {
        static BUILTIN: OnceLock<Rules> = OnceLock::new();
        BUILTIN.get_or_init(|| Self { table: Table::compiled(), own: None, custom: Arc::new([]) })
    }

    /// The built-in rules and a bottle's own secrets.
    pub fn with(own: Own) -> Self {
        Self::builtin().clone().knowing(own)
    }

    /// The same and a bottle's own secrets.
    #[must_use]
    pub fn knowing(self, own: Own) -> Self {
        Self { own: Some(Arc::new(own)), ..self }
    }

    /// The same and these of a policy's.
    #[must_use]
    pub fn and(self, custom: Vec<Custom>) -> Self {
        Self { custom: custom.into(), ..self }
    }

    /// The names of all rules.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        let ours = self.table.compiled.iter().map(|compiled| compiled.rule.id);
        ours.chain([seed::RULE, seed::LIST_RULE, OWN_RULE])
            .chain(self.custom.iter().map(Custom::name))
    }

    /// Every finding in a whole text, encoded ones included.
    pub fn scan(&self, text: &[u8]) -> Vec<Finding> {
        if text.len() < SHORTEST && self.custom.is_empty() {
            return Vec::new();
        }
        let mut stream = Stream::new(self);
        let mut findings = stream.push(text);
        findings.extend(stream.finish());
        findings
    }

    /// Everything a text holds, plainly or encoded.
    pub(crate) fn pass(&self, part: Part<'_>, pass: &mut Pass) {
        let Part { text, until, depth, .. } = part;
        self.table.filter.each(text, until, |at, rule| self.try_at(rule, part, at, pass));
        let mut number_at = |start: usize| {
            for &number in &self.table.numbers {
                if self.fits(number, text.get(start..).unwrap_or_default()) {
                    self.try_at(number, part, start, pass);
                }
            }
        };
        runs::each_number(text, until, &mut number_at);
        if part.more {
            runs::each_number_at_the_end(text, number_at);
        }
        seed::each(part, pass);
        rows::each(text, until, |row| {
            if let Some(run) = row.run() {
                runs::each_word(text, run, until, |word| {
                    for &number in &self.table.words {
                        if self.fits(number, text.get(word.clone()).unwrap_or_default()) {
                            self.try_at(number, part, word.start, pass);
                        }
                    }
                });
            }
            if depth > 0 {
                view::row(self, &row, depth - 1, pass);
            }
        });
        for custom in self.custom.iter() {
            custom.each(part, pass);
        }
        if let Some(own) = &self.own {
            own.each(text, until, |secret, start, len| pass.own(secret, start..start + len));
        }
        if depth > 0 {
            view::rewritten(self, text, until, depth - 1, pass);
        }
    }

    /// The bottle's own secrets, where there are any.
    pub(crate) fn own(&self) -> Option<&Own> {
        self.own.as_deref()
    }

    /// Whether there are rules of a policy's own.
    pub(crate) fn has_custom(&self) -> bool {
        !self.custom.is_empty()
    }

    /// A quick look before any expression.
    fn fits(&self, number: usize, word: &[u8]) -> bool {
        self.table.compiled.get(number).is_some_and(|compiled| match &compiled.rule.trigger {
            Trigger::Word(length, look) => length.contains(&word.len()) && look(word),
            Trigger::Number(look) => look(word),
            Trigger::Anchors(_) => false,
        })
    }

    fn try_at(&self, number: usize, part: Part<'_>, start: usize, pass: &mut Pass) {
        let Some(compiled) = self.table.compiled.get(number) else { return };
        let (rule, text) = (compiled.rule, part.text);
        let before = start.checked_sub(1).and_then(|at| text.get(at));
        if before.is_some_and(|&b| rule.joins(b)) && !is_escape_end(text, start) {
            return;
        }
        let rest = text.get(start..).unwrap_or_default();
        if !compiled.shape.allows(rest) {
            return;
        }
        if part.more && compiled.shape.spans && compiled.is_alive(rest) {
            pass.open = Some(pass.open.map_or(start, |open| open.min(start)));
        }
        if rest.len() < compiled.shape.least {
            return;
        }
        let Some(regex) = compiled.regex() else { return };
        let input = Input::new(text).range(start..).anchored(Anchored::Yes);
        let Some(found) = regex.find(input) else { return };
        let end = found.end();
        if text.get(end).is_some_and(|&b| rule.goes_on(b)) {
            return;
        }
        let (value, behind) = rest.split_at_checked(end - start).unwrap_or((rest, &[]));
        if rule.check.is_some_and(|check| !check(value)) || published::is_known(value) {
            return;
        }
        if let Some(context) = rule.context {
            if part.more && behind.len() < SURROUNDINGS {
                pass.open = Some(pass.open.map_or(start, |open| open.min(start)));
            }
            let from = start.saturating_sub(SURROUNDINGS);
            let before = text.get(from..start).unwrap_or_default();
            if !context(before, behind.get(..SURROUNDINGS).unwrap_or(behind)) {
                return;
            }
        }
        let (rule, severity) = (rule.id, rule.severity);
        pass.hits.push(Hit { rule, severity, start, end, encoding: "plain", secret: None });
    }
}

impl Pass {
    /// Takes in one of the bottle's own secrets.
    pub(crate) fn own(&mut self, secret: usize, place: std::ops::Range<usize>) {
        self.hits.push(Hit {
            rule: OWN_RULE,
            severity: Severity::Critical,
            start: place.start,
            end: place.end,
            encoding: "plain",
            secret: Some(secret),
        });
    }
}

impl Compiled {
    fn regex(&self) -> Option<&Regex> {
        self.regex.get_or_init(|| expression(self.rule.expression)).as_ref()
    }

    /// Whether a match that begins here could go on behind the end of the text.
    fn is_alive(&self, rest: &[u8]) -> bool {
        if rest.len() >= LONGEST_SPAN {
            return false;
        }
        let alive = self.alive.get_or_init(|| Alive::of(self.rule.expression));
        // What cannot be told is held back.
        alive.as_ref().and_then(|alive| alive.goes_on(rest)).unwrap_or(true)
    }
}

/// Bytes, not characters: Unicode's classes take long to compile, and no credential has any.
pub(crate) fn of_bytes() -> syntax::Config {
    syntax::Config::new().unicode(false).utf8(false)
}

pub(crate) fn expression(text: &str) -> Option<Regex> {
    let config = meta::Config::new().utf8_empty(false);
    Regex::builder().syntax(of_bytes()).configure(config).build(text).ok()
}

/// Whether what precedes is the end of an escape such as `\n`, as in a JSON string.
fn is_escape_end(text: &[u8], start: usize) -> bool {
    start.checked_sub(2).and_then(|at| text.get(at)) == Some(&b'\\')
}

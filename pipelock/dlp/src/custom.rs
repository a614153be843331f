//! Rules that a policy brings along: expressions of its author's, looked for wherever ours are.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use regex_automata::meta::{self, Regex};
use regex_automata::{Anchored, Input, util::syntax};
use regex_syntax::ParserBuilder;

use crate::check;
use crate::rule::{Check, Severity};
use crate::set::{Hit, Part, Pass};

/// The longest expression.
pub const LONGEST_EXPRESSION: usize = 4096;
/// Of a longer match, the beginning decides.
const LONGEST_MATCH: usize = 4096;
/// No validator takes in more: a number is written in fewer bytes, with all that may stand between.
const LONGEST_CHECKED: usize = 64;
/// What an expression may need of memory, compiled and while it runs, each.
const SIZE: usize = 2 * 1024 * 1024;

/// A check on what an expression matched, by the names of upstream pipelock.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Validator {
    /// A card's number (ISO/IEC 7812-1).
    Luhn,
    /// An account's number (ISO 13616).
    Mod97,
    /// A routing number of the American Bankers Association.
    Aba,
    /// A Bitcoin key as wallets import it.
    Wif,
}

/// A rule of a policy's.
#[derive(Clone, Debug)]
pub struct Custom {
    name: &'static str,
    severity: Severity,
    regex: Regex,
    check: Option<Check>,
    /// How many of the last bytes may be the beginning of a match.
    held: usize,
}

/// Why an expression is none.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidExpression {
    #[error("it is longer than {LONGEST_EXPRESSION} bytes")]
    TooLong,
    #[error("it matches nothing at all, and so everything")]
    Empty,
    #[error("it cannot be read as an expression, or needs too much memory")]
    Unreadable,
}

impl Custom {
    /// A rule of that name. Letters match in either case, and classes are those of ASCII, as in RE2.
    ///
    /// # Errors
    ///
    /// What is no expression, or one without a bound.
    pub fn new(
        name: &str,
        expression: &str,
        validator: Option<Validator>,
        severity: Severity,
    ) -> Result<Self, InvalidExpression> {
        if expression.len() > LONGEST_EXPRESSION {
            return Err(InvalidExpression::TooLong);
        }
        let parsed = ParserBuilder::new().unicode(false).utf8(false).case_insensitive(true).build();
        let hir = parsed.clone().parse(expression).map_err(|_| InvalidExpression::Unreadable)?;
        let properties = hir.properties();
        if properties.minimum_len() == Some(0) {
            return Err(InvalidExpression::Empty);
        }
        let longest = properties.maximum_len().unwrap_or(LONGEST_MATCH).min(LONGEST_MATCH);
        let of_bytes = syntax::Config::new().unicode(false).utf8(false).case_insensitive(true);
        let config = meta::Config::new()
            .utf8_empty(false)
            .nfa_size_limit(Some(SIZE))
            .hybrid_cache_capacity(SIZE);
        let regex = Regex::builder().syntax(of_bytes).configure(config).build(expression);
        Ok(Self {
            name: kept(name),
            severity,
            regex: regex.map_err(|_| InvalidExpression::Unreadable)?,
            check: validator.map(|validator| match validator {
                Validator::Luhn => check::luhn_alone as Check,
                Validator::Mod97 => check::iban,
                Validator::Aba => check::aba,
                Validator::Wif => check::base58,
            }),
            held: longest,
        })
    }

    /// The name its findings carry.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Everything of it in a text.
    pub(crate) fn each(&self, part: Part<'_>, pass: &mut Pass) {
        let Part { text, until, more, .. } = part;
        if more {
            let open = text.len().saturating_sub(self.held);
            pass.open = Some(pass.open.map_or(open, |other| other.min(open)));
        }
        let mut from = 0;
        while let Some(found) = self.regex.find(Input::new(text).range(from..)) {
            let mut found = found.range();
            if found.start >= until {
                return;
            }
            from = found.end.max(found.start + 1);
            let value = text.get(found.clone()).unwrap_or_default();
            if self.check.is_some_and(|check| !check(value)) {
                let Some(within) = self.valid_within(text, found) else { continue };
                if within.start >= until {
                    return;
                }
                found = within;
                from = found.end;
            }
            pass.hits.push(Hit {
                rule: self.name,
                severity: self.severity,
                start: found.start,
                end: found.end,
                encoding: "plain",
                secret: None,
            });
        }
    }

    /// The first match that is valid and begins within one that is not: the number may stand in a row
    /// with other digits. Each place costs a look at so many bytes at most, however far the expression
    /// would look ahead, and of a long match only the last places are tried, since what begins before
    /// them goes on to the same end. So a run of digits takes time linear in its length.
    fn valid_within(&self, text: &[u8], failed: Range<usize>) -> Option<Range<usize>> {
        let check = self.check?;
        let first = (failed.start + 1).max(failed.end.saturating_sub(LONGEST_CHECKED));
        (first..failed.end).find_map(|at| {
            // What goes on behind this is too long, and may not have been seen whole.
            let end = text.len().min(at + LONGEST_CHECKED + 1);
            let found = self.regex.find(Input::new(text).range(at..end).anchored(Anchored::Yes))?;
            let value = text.get(found.range()).filter(|value| value.len() <= LONGEST_CHECKED)?;
            check(value).then_some(found.range())
        })
    }
}

/// The name for as long as the process lives: findings are told by names that are borrowed from
/// nobody, and a policy that is read again brings the same ones.
fn kept(name: &str) -> &'static str {
    static NAMES: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = names.get(name) {
        return known;
    }
    let name: &'static str = Box::leak(name.to_owned().into_boxed_str());
    names.insert(name);
    name
}

#[cfg(test)]
mod tests;

//! Rules that a policy brings along: expressions of its author's, looked for wherever ours are.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use regex_automata::meta::{self, Regex};
use regex_automata::{Input, util::syntax};
use regex_syntax::ParserBuilder;

use crate::check;
use crate::rule::{Check, Severity};
use crate::set::{Hit, Part, Pass};

/// The longest expression.
pub const LONGEST_EXPRESSION: usize = 4096;
/// Of a longer match, the beginning decides.
const LONGEST_MATCH: usize = 4096;
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
            if found.start() >= until {
                return;
            }
            from = found.end().max(found.start() + 1);
            let value = text.get(found.range()).unwrap_or_default();
            if !value.is_empty() && self.check.is_none_or(|check| check(value)) {
                pass.hits.push(Hit {
                    rule: self.name,
                    severity: self.severity,
                    start: found.start(),
                    end: found.end(),
                    encoding: "plain",
                    secret: None,
                });
            }
            if from > text.len() {
                return;
            }
        }
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
mod tests {
    use super::*;
    use crate::{Finding, Rules, Stream};

    fn rules(expression: &str, validator: Option<Validator>) -> Rules {
        let custom = Custom::new("Employee Number", expression, validator, Severity::High);
        Rules::builtin().clone().and(vec![custom.unwrap()])
    }

    fn found(rules: &Rules, text: &str) -> Vec<Finding> {
        let findings = rules.scan(text.as_bytes()).into_iter();
        findings.filter(|finding| finding.rule == "Employee Number").collect()
    }

    #[test]
    fn an_expression_of_a_policy_is_found_in_any_case_and_however_it_is_written() {
        let rules = rules(r"emp-\d{6}", None);
        for text in ["EMP-123456", "x=emp-123456;", "Emp%2D123456", r#"{"a": "emp-123456"}"#] {
            assert_eq!(found(&rules, text).len(), 1, "{text}");
        }
        // base64("the number is emp-123456, in the third line")
        let coded = "dGhlIG51bWJlciBpcyBlbXAtMTIzNDU2LCBpbiB0aGUgdGhpcmQgbGluZQ==";
        assert_eq!(found(&rules, coded)[0].encoding, "base64");
        for text in ["emp-12345", "emp 123456", "emp-１２３４５６"] {
            assert!(found(&rules, text).is_empty(), "{text}");
        }
    }

    #[test]
    fn a_match_is_found_wherever_it_is_cut_and_none_of_it_is_let_go_before() {
        let text = format!("{} Project Blue Whale, {}", "words ".repeat(50), "more ".repeat(50));
        let rules = rules(r"project\s+blue\s+whale", None);
        let at = text.find("Project").unwrap();
        for cut in 0..text.len() {
            let mut stream = Stream::new(&rules);
            let (one, two) = text.as_bytes().split_at(cut);
            let mut findings = stream.push(one);
            let let_go = cut - stream.held();
            assert!(let_go <= at || !findings.is_empty(), "{cut}");
            findings.extend(stream.push(two));
            findings.extend(stream.finish());
            assert_eq!(findings.len(), 1, "{cut}");
            assert_eq!((findings[0].offset, findings[0].len), (at as u64, 18));
        }
    }

    #[test]
    fn a_validator_decides_over_what_matched() {
        let luhn = rules(r"\b\d{16}\b", Some(Validator::Luhn));
        assert_eq!(found(&luhn, "4111111111111111 4111111111111112").len(), 1);
        let aba = rules(r"\b\d{9}\b", Some(Validator::Aba));
        assert_eq!(found(&aba, "021000021 021000022").len(), 1);
        let iban = rules(r"[A-Z]{2}\d{20}", Some(Validator::Mod97));
        assert_eq!(found(&iban, "DE89370400440532013000 DE89370400440532013001").len(), 1);
        let wif = rules(r"5[1-9A-Za-z]{50}", Some(Validator::Wif));
        let key = "5HueCGU8rMjxEXxiPuD5BDku4MkFqeZyd4dZ1jvhTVqvbTLvyTJ";
        assert_eq!(found(&wif, &format!("{key} {}", key.replace('T', "U"))).len(), 1);
    }

    #[test]
    fn what_is_no_expression_or_matches_everything_is_refused() {
        let refused = |text: &str| Custom::new("x", text, None, Severity::High).unwrap_err();
        assert_eq!(refused("("), InvalidExpression::Unreadable);
        assert_eq!(refused("(a{1000}){1000}"), InvalidExpression::Unreadable);
        assert_eq!(refused("x*"), InvalidExpression::Empty);
        assert_eq!(refused(&"a".repeat(LONGEST_EXPRESSION + 1)), InvalidExpression::TooLong);
    }

    #[test]
    fn one_name_is_kept_once() {
        let again: String = "a name".chars().collect();
        assert!(std::ptr::eq(kept("a name"), kept(&again)));
    }
}

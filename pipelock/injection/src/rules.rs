//! The rules, and all of them compiled into one expression.

mod boundaries;
mod covert;
mod overriding;
mod tongues;

use std::sync::OnceLock;

use regex_automata::meta::{self, Regex};
use regex_automata::util::syntax;

use crate::rule::Rule;

/// Every rule, in the order of its number in the one expression.
pub(crate) fn all() -> impl Iterator<Item = &'static Rule> {
    [overriding::RULES, covert::RULES, boundaries::RULES, tongues::RULES].into_iter().flatten()
}

/// The names of all rules; a rule in several languages is one name.
pub fn names() -> Vec<&'static str> {
    let mut names: Vec<_> = all().map(|rule| rule.id).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// All of them, compiled when the first word is seen that may be part of a match.
pub(crate) fn compiled() -> Option<&'static Regex> {
    static COMPILED: OnceLock<Option<Regex>> = OnceLock::new();
    COMPILED
        .get_or_init(|| {
            let texts: Vec<_> = all().map(|rule| written_out(rule.expression)).collect();
            // The plain form is bytes, and other scripts stand in it byte by byte.
            let syntax = syntax::Config::new().unicode(false).utf8(false);
            let config = meta::Config::new().utf8_empty(false);
            Regex::builder().syntax(syntax).configure(config).build_many(&texts).ok()
        })
        .as_ref()
}

fn written_out(expression: &str) -> String {
    let mut text = expression.replace("{W}", "[^a-z0-9]{1,4}");
    for count in 1..=9 {
        let words = format!("(?:[a-z0-9'-]{{1,15}}[^a-z0-9]{{1,4}}){{0,{count}}}");
        text = text.replace(&format!("{{G{count}}}"), &words);
    }
    text
}

#[cfg(test)]
mod tests;

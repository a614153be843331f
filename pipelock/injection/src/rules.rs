//! The rules, and all of them compiled into one expression.

mod boundaries;
mod covert;
mod needs;
mod one_of;
mod overriding;
mod tongues;
mod unlisted;

use std::ops::Range;
use std::sync::OnceLock;

use regex_automata::Input;
use regex_automata::meta::{self, Regex};
use regex_automata::util::syntax;

use self::needs::Needs;
pub(crate) use self::unlisted::{Seen, Unlisted};
use crate::rule::Rule;
use crate::stream::joined;

/// What an expression's automaton may keep of what it worked out, in bytes.
const KEPT: usize = 256 * 1024;

/// All rules, ready to be run.
#[derive(Debug)]
pub(crate) struct Compiled {
    /// Of all rules: where several match, the first of them counts.
    regex: Regex,
    /// Of each alone, made when it is asked for: an automaton of all is built anew for every text.
    alone: Vec<(String, OnceLock<Option<Regex>>)>,
    /// None where some rule needs no text at all, and has to be tried everywhere.
    needs: Option<Needs>,
}

impl Compiled {
    /// Every match in a plain text.
    pub(crate) fn matches(&self, text: &[u8], mut see: impl FnMut(&'static Rule, Range<usize>)) {
        for part in self.parts(text) {
            for found in self.regex.find_iter(Input::new(text).range(part)) {
                if let Some(rule) = all().nth(found.pattern().as_usize()) {
                    see(rule, found.range());
                }
            }
        }
    }

    /// Where some rule matches; in their order, and apart.
    fn parts(&self, text: &[u8]) -> Vec<Range<usize>> {
        let Some(needs) = &self.needs else { return std::iter::once(0..text.len()).collect() };
        let is_one = |(rule, part): &(usize, Range<usize>)| {
            let Some((expression, alone)) = self.alone.get(*rule) else { return true };
            let regex = alone.get_or_init(|| regex(std::slice::from_ref(expression)));
            let input = Input::new(text).range(part.clone());
            regex.as_ref().is_none_or(|regex| regex.is_match(input))
        };
        let parts = needs.parts(text).into_iter().filter(is_one);
        joined(parts.map(|(_, part)| part).collect())
    }
}

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
pub(crate) fn compiled() -> Option<&'static Compiled> {
    static COMPILED: OnceLock<Option<Compiled>> = OnceLock::new();
    COMPILED
        .get_or_init(|| {
            let texts: Vec<_> = all().map(|rule| written_out(rule.expression)).collect();
            let (regex, needs) = (regex(&texts)?, Needs::of(&texts));
            let alone = texts.into_iter().map(|text| (text, OnceLock::new())).collect();
            Some(Compiled { regex, alone, needs })
        })
        .as_ref()
}

/// What stands for the rules that need none of these words.
pub(crate) fn unlisted(words: &[&str]) -> Unlisted {
    let texts: Vec<_> = all().map(|rule| written_out(rule.expression)).collect();
    Unlisted::of(&texts, words)
}

fn regex(expressions: &[String]) -> Option<Regex> {
    // The plain form is bytes, and other scripts stand in it byte by byte.
    let syntax = syntax::Config::new().unicode(false).utf8(false);
    let config = meta::Config::new().utf8_empty(false).hybrid_cache_capacity(KEPT);
    Regex::builder().syntax(syntax).configure(config).build_many(expressions).ok()
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
pub(crate) mod tests;

//! The two lists of upstream's schema that say what is found besides, and what is not.

use super::Reader;
use crate::{
    At, Exception, NEVER_EXCEPTED, PATTERNS, Pattern, Validator,
    exception::{AddressGlob, ours},
};
use serde_yaml::{Mapping, Value};

/// The longest name of one.
const NAME: usize = 128;

impl<'a> Reader<'a> {
    /// `dlp.patterns`, and where they are exempt. Who names a kind that we have rules of keeps ours,
    /// and exempts them along.
    pub(super) fn patterns(&mut self) -> (Vec<Pattern>, Vec<Exception>) {
        let (mut patterns, mut exceptions) = (Vec::new(), Vec::new());
        let entries = self.entries("dlp.patterns");
        if entries.len() > PATTERNS {
            self.found.fault("dlp.patterns", format!("has more than {PATTERNS} entries"));
        }
        for (at, entry) in entries {
            let text = |key: &str| entry.get(key).and_then(Value::as_str);
            let name = text("name").unwrap_or_default();
            if name.is_empty() || name.len() > NAME || name.chars().any(char::is_control) {
                self.found.fault(&at, format!("needs a `name` of 1 to {NAME} bytes"));
            }
            if NEVER_EXCEPTED.iter().any(|own| own.eq_ignore_ascii_case(name)) {
                self.found.fault(&at, "has the `name` of a rule that no policy changes");
            }
            let expression = text("regex").unwrap_or_default();
            if expression.is_empty() {
                self.found.fault(&at, "needs a `regex`");
            }
            let path = format!("{at}.exempt_domains");
            let hosts = self.parsed_of(&path, entry.get("exempt_domains"));
            let known = ours(name);
            let warns = match text("action") {
                None | Some("") => false,
                Some("warn") if known.is_none() => true,
                Some(_) => {
                    let message = "must be `warn`, or left out, as for every kind that is built in";
                    self.found.fault(&format!("{at}.action"), message);
                    false
                }
            };
            if !hosts.is_empty() {
                let named = known.into_iter().flatten().map(|&rule| rule.to_owned());
                let rules = std::iter::once(name.to_owned()).chain(named).collect();
                exceptions.push(Exception { rules, at: At::Hosts(hosts) });
            }
            let validator = self.validator(&at, text("validator"));
            let (name, expression) = (name.to_owned(), expression.to_owned());
            patterns.push(Pattern { name, expression, validator, warns });
        }
        (patterns, exceptions)
    }

    fn validator(&mut self, at: &str, word: Option<&str>) -> Option<Validator> {
        Some(match word? {
            "" => return None,
            "luhn" => Validator::Luhn,
            "mod97" => Validator::Mod97,
            "aba" => Validator::Aba,
            "wif" => Validator::Wif,
            _ => {
                let message = "must be one of `luhn`, `mod97`, `aba`, `wif`";
                self.found.fault(&format!("{at}.validator"), message);
                return None;
            }
        })
    }

    /// `suppress`: by upstream's name of a rule, by ours, or by that of one of these patterns.
    pub(super) fn suppressed(&mut self, patterns: &[Pattern]) -> Vec<Exception> {
        let mut exceptions = Vec::new();
        for (at, entry) in self.entries("suppress") {
            let text = |key: &str| entry.get(key).and_then(Value::as_str);
            let name = text("rule").unwrap_or_default();
            if name.is_empty() {
                self.found.fault(&at, "needs a `rule`");
            }
            if NEVER_EXCEPTED.iter().any(|own| own.eq_ignore_ascii_case(name)) {
                let message = "is found whatever a policy says: it belongs to the bottle alone";
                self.found.fault(&format!("{at}.rule"), message);
            }
            let same = |pattern: &&Pattern| pattern.name.eq_ignore_ascii_case(name);
            let named = patterns.iter().filter(same).map(|pattern| pattern.name.clone());
            let mut rules: Vec<String> = named.collect();
            rules.extend(ours(name).into_iter().flatten().map(|&rule| rule.to_owned()));
            if rules.is_empty() {
                rules.push(name.to_ascii_lowercase());
            }
            match text("path").unwrap_or_default().parse::<AddressGlob>() {
                Ok(glob) => exceptions.push(Exception { rules, at: At::Address(glob) }),
                Err(error) => self.found.fault(&format!("{at}.path"), error.to_string()),
            }
        }
        exceptions
    }

    /// The entries of a list, each with its place; what is none is a fault already.
    fn entries(&self, path: &str) -> Vec<(String, &'a Mapping)> {
        let list = self.at(path).and_then(Value::as_sequence).into_iter().flatten();
        let entries = list.enumerate();
        entries
            .filter_map(|(nth, entry)| Some((format!("{path}[{nth}]"), entry.as_mapping()?)))
            .collect()
    }
}

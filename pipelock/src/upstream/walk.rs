//! Walks a document beside the schema: unknown keys, wrong kinds, keys without an effect.

use super::schema::{Key, Keys, Kind};
use crate::Fault;
use serde_yaml::{Mapping, Value};

/// What a walk found.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) faults: Vec<Fault>,
    pub(super) not_enforced: Vec<String>,
}

impl Found {
    pub(super) fn fault(&mut self, path: &str, message: impl Into<String>) {
        self.faults.push(Fault {
            file: crate::UPSTREAM_FILE,
            path: path.to_owned(),
            message: message.into(),
        });
    }

    /// Compares one mapping with its keys.
    pub(super) fn section(&mut self, at: &str, mapping: &Mapping, keys: Keys) {
        for (key, value) in mapping {
            let Value::String(name) = key else {
                self.fault(at, "has a key that is not a text");
                continue;
            };
            let path = join(at, name);
            match keys.iter().find(|(known, _)| known == name) {
                Some((_, key)) => self.key(&path, value, key),
                None => self.fault(&path, "is no key of upstream's schema"),
            }
        }
    }

    fn key(&mut self, path: &str, value: &Value, key: &Key) {
        match value {
            Value::Null => return,
            Value::Tagged(_) => return self.fault(path, "may carry no tag"),
            _ => {}
        }
        match key {
            Key::Enforced(kind) => self.kind(path, value, *kind),
            Key::Parsed(kind) => {
                self.kind(path, value, *kind);
                self.not_enforced.push(path.to_owned());
            }
            Key::Section(keys) => match value {
                Value::Mapping(mapping) => self.section(path, mapping, keys),
                _ => self.fault(path, "must be a section"),
            },
            Key::EnforcedEntries(keys) => self.entries(path, value, keys),
            Key::Entries(keys) => {
                let before = self.not_enforced.len();
                self.entries(path, value, keys);
                // The list as a whole is named, not each of its keys.
                self.not_enforced.truncate(before);
                self.not_enforced.push(path.to_owned());
            }
        }
    }

    fn entries(&mut self, path: &str, value: &Value, keys: Keys) {
        let Value::Sequence(entries) = value else {
            return self.fault(path, "must be a list of entries");
        };
        for (nth, entry) in entries.iter().enumerate() {
            let at = format!("{path}[{nth}]");
            match entry {
                Value::Mapping(mapping) => self.section(&at, mapping, keys),
                _ => self.fault(&at, "must be an entry with keys"),
            }
        }
    }

    fn kind(&mut self, path: &str, value: &Value, kind: Kind) {
        let (fits, wanted) = match kind {
            Kind::Bool => (value.is_bool(), "`true` or `false`"),
            Kind::Int => (value.is_i64() || value.is_u64(), "a whole number"),
            Kind::Number => (value.is_number(), "a number"),
            Kind::Text => (value.is_string(), "a text"),
            Kind::Texts => {
                let texts = value.as_sequence();
                (texts.is_some_and(|list| list.iter().all(Value::is_string)), "a list of texts")
            }
            Kind::Any => (true, ""),
        };
        if !fits {
            self.fault(path, format!("must be {wanted}"));
        }
    }
}

fn join(at: &str, name: &str) -> String {
    if at.is_empty() { name.to_owned() } else { format!("{at}.{name}") }
}

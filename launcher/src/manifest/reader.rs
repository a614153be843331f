//! From a tree to values: each fault is noted and reading goes on, so that one run reports all.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::fault::{Fault, Position};
use super::node::{Node, Value};

/// The folder paths are relative to, and the faults found so far.
#[derive(Debug)]
pub(super) struct Reader {
    pub folder: PathBuf,
    /// The user's home folder, for `~/`.
    pub home: Option<PathBuf>,
    pub faults: Vec<Fault>,
}

/// A mapping whose keys were checked: each known, each there once.
#[derive(Debug)]
pub(super) struct Fields<'n> {
    pub position: Position,
    /// What it is, for faults: `a route`.
    pub what: &'static str,
    entries: BTreeMap<&'n str, &'n Node>,
}

impl<'n> Fields<'n> {
    /// The value under this key; a key with nothing after it counts as not there.
    pub(super) fn get(&self, key: &str) -> Option<&'n Node> {
        self.entries.get(key).copied().filter(|node| !node.is_null())
    }
}

impl Reader {
    /// Notes a fault.
    pub(super) fn fault(&mut self, at: Position, message: impl Into<String>) {
        self.faults.push(Fault { position: at, message: message.into() });
    }

    /// A mapping with these keys alone.
    pub(super) fn fields<'n>(
        &mut self,
        node: &'n Node,
        what: &'static str,
        known: &[&str],
    ) -> Option<Fields<'n>> {
        let pairs = self.pairs(node, what)?;
        let mut entries = BTreeMap::new();
        for (key, at, value) in pairs {
            if known.contains(&key) {
                entries.insert(key, value);
            } else {
                let advice = match nearest(key, known) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("it has {}", list(known)),
                };
                self.fault(at, format!("{what} has no key `{}`; {advice}", key.escape_debug()));
            }
        }
        Some(Fields { position: node.position, what, entries })
    }

    /// A mapping's pairs: its keys are texts, and none is there twice.
    pub(super) fn pairs<'n>(
        &mut self,
        node: &'n Node,
        what: &str,
    ) -> Option<Vec<(&'n str, Position, &'n Node)>> {
        let Value::Map(pairs) = &node.value else {
            let kind = node.kind();
            self.fault(node.position, format!("{what} is a mapping of keys, not {kind}"));
            return None;
        };
        let mut seen: BTreeMap<&str, Position> = BTreeMap::new();
        let mut found = Vec::with_capacity(pairs.len());
        for (key, value) in pairs {
            let Value::Scalar { text, .. } = &key.value else {
                self.fault(key.position, format!("a key of {what} is a text, not {}", key.kind()));
                continue;
            };
            if let Some(first) = seen.insert(text, key.position) {
                let shown = text.escape_debug();
                self.fault(key.position, format!("`{shown}` is there already, at {first}"));
                continue;
            }
            found.push((text.as_str(), key.position, value));
        }
        Some(found)
    }

    /// A list's items.
    pub(super) fn items<'n>(&mut self, node: &'n Node, what: &str) -> &'n [Node] {
        if let Value::List(items) = &node.value {
            return items;
        }
        self.fault(node.position, format!("{what} is a list, not {}", node.kind()));
        &[]
    }

    /// A text, as written. Numbers and truth values without quotes are texts too where a text is
    /// asked for: they mean what they look like. Control characters never are.
    pub(super) fn text<'n>(&mut self, node: &'n Node, what: &str) -> Option<&'n str> {
        let Value::Scalar { text, .. } = &node.value else {
            self.fault(node.position, format!("{what} is a text, not {}", node.kind()));
            return None;
        };
        if node.is_null() {
            self.fault(node.position, format!("{what} is a text, and nothing is written here"));
            return None;
        }
        if text.chars().any(|c| c.is_control() && c != '\n' && c != '\t') {
            self.fault(node.position, format!("{what} holds a control character"));
            return None;
        }
        Some(text)
    }

    /// A text of one line.
    pub(super) fn line<'n>(&mut self, node: &'n Node, what: &str) -> Option<&'n str> {
        let text = self.text(node, what)?;
        if text.contains(['\n', '\t']) {
            self.fault(node.position, format!("{what} is one line, without tabs"));
            return None;
        }
        Some(text)
    }

    /// A text that is read as something; what it cannot be is the fault.
    pub(super) fn parsed<T: FromStr<Err: std::fmt::Display>>(
        &mut self,
        node: &Node,
        what: &str,
    ) -> Option<T> {
        match self.line(node, what)?.parse() {
            Ok(value) => Some(value),
            Err(error) => {
                self.fault(node.position, format!("{error}"));
                None
            }
        }
    }

    /// A number written without quotes.
    pub(super) fn number<T: FromStr + PartialOrd + std::fmt::Display>(
        &mut self,
        node: &Node,
        what: &str,
        range: std::ops::RangeInclusive<T>,
    ) -> Option<T> {
        let text = match &node.value {
            Value::Scalar { text, plain: true } => text.parse::<T>().ok(),
            _ => None,
        };
        let Some(number) = text.filter(|number| range.contains(number)) else {
            let (least, most) = (range.start(), range.end());
            self.fault(node.position, format!("{what} is a number from {least} to {most}"));
            return None;
        };
        Some(number)
    }

    /// A truth value written without quotes.
    pub(super) fn truth(&mut self, node: &Node, what: &str) -> Option<bool> {
        match &node.value {
            Value::Scalar { text, plain: true } if text == "true" => Some(true),
            Value::Scalar { text, plain: true } if text == "false" => Some(false),
            _ => {
                self.fault(node.position, format!("{what} is `true` or `false`"));
                None
            }
        }
    }

    /// One of a few words.
    pub(super) fn word<T: Copy>(
        &mut self,
        node: &Node,
        what: &str,
        words: &[(&str, T)],
    ) -> Option<T> {
        let text = self.line(node, what)?;
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == text) {
            return Some(*value);
        }
        let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        let shown = text.escape_debug().to_string();
        self.fault(node.position, format!("{what} is {}, not `{shown}`", either(&known)));
        None
    }

    /// A path, relative to the manifest's folder or below `~/`.
    pub(super) fn path(&mut self, node: &Node, what: &str) -> Option<PathBuf> {
        let text = self.line(node, what)?;
        if text.is_empty() {
            self.fault(node.position, format!("{what} is a path, and this one is empty"));
            return None;
        }
        match (text.strip_prefix("~/"), &self.home) {
            (Some(rest), Some(home)) => Some(home.join(rest)),
            (Some(_), None) => {
                self.fault(node.position, format!("{what} begins with `~/` and `HOME` is not set"));
                None
            }
            (None, _) => Some(self.folder.join(Path::new(text))),
        }
    }

    /// Says that a key is missing, and gives nothing.
    pub(super) fn required<'n>(&mut self, fields: &Fields<'n>, key: &str) -> Option<&'n Node> {
        let found = fields.get(key);
        if found.is_none() {
            self.fault(fields.position, format!("{} needs the key `{key}`", fields.what));
        }
        found
    }
}

/// `a`, `b` and `c`.
pub(crate) fn list(words: &[&str]) -> String {
    join(words, "and")
}

/// `a`, `b` or `c`.
fn either(words: &[&str]) -> String {
    join(words, "or")
}

fn join(words: &[&str], last: &str) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        None => "none".to_owned(),
        Some((only, [])) => only.clone(),
        Some((end, rest)) => format!("{} {last} {end}", rest.join(", ")),
    }
}

/// The known word that was probably meant: at most a third of its letters away.
pub(super) fn nearest<'w>(word: &str, known: &[&'w str]) -> Option<&'w str> {
    let scored = known.iter().map(|near| (distance(word, near), *near));
    let (far, near) = scored.min_by_key(|(far, _)| *far)?;
    (far <= near.len().max(3) / 3).then_some(near)
}

/// How many letters are added, left out, changed or swapped with their neighbour.
fn distance(left: &str, right: &str) -> usize {
    let (left, right): (Vec<char>, Vec<char>) = (left.chars().collect(), right.chars().collect());
    // No key is longer; a text that is needs no table to be called far.
    if left.len() > 64 {
        return usize::MAX;
    }
    let mut rows = vec![(0..=right.len()).collect::<Vec<usize>>()];
    for (i, a) in left.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, b) in right.iter().enumerate() {
            let changed = rows[i][j] + usize::from(a != b);
            let mut best = changed.min(rows[i][j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *a == right[j - 1] && left[i - 1] == *b {
                best = best.min(rows[i - 1][j - 1] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows.last().and_then(|row| row.last()).copied().unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_word_that_was_meant() {
        let known = ["bottle", "command", "prompt", "skills"];
        for (typed, meant) in [("botle", "bottle"), ("comand", "command"), ("promtp", "prompt")] {
            assert_eq!(nearest(typed, &known), Some(meant), "{typed}");
        }
        for typed in ["network", "x", ""] {
            assert_eq!(nearest(typed, &known), None, "{typed}");
        }
    }

    #[test]
    fn lists_words_as_people_do() {
        assert_eq!(list(&["a", "b", "c"]), "`a`, `b` and `c`");
        assert_eq!(either(&["a"]), "`a`");
    }
}

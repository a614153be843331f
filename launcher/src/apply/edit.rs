//! One key of a rendered file replaced, and everything else left as it was.

use anyhow::{Context as _, anyhow};
use serde_yaml::{Mapping, Value};

/// A document as it was written.
pub(super) fn parse(text: &str) -> anyhow::Result<Mapping> {
    match serde_yaml::from_str(text)? {
        Value::Mapping(mapping) => Ok(mapping),
        _ => Err(anyhow!("a rendered file is not in its form")),
    }
}

/// The text with those keys as `newer` has them, without those that it has not; the same text where
/// nothing differs.
pub(super) fn with_keys_of(text: &str, newer: &str, keys: &[&str]) -> anyhow::Result<String> {
    let (old, newer) = (parse(text)?, parse(newer)?);
    let mut document = old.clone();
    for &key in keys {
        match newer.get(key) {
            Some(value) => drop(document.insert(Value::from(key), value.clone())),
            None => drop(document.shift_remove(key)),
        }
    }
    rendered(text, &old, &document)
}

/// Whether that is in the list of that key.
pub(super) fn has_item(text: &str, key: &str, item: &str) -> anyhow::Result<bool> {
    let list = parse(text)?.get(key).and_then(Value::as_sequence).cloned().unwrap_or_default();
    Ok(list.contains(&Value::from(item)))
}

/// The text in which that host of the allowlist ends then. One that `was_there` without an end, or
/// is to have none, has none.
pub(super) fn with_end(
    text: &str,
    host: &str,
    until: Option<u64>,
    was_there: bool,
) -> anyhow::Result<String> {
    let old = parse(text)?;
    let mut document = old.clone();
    let key = Value::from("until");
    let ends = document.get(&key).and_then(Value::as_sequence).cloned().unwrap_or_default();
    let its = |entry: &Value| entry.get("host").and_then(Value::as_str) == Some(host);
    let end_of = |entry: &Value| entry.get("until").and_then(Value::as_u64);
    let had = ends.iter().find(|entry| its(entry)).and_then(end_of);
    let end = match (until, had) {
        (Some(until), Some(had)) => Some(until.max(had)),
        (Some(until), None) if !was_there => Some(until),
        (Some(_), None) | (None, _) => None,
    };
    let mut ends: Vec<Value> = ends.into_iter().filter(|entry| !its(entry)).collect();
    if let Some(end) = end {
        let mut entry = Mapping::new();
        entry.insert(Value::from("host"), Value::from(host));
        entry.insert(Value::from("until"), Value::from(end));
        ends.push(Value::Mapping(entry));
    }
    if ends.is_empty() {
        document.remove(&key);
    } else {
        document.insert(key, Value::Sequence(ends));
    }
    rendered(text, &old, &document)
}

/// The text in which the fingerprints of that credential are at home on one more host.
pub(super) fn with_home(text: &str, variable: &str, host: &str) -> anyhow::Result<String> {
    let old = parse(text)?;
    let mut document = old.clone();
    let secrets = document.get_mut("secrets").and_then(Value::as_sequence_mut);
    for secret in secrets.into_iter().flatten() {
        let of = secret.get("names").and_then(Value::as_sequence).cloned().unwrap_or_default();
        let hosts = secret.get_mut("hosts").and_then(Value::as_sequence_mut);
        if let Some(hosts) = hosts.filter(|_| of.contains(&Value::from(variable)))
            && !hosts.contains(&Value::from(host))
        {
            hosts.push(Value::from(host));
        }
    }
    rendered(text, &old, &document)
}

/// The text with that fingerprint, which has another's place where it is of the same value.
pub(super) fn with_secret(text: &str, secret: &pipelock::KnownSecret) -> anyhow::Result<String> {
    let old = parse(text)?;
    let mut document = old.clone();
    let list =
        document.entry(Value::from("secrets")).or_insert_with(|| Value::Sequence(Vec::new()));
    let list = list.as_sequence_mut().context("a rendered file is not in its form")?;
    list.retain(|known| known.get("mac").and_then(Value::as_str) != Some(&secret.mac));
    list.push(serde_yaml::to_value(secret)?);
    rendered(text, &old, &document)
}

/// The text with one more in the list of that key.
pub(super) fn with_item(text: &str, key: &str, item: &str) -> anyhow::Result<String> {
    let old = parse(text)?;
    let mut document = old.clone();
    let list = document.entry(Value::from(key)).or_insert_with(|| Value::Sequence(Vec::new()));
    let list = list.as_sequence_mut().context("a rendered file is not in its form")?;
    let item = Value::from(item);
    if !list.contains(&item) {
        list.push(item);
        list.sort_by(|a, b| a.as_str().cmp(&b.as_str()));
    }
    rendered(text, &old, &document)
}

/// The text with that key set.
pub(super) fn with_value(text: &str, key: &str, value: &str) -> anyhow::Result<String> {
    let old = parse(text)?;
    let mut document = old.clone();
    document.insert(Value::from(key), Value::from(value));
    rendered(text, &old, &document)
}

fn rendered(text: &str, old: &Mapping, document: &Mapping) -> anyhow::Result<String> {
    if old == document { Ok(text.to_owned()) } else { Ok(serde_yaml::to_string(document)?) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::apply::config::tests::config;

    #[test]
    fn only_the_key_that_is_named_changes() {
        let text = config().upstream;
        assert_eq!(with_item(&text, "api_allowlist", "docs.example.org").unwrap(), text);
        let more = with_item(&text, "api_allowlist", "a.example.org").unwrap();
        assert_eq!(more.replacen("- a.example.org\n", "", 1), text);
        assert_eq!(with_keys_of(&more, &text, &["api_allowlist"]).unwrap(), text);
        assert_eq!(with_keys_of(&more, &text, &["ssrf"]).unwrap(), more);
        assert_eq!(
            with_keys_of(&format!("budgets: []\n{text}"), &text, &["budgets"]).unwrap(),
            text
        );
        let moved = with_value(&config().bottle, "egress", "10.213.0.9").unwrap();
        assert!(moved.contains("egress: 10.213.0.9\n"), "{moved}");
    }
}

//! What was denied to the agent lately, read from the other sidecars' outboxes, each with the call
//! that would ask for it.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;

use compose_render::{Role, contract};
use serde_json::{Value, json};

/// The most of each file that is read, from its end.
const TAIL: u64 = 256 * 1024;
/// The most denials that are told.
const MOST: usize = 20;
/// What is told of each.
const FIELDS: [&str; 7] = ["time", "service", "host", "method", "path", "reason", "rule"];
/// Reasons for which asking helps.
const ASKABLE: [&str; 3] = ["host-not-allowed", "route-method", "route-path"];

/// The last denials, the newest first.
pub(crate) fn recent(watched: &Path) -> Vec<Value> {
    let mut denials: Vec<Value> = [Role::Pipelock, Role::Egress]
        .into_iter()
        .flat_map(|role| {
            let file = watched.join(role.as_str()).join(contract::DECISIONS_FILE);
            let text = tail(&file).unwrap_or_default();
            text.lines().filter_map(denial).collect::<Vec<_>>()
        })
        .collect();
    denials.sort_by(|a, b| b["time"].as_str().cmp(&a["time"].as_str()));
    denials.truncate(MOST);
    denials
}

fn denial(line: &str) -> Option<Value> {
    let line: Value = serde_json::from_str(line).ok()?;
    if line["event"] != "denied" {
        return None;
    }
    let mut told = serde_json::Map::new();
    for field in FIELDS {
        if let Some(text) = line[field].as_str() {
            told.insert(field.to_owned(), json!(text));
        }
    }
    let asks = line["reason"].as_str().is_some_and(|reason| ASKABLE.contains(&reason));
    if let (true, Some(host)) = (asks, line["host"].as_str()) {
        let list = |field: &str| line[field].as_str().map(|text| vec![text]).unwrap_or_default();
        told.insert(
            "propose".to_owned(),
            json!({
                "tool": "propose_egress",
                "args": { "host": host, "methods": list("method"), "paths": list("path") },
            }),
        );
    }
    Some(Value::Object(told))
}

/// Whole lines from the end of a file.
fn tail(path: &Path) -> std::io::Result<String> {
    let mut file = File::open(path)?;
    let start = file.metadata()?.len().saturating_sub(TAIL);
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    file.take(TAIL).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    Ok(match (start, text.split_once('\n')) {
        (1.., Some((_, whole))) => whole.to_owned(),
        _ => text,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn j9_only_what_was_denied_is_told_with_the_call_that_asks() {
        let allowed = r#"{"event":"allowed","time":"2","host":"a.org"}"#;
        assert_eq!(denial(allowed), None);
        let line = r#"{"event":"denied","time":"1","service":"pipelock","host":"a.org","method":"GET","path":"/x","reason":"host-not-allowed","client":"10.0.0.1"}"#;
        let told = denial(line).unwrap();
        assert_eq!(told["propose"]["args"]["host"], "a.org");
        assert_eq!(told["client"], Value::Null);
        let secret = line.replace("host-not-allowed", "secret-in-request");
        assert_eq!(denial(&secret).unwrap()["propose"], Value::Null);
    }
}

//! What was denied to the agent lately, read from the other sidecars' outboxes, each with the call
//! that would ask for it.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;

use compose_render::{Role, contract};
use serde_json::{Value, json};
use supervise::{Ask, ProposalId, Push};

/// The most of each file that is read, from its end.
const TAIL: u64 = 256 * 1024;
/// The most denials that are told.
const MOST: usize = 20;
/// What is told of each.
const FIELDS: [&str; 9] =
    ["time", "service", "host", "method", "path", "ref", "new", "reason", "rule"];
/// How often the same push is looked for among those the gate holds.
const HOLDS: u32 = 4;

/// The last denials, the newest first.
pub(crate) fn recent(watched: &Path) -> Vec<Value> {
    let mut denials: Vec<Value> = [Role::Pipelock, Role::Egress, Role::GitGate]
        .into_iter()
        .flat_map(|role| {
            let outbox = watched.join(role.as_str());
            let text = tail(&outbox.join(contract::DECISIONS_FILE)).unwrap_or_default();
            let told = |line| denial(line, &outbox);
            text.lines().filter_map(told).collect::<Vec<_>>()
        })
        .collect();
    denials.sort_by(|a, b| b["time"].as_str().cmp(&a["time"].as_str()));
    denials.truncate(MOST);
    denials
}

fn denial(line: &str, outbox: &Path) -> Option<Value> {
    let line: Value = serde_json::from_str(line).ok()?;
    let push = line["event"] == "push" && line["reason"] == "refused";
    if line["event"] != "denied" && !push {
        return None;
    }
    let mut told = serde_json::Map::new();
    for field in FIELDS {
        if let Some(text) = line[field].as_str() {
            told.insert(field.to_owned(), json!(text));
        }
    }
    let call = if push { held(&line, outbox) } else { askable(&line) };
    if let Some(call) = call {
        told.insert("propose".to_owned(), call);
    }
    Some(Value::Object(told))
}

/// The call that asks for a host, where that helps.
fn askable(line: &Value) -> Option<Value> {
    let asks = line["reason"].as_str().is_some_and(|reason| contract::ASKABLE.contains(&reason));
    let host = line["host"].as_str().filter(|_| asks)?;
    let list = |field: &str| line[field].as_str().map(|text| vec![text]).unwrap_or_default();
    Some(json!({
        "tool": "propose_egress",
        "args": { "host": host, "methods": list("method"), "paths": list("path") },
    }))
}

/// The call that asks for a push, where the gate says itself that a person may let it pass.
fn held(line: &Value, outbox: &Path) -> Option<Value> {
    let text = |field: &str| line[field].as_str().map(str::to_owned);
    let (reference, object) = (text("ref")?, text("new")?);
    let upstream = format!("{}/{}", text("host")?, text("path")?.trim_start_matches('/'));
    let ask = Ask::Push(Push { upstream, reference, object }).canonical().ok()?;
    let held = (0..HOLDS)
        .any(|attempt| outbox.join(ProposalId::of(&ask, attempt).proposal_file()).is_file());
    let Ask::Push(Push { upstream, reference, object }) = ask else { return None };
    held.then(|| {
        json!({
            "tool": "propose_push",
            "args": { "upstream": upstream, "ref": reference, "object": object },
        })
    })
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
        assert_eq!(denial(allowed, Path::new("/nowhere")), None);
        let line = r#"{"event":"denied","time":"1","service":"pipelock","host":"a.org","method":"GET","path":"/x","reason":"host-not-allowed","client":"10.0.0.1"}"#;
        let told = denial(line, Path::new("/nowhere")).unwrap();
        assert_eq!(told["propose"]["args"]["host"], "a.org");
        assert_eq!(told["client"], Value::Null);
        // egress's own, of a host that has a route.
        for reason in ["method-not-allowed", "path-not-allowed"] {
            let line = line.replace("host-not-allowed", reason).replace("pipelock", "egress");
            let told = denial(&line, Path::new("/nowhere")).unwrap();
            assert_eq!(told["propose"]["args"]["paths"][0], "/x", "{reason}");
        }
        let secret = line.replace("host-not-allowed", "dlp");
        assert_eq!(denial(&secret, Path::new("/nowhere")).unwrap()["propose"], Value::Null);
    }

    #[test]
    fn a_push_is_asked_for_where_the_gate_holds_it() {
        let gate = tempfile::tempdir().unwrap();
        let object = "0123456789012345678901234567890123456789";
        let line = format!(
            r#"{{"event":"push","reason":"refused","time":"1","host":"git.example.org","path":"acme/widgets.git","ref":"refs/heads/x","new":"{object}","rule":"protected-file"}}"#
        );
        assert_eq!(denial(&line, gate.path()).unwrap()["propose"], Value::Null);
        let push = Push {
            upstream: "git.example.org/acme/widgets".to_owned(),
            reference: "refs/heads/x".to_owned(),
            object: object.to_owned(),
        };
        let id = ProposalId::of(&Ask::Push(push), 0);
        File::create_new(gate.path().join(id.proposal_file())).unwrap();
        let told = denial(&line, gate.path()).unwrap();
        assert_eq!(told["propose"]["tool"], "propose_push");
        assert_eq!(told["propose"]["args"]["ref"], "refs/heads/x");
    }
}

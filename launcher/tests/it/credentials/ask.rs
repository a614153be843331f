//! The agent's side: requests as an agent's programs make them.

use compose_render::Role;
use serde_json::Value;

use crate::ground::Ground;

/// Python's part of it.
const SOCKET: &str = include_str!("ask.py");

/// What came back.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) head: String,
    pub(super) body: String,
}

impl Answer {
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("{self:?}"))
    }

    /// The digest of the one value that the header had at the other end.
    #[track_caller]
    pub(super) fn arrived(&self, header: &str) -> String {
        let told = self.json();
        let values = told["digests"][header].as_array().unwrap_or_else(|| panic!("{self:?}"));
        assert_eq!(values.len(), 1, "{header}: {self:?}");
        values[0].as_str().unwrap().to_owned()
    }
}

/// curl in the agent's container.
#[track_caller]
pub(super) fn curl(ground: &Ground, arguments: &[&str]) -> Answer {
    let agent = Role::Agent.container(&ground.slug);
    let argv = ["curl", "--silent", "--show-error", "--include", "--suppress-connect-headers"];
    let call = ground.docker.exec(&agent, None, false, argv).args(arguments);
    let outcome = call.outcome().unwrap();
    let text = String::from_utf8_lossy(&outcome.stdout).into_owned();
    assert!(outcome.status.success(), "{arguments:?}: {text} {}", outcome.stderr);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    Answer {
        status: status.unwrap_or_else(|| panic!("{text}")),
        head: head.to_owned(),
        body: body.to_owned(),
    }
}

/// A variable of the agent's.
pub(super) fn variable(ground: &Ground, name: &str) -> String {
    let agent = Role::Agent.container(&ground.slug);
    let said = ground.docker.exec(&agent, None, false, ["printenv", name]).text().unwrap();
    said.trim().to_owned()
}

/// Opens a `WebSocket`, says these lines in it and returns the head, what was heard first and the
/// answers.
#[track_caller]
pub(super) fn socket(ground: &Ground, url: &str, protocols: &str, lines: &[&str]) -> Vec<String> {
    let agent = Role::Agent.container(&ground.slug);
    let call = ground.docker.exec(&agent, None, true, ["python3", "-c", SOCKET, url, protocols]);
    let input: String = lines.iter().flat_map(|line| [*line, "\n"]).collect();
    let outcome = call.input(input).outcome().unwrap();
    let text = String::from_utf8_lossy(&outcome.stdout).into_owned();
    assert!(outcome.status.success(), "{text} {}", outcome.stderr);
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

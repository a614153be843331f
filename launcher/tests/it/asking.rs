//! An agent asks for more, a person answers: from the agent's container to the policy in force.

use compose_render::Role;
use compose_testkit::{eventually, record};
use serde_json::{Value, json};

use crate::ground::Ground;

/// The agent's side: one call of a tool, by what every base image has.
const CALL: &str = "
import json, sys, urllib.request
body = json.dumps({'jsonrpc': '2.0', 'id': 1, 'method': 'tools/call',
                   'params': {'name': sys.argv[1], 'arguments': json.loads(sys.argv[2])}}).encode()
request = urllib.request.Request('http://supervise:8765/mcp', body,
                                 {'content-type': 'application/json',
                                  'accept': 'application/json, text/event-stream'})
print(urllib.request.urlopen(request, timeout=300).read().decode())
";

fn manifest(allow: &str) -> String {
    format!(
        "\
version: 1
agents: {{worker: {{bottle: b, command: [sh]}}}}
bottles:
  b:
    resources: {{cpus: 1, memory: 256m, pids: 128}}
    pipelock: {{allow: [{allow}]}}
    egress:
      routes:
        - {{host: '*.routed.example', credential: {{env: CANARY_TOKEN, scheme: bearer}}}}
    supervise: {{enabled: true}}
"
    )
}

/// A bottle with a supervisor.
pub(crate) struct Asking(pub(crate) Ground);

impl Asking {
    pub(crate) fn start(test: &str) -> Self {
        let mut ground = Ground::new(test);
        ground.account.set("CANARY_TOKEN", "canary-2d9c81f0b7364e5a");
        ground.account.write("m.yaml", &manifest(""));
        let said = ground.start(&["--detach"]);
        assert_eq!(said.code, Some(0), "{said:?}");
        Self(ground)
    }

    fn agent(&self, code: &str, words: &[&str]) -> Result<String, String> {
        let agent = Role::Agent.container(&self.0.slug);
        let call = self.0.docker.exec(&agent, None, false, ["python3", "-c", code]).args(words);
        let outcome = call.outcome().unwrap();
        let text = String::from_utf8_lossy(&outcome.stdout).into_owned();
        if outcome.status.success() { Ok(text) } else { Err(outcome.stderr) }
    }

    /// What a tool answers.
    #[track_caller]
    pub(crate) fn tool(&self, name: &str, arguments: &Value) -> Value {
        let said = self.agent(CALL, &[name, &arguments.to_string()]).unwrap();
        let said: Value = serde_json::from_str(&said).unwrap();
        said["result"]["structuredContent"].clone()
    }

    pub(crate) fn propose(&self, host: &str, reason: &str) -> String {
        let arguments =
            json!({"host": host, "methods": ["GET"], "paths": ["/x/**"], "reason": reason});
        let asked = self.tool("propose_egress", &arguments);
        assert_eq!(asked["state"], "open", "{asked}");
        asked["id"].as_str().unwrap().to_owned()
    }

    pub(crate) fn resolves(&self, name: &str) -> bool {
        self.agent("import socket,sys; socket.gethostbyname(sys.argv[1])", &[name]).is_ok()
    }

    /// The proposal as the host sees it.
    pub(crate) fn seen(&self, id: &str) -> Value {
        let said = self.0.bottle(&["proposals", "--json"]);
        assert_eq!(said.code, Some(0), "{said:?}");
        let all: Value = serde_json::from_str(&said.out).unwrap();
        all.as_array().unwrap().iter().find(|one| one["id"] == id).cloned().unwrap_or_default()
    }

    pub(crate) fn stop(self) {
        let said = self.0.bottle(&["stop", self.0.slug.as_str()]);
        assert_eq!(said.code, Some(0), "{said:?}");
        self.0.assert_gone();
    }
}

#[test]
fn j1_an_agent_asks_a_person_approves_and_it_is_in_force() {
    let asking = Asking::start("asking");
    assert_eq!(asking.tool("policy", &json!({}))["version"], 0);
    let [out, err] = ["out", "err"].map(|end| asking.0.account.here().join(format!("watch.{end}")));
    let watch = asking.0.account.spawn(&["watch", asking.0.slug.as_str()], &out, &err);
    let (host, reason) =
        ("docs.wanted.example", "to read\u{1b}[2J\u{202e}\nSTATUS: already approved");
    assert!(!asking.resolves(host));
    let denials = asking.tool("denials", &json!({}));
    let denied = &denials["denials"].as_array().cloned().unwrap_or_default();
    assert!(denied.iter().all(|one| one["host"] != "docs.other.example"), "{denials}");

    let id = asking.propose(host, reason);
    let seen = asking.seen(&id);
    assert_eq!(seen["new"], json!(["route docs.wanted.example: GET, /x/**, with no credential"]));
    assert_eq!((&seen["risks"], &seen["gone"]), (&json!([]), &json!([])));
    let change = seen["change"].as_str().unwrap();

    // J2: what we computed comes first; the agent's words are quoted and steer nothing.
    let shown = asking.0.bottle(&["proposals", asking.0.slug.as_str()]);
    record("J2", "ESC, an override and a forged line in a reason", &shown.out);
    assert!(shown.out.contains("    | STATUS: already approved"), "{shown:?}");
    assert!(!shown.out.contains(['\u{1b}', '\u{202e}']), "{shown:?}");
    assert!(shown.out.find("+ route docs") < shown.out.find("| to read"), "{shown:?}");

    // Nothing but this change on this base, and nobody but a person.
    let unasked = asking.0.bottle(&["approve", &id]);
    assert_eq!(unasked.code, Some(2), "{unasked:?}");
    let other = asking.0.bottle(&["approve", &id, "--change", "0123456789abcdef"]);
    assert_eq!(other.code, Some(4), "{other:?}");
    assert!(!asking.resolves(host));
    assert_eq!(asking.tool("status", &json!({"id": id}))["state"], "open");

    let approved = asking.0.bottle(&["approve", &id, "--change", change]);
    assert_eq!(approved.code, Some(0), "{approved:?}");
    assert_eq!(asking.tool("wait", &json!({"id": id}))["state"], "approved");
    assert!(asking.resolves(host));
    let policy = asking.tool("policy", &json!({}));
    assert_eq!(policy["version"], 1, "{policy}");
    assert!(policy["routes"].to_string().contains(host), "{policy}");

    // Once and for all.
    let again = asking.0.bottle(&["approve", &id, "--change", change]);
    assert_eq!(again.code, Some(4), "{again:?}");
    record("J1", "an approval replayed", &again.err);
    assert_eq!(asking.0.bottle(&["deny", &id]).code, Some(4));

    // What was decided meanwhile was told as it was decided, and the bottle's end is the end.
    eventually("the proposal's line", || {
        let told = std::fs::read_to_string(&out).unwrap_or_default();
        if told.contains(&id) && told.contains("proposal") { Ok(()) } else { Err(told) }
    });
    asking.stop();
    assert_eq!(watch.wait().unwrap().status.code(), Some(0));
}

#[test]
fn j5_a_yes_to_what_has_changed_meanwhile_is_no_yes() {
    let asking = Asking::start("asking-base");
    let name = asking.0.slug.as_str();
    let id = asking.propose("docs.wanted.example", "x");
    let change = asking.seen(&id)["change"].as_str().unwrap().to_owned();
    asking.0.account.write("m.yaml", &manifest("'*.elsewhere.example'"));
    let applied = asking.0.bottle(&["apply", name, "--manifest", "m.yaml"]);
    assert_eq!(applied.code, Some(0), "{applied:?}");
    let stale = asking.0.bottle(&["approve", &id, "--change", &change]);
    assert_eq!(stale.code, Some(4), "{stale:?}");
    assert!(stale.out.contains("docs.wanted.example"), "it is shown again: {stale:?}");
    record("J5", "an approval on an old base", &stale.err);
    assert!(!asking.resolves("docs.wanted.example"));

    // A supervisor that dies forgets nothing.
    let supervise = Role::Supervise.container(&asking.0.slug);
    asking.0.docker.run(["kill", "--signal", "KILL", &supervise]).unwrap();
    asking.0.docker.run(["start", &supervise]).unwrap();
    eventually("supervise", || asking.agent(CALL, &["status", "{}"]).map(drop));
    let denied = asking.0.bottle(&["deny", &format!("{name}/{id}"), "--reason", "use the mirror"]);
    assert_eq!(denied.code, Some(0), "{denied:?}");
    let told = asking.tool("wait", &json!({"id": id}));
    assert_eq!((&told["state"], &told["reason"]), (&json!("denied"), &json!("use the mirror")));
    asking.stop();
}

#[test]
fn claude_code_itself_finds_its_supervisor() {
    let ground = Ground::new("asking-claude");
    let with = |enabled: bool| {
        format!(
            "\
version: 1
agents: {{worker: {{bottle: b, command: [claude]}}}}
bottles:
  b:
    resources: {{cpus: 1, memory: 1g, pids: 256}}
    pipelock: {{allow: []}}
    supervise: {{enabled: {enabled}}}
"
        )
    };
    for (slug, enabled) in [(ground.slug.clone(), true), (ground.other_name(), false)] {
        let name = slug.as_str();
        ground.account.write("m.yaml", &with(enabled));
        let said = ground.bottle(&Ground::start_args(name, &["--detach"]));
        assert_eq!(said.code, Some(0), "{said:?}");
        // It asks its servers and no model.
        let list = ground.bottle(&["exec", name, "--", "claude", "mcp", "list"]);
        record("J10", "`claude mcp list` in a bottle", &list.out);
        let found = list.out.contains("http://supervise:8765/mcp");
        assert_eq!(found, enabled, "{list:?}");
        assert_eq!(list.out.contains("Connected"), enabled, "{list:?}");
        assert_eq!(ground.bottle(&["stop", name]).code, Some(0));
        assert_eq!(ground.traces(&slug), Vec::<String>::new());
    }
}

//! A whole turn of the genuine Claude Code with its supervisor: it is denied a host, asks, waits for
//! a person and tries again; what a person does not allow, it goes on without.

use compose_render::Role;
use compose_testkit::{eventually, record};
use serde_json::{Value, json};
use supervise::{Ask, ProposalId, Requests};

use crate::ground::Ground;
use crate::outside::{Outside, PREFIX, digest, mirror, told};

const MODEL: &str = "api.anthropic.com";
const WANTED: &str = "docs.wanted.example";
const RISKY: &str = "*.wanted.example";
const NO: &str = "one host is enough";

/// What the model asks for, and the name that this has.
fn ask(host: &str, methods: &[&str], paths: &[&str]) -> (Value, String) {
    let texts = |list: &[&str]| list.iter().map(|&text| text.to_owned()).collect::<Vec<_>>();
    let (methods, paths) = (texts(methods), texts(paths));
    let arguments =
        json!({"host": host, "methods": methods, "paths": paths, "reason": "to read the docs"});
    let ask = Ask::Egress(Requests { host: host.parse().unwrap(), methods, paths });
    (arguments, ProposalId::of(&ask.canonical().unwrap(), 0).to_string())
}

fn tool(name: &str, input: &Value) -> Value {
    json!({"say": name, "tools": [{"name": format!("mcp__supervise__{name}"), "input": input}]})
}

fn fetch() -> Value {
    let command = format!("curl --silent --show-error --max-time 20 https://{WANTED}/x/page");
    json!({"say": "fetch", "tools": [{"name": "Bash",
        "input": {"command": command, "description": "fetch"}}]})
}

/// What the tool of a step came to, as the agent sent it back to its model.
fn result(report: &Value, step: usize) -> Value {
    let id = format!("toolu_work_{step}_0");
    let results = report["tool_results"].as_array().unwrap();
    let found = results.iter().find(|result| result["id"] == id.as_str());
    let found = found.unwrap_or_else(|| panic!("step {step} in {results:#?}"));
    let text = found["text"].as_str().unwrap();
    serde_json::from_str(text).unwrap_or_else(|_| Value::from(text))
}

#[test]
fn j1_the_genuine_claude_code_asks_waits_for_a_person_and_tries_again() {
    let mut ground = Ground::new("turn");
    let key = format!("{PREFIX}canary-of-a-turn-51a0c7e29b3f");
    let (wanted, id) = ask(WANTED, &["GET"], &["/x/**"]);
    let (risky, risky_id) = ask(RISKY, &[], &[]);
    let setting = json!({
        "hosts": [MODEL],
        "credential": {"header": "x-api-key", "sha256": digest(&key)},
        "scripts": {"work": [
            tool("policy", &json!({})),
            fetch(),
            tool("denials", &json!({})),
            tool("propose_egress", &wanted),
            tool("wait", &json!({"id": id})),
            fetch(),
            tool("propose_egress", &risky),
            tool("wait", &json!({"id": risky_id})),
            {"say": "I read the page, and do without the rest."},
        ]},
    });
    let model = Outside::make(&ground, MODEL, &setting);
    let mut docs = Outside::make(&ground, WANTED, &mirror(WANTED));
    let manifest = format!(
        "\
version: 1
agents: {{worker: {{bottle: b, command: [claude, --permission-mode, bypassPermissions]}}}}
bottles:
  b:
    resources: {{cpus: 2, memory: 2g, pids: 512}}
    egress: {{routes: [{{preset: anthropic-api-key}}]}}
    pipelock: {{ssrf: {{allow: [10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16]}}, upstream_ca: [{}]}}
    supervise: {{enabled: true}}
",
        docs.authority().display()
    );
    ground.account.set("ANTHROPIC_API_KEY", &key);
    ground.account.write("m.yaml", &manifest);
    let said = ground.start(&[&["--detach"][..], &model.stand_in()].concat());
    assert_eq!(said.code, Some(0), "{said:?}");
    docs.join(&ground.slug);
    let name = ground.slug.as_str().to_owned();

    let claude = ["claude", "-p", "do [[work]]", "--permission-mode", "bypassPermissions"];
    let args = [&["exec", &name, "--"][..], &claude].concat();
    let claude = ground.beside(&args);
    // A person, who looks at what it comes to.
    let seen = |id: &str| {
        eventually("a proposal", || {
            let said = ground.bottle(&["proposals", "--json"]);
            let all: Value = serde_json::from_str(&said.out).map_err(|error| error.to_string())?;
            let one = all.as_array().unwrap().iter().find(|one| one["id"] == id).cloned();
            one.ok_or_else(|| format!("{all}: {}", claude.out()))
        })
    };
    let one = seen(&id);
    assert_eq!(one["risks"], json!([]), "{one}");
    let change = one["change"].as_str().unwrap();
    let approved = ground.bottle(&["approve", &id, "--change", change]);
    assert_eq!(approved.code, Some(0), "{approved:?}");
    let two = seen(&risky_id);
    assert!(two["risks"].to_string().contains("whole-domain"), "{two}");
    let denied = ground.bottle(&["deny", &risky_id, "--reason", NO]);
    assert_eq!(denied.code, Some(0), "{denied:?}");
    let said = claude.said();
    assert!(said.out.contains("I read the page, and do without the rest."), "{said:?}");

    let report = told(&ground.docker, &Role::StandIn.container(&ground.slug));
    let policy = result(&report, 0);
    assert_eq!(policy["version"], 0, "{policy}");
    assert!(policy["routes"].to_string().contains(MODEL), "{policy}");
    let refused = result(&report, 1);
    assert_eq!(refused["reason"], "host-not-allowed", "{refused}");
    assert_eq!(refused["propose"]["tool"], "propose_egress", "{refused}");
    let denials = result(&report, 2);
    assert_eq!(denials["denials"][0]["propose"]["args"]["host"], WANTED, "{denials}");
    let asked = result(&report, 3);
    assert_eq!((&asked["id"], &asked["state"]), (&json!(id), &json!("open")), "{asked}");
    assert_eq!(result(&report, 4)["state"], "approved");
    let page = result(&report, 5);
    assert!(page["reason"].is_null() && page["propose"].is_null(), "{page}");
    let told = result(&report, 7);
    assert_eq!((&told["state"], &told["reason"]), (&json!("denied"), &json!(NO)), "{told}");
    record("J1", "the genuine Claude Code asks for a host", &page);

    drop(docs);
    assert_eq!(ground.bottle(&["stop", &name]).code, Some(0));
    ground.assert_gone();
}

//! A login that egress renews: in one bottle at a time, handed back when it was renewed.

use std::time::{SystemTime, UNIX_EPOCH};

use compose_testkit::{eventually, record};
use serde_json::{Value, json};

use super::ask::{curl, variable};
use super::nowhere::found_nowhere;
use crate::ground::Ground;
use crate::outside::{Outside, digest, mirror};

const API: &str = "api.anthropic.com";
const ENDPOINT: &str = "platform.claude.com";
const FIRST: [&str; 2] = ["sk-ant-demo-canary-access-1", "sk-ant-demo-canary-refresh-1"];
const SECOND: [&str; 2] = ["sk-ant-demo-canary-access-2", "sk-ant-demo-canary-refresh-2"];

/// What stands outside in tests has an address that is none of the internet's.
const MANIFEST: &str = "\
version: 1
agents: {worker: {bottle: b, command: [sh]}}
bottles:
  b:
    resources: {cpus: 1, memory: 256m, pids: 128}
    pipelock: {ssrf: {allow: [10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16]}, upstream_ca: [ENDPOINT_CA]}
    egress:
      routes:
        - {host: api.anthropic.com, paths: [/v1/**], credential: {env: TOKEN, login: claude, scheme: bearer}}
";

/// A host with a login of Claude Code's that ends in so many seconds.
struct Host {
    ground: Ground,
    api: Outside,
    endpoint: Outside,
}

impl Host {
    fn new(test: &str, left: u64, tokens: &Value) -> Self {
        let ground = Ground::new(test);
        let api = Outside::make(&ground, API, &mirror(API));
        let setting = json!({"hosts": [ENDPOINT], "scripts": {}, "tokens": tokens});
        let endpoint = Outside::make(&ground, ENDPOINT, &setting);
        let authority = endpoint.authority().display().to_string();
        ground.account.write("m.yaml", &MANIFEST.replace("ENDPOINT_CA", &authority));
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let login = json!({"claudeAiOauth": {"accessToken": FIRST[0], "refreshToken": FIRST[1],
            "expiresAt": (now + left) * 1000, "scopes": ["user:inference"]}});
        let folder = ground.account.here().parent().unwrap().join("home/.claude");
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join(".credentials.json");
        compose_run::replace(&file, login.to_string().as_bytes(), 0o600).unwrap();
        Self { ground, api, endpoint }
    }

    fn start(&mut self) {
        let args = [&["--detach"][..], &self.api.stand_in()].concat();
        let started = self.ground.start(&args);
        assert_eq!(started.code, Some(0), "{started:?}");
        self.endpoint.join(&self.ground.slug);
    }

    fn kept(&self) -> Value {
        let file = self.ground.state("").parent().unwrap().join(".credentials/claude.json");
        serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap()
    }
}

#[test]
fn g8_a_login_is_renewed_handed_back_and_in_one_bottle_at_a_time() {
    let renewed = json!({"access_token": SECOND[0], "refresh_token": SECOND[1],
        "expires_in": 28800, "token_type": "Bearer"});
    // It is due within half a minute, and good until long after.
    let mut host = Host::new("login", 330, &json!([{"status": 200, "body": renewed}]));
    host.start();
    let ground = &host.ground;
    let ask = || curl(ground, &["https://api.anthropic.com/v1/models"]);
    let bearer = |token: &str| digest(&format!("Bearer {token}"));
    let first = ask();
    assert_eq!(first.status, 200, "{first:?}");
    assert!([FIRST[0], SECOND[0]].map(bearer).contains(&first.arrived("authorization")));

    let other = ground.other_name();
    let args = Ground::start_args(other.as_str(), &["--detach"]);
    let refused = ground.bottle(&args);
    assert_eq!(refused.code, Some(4), "{refused:?}");
    assert!(refused.err.contains("one bottle at a time"), "{refused:?}");
    assert!(refused.err.contains("claude setup-token"), "{refused:?}");
    record("G8", "a second bottle with the same login", &refused.err);

    eventually("a request with the renewed token", || {
        let answer = ask();
        let renewed = answer.status == 200 && answer.arrived("authorization") == bearer(SECOND[0]);
        if renewed { Ok(()) } else { Err(format!("{answer:?}")) }
    });
    assert_eq!(host.endpoint.told()["refreshes"], json!([digest(FIRST[1])]), "one flight");
    record("G8", "many requests while a login is renewed", "the endpoint was asked once");

    // An agent that logs in by itself gets placeholders, and the endpoint hears nothing of it.
    let endpoint = format!("https://{ENDPOINT}/v1/oauth/token");
    let own = curl(ground, &["--json", r#"{"grant_type":"refresh_token"}"#, &endpoint]);
    assert_eq!(own.json()["access_token"], variable(ground, "TOKEN"), "{own:?}");
    assert_eq!(host.endpoint.told()["refreshes"].as_array().unwrap().len(), 1);
    record("G6", "a POST of the agent's own to the token endpoint", &own.body);

    let all = [FIRST, SECOND].concat();
    found_nowhere(ground, &all);
    let ground = &host.ground;
    assert_eq!(ground.bottle(&["stop", ground.slug.as_str()]).code, Some(0));
    let kept = host.kept();
    assert_eq!(
        (&kept["owner"], &kept["tokens"]["refresh_token"]),
        (&Value::Null, &json!(SECOND[1]))
    );
    let outbox = ground.state("egress/outbox");
    let left = std::fs::read_dir(outbox).into_iter().flatten().flatten();
    let left = left.filter(|entry| entry.file_name().to_string_lossy().starts_with("login-"));
    assert_eq!(left.count(), 0, "what was renewed stays in the bottle's folder");
    ground.assert_gone();
}

#[test]
fn g3_g8_a_refresh_that_is_refused_leaves_the_old_token_until_its_end_and_then_503() {
    let refused = json!([{"status": 400, "body": {"error": "invalid_grant"}}]);
    let mut host = Host::new("refused", 25, &refused);
    host.start();
    let ground = &host.ground;
    let ask = || curl(ground, &["https://api.anthropic.com/v1/models"]);
    let (mut served, mut last) = (0, String::new());
    eventually("the end of the old token", || {
        let answer = ask();
        if answer.status == 200 {
            let old = digest(&format!("Bearer {}", FIRST[0]));
            assert_eq!(answer.arrived("authorization"), old);
            served += 1;
        }
        last.clone_from(&answer.body);
        let told = answer.status == 503 && answer.body.contains("refused (400 invalid_grant)");
        if told { Ok(()) } else { Err(format!("{answer:?}")) }
    });
    assert!(served > 0, "the old token never served");
    assert!(last.contains("credential-missing"), "{last}");
    record("G8", "a refresh that the endpoint refuses", &last);
    found_nowhere(ground, &FIRST);
    assert_eq!(host.ground.bottle(&["stop", host.ground.slug.as_str()]).code, Some(0));
    host.ground.assert_gone();
}

//! The genuine agents in a bottle, against a scripted outside: no dialog, no account.

use compose_render::Role;
use compose_testkit::{eventually, record};
use serde_json::{Value, json};

use crate::ground::Ground;
use crate::outside::{Outside, PREFIX, digest, told};

const ANTHROPIC: &str = "api.anthropic.com";
const OPENAI: &str = "api.openai.com";

fn key() -> String {
    format!("{PREFIX}canary-of-a-genuine-agent-3c81f2a07d65")
}

fn manifest(program: &str, image: &str, preset: &str) -> String {
    format!(
        "\
version: 1
agents: {{worker: {{bottle: b, command: [{program}]}}}}
bottles:
  b:
    {image}resources: {{cpus: 2, memory: 2g, pids: 512}}
    egress: {{routes: [{{preset: {preset}}}]}}
"
    )
}

/// A script of one tool and one sentence, for a model that expects the key in that header.
fn setting(host: &str, tool: &str, input: &Value, header: &str, value: &str) -> Value {
    json!({
        "hosts": [host],
        "credential": {"header": header, "sha256": digest(value)},
        "scripts": {"work": [
            {"say": "Working.", "tools": [{"name": tool, "input": input}]},
            {"say": "All of it is done."},
        ]},
    })
}

/// A bottle with that agent, before that outside.
fn started(
    test: &str,
    manifest: &str,
    variable: &str,
    outside: (&str, &Value),
) -> (Ground, Outside) {
    let mut ground = Ground::new(test);
    let (host, setting) = outside;
    let outside = Outside::make(&ground, host, setting);
    ground.account.set(variable, &key());
    ground.account.write("m.yaml", manifest);
    let said = ground.start(&[&["--detach"][..], &outside.stand_in()].concat());
    assert_eq!(said.code, Some(0), "{said:?}");
    (ground, outside)
}

/// Runs a command in the agent's container; what it printed.
#[track_caller]
fn agent(ground: &Ground, words: &[&str]) -> String {
    let container = Role::Agent.container(&ground.slug);
    let words = words.iter().map(|word| (*word).to_owned());
    let outcome = ground.docker.exec(&container, None, false, words).outcome().unwrap();
    let text = String::from_utf8_lossy(&outcome.stdout).into_owned();
    assert!(outcome.status.success(), "{text} {}", outcome.stderr);
    text
}

/// What the program shows on a terminal until it shows that.
#[track_caller]
fn on_a_terminal(ground: &Ground, command: &str, until: &str) -> String {
    let container = Role::Agent.container(&ground.slug);
    let screen = "/tmp/screen";
    let line = format!("stty cols 110 rows 40; exec {command}");
    let run = ["exec", "--detach", "--tty", "--env", "TERM=xterm-256color", &container];
    let shell = format!("script --quiet --flush --command '{line}' {screen}");
    ground.docker.run(run.into_iter().chain(["sh", "-c", &shell])).unwrap();
    eventually("the agent's screen", || {
        let read = ["cat", screen].map(str::to_owned);
        let outcome = ground.docker.exec(&container, None, false, read).outcome().unwrap();
        let text = String::from_utf8_lossy(&outcome.stdout).into_owned();
        if plain(&text).contains(&plain(until)) { Ok(text) } else { Err(text) }
    })
}

/// A screen without colours, places and blanks: what one reads on it.
fn plain(screen: &str) -> String {
    let mut text = String::new();
    let mut rest = screen.chars();
    while let Some(letter) = rest.next() {
        if letter == '\u{1b}' {
            // A sequence ends with a letter.
            rest.by_ref().find(char::is_ascii_alphabetic);
        } else if !letter.is_whitespace() {
            text.push(letter);
        }
    }
    text
}

#[test]
fn the_genuine_claude_code_works_with_a_key_and_with_a_subscription_and_asks_nothing() {
    for (preset, variable, header, value) in [
        ("anthropic-api-key", "ANTHROPIC_API_KEY", "x-api-key", key()),
        (
            "claude-subscription",
            "CLAUDE_CODE_OAUTH_TOKEN",
            "authorization",
            format!("Bearer {}", key()),
        ),
    ] {
        let input = json!({"command": "echo made > made.txt", "description": "make it"});
        let setting = setting(ANTHROPIC, "Bash", &input, header, &value);
        let manifest = manifest("claude, --permission-mode, bypassPermissions", "", preset);
        let (ground, _outside) = started("claude", &manifest, variable, (ANTHROPIC, &setting));
        let mode = ["--permission-mode", "bypassPermissions"];
        let said = agent(&ground, &[&["claude", "-p", "do [[work]]"][..], &mode].concat());
        assert!(said.contains("All of it is done."), "{preset}: {said}");
        assert_eq!(agent(&ground, &["cat", "/workspace/made.txt"]), "made\n");
        let report = told(&ground.docker, &Role::StandIn.container(&ground.slug));
        let requests = report["requests"].as_array().unwrap();
        let messages: Vec<_> =
            requests.iter().filter(|one| one["path"] == "/v1/messages").collect();
        assert!(messages.len() >= 3, "{requests:#?}");
        assert!(messages.iter().all(|one| one["credential"]["expected"] == true), "{messages:#?}");
        // The first of them is the start's own question.
        assert_eq!(
            (&messages[0]["status"], &messages[0]["user_agent"]),
            (&json!(400), &json!("bottle-probe"))
        );

        let screen = on_a_terminal(
            &ground,
            "claude --permission-mode bypassPermissions",
            "bypass permissions on",
        );
        let screen = plain(&screen);
        for dialog in ["Doyoutrust", "Detectedacustom", "Choosethetextstyle", "Selectloginmethod"] {
            assert!(!screen.contains(dialog), "{preset}: {screen}");
        }
        let shown = ground.bottle(&["show", ground.slug.as_str(), "--json"]);
        let shown: Value = serde_json::from_str(&shown.out).unwrap();
        let used = shown["usage"].as_array().unwrap().iter();
        let tokens: u64 = used.map(|line| line["output_tokens"].as_u64().unwrap()).sum();
        assert!(tokens >= 40, "{shown:#}");
        assert_eq!(ground.bottle(&["stop", ground.slug.as_str()]).code, Some(0));
        record("G1", format_args!("the genuine Claude Code with {preset}"), "the key arrived");
    }
}

/// Codex does what it is asked to; what it asked of its service for that.
#[track_caller]
fn asked_at_work(ground: &Ground) -> Vec<Value> {
    let exec = ["codex", "exec", "-m", "gpt-5", "--skip-git-repo-check", "do [[work]]"];
    let said = agent(ground, &exec);
    assert!(said.contains("All of it is done."), "{said}");
    assert_eq!(agent(ground, &["cat", "/workspace/made.txt"]), "made\n");
    let report = told(&ground.docker, &Role::StandIn.container(&ground.slug));
    let requests = report["requests"].as_array().unwrap();
    let asked: Vec<_> = requests.iter().filter(|one| one["method"] == "POST").cloned().collect();
    assert!(!asked.is_empty(), "{requests:#?}");
    asked
}

/// Codex on a terminal.
#[track_caller]
fn assert_no_dialog(ground: &Ground) {
    let screen = plain(&on_a_terminal(ground, "codex -m gpt-5", "OpenAI Codex"));
    for dialog in ["Signin", "Doyoutrust", "Updateavailable"] {
        assert!(!screen.contains(dialog), "{screen}");
    }
}

#[test]
fn the_genuine_codex_works_with_a_key_and_asks_nothing() {
    let input = json!({"cmd": "echo made > made.txt"});
    let value = format!("Bearer {}", key());
    let setting = setting(OPENAI, "exec_command", &input, "authorization", &value);
    let manifest = manifest("codex", "image: {agent: codex}\n    ", "codex");
    let (ground, _outside) = started("codex", &manifest, "OPENAI_API_KEY", (OPENAI, &setting));
    let asked = asked_at_work(&ground);
    assert!(asked.iter().all(|one| one["credential"]["expected"] == true), "{asked:#?}");

    assert_no_dialog(&ground);
    let shown = ground.bottle(&["show", ground.slug.as_str()]);
    assert!(shown.out.contains("preset codex"), "{shown:?}");
    assert_eq!(ground.bottle(&["stop", ground.slug.as_str()]).code, Some(0));
    record("G1", "the genuine Codex with a key", "the key arrived");
}

/// The login as `codex login` leaves it on the host; egress alone has it then.
#[test]
fn the_genuine_codex_works_with_an_account_and_asks_nothing() {
    const HOST: &str = "chatgpt.com";
    let claims = json!({"exp": 4_000_000_000_u64});
    let token = format!("{PREFIX}{}", egress::jwt::unsigned(&claims, "canary-of-an-account-81f2"));
    let account = format!("{PREFIX}canary-of-an-account-id-5d07");
    let says = json!({"https://api.openai.com/auth": {"chatgpt_plan_type": "pro"}});
    let login = json!({"auth_mode": "chatgpt", "OPENAI_API_KEY": null, "tokens": {
        "id_token": egress::jwt::unsigned(&says, "canary"), "access_token": token,
        "refresh_token": "canary-refresh-of-an-account-2c96", "account_id": account}});
    let ground = Ground::new("chatgpt");
    let folder = ground.account.here().parent().unwrap().join("home/.codex");
    std::fs::create_dir_all(&folder).unwrap();
    compose_run::replace(&folder.join("auth.json"), login.to_string().as_bytes(), 0o600).unwrap();
    let input = json!({"cmd": "echo made > made.txt"});
    let value = format!("Bearer {token}");
    let setting = setting(HOST, "exec_command", &input, "authorization", &value);
    let outside = Outside::make(&ground, HOST, &setting);
    let image = "image: {agent: codex}\n    ";
    ground.account.write("m.yaml", &manifest("codex", image, "codex-subscription"));
    let said = ground.start(&[&["--detach"][..], &outside.stand_in()].concat());
    assert_eq!(said.code, Some(0), "{said:?}");
    let asked = asked_at_work(&ground);
    for one in asked {
        assert_eq!(one["path"], "/backend-api/codex/responses", "{one}");
        assert_eq!(one["credential"]["expected"], true, "{one}");
    }
    assert_no_dialog(&ground);
    // Nothing of the login is in what the agent can read.
    let read = ["sh", "-c", "env; cat ~/.codex/*.json ~/.codex/*.toml"];
    let seen = agent(&ground, &read);
    assert!(!seen.contains("canary") && seen.contains("BottlePlaceholder"), "{seen}");
    assert_eq!(ground.bottle(&["stop", ground.slug.as_str()]).code, Some(0));
    record("G1", "the genuine Codex with an account", "the account's token arrived");
}

#[test]
fn a_credential_that_its_service_refuses_stops_the_start_with_a_sentence() {
    for (host, preset, variable, status) in [
        (ANTHROPIC, "anthropic-api-key", "ANTHROPIC_API_KEY", "403"),
        (OPENAI, "openai", "OPENAI_API_KEY", "401"),
    ] {
        let mut ground = Ground::new("no-good");
        let setting = setting(host, "Bash", &json!({}), "x-api-key", "another");
        let outside = Outside::make(&ground, host, &setting);
        ground.account.set(variable, &key());
        ground.account.write("m.yaml", &manifest("sh", "", preset));
        let said = ground.start(&[&["--detach"][..], &outside.stand_in()].concat());
        assert_eq!(said.code, Some(1), "{said:?}");
        let sentence = format!("`{host}` refuses the credential `{variable}` ({status})");
        assert!(said.err.contains(&sentence) && said.err.contains("hint:"), "{said:?}");
        assert!(!said.err.contains(&key()));
        ground.assert_gone();
    }
}

//! What pipelock and git-gate know of the bottle's own secrets, and that it is no value.

use dlp::{Own, Rules};

use super::*;
use crate::plan::tests::built_in;

/// Two keys made for this test, one of each armour.
const OF_AUTHORITY: &str = "\
-----BEGIN EC PRIVATE KEY-----
MHcCAQEEIN0yQ1mY3vJxg7S0bXo2k9LrVhTzPw5uEcA8fGqKd4ZnoAoGCCqGSM49
AwEHoUQDQgAEb3Vhb2wzZ2hRk1p8xT7mYc0VnKqJ5sLrWd9EfUoXiB2Gt6NyHzQa
PMw4CjOIDkRlSvFuAe7x1T8ZbYgWm5cKqA==
-----END EC PRIVATE KEY-----
";
const OF_UPSTREAM: &str = "\
-----BEGIN OPENSSH PRIVATE KEY-----
b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW
QyNTUxOQAAACBvR2fT9xqLw4mYdKp7uHnZs1CjE0iXyVrQ8aBkMgD5PAAAAJhW3tFzVt7R
cwAAAAtzc2gtZWQyNTUxOQAAACBvR2fT9xqLw4mYdKp7uHnZs1CjE0iXyVrQ8aBkMgD5PA
AAAEDk2n5QvX8yTgH1rLbWc7MeJzUs0oFaKiPdG4hVxBqN929HZ9P3GovDiZh0qnu4edmz
UKMTSJfJWtDxoGQyAPk8AAAAE25vYm9keUBleGFtcGxlLm9yZwEC
-----END OPENSSH PRIVATE KEY-----
";
const TOKEN: &str = "a-token-of-a-git-host-4c81";
const LOGIN: &str = "proxy-user:password-of-it";

fn plan() -> Plan {
    let mut plan = built_in();
    let secret = |text: &str| Secret::new(text.to_owned());
    plan.git = vec![Repository {
        url: "https://git.example.org/acme/widgets.git".parse().unwrap(),
        key: Some(secret(&OF_UPSTREAM.replace('\n', "\r\n"))),
        known_hosts: None,
        credential: Some(git_gate::Token { env: "TOKEN".to_owned(), user: "x".to_owned() }),
        push: Vec::new(),
        protected: Vec::new(),
    }];
    let inside = git_gate::GitGate::variable_inside("TOKEN");
    plan.secrets.insert(inside, secret(TOKEN));
    plan.secrets.insert(compose_render::upstream_proxy_variable(), secret(LOGIN));
    plan
}

/// Whether pipelock would know it, wherever it goes.
fn knows(known: &[KnownSecret], plan: &Plan, text: &str) -> bool {
    let key = fingerprint_key(&plan.secrets[contract::HOP_SECRET_VARIABLE]);
    let bytes = |text: &str| -> Vec<u8> {
        let at = |at: usize| u8::from_str_radix(text.get(at..at + 2).unwrap(), 16).unwrap();
        (0..text.len()).step_by(2).map(at).collect()
    };
    let read = |one: &KnownSecret| Fingerprint {
        len: one.length,
        rolling: u64::from_str_radix(&one.rolling, 16).unwrap(),
        mac: bytes(&one.mac).try_into().unwrap(),
    };
    let own = Own::new(Key::new(key), known.iter().map(read).collect());
    let findings = Rules::with(own).scan(text.as_bytes());
    let hosts = |secret: usize| &known[secret].hosts;
    findings.iter().filter_map(|one| one.secret).any(|secret| hosts(secret).is_empty())
}

#[test]
fn g11_private_keys_and_what_git_gate_holds_are_known_however_they_are_written() {
    let plan = plan();
    let known = of(&plan, &[Secret::new(OF_AUTHORITY.to_owned())]);
    for key in [OF_AUTHORITY, OF_UPSTREAM] {
        let body = armoured(key).concat();
        let folded = |width: usize| {
            let lines: Vec<_> =
                body.as_bytes().chunks(width).map(String::from_utf8_lossy).collect();
            lines.join("\n")
        };
        let without_marks = key.lines().filter(|line| !line.starts_with("---"));
        let indented: Vec<String> = key.lines().map(|line| format!("    {line}")).collect();
        for text in [
            key.to_owned(),
            key.replace('\n', "\r\n"),
            serde_json::json!({ "text": key }).to_string(),
            format!("key: |\n{}\n", indented.join("\n")),
            without_marks.collect::<Vec<_>>().join("\n"),
            format!("q={body}&x"),
            folded(76),
            folded(48),
        ] {
            assert!(knows(&known, &plan, &text), "{text}");
        }
        // Another key of that kind is another's.
        let other = key.replace("Q1mY3vJx", "Q1mY3vJy").replace("k2n5QvX8", "k2n5QvX9");
        assert!(!knows(&known, &plan, &other), "{other}");
    }
    assert!(knows(&known, &plan, &format!("x={TOKEN}&y")));
    assert!(knows(&known, &plan, &format!("x={LOGIN}&y")));
    let gate = for_git_gate(&plan, &[Secret::new(OF_AUTHORITY.to_owned())]).unwrap();
    let rules = Rules::with(git_gate::read_fingerprints(gate.expose()).unwrap());
    for text in [OF_AUTHORITY, OF_UPSTREAM, TOKEN] {
        let found = rules.scan(text.as_bytes());
        assert!(found.iter().any(|one| one.rule == "bottle-secret"), "{text}");
    }
    let shown = format!("{known:?}{}", gate.expose());
    assert!(!shown.contains("MHcCAQEE") && !shown.contains("b3BlbnNz"), "{shown}");
}

#[test]
fn what_has_no_fingerprint_is_named() {
    let mut plan = plan();
    plan.secrets = [
        ("BOTTLE_CREDENTIAL_SHORT", "fifteen-chars-x"),
        ("BOTTLE_CREDENTIAL_SPACED", "with a space in it and long"),
        ("BOTTLE_CREDENTIAL_LONG", "sixteen-chars-xx"),
        (contract::HOP_SECRET_VARIABLE, "hop"),
    ]
    .map(|(name, value)| (name.to_owned(), Secret::new(value.to_owned())))
    .into();
    assert_eq!(without(&plan), ["the value of `SHORT`", "the value of `SPACED`"]);
    let large = OF_UPSTREAM.replace("b3Blbn", &"b3Blbn".repeat(800));
    plan.git[0].key = Some(Secret::new(large));
    assert_eq!(without(&plan)[2], "the key of `https://git.example.org/acme/widgets.git`");
}

#[test]
fn a_credential_is_known_by_its_fingerprint_and_its_hosts() {
    let route = |host: &str| egress::Route {
        host: host.parse().unwrap(),
        credentials: vec![egress::Credential {
            variable: "TOKEN".parse().unwrap(),
            form: egress::Form::Bearer,
            placeholder: None,
        }],
        ..egress::Route::to("a.org".parse().unwrap())
    };
    let value = "a-value-of-more-than-sixteen";
    let mut plan = built_in();
    plan.secrets.insert("BOTTLE_CREDENTIAL_TOKEN".to_owned(), Secret::new(value.to_owned()));
    plan.routes = vec![route("b.org"), route("a.org")];
    let found = of(&plan, &[]);
    let [known] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(known.length, value.len());
    let hosts: Vec<String> = known.hosts.iter().map(ToString::to_string).collect();
    assert_eq!(hosts, ["a.org", "b.org"]);
    assert!(!format!("{found:?}").contains(value));
    plan.secrets.clear();
    assert_eq!(of(&plan, &[]), []);
}

//! Credentials changed while the bottle runs: in force at the next request, no stream cut.

use std::io::Write as _;

use compose_render::Role;
use compose_testkit::{eventually, record};

use super::ask::curl;
use super::nowhere::found_nowhere;
use crate::ground::Ground;
use crate::outside::{Outside, PREFIX, digest, mirror};

const HOST: &str = "mirror.example.org";

fn manifest(more: &str) -> String {
    format!(
        "\
version: 1
agents: {{worker: {{bottle: b, command: [sh]}}}}
bottles:
  b:
    resources: {{cpus: 1, memory: 256m, pids: 128}}
    egress:
      routes:
        - {{host: {HOST}, paths: [/file/**], credential: {{env: A, file: token.txt, scheme: bearer}}, websocket: allow}}
{more}"
    )
}

#[test]
fn g9_what_is_applied_reaches_the_next_request_and_cuts_no_stream() {
    let mut ground = Ground::new("rotation");
    let outside = Outside::make(&ground, HOST, &mirror(HOST));
    let token = ground.account.here().join("token.txt");
    let write = |text: &str| compose_run::replace(&token, text.as_bytes(), 0o600).unwrap();
    let secret = |name: &str| format!("{PREFIX}canary-{name}-0b7c52de91a3");
    write(&secret("one"));
    ground.account.write("m.yaml", &manifest(""));
    let started = ground.start(&[&["--detach"][..], &outside.stand_in()].concat());
    assert_eq!(started.code, Some(0), "{started:?}");
    let slug = ground.slug.clone();
    let arrived = |ground: &Ground, path: &str| {
        let answer = curl(ground, &[&format!("https://{HOST}{path}")]);
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.arrived("authorization")
    };
    let bearer = |name: &str| digest(&format!("Bearer {}", secret(name)));
    assert_eq!(arrived(&ground, "/file/x"), bearer("one"));

    // A stream that is open meanwhile.
    let agent = Role::Agent.container(&slug);
    let (reader, mut writer) = std::io::pipe().unwrap();
    let url = format!("https://{HOST}/file/ws");
    let code = include_str!("ask.py");
    let call = ground.docker.exec(&agent, None, true, ["python3", "-c", code, &url, ""]);
    let call = call.input_from(reader);
    let stream = std::thread::spawn(move || call.outcome().unwrap());
    writer.write_all(b"before\n").unwrap();
    eventually("the stream in the log", || {
        let said = ground.bottle(&["show", slug.as_str()]);
        let line = said.out.lines().find(|line| line.contains("/file/**")).map(str::to_owned);
        let counted = line.as_deref().is_some_and(|line| line.contains("  3  "));
        if counted { Ok(()) } else { Err(format!("{line:?}")) }
    });

    let apply = |ground: &Ground| {
        let said = ground.bottle(&["apply", slug.as_str(), "--manifest", "m.yaml"]);
        assert_eq!(said.code, Some(0), "{said:?}");
    };
    write(&secret("two"));
    apply(&ground);
    assert_eq!(arrived(&ground, "/file/x"), bearer("two"));
    record(
        "G9",
        "another value in a credential's file, then `bottle apply`",
        "the next request had it",
    );

    // A credential that was not there before.
    let line = format!(
        "        - {{host: {HOST}, paths: [/env/**], credential: {{env: B, scheme: bearer}}}}\n"
    );
    ground.account.set("B", &secret("three"));
    ground.account.write("m.yaml", &manifest(&line));
    apply(&ground);
    assert_eq!(arrived(&ground, "/env/x"), bearer("three"));
    assert_eq!(arrived(&ground, "/file/x"), bearer("two"));

    // A login is another matter, and it is told so.
    let line = format!(
        "        - {{host: {HOST}, paths: [/login/**], credential: {{env: C, login: claude, scheme: bearer}}}}\n"
    );
    ground.account.write("m.yaml", &manifest(&line));
    let refused = ground.bottle(&["apply", slug.as_str(), "--manifest", "m.yaml"]);
    assert_eq!(refused.code, Some(4), "{refused:?}");
    assert!(refused.err.contains("takes a login at its start alone"), "{refused:?}");

    writer.write_all(b"after\n").unwrap();
    drop(writer);
    let outcome = stream.join().unwrap();
    let text = String::from_utf8(outcome.stdout).unwrap();
    assert!(outcome.status.success(), "{text} {}", outcome.stderr);
    assert!(text.ends_with("\"before\"\n\"after\"\n"), "{text}");
    record("G9", "a WebSocket that was open over both", "not cut");

    let secrets = ["one", "two", "three"].map(secret);
    found_nowhere(&ground, &secrets.each_ref().map(String::as_str));
    assert_eq!(ground.bottle(&["stop", slug.as_str()]).code, Some(0));
    ground.assert_gone();
}

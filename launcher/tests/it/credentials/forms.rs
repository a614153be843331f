//! Every form and source of a credential, through the sidecars of a real bottle.

use compose_testkit::record;

use super::ask::{curl, socket, variable};
use super::nowhere::found_nowhere;
use crate::ground::Ground;
use crate::outside::{Outside, PREFIX, digest, mirror};

const HOST: &str = "mirror.example.org";

const MANIFEST: &str = "\
version: 1
agents: {worker: {bottle: b, command: [sh]}}
bottles:
  b:
    resources: {cpus: 1, memory: 256m, pids: 128}
    egress:
      routes:
        - {host: mirror.example.org, paths: [/bearer/**], credential: {env: A, scheme: bearer}, websocket: allow}
        - {host: mirror.example.org, paths: [/basic], credential: {env: B, file: token.txt, scheme: basic, user: me}}
        - {host: mirror.example.org, paths: [/query], credential: {env: C, command: [printf, '%s', sk-ant-demo-of-a-command], query: key}}
        - {host: mirror.example.org, paths: [/cookie], credential: {env: D, cookie: session}}
        - host: mirror.example.org
          paths: [/headers]
          credential: [{env: E, header: x-one}, {env: F, header: x-two}]
        - {host: mirror.example.org, paths: [/kept/**], credential: {env: E, header: x-one}, cookies: keep}
";

fn secret(name: &str) -> String {
    format!("{PREFIX}canary-{name}-6f2d91c04b7e")
}

#[test]
fn g1_g7_every_form_from_every_source_arrives_by_every_protocol_and_is_found_nowhere() {
    let mut ground = Ground::new("forms");
    let outside = Outside::make(&ground, HOST, &mirror(HOST));
    for name in ["A", "D", "E", "F"] {
        ground.account.set(name, &secret(name));
    }
    ground.account.write("m.yaml", MANIFEST);
    let token = ground.account.here().join("token.txt");
    compose_run::replace(&token, secret("B").as_bytes(), 0o600).unwrap();
    let started = ground.start(&[&["--detach"][..], &outside.stand_in()].concat());
    assert_eq!(started.code, Some(0), "{started:?}");
    let url = |path: &str| format!("https://{HOST}{path}");

    // HTTP/1.1, HTTP/2, and gRPC with its trailers: one credential, and it is ours.
    let bearer = digest(&format!("Bearer {}", secret("A")));
    for (version, kind) in [("--http1.1", "text/plain"), ("--http2", "text/plain")] {
        let kind = format!("content-type: {kind}");
        let mine = "authorization: Bearer mine";
        let answer = curl(&ground, &[version, "-H", mine, "-H", &kind, &url("/bearer/x")]);
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.arrived("authorization"), bearer);
        record("G1", format_args!("{version} with a login of its own"), "ours arrived, once");
    }
    let grpc = ["--http2", "-H", "content-type: application/grpc", "-H", "te: trailers"];
    let data = ["--data-binary", "a message", "--request", "POST", "--raw"];
    let answer = curl(&ground, &[&grpc[..], &data, &[&url("/bearer/grpc")]].concat());
    assert!(answer.head.starts_with("HTTP/2 200"), "{answer:?}");
    assert!(answer.body.contains("a message"), "{answer:?}");
    assert!(answer.body.contains("grpc-status: 0"), "{answer:?}");
    assert!(answer.body.contains(&bearer), "{answer:?}");

    let answer = curl(&ground, &["-H", "authorization: Basic bWluZQ==", &url("/basic")]);
    let pair = base64(&format!("me:{}", secret("B")));
    assert_eq!(answer.arrived("authorization"), digest(&format!("Basic {pair}")));
    let answer = curl(&ground, &[&url("/query?a=1&key=mine")]);
    assert_eq!(answer.json()["query"], digest("a=1&key=sk-ant-demo-of-a-command"), "{answer:?}");
    let answer = curl(&ground, &["-H", "cookie: session=mine; theme=dark", &url("/cookie")]);
    let cookies = format!("session={}; theme=dark", secret("D"));
    assert_eq!(answer.arrived("cookie"), digest(&cookies));
    let answer = curl(&ground, &["-H", "x-two: mine", &url("/headers")]);
    assert_eq!(answer.arrived("x-one"), digest(&secret("E")));
    assert_eq!(answer.arrived("x-two"), digest(&secret("F")));

    // G6: a session that the credential opened stays in egress and goes back from there.
    let answer = curl(&ground, &[&url("/kept/session")]);
    assert!(!answer.head.to_ascii_lowercase().contains("set-cookie"), "{answer:?}");
    let answer = curl(&ground, &[&url("/kept/x")]);
    let session = digest("session=sk-ant-demo-a-session-of-the-mirror");
    assert_eq!(answer.arrived("cookie"), session);
    record("G6", "a Set-Cookie of a route that keeps them", "not in the agent's answer");

    // A WebSocket, the credential also where a client library puts it.
    let placeholder = variable(&ground, "A");
    let protocols = format!("realtime, key.{placeholder}");
    let heard = socket(&ground, &url("/bearer/ws"), &protocols, &["hello", &placeholder]);
    let [head, told, hello, said] = heard.as_slice() else { panic!("{heard:?}") };
    assert!(head.starts_with("HTTP/1.1 101"), "{head}");
    let told: serde_json::Value = serde_json::from_str(told).unwrap();
    assert_eq!(told["digests"]["authorization"], serde_json::json!([bearer]));
    let offered = digest(&format!("realtime, key.{}", secret("A")));
    assert_eq!(told["digests"]["sec-websocket-protocol"], serde_json::json!([offered]));
    assert_eq!((hello.as_str(), said.as_str()), ("hello", placeholder.as_str()));

    // Beyond the routes there is nothing.
    let answer = curl(&ground, &[&url("/elsewhere")]);
    assert_eq!((answer.status, answer.json()["reason"].as_str()), (403, Some("path-not-allowed")));

    let secrets: Vec<_> = ["A", "B", "D", "E", "F"].map(secret).into();
    let mut canaries: Vec<&str> = secrets.iter().map(String::as_str).collect();
    canaries.push("sk-ant-demo-of-a-command");
    found_nowhere(&ground, &canaries);
    let shown = ground.bottle(&["show", ground.slug.as_str()]);
    assert!(shown.out.contains("paths /bearer/**"), "{shown:?}");
    assert_eq!(ground.bottle(&["stop", ground.slug.as_str()]).code, Some(0));
    ground.assert_gone();
}

fn base64(text: &str) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut encoded = String::new();
    for group in text.as_bytes().chunks(3) {
        let byte = |at: usize| u32::from(group.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for place in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * place)) as usize & 63];
            encoded.push(if place <= group.len() { char::from(digit) } else { '=' });
        }
    }
    encoded
}

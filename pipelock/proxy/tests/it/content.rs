//! What requests hold: refused, overwritten or noted, over both versions of HTTP.

use crate::{
    client::{PATIENCE, get},
    upstream::{HELLO, Upstream},
    world::{SECRET, World, bottle},
};
use bytes::Bytes;
use dlp::{Fingerprint, Key};
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use pipelock::FINGERPRINT_KEY_LABEL;
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;

/// Of the shape of one, and drawn for this test.
const KEY: &str = "AKIAQ3EGRIZ5TL2WXPVY";
/// Of no shape at all: one of the bottle's own.
const OWN: &str = "internal-service-7fkq0Zr3vXw1";

pub(crate) fn post(target: &str, path: &str, headers: &str, body: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nhost: {target}\r\nconnection: close\r\n{headers}\
         content-length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// A pipelock that takes `a.org` from egress, which stands on 127.0.0.2.
async fn routed(upstream: &Upstream, more: &str) -> World {
    let world = World::new(
        "api_allowlist: [a.org]\nssrf: {ip_allowlist: [127.0.0.0/8]}\n",
        &format!("{}routed: [a.org]\negress: 127.0.0.2\n{more}", bottle(upstream)),
    )
    .await;
    world.names.set("a.org", &["127.0.0.1"]);
    world
}

#[tokio::test]
async fn e10_a_secret_in_a_body_is_refused_before_anything_is_dialled() {
    let upstream = Upstream::tls("a.org", HELLO).await;
    let world = World::leading_to(&upstream).await;
    let target = format!("a.org:{}", upstream.address.port());
    let encoded: String = KEY.bytes().fold(String::new(), |mut text, byte| {
        write!(text, "%{byte:02x}").unwrap();
        text
    });
    for body in [format!("{{\"k\": \"{KEY}\"}}"), format!("k={encoded}&x=1")] {
        let answer = world.https(&target, &post(&target, "/", "", &body)).await;
        assert_eq!((answer.status, answer.reason().as_str()), (403, "dlp"));
        assert_eq!(answer.denial()["rule"], "aws-access-key-id");
        assert!(!answer.body.contains(KEY));
    }
    assert_eq!(upstream.seen().connections, 0);
    let line = world.reason("dlp").await;
    assert_eq!((&line["event"], &line["rule"]), (&"denied".into(), &"aws-access-key-id".into()));
    assert!(world.lines().iter().all(|line| !line.to_string().contains(KEY)));
}

#[tokio::test]
async fn the_same_request_without_the_secret_passes() {
    let upstream = Upstream::tls("a.org", HELLO).await;
    let world = World::leading_to(&upstream).await;
    let target = format!("a.org:{}", upstream.address.port());
    let body = format!("{{\"k\": \"{}\"}}", KEY.to_lowercase());
    assert_eq!(world.https(&target, &post(&target, "/", "", &body)).await.status, 200);
    assert!(upstream.seen().requests[0].ends_with(&body));
}

#[tokio::test]
async fn e8_every_member_of_what_is_said_twice_or_in_a_batch_is_read() {
    let upstream = Upstream::tls("a.org", HELLO).await;
    let world = World::leading_to(&upstream).await;
    let target = format!("a.org:{}", upstream.address.port());
    for (path, body) in [
        (format!("/x?a=ok&a={KEY}"), String::new()),
        (format!("/x?a={KEY}&a=ok"), String::new()),
        (format!("/x?a=ok+{KEY}%20ok"), String::new()),
        (format!("/graphql?query=%7Bx(k:%22{KEY}%22)%7D"), String::new()),
        ("/x".to_owned(), format!("{{\"a\": \"{KEY}\", \"a\": \"ok\"}}")),
        ("/x".to_owned(), format!("{{\"a\": \"ok\", \"a\": \"{KEY}\"}}")),
        (
            "/x".to_owned(),
            format!("[{{\"query\": \"{{a}}\"}}, {{\"query\": \"{{b(k: {KEY})}}\"}}]"),
        ),
        ("/x".to_owned(), format!("[{{\"jsonrpc\": \"2.0\", \"params\": [\"{KEY}\"]}}]")),
        ("/x".to_owned(), format!("a=ok&a={KEY}")),
    ] {
        // The type that a body gives itself decides nothing.
        for kind in ["application/json", "image/png", "application/x-www-form-urlencoded"] {
            let head = format!("content-type: {kind}\r\n");
            let answer = world.https(&target, &post(&target, &path, &head, &body)).await;
            assert_eq!((answer.status, answer.reason().as_str()), (403, "dlp"), "{path} {body}");
        }
    }
    assert_eq!(upstream.seen().connections, 0);
}

#[tokio::test]
async fn e10_of_a_long_body_no_byte_of_the_secret_arrives_and_never_its_end() {
    let upstream = Upstream::tls("a.org", HELLO).await;
    let world = World::leading_to(&upstream).await;
    let target = format!("a.org:{}", upstream.address.port());
    let before = "all of this is harmless, ".repeat(20_000);
    let mut request = format!(
        "POST / HTTP/1.1\r\nhost: {target}\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n"
    );
    for part in [before.as_str(), "\"AKIAQ3EGRI", "Z5TL2WXPVY\" and more"] {
        write!(request, "{:x}\r\n{part}\r\n", part.len()).unwrap();
    }
    request.push_str("0\r\n\r\n");
    let answer = world.https(&target, &request).await;
    assert_eq!((answer.status, answer.reason().as_str()), (403, "dlp"));
    for seen in upstream.seen().requests {
        assert!(!seen.contains("AKIA") && !seen.ends_with("0\r\n\r\n"), "it arrived whole");
    }
}

#[tokio::test]
async fn a_secret_in_the_head_is_refused_and_its_path_not_written_down() {
    let upstream = Upstream::tls("a.org", HELLO).await;
    let world = World::leading_to(&upstream).await;
    let target = format!("a.org:{}", upstream.address.port());
    for (path, header) in [
        (format!("/x/{KEY}/y"), String::new()),
        (format!("/x?token={KEY}"), String::new()),
        ("/x".to_owned(), format!("cookie: a=b; c={KEY}\r\n")),
        ("/x".to_owned(), "authorization: Basic QUtJQVEzRUdSSVo1VEwyV1hQVlk6eA==\r\n".to_owned()),
    ] {
        let answer = world.https(&target, &post(&target, &path, &header, "")).await;
        assert_eq!((answer.status, answer.reason().as_str()), (403, "dlp"), "{path} {header}");
        assert!(!answer.body.contains(KEY), "{}", answer.body);
    }
    let elsewhere = world.https("b.org:443", &get("b.org", &format!("/{KEY}"))).await;
    assert_eq!(elsewhere.reason(), "host-not-allowed");
    assert_eq!(upstream.seen().connections, 0);
    world.line(|line| line["path"] == "[redacted]" && line["reason"] == "dlp").await;
    assert!(world.lines().iter().all(|line| !line.to_string().contains(KEY)));
}

#[tokio::test]
async fn b3_data_in_a_hosts_labels_is_refused_under_a_wildcard() {
    let upstream = Upstream::tls("x.wild.org", HELLO).await;
    let world = World::leading_to(&upstream).await;
    let host = "mfzwizltorxxa2lkn5zhk3tu5q.wild.org";
    let answer = world.https(&format!("{host}:443"), &get(host, "/")).await;
    assert_eq!((answer.status, answer.reason().as_str()), (403, "dlp"));
    assert_eq!(answer.denial()["rule"], "data-in-host");
    assert_eq!(world.names.asked(), [""; 0]);
    assert_eq!(world.reason("dlp").await["host"], "[redacted]");
}

#[tokio::test]
async fn a_routed_hosts_body_is_overwritten_and_goes_on() {
    let upstream = Upstream::tls("a.org", HELLO).await;
    let world = routed(&upstream, "").await;
    let target = format!("a.org:{}", upstream.address.port());
    let body = format!("{{\"printed\": \"AWS_ACCESS_KEY_ID={KEY}\\nPATH=/bin\"}}");
    // As egress sends it: with the route's own credential in a header.
    let own = "x-api-key: sk-ant-api03-a4J7mQ9vXs2LkPz8RtYw3BnCfHd6GuEj\r\n";
    let request = post(&target, "/v1/messages", own, &body);
    let hop = format!("x-bottle-hop: {SECRET}\r\n");
    let answer = world.https_as("127.0.0.2", &hop, &target, &request).await;
    assert_eq!(answer.status, 200);
    let seen = &upstream.seen().requests[0];
    assert!(seen.ends_with(&body.replace(KEY, &"*".repeat(KEY.len()))), "{seen}");
    assert!(seen.contains("sk-ant-api03-"));
    let line = world.line(|line| line["event"] == "redacted").await;
    assert_eq!((&line["rule"], &line["reason"]), (&"aws-access-key-id".into(), &"dlp".into()));
    world.line(|line| line["event"] == "allowed" && line["status"] == 200).await;
}

#[tokio::test]
async fn d12_egress_own_requests_go_unread_and_nobody_elses() {
    let upstream = Upstream::tls("a.org", HELLO).await;
    let world = routed(&upstream, "").await;
    let target = format!("a.org:{}", upstream.address.port());
    let request = post(&target, "/oauth/token", "", KEY);
    let own = format!("x-bottle-hop: {SECRET}.own\r\n");
    assert_eq!(world.https_as("127.0.0.2", &own, &target, &request).await.status, 200);
    assert!(upstream.seen().requests[0].ends_with(KEY), "a login is renewed with its token");
    // From elsewhere, or with half of the proof, or shown in the request instead of the CONNECT.
    for (from, hop) in [("127.0.0.1", &*own), ("127.0.0.2", "x-bottle-hop: .own\r\n")] {
        let answer = world.https_as(from, hop, &target, &request).await;
        assert_eq!(answer.reason(), "route-required");
    }
    let plain = format!("x-bottle-hop: {SECRET}\r\n");
    let request = post(&target, "/oauth/token", &own, KEY);
    assert_eq!(world.https_as("127.0.0.2", &plain, &target, &request).await.status, 200);
    assert_eq!(upstream.seen().requests.iter().filter(|seen| seen.contains(KEY)).count(), 1);
}

#[tokio::test]
async fn the_action_that_is_set_holds_everywhere() {
    let upstream = Upstream::tls("a.org", HELLO).await;
    let target = format!("a.org:{}", upstream.address.port());
    let hop = format!("x-bottle-hop: {SECRET}\r\n");
    for (action, status) in [("block", 403), ("warn", 200), ("redact", 200)] {
        let world = routed(&upstream, &format!("requests: {action}\n")).await;
        let request = post(&target, "/", "", KEY);
        let answer = world.https_as("127.0.0.2", &hop, &target, &request).await;
        assert_eq!(answer.status, status, "{action}");
    }
    let seen = upstream.seen().requests;
    assert_eq!(seen.iter().filter(|seen| seen.ends_with(KEY)).count(), 1);
    assert_eq!(seen.iter().filter(|seen| seen.ends_with(&"*".repeat(KEY.len()))).count(), 1);
}

#[tokio::test]
async fn g4_what_is_merely_certain_hides_none_of_the_bottles_own_where_findings_are_told() {
    let upstream = Upstream::tls("a.org", HELLO).await;
    let target = format!("a.org:{}", upstream.address.port());
    let own = fingerprint(OWN).replace("[home.org]", "[]");
    let world = World::new(
        "api_allowlist: [a.org]\nssrf: {ip_allowlist: [127.0.0.0/8]}\n",
        &format!("{}{own}requests: warn\n", bottle(&upstream)),
    )
    .await;
    world.names.set("a.org", &["127.0.0.1"]);
    assert_eq!(world.https(&target, &get(&target, &format!("/{KEY}"))).await.status, 200);
    let query = format!("/{KEY}?a={OWN}");
    let field =
        get(&target, &format!("/{KEY}")).replace("\r\n\r\n", &format!("\r\nx-a: {OWN}\r\n\r\n"));
    for request in [get(&target, &query), field] {
        let answer = world.https(&target, &request).await;
        assert_eq!((answer.status, answer.reason().as_str()), (403, "dlp"));
        assert_eq!(answer.denial()["rule"], "bottle-secret");
    }
}

#[tokio::test]
async fn e10_a_coding_that_cannot_be_undone_is_refused() {
    let upstream = Upstream::tls("a.org", HELLO).await;
    let world = World::leading_to(&upstream).await;
    let target = format!("a.org:{}", upstream.address.port());
    for coding in ["compress", "gzip, gzip", "aes128gcm"] {
        let head = format!("content-encoding: {coding}\r\n");
        let answer = world.https(&target, &post(&target, "/", &head, "x")).await;
        assert_eq!((answer.status, answer.reason().as_str()), (415, "encoding-not-allowed"));
    }
    assert_eq!(upstream.seen().connections, 0);
}

#[tokio::test]
async fn http2_bodies_are_read_too() {
    let upstream = Upstream::tls("a.org", HELLO).await;
    let world = World::leading_to(&upstream).await;
    let target = format!("a.org:{}", upstream.address.port());
    let tunnel = world.connect(&target).await.unwrap();
    let stream = TokioIo::new(world.tls_with(tunnel, "a.org", b"h2").await.unwrap());
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), stream).await.unwrap();
    world.shutdown.spawn(async move { drop(connection.await) });
    for (body, status) in [(KEY, StatusCode::FORBIDDEN), ("nothing of the kind", StatusCode::OK)] {
        let request = Request::post(format!("https://{target}/"))
            .body(Full::new(Bytes::from_static(body.as_bytes())))
            .unwrap();
        let sent = tokio::time::timeout(PATIENCE, sender.send_request(request)).await.unwrap();
        let answer = sent.unwrap();
        assert_eq!(answer.status(), status);
        drop(answer.into_body().collect().await.unwrap());
    }
    let seen = upstream.seen().requests;
    assert!(seen.len() == 1 && seen[0].ends_with("nothing of the kind"), "{seen:?}");
}

/// What `bottle.yaml` says of that secret, whose home is `home.org`.
pub(crate) fn fingerprint(value: &str) -> String {
    let label = [FINGERPRINT_KEY_LABEL, SECRET.as_bytes()].concat();
    let key = Key::new(Sha256::digest(label).into());
    let known = Fingerprint::of(&key, value.as_bytes()).unwrap();
    let mac = known.mac.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    });
    format!(
        "secrets: [{{length: {}, rolling: '{:x}', mac: '{mac}', hosts: [home.org]}}]\n",
        known.len, known.rolling
    )
}

#[tokio::test]
async fn g4_the_bottles_own_secret_goes_to_its_own_host_alone_whatever_the_action() {
    const VALUE: &str = "of-no-known-kind-0r7Qx2Lm9Tz4";
    let upstream = Upstream::tls("a.org", HELLO).await;
    let target = format!("a.org:{}", upstream.address.port());
    for action in ["warn", "redact", "by-host"] {
        let more = format!("{}requests: {action}\n", fingerprint(VALUE));
        let world = World::new(
            "api_allowlist: [a.org]\nssrf: {ip_allowlist: [127.0.0.0/8]}\n",
            &format!("{}{more}", bottle(&upstream)),
        )
        .await;
        world.names.set("a.org", &["127.0.0.1"]);
        // base64("user:of-no-known-kind-0r7Qx2Lm9Tz4")
        let basic = "authorization: Basic dXNlcjpvZi1uby1rbm93bi1raW5kLTByN1F4MkxtOVR6NA==\r\n";
        for (path, headers, body) in [
            ("/", "", format!("x={VALUE}")),
            (&*format!("/?q={VALUE}"), "", String::new()),
            ("/", basic, String::new()),
        ] {
            let answer = world.https(&target, &post(&target, path, headers, &body)).await;
            assert_eq!((answer.status, answer.reason().as_str()), (403, "dlp"), "{action} {path}");
            assert_eq!(answer.denial()["rule"], "bottle-secret");
        }
        assert!(world.lines().iter().all(|line| !line.to_string().contains(VALUE)));
    }
    assert_eq!(upstream.seen().connections, 0);
}

#[tokio::test]
async fn g4_a_secret_at_home_passes_also_where_it_is_of_a_known_kind() {
    let upstream = Upstream::tls("a.org", HELLO).await;
    let world = routed(&upstream, &fingerprint(KEY_AT_HOME).replace("home.org", "a.org")).await;
    let target = format!("a.org:{}", upstream.address.port());
    let hop = format!("x-bottle-hop: {SECRET}\r\n");
    let request = get(&target, &format!("/?key={KEY_AT_HOME}"));
    assert_eq!(world.https_as("127.0.0.2", &hop, &target, &request).await.status, 200);
    let other = get(&target, &format!("/?key={KEY}"));
    assert_eq!(world.https_as("127.0.0.2", &hop, &target, &other).await.reason(), "dlp");
}

/// Of a known kind, and a route's own.
const KEY_AT_HOME: &str = "AKIAZ5TL2WXPVYQ3EGRI";

#[tokio::test]
async fn g4_whoever_tries_placeholders_out_is_made_to_wait() {
    let upstream = Upstream::tls("a.org", HELLO).await;
    let world = World::leading_to(&upstream).await;
    let target = format!("a.org:{}", upstream.address.port());
    for nth in 0..12 {
        let body = format!("token=BottlePlaceholder{nth:032x}");
        let answer = world.https(&target, &post(&target, "/", "", &body)).await;
        let expected = if nth < 11 { (403, "dlp") } else { (429, "budget-exceeded") };
        assert_eq!((answer.status, answer.reason().as_str()), expected, "the {nth}th");
    }
    assert_eq!(upstream.seen().connections, 0);
}

#[tokio::test]
async fn a_placeholder_on_a_route_is_egresss_to_judge_and_passes() {
    let upstream = Upstream::tls("a.org", HELLO).await;
    let world = routed(&upstream, "").await;
    let target = format!("a.org:{}", upstream.address.port());
    let hop = format!("x-bottle-hop: {SECRET}\r\n");
    let body = format!("it holds sk-ant-BottlePlaceholder{:032x}", 7);
    let request = post(&target, "/", "", &body);
    assert_eq!(world.https_as("127.0.0.2", &hop, &target, &request).await.status, 200);
    assert!(upstream.seen().requests[0].ends_with(&body));
}

#[tokio::test]
async fn g11_a_private_key_of_the_bottles_is_an_incident_at_any_host_whatever_the_action() {
    const DIGITS: [&str; 3] = [
        "MHcCAQEEIN0yQ1mY3vJxg7S0bXo2k9LrVhTzPw5uEcA8fGqKd4ZnoAoGCCqGSM49",
        "AwEHoUQDQgAEb3Vhb2wzZ2hRk1p8xT7mYc0VnKqJ5sLrWd9EfUoXiB2Gt6NyHzQa",
        "PMw4CjOIDkRlSvFuAe7x1T8ZbYgWm5cKqA==",
    ];
    let pem = format!(
        "-----BEGIN EC PRIVATE KEY-----\n{}\n-----END EC PRIVATE KEY-----\n",
        DIGITS.join("\n")
    );
    let upstream = Upstream::tls("a.org", HELLO).await;
    let target = format!("a.org:{}", upstream.address.port());
    let own = fingerprint(&DIGITS.concat()).replace("[home.org]", "[]");
    for action in ["warn", "redact", "by-host", "block"] {
        let world = World::new(
            "api_allowlist: [a.org]\nssrf: {ip_allowlist: [127.0.0.0/8]}\n",
            &format!("{}{own}requests: {action}\n", bottle(&upstream)),
        )
        .await;
        world.names.set("a.org", &["127.0.0.1"]);
        // Whole, as JSON has it, and its digits alone.
        let json = format!("{{\"key\":\"{}\"}}", pem.replace('\n', "\\n"));
        for body in [pem.clone(), json, DIGITS.join("\r\n"), DIGITS.concat()] {
            let answer = world.https(&target, &post(&target, "/", "", &body)).await;
            assert_eq!((answer.status, answer.reason().as_str()), (403, "dlp"), "{action} {body}");
            assert_eq!(answer.denial()["rule"], "bottle-secret", "{action} {body}");
        }
        assert!(world.lines().iter().all(|line| !line.to_string().contains(DIGITS[0])));
    }
    assert_eq!(upstream.seen().connections, 0);
}

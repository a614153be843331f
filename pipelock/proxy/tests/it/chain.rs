//! Ways that only some bottles take: TLS that passes unopened, a proxy further on, budgets.

use crate::{
    client::{Agent, get, read_to_its_end, read_until},
    content::post,
    upstream::{HELLO, Upstream},
    world::{World, bottle},
};
use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, pem::PemObject as _},
};
use std::sync::{Arc, Mutex};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional},
    net::{TcpListener, TcpStream},
};

const LOOPBACK: &str = "ssrf: {ip_allowlist: [127.0.0.0/8]}\n";

/// An agent that trusts the upstream and not pipelock.
fn trusting(world: &World, upstream: &Upstream) -> Agent {
    let mut roots = RootCertStore::empty();
    let pem = upstream.authority.as_bytes();
    roots.add(CertificateDer::from_pem_slice(pem).unwrap()).unwrap();
    Agent { proxy: world.agent.proxy, roots }
}

async fn passing(upstream: &Upstream, allowed: &str, more: &str) -> World {
    let policy = format!(
        "api_allowlist: [{allowed}]\n{LOOPBACK}\
         tls_interception: {{enabled: true, passthrough_domains: [a.org]}}\n"
    );
    let world = World::new(&policy, &format!("{}{more}", bottle(upstream))).await;
    world.names.set("a.org", &["127.0.0.1"]);
    world
}

#[tokio::test]
async fn a_host_passes_unopened_where_the_policy_says_so_and_the_log_tells() {
    let upstream = Upstream::tls("a.org", HELLO).await;
    let world = passing(&upstream, "a.org", "").await;
    let target = format!("a.org:{}", upstream.address.port());
    let answer = trusting(&world, &upstream).https(&target, &get(&target, "/")).await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "hello"));
    let line = world.line(|line| line["unscanned"] == "passthrough").await;
    assert_eq!((&line["event"], &line["rule"]), (&"allowed".into(), &"a.org".into()));
    assert!(line["bytes_out"].as_u64().unwrap() > 0);
}

#[tokio::test]
async fn j7_a_host_that_is_opened_from_now_on_loses_its_unopened_connections() {
    // The answer promises more than it brings, and stays open.
    let never = "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nhello";
    let upstream = Upstream::open(never).await;
    let world = passing(&upstream, "a.org", "").await;
    let target = format!("a.org:{}", upstream.address.port());
    let agent = trusting(&world, &upstream);
    let tunnel = agent.connect(&target).await.unwrap();
    let mut stream = agent.tls(tunnel, "a.org").await.unwrap();
    stream.write_all(get(&target, "/").as_bytes()).await.unwrap();
    read_until(&mut stream, "hello").await;
    // Still allowed, and no longer unopened.
    world.reload(&format!("api_allowlist: [a.org]\n{LOOPBACK}"), &bottle(&upstream));
    read_to_its_end(stream).await;
    let line = world.line(|line| line["unscanned"] == "passthrough").await;
    assert!(line["bytes_out"].as_u64().unwrap() > 0);
}

#[tokio::test]
async fn d1_what_passes_unopened_has_the_server_name_of_its_connect() {
    let upstream = Upstream::tls("a.org", HELLO).await;
    let world = passing(&upstream, "a.org", "").await;
    let target = format!("a.org:{}", upstream.address.port());
    let agent = trusting(&world, &upstream);
    let tunnel = agent.connect(&target).await.unwrap();
    assert!(agent.tls(tunnel, "b.org").await.is_err());
    world.reason("sni-mismatch").await;
    assert_eq!(upstream.seen().connections, 0);
}

#[tokio::test]
async fn passing_unopened_allows_nothing_and_takes_no_route() {
    let upstream = Upstream::tls("a.org", HELLO).await;
    let target = format!("a.org:{}", upstream.address.port());
    for (allowed, more, reason) in [
        ("b.org", "", "host-not-allowed"),
        ("a.org", "routed: [a.org]\negress: 127.0.0.2\n", "route-required"),
    ] {
        let world = passing(&upstream, allowed, more).await;
        let answer = world.https(&target, &get(&target, "/")).await;
        assert_eq!((answer.status, answer.reason().as_str()), (403, reason));
    }
    let inward = passing(&upstream, "a.org", "").await;
    inward.names.set("a.org", &["169.254.169.254"]);
    let agent = trusting(&inward, &upstream);
    let tunnel = agent.connect(&target).await.unwrap();
    assert!(agent.tls(tunnel, "a.org").await.is_err());
    inward.reason("ssrf-metadata").await;
    assert_eq!(upstream.seen().connections, 0);
}

/// A proxy that takes CONNECT and writes its heads down.
async fn proxy() -> (u16, Arc<Mutex<Vec<String>>>, sidecar::Shutdown) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let heads: Arc<Mutex<Vec<String>>> = Arc::default();
    let (seen, tasks) = (Arc::clone(&heads), sidecar::Shutdown::new());
    let spawner = tasks.clone();
    tasks.spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let seen = Arc::clone(&seen);
            spawner.spawn(async move {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    if stream.read_buf(&mut head).await.unwrap_or(0) == 0 {
                        return;
                    }
                }
                let head = String::from_utf8(head).unwrap();
                let target = head.split(' ').nth(1).unwrap().to_owned();
                seen.lock().unwrap().push(head);
                let mut onward = TcpStream::connect(target).await.unwrap();
                stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
                drop(copy_bidirectional(&mut stream, &mut onward).await);
            });
        }
    });
    (port, heads, tasks)
}

#[tokio::test]
async fn c6_an_upstream_proxy_is_told_the_checked_address_and_shown_its_credential() {
    let upstream = Upstream::tls("a.org", HELLO).await;
    let (port, heads, _tasks) = proxy().await;
    let more = format!("{}upstream_proxy: {{host: 127.0.0.1, port: {port}}}\n", bottle(&upstream));
    let world = World::new(&format!("api_allowlist: [a.org]\n{LOOPBACK}"), &more).await;
    world.names.set("a.org", &["127.0.0.1"]);
    let target = format!("a.org:{}", upstream.address.port());
    let answer = world.https(&target, &get(&target, "/")).await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "hello"));
    let heads = heads.lock().unwrap().clone();
    assert!(heads[0].starts_with(&format!("CONNECT {} HTTP/1.1\r\n", upstream.address)));
    assert!(heads[0].contains("\r\nproxy-authorization: Basic dXNlcjpwYXNz\r\n"), "{heads:?}");
    assert!(!upstream.seen().requests[0].contains("dXNlcjpwYXNz"));
    assert!(world.lines().iter().all(|line| !line.to_string().contains("dXNlcjpwYXNz")));
}

#[tokio::test]
async fn b4_behind_an_upstream_proxy_forbidden_answers_are_refused_all_the_same() {
    let upstream = Upstream::tls("a.org", HELLO).await;
    let (port, heads, _tasks) = proxy().await;
    let more = format!("{}upstream_proxy: {{host: 127.0.0.1, port: {port}}}\n", bottle(&upstream));
    let world = World::new("api_allowlist: [a.org]\n", &more).await;
    let target = format!("a.org:{}", upstream.address.port());
    for inward in ["127.0.0.1", "10.0.0.1", "169.254.169.254"] {
        world.names.set("a.org", &["93.184.215.14", inward]);
        let answer = world.https(&target, &get(&target, "/")).await;
        assert!(answer.reason().starts_with("ssrf-"), "{inward}: {}", answer.body);
    }
    // The proxy itself is no destination of the agent's.
    assert!(world.connect(&format!("127.0.0.1:{port}")).await.is_err());
    assert_eq!(heads.lock().unwrap().len(), 0);
}

/// A world in which so much may go to `a.org`, and that as a target.
async fn budgeted(upstream: &Upstream, most: &str) -> (World, String) {
    let more = format!("{}budgets: [{{host: a.org, {most}}}]\n", bottle(upstream));
    let world = World::new(&format!("api_allowlist: [a.org]\n{LOOPBACK}"), &more).await;
    world.names.set("a.org", &["127.0.0.1"]);
    (world, format!("a.org:{}", upstream.address.port()))
}

#[tokio::test]
async fn a_budget_is_the_minutes_and_is_said() {
    let upstream = Upstream::tls("a.org", HELLO).await;
    let (world, target) = budgeted(&upstream, "requests: 2").await;
    for status in [200, 200, 429] {
        assert_eq!(world.https(&target, &get(&target, "/")).await.status, status);
    }
    let line = world.reason("budget-exceeded").await;
    assert_eq!((&line["event"], &line["rule"]), (&"denied".into(), &"a.org".into()));
}

#[tokio::test]
async fn a_long_answer_ends_where_the_budget_of_bytes_does() {
    let long = "0123456789".repeat(50_000);
    let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{long}", long.len());
    let upstream = Upstream::tls("a.org", &answer).await;
    let (world, target) = budgeted(&upstream, "bytes: 200000").await;
    let answered = world.https(&target, &get(&target, "/")).await;
    assert_eq!(answered.status, 200);
    assert!(answered.body.len() <= 200_000, "{}", answered.body.len());
    let line = world.reason("budget-exceeded").await;
    assert_eq!((&line["event"], &line["status"]), (&"denied".into(), &200.into()));
    assert_eq!(world.https(&target, &get(&target, "/")).await.status, 429);
}

#[tokio::test]
async fn a_body_that_is_sent_ends_there_too_and_the_answer_says_so() {
    let upstream = Upstream::tls("a.org", HELLO).await;
    let (world, target) = budgeted(&upstream, "bytes: 200000").await;
    for length in [200_100, 400_000] {
        let body = "0123456789".repeat(length / 10);
        let answered = world.https(&target, &post(&target, "/", "", &body)).await;
        assert_eq!((answered.status, answered.reason().as_str()), (429, "budget-exceeded"));
    }
    assert!(upstream.seen().requests.iter().all(|request| request.len() < 200_500));
}

#[tokio::test]
async fn an_unopened_connection_ends_where_the_budget_of_bytes_does() {
    let long = "0123456789".repeat(50_000);
    let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{long}", long.len());
    let upstream = Upstream::tls("a.org", &answer).await;
    let world = passing(&upstream, "a.org", "budgets: [{host: a.org, bytes: 200000}]\n").await;
    let target = format!("a.org:{}", upstream.address.port());
    let answered = trusting(&world, &upstream).https(&target, &get(&target, "/")).await;
    assert!(answered.body.len() <= 200_000, "{}", answered.body.len());
    let line = world.reason("budget-exceeded").await;
    let bytes = line["bytes_in"].as_u64().unwrap() + line["bytes_out"].as_u64().unwrap();
    assert!(line["event"] == "denied" && bytes <= 200_000, "{line}");
}

#[tokio::test]
async fn an_unopened_connection_grows_no_older_than_the_policy_says() {
    // The answer promises more than it brings, and stays open.
    let never = "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nhello";
    let upstream = Upstream::open(never).await;
    let policy = format!(
        "api_allowlist: [a.org]\n{LOOPBACK}\
         forward_proxy: {{enabled: true, max_tunnel_seconds: 1, idle_timeout_seconds: 600}}\n\
         tls_interception: {{enabled: true, passthrough_domains: [a.org]}}\n"
    );
    let world = World::new(&policy, &bottle(&upstream)).await;
    world.names.set("a.org", &["127.0.0.1"]);
    let target = format!("a.org:{}", upstream.address.port());
    let answered = trusting(&world, &upstream).https(&target, &get(&target, "/")).await;
    assert_eq!(answered.body, "hello");
    let line = world.line(|line| line["unscanned"] == "passthrough").await;
    assert!(line["duration_ms"].as_u64().unwrap() >= 1000);
}

//! Requests that the policy refuses, with the reason, and nothing resolved or dialled for them.

use crate::{
    client::get,
    upstream::{HELLO, Upstream},
    world::{SECRET, World, bottle},
};

#[tokio::test]
async fn b2_a_host_that_is_not_allowed_is_refused_inside_the_tunnel_and_never_resolved() {
    let upstream = Upstream::tls("b.org", HELLO).await;
    let world = World::leading_to(&upstream).await;
    world.names.set("b.org", &["127.0.0.1"]);
    let answer = world.https("b.org:443", &get("b.org", "/x?q=1")).await;
    assert_eq!(answer.status, 403);
    assert_eq!(answer.reason(), "host-not-allowed");
    let denial = answer.denial();
    assert_eq!(denial["layer"], "pipelock");
    assert_eq!(denial["host"], "b.org");
    assert_eq!((&denial["method"], &denial["path"]), (&"GET".into(), &"/x".into()));
    assert!(denial["propose"].is_null() && !denial["next_step"].as_str().unwrap().is_empty());
    assert!(world.names.asked().is_empty());
    assert_eq!(upstream.seen().connections, 0);
    let line = world.reason("host-not-allowed").await;
    assert_eq!((&line["event"], &line["host"]), (&"denied".into(), &"b.org".into()));
    assert!(line.get("address").is_none());
}

#[tokio::test]
async fn a_denied_host_comes_with_the_call_that_asks_where_somebody_can_be_asked() {
    let world = World::new("", "supervised: true\n").await;
    let denial = world.https("b.org:443", &get("b.org", "/x?q=1")).await.denial();
    let propose = &denial["propose"];
    assert_eq!(propose["tool"], "propose_egress");
    let args = serde_json::json!({"host": "b.org", "methods": ["GET"], "paths": ["/x"]});
    assert_eq!(propose["args"], args);
}

#[tokio::test]
async fn b2_the_same_host_arrives_when_a_rule_allows_it() {
    let upstream = Upstream::tls("x.wild.org", HELLO).await;
    let world = World::leading_to(&upstream).await;
    world.names.set("x.wild.org", &["127.0.0.1"]);
    let target = format!("x.wild.org:{}", upstream.address.port());
    assert_eq!(world.https(&target, &get(&target, "/")).await.status, 200);
}

#[tokio::test]
async fn c7_an_empty_allowlist_denies_everything() {
    let world = World::new("", "").await;
    for host in ["a.org", "localhost", "metadata.google.internal", "kubernetes.default.svc"] {
        let answer = world.https(&format!("{host}:443"), &get(host, "/")).await;
        assert_eq!(answer.reason(), "host-not-allowed", "{host}");
    }
    assert!(world.names.asked().is_empty());
}

#[tokio::test]
async fn c4_an_allowed_host_on_another_port_is_refused() {
    let upstream = Upstream::tls("a.org", HELLO).await;
    let world = World::leading_to(&upstream).await;
    let answer = world.https("a.org:8443", &get("a.org:8443", "/")).await;
    assert_eq!(answer.reason(), "port-not-allowed");
    assert!(world.names.asked().is_empty());
}

#[tokio::test]
async fn d8_both_forms_get_the_same_verdict() {
    let upstream = Upstream::tls("a.org", HELLO).await;
    let world = World::leading_to(&upstream).await;
    world.names.set("x.wild.org", &["10.0.0.1"]);
    for (host, port) in [("b.org", 443), ("a.org", 8443), ("x.wild.org", 443), ("y.wild.org", 80)] {
        let authority = format!("{host}:{port}");
        let tunnelled = world.https(&authority, &get(&authority, "/x")).await;
        let absolute = world.raw(&get(&authority, &format!("http://{authority}/x"))).await.unwrap();
        assert_eq!(tunnelled.reason(), absolute.reason(), "{authority}");
        assert_eq!(tunnelled.status, absolute.status, "{authority}");
    }
}

#[tokio::test]
async fn d12_a_routed_host_is_reached_by_egress_alone() {
    let upstream = Upstream::tls("a.org", HELLO).await;
    // 127.0.0.2 is egress; 127.0.0.1 is the agent.
    let world = World::new(
        "api_allowlist: [a.org]\nssrf: {ip_allowlist: [127.0.0.0/8]}\n",
        &format!("{}egress: 127.0.0.2\nrouted: [a.org]\n", bottle(&upstream)),
    )
    .await;
    world.names.set("a.org", &["127.0.0.1"]);
    let target = format!("a.org:{}", upstream.address.port());
    let hop = format!("x-bottle-hop: {SECRET}\r\n");
    let wrong = "x-bottle-hop: the-hop-secret-of-that-bottle\r\n".to_owned();
    for (from, headers) in [
        ("127.0.0.1", ""),
        ("127.0.0.1", hop.as_str()),
        ("127.0.0.2", ""),
        ("127.0.0.2", wrong.as_str()),
        ("127.0.0.2", "x-bottle-hop: \r\n"),
    ] {
        let answer = world.https_as(from, headers, &target, &get(&target, "/")).await;
        assert_eq!(answer.reason(), "route-required", "{from} {headers}");
    }
    assert_eq!(upstream.seen().connections, 0);
    let answer = world.https_as("127.0.0.2", &hop, &target, &get(&target, "/")).await;
    assert_eq!(answer.status, 200);
    let seen = upstream.seen().requests;
    assert!(!seen[0].contains(SECRET) && !seen[0].to_lowercase().contains("x-bottle-hop"));
    assert!(!world.lines().iter().any(|line| line.to_string().contains(SECRET)));
}

#[tokio::test]
async fn a_push_that_goes_round_the_gate_is_refused_whoever_asks() {
    let upstream = Upstream::tls("a.org", HELLO).await;
    let world = World::leading_to(&upstream).await;
    let target = format!("a.org:{}", upstream.address.port());
    for path in [
        "/o/r.git/info/refs?service=git-receive-pack",
        "/o/r.git/info/refs?service=git%2Dreceive-pack",
    ] {
        let answer = world.https(&target, &get(&target, path)).await;
        assert_eq!(answer.reason(), "side-door", "{path}");
    }
    let push = format!(
        "POST /o/r.git/git-receive-pack HTTP/1.1\r\nhost: {target}\r\nconnection: close\r\n\
         content-length: 0\r\n\r\n"
    );
    assert_eq!(world.https(&target, &push).await.reason(), "side-door");
    assert_eq!(upstream.seen().connections, 0);
    let fetch = get(&target, "/o/r.git/info/refs?service=git-upload-pack");
    assert_eq!(world.https(&target, &fetch).await.status, 200);
}

#[tokio::test]
async fn a_commit_by_githubs_api_and_ssh_by_https_are_refused_without_egress_too() {
    let upstream = Upstream::tls("api.github.com", HELLO).await;
    let world = World::new(
        "api_allowlist: ['*.github.com']\nssrf: {ip_allowlist: [127.0.0.0/8]}\n",
        &bottle(&upstream).replace("host: a.org", "host: '*.github.com'"),
    )
    .await;
    for name in ["api.github.com", "ssh.github.com"] {
        world.names.set(name, &["127.0.0.1"]);
    }
    let target = format!("api.github.com:{}", upstream.address.port());
    for (method, path) in [
        ("PUT", "/repos/o/r/contents/x"),
        ("PATCH", "/repos/o/r/git/refs/heads/main"),
        ("POST", "/repos/o/r/merges"),
        ("POST", "/graphql"),
    ] {
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: {target}\r\nconnection: close\r\n\
             content-length: 0\r\n\r\n"
        );
        assert_eq!(world.https(&target, &request).await.reason(), "side-door", "{method} {path}");
    }
    let ssh = format!("ssh.github.com:{}", upstream.address.port());
    assert_eq!(world.https(&ssh, &get(&ssh, "/")).await.reason(), "side-door");
    assert_eq!(upstream.seen().connections, 0);
    let read = get(&target, "/repos/o/r/contents/x");
    assert_eq!(world.https(&target, &read).await.status, 200);
}

//! One host decides everything: CONNECT, SNI, Host and the upstream's certificate agree, or nothing
//! goes out.

use crate::{
    client::{exchange, get},
    upstream::{HELLO, Upstream},
    world::{World, bottle},
};
use tokio::net::TcpStream;

async fn world() -> (World, Upstream, String) {
    let upstream = Upstream::tls("a.org", HELLO).await;
    let world = World::leading_to(&upstream).await;
    let target = format!("a.org:{}", upstream.address.port());
    (world, upstream, target)
}

#[tokio::test]
async fn d1_a_hello_for_another_host_ends_the_connection() {
    let (world, upstream, target) = world().await;
    let tunnel = world.connect(&target).await.unwrap();
    assert!(world.tls(tunnel, "evil.org").await.is_err());
    assert_eq!(world.reason("sni-mismatch").await["event"], "denied");
    assert_eq!(upstream.seen().connections, 0);
}

#[tokio::test]
async fn d2_a_request_for_another_host_is_refused() {
    let (world, upstream, target) = world().await;
    for host in ["evil.org", "x.wild.org", "a.org:1", "127.0.0.1"] {
        let answer = world.https(&target, &get(host, "/")).await;
        assert!(matches!(answer.status, 400 | 421), "{host}: {answer:?}");
    }
    assert_eq!(upstream.seen().connections, 0);
}

#[tokio::test]
async fn d3_an_absolute_uri_of_another_host_inside_the_tunnel_is_refused() {
    let (world, upstream, target) = world().await;
    for host in [target.as_str(), "evil.org"] {
        let answer = world.https(&target, &get(host, "https://evil.org/")).await;
        assert!(matches!(answer.status, 400 | 421), "{host}: {answer:?}");
    }
    assert_eq!(upstream.seen().connections, 0);
}

#[tokio::test]
async fn b5_a_name_is_the_same_in_every_form_of_it() {
    let (world, upstream, target) = world().await;
    let port = upstream.address.port();
    for form in ["A.ORG", "a.org.", "A.Org."] {
        let tunnel = world.connect(&format!("{form}:{port}")).await.unwrap();
        let stream = world.tls(tunnel, "a.org").await.unwrap();
        let answer = exchange(stream, get(&target, "/").as_bytes()).await.unwrap();
        assert_eq!(answer.status, 200, "{form}");
    }
    assert!(world.names.asked().iter().all(|name| name == "a.org"));
    for other in ["host%00.a.org", "a.org%2eevil.org", "xn--a.org-evil.test"] {
        let verdict = match world.connect(&format!("{other}:443")).await {
            Ok(tunnel) => {
                let stream = world.tls(tunnel, other).await.unwrap();
                exchange(stream, get(other, "/").as_bytes()).await.unwrap().reason()
            }
            Err(refused) => refused.reason(),
        };
        assert!(matches!(verdict.as_str(), "malformed-target" | "host-not-allowed"), "{verdict}");
    }
}

#[tokio::test]
async fn d5_every_request_of_a_connection_is_judged_alone() {
    let (world, upstream, target) = world().await;
    let tunnel = world.connect(&target).await.unwrap();
    let stream = world.tls(tunnel, "a.org").await.unwrap();
    let two = format!(
        "GET /first HTTP/1.1\r\nhost: {target}\r\n\r\n{}",
        get(&target, "/o/r.git/info/refs?service=git-receive-pack")
    );
    let answer = exchange(stream, two.as_bytes()).await.unwrap();
    assert_eq!(answer.status, 200);
    assert!(answer.body.contains("side-door"), "{answer:?}");
    assert_eq!(upstream.seen().requests.len(), 1);
}

#[tokio::test]
async fn d7_what_is_no_tls_in_a_tunnel_is_closed() {
    let (world, upstream, target) = world().await;
    for banner in ["SSH-2.0-OpenSSH_9.9\r\n", "GET / HTTP/1.1\r\nhost: a.org\r\n\r\n", "EHLO x\r\n"]
    {
        let tunnel: TcpStream = world.connect(&target).await.unwrap();
        let answer = exchange(tunnel, banner.as_bytes()).await;
        assert!(answer.is_none_or(|answer| answer.status >= 400), "{banner}");
    }
    assert_eq!(world.reason("not-tls").await["host"], "a.org");
    assert_eq!(upstream.seen().connections, 0);
}

#[tokio::test]
async fn d10_an_upstream_that_cannot_prove_its_name_gets_nothing() {
    let other = Upstream::tls("other.org", HELLO).await;
    let unknown = Upstream::tls("a.org", HELLO).await;
    let known = Upstream::tls("a.org", HELLO).await;
    // The name is wrong; the name is right and the signer unknown.
    let mut unsigned = bottle(&unknown);
    unsigned.truncate(unsigned.find("upstream_ca").unwrap());
    for (upstream, bottle) in [(&other, bottle(&other)), (&unknown, unsigned)] {
        let text = "api_allowlist: [a.org]\nssrf: {ip_allowlist: [127.0.0.0/8]}\n";
        let world = World::new(text, &bottle).await;
        world.names.set("a.org", &["127.0.0.1"]);
        let target = format!("a.org:{}", upstream.address.port());
        let answer = world.https(&target, &get(&target, "/")).await;
        assert_eq!((answer.status, answer.reason().as_str()), (502, "upstream-certificate"));
        assert!(upstream.seen().requests.is_empty());
    }
    let world = World::leading_to(&known).await;
    let target = format!("a.org:{}", known.address.port());
    assert_eq!(world.https(&target, &get(&target, "/")).await.status, 200);
}

#[tokio::test]
async fn d11_a_connect_inside_of_a_tunnel_is_refused() {
    let (world, upstream, target) = world().await;
    let nested = "CONNECT evil.org:443 HTTP/1.1\r\nhost: evil.org:443\r\nconnection: close\r\n\r\n";
    let tunnel = world.connect(&target).await.unwrap();
    let stream = world.tls(tunnel, "a.org").await.unwrap();
    let answer = exchange(stream, nested.as_bytes()).await.unwrap();
    assert!(answer.status >= 400, "{answer:?}");
    assert_eq!(upstream.seen().connections, 0);
}

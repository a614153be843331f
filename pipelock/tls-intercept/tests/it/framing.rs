//! Messages that have two readings get none.

use crate::support::{Agent, Bench, Origin, answer_ok};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;

/// Sends a request that must be refused, in a tunnel and in absolute form.
async fn refused(origin: &Origin, bench: &Bench, request: &str, status: &str) {
    let answer = Agent::in_tunnel(bench, request).await;
    assert!(answer.starts_with(status), "{request:?}: {answer:?}");
    assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "one answer, then the end: {answer}");
    let absolute = request.replacen(" /", " http://allowed.test/", 1);
    let answer = Agent::raw(bench.address, &absolute).await;
    assert!(answer.starts_with(status), "{absolute:?}: {answer:?}");
    assert_eq!((origin.connections(), bench.answered()), (0, 0), "{request:?}");
}

#[tokio::test]
async fn e1_ambiguous_framing_is_refused_and_the_connection_closed() {
    let origin = Origin::tls("allowed.test", &["http/1.1"]).await;
    let bench = Bench::new(&origin).await;
    for fields in [
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked, identity\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding: \x0bchunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "Content-Length: 5\r\nContent-Length: 5\r\n",
        "Content-Length: 5\r\nContent-Length: 6\r\n",
        "Content-Length: +5\r\n",
        "Content-Length: 5, 5\r\n",
        "Content-Length: -1\r\n",
        "Content-Length: 18446744073709551616\r\n",
    ] {
        let smuggled = "0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: allowed.test\r\n\r\n";
        let request = format!("POST / HTTP/1.1\r\nHost: allowed.test\r\n{fields}\r\n{smuggled}");
        refused(&origin, &bench, &request, "HTTP/1.1 400 ").await;
    }
}

#[tokio::test]
async fn e2_a_broken_head_is_refused() {
    let origin = Origin::tls("allowed.test", &["http/1.1"]).await;
    let bench = Bench::new(&origin).await;
    for request in [
        "GET / HTTP/1.1\nHost: allowed.test\n\n",
        "GET / HTTP/1.1\r\nHost: allowed.test\rX: y\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: allowed.test\r\nX: y\r\n folded\r\n\r\n",
        "GET / HTTP/1.1\r\nHost : allowed.test\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: allowed.test\r\nX: a\0b\r\n\r\n",
        "GET / HTTP/1.2\r\nHost: allowed.test\r\n\r\n",
        "GET / HTTP/0.9\r\nHost: allowed.test\r\n\r\n",
        "G\u{c9}T / HTTP/1.1\r\nHost: allowed.test\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: allowed.test\r\nHost: allowed.test\r\n\r\n",
    ] {
        refused(&origin, &bench, request, "HTTP/1.1 400 ").await;
    }
}

#[tokio::test]
async fn e2_heads_have_a_size() {
    let origin = Origin::tls("allowed.test", &["http/1.1"]).await;
    let bench = Bench::new(&origin).await;
    let with = |fields: &str| format!("GET / HTTP/1.1\r\nHost: allowed.test\r\n{fields}\r\n");
    for fields in [
        format!("X: {}\r\n", "a".repeat(17 * 1024)),
        "X: a\r\n".repeat(10_000),
        format!("X: {}\r\n", "a".repeat(100_000)),
    ] {
        refused(&origin, &bench, &with(&fields), "HTTP/1.1 431 ").await;
    }
    let connect =
        format!("CONNECT allowed.test:443 HTTP/1.1\r\nX: {}\r\n\r\n", "a".repeat(9 * 1024));
    assert!(Agent::raw(bench.address, connect).await.starts_with("HTTP/1.1 431 "));
}

#[tokio::test]
async fn e3_a_broken_chunk_never_completes_a_request() {
    let origin = Origin::tls("allowed.test", &["http/1.1"]).await;
    let bench = Bench::new(&origin).await;
    for body in ["FFFFFFFFFFFFFFFFF\r\n", "5\r\nabc", "3\r\nabcd\r\n0\r\n\r\n", "3\nabc\n0\n\n"] {
        let head = "POST / HTTP/1.1\r\nHost: allowed.test\r\nTransfer-Encoding: chunked\r\n\r\n";
        let mut tunnel = Agent::tunnel(&bench, "allowed.test", "http/1.1").await;
        tunnel.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
        tunnel.shutdown().await.unwrap();
        let answer = crate::support::read_all(&mut tunnel).await;
        assert!(!answer.contains(" 200 "), "{body:?}: {answer}");
    }
    assert!(origin.seen().is_empty(), "{:?}", origin.seen());
}

#[tokio::test]
async fn e6_f1_upgrades_to_anything_but_a_websocket_are_refused() {
    let origin = Origin::tls("allowed.test", &["http/1.1"]).await;
    let bench = Bench::new(&origin).await;
    for upgrade in ["h2c", "websocket, h2c", "websocket/13", "tls/1.0", "anything"] {
        let request = format!(
            "GET / HTTP/1.1\r\nHost: allowed.test\r\nConnection: Upgrade, HTTP2-Settings, close\r\n\
             Upgrade: {upgrade}\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        );
        refused(&origin, &bench, &request, "HTTP/1.1 403 ").await;
    }
    let answer = Agent::in_tunnel(&bench, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    let answer = Agent::raw(bench.address, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert_eq!(origin.connections(), 0);
}

/// The control: the same bytes to hyper without the guard before it. What it lets through is what
/// the guard is there for; when it lets nothing through any more, the guard can go.
#[tokio::test]
async fn e1_e2_hyper_alone_lets_some_of_it_through() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::task::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let service = service_fn(|_| async { Ok::<_, std::io::Error>(answer_ok("through")) });
            let serving = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            tokio::task::spawn(serving);
        }
    });
    let mut through = Vec::new();
    for (what, fields) in [
        ("two hosts", "Host: a\r\nHost: b\r\n"),
        ("no host", ""),
        ("length and encoding", "Host: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n"),
        ("two equal lengths", "Host: a\r\nContent-Length: 0\r\nContent-Length: 0\r\n"),
        ("bare line feeds", "Host: a\n"),
    ] {
        let request = format!("POST / HTTP/1.1\r\nConnection: close\r\n{fields}\r\n0\r\n\r\n");
        if Agent::raw(address, request).await.ends_with("through") {
            through.push(what);
        }
    }
    assert!(through.contains(&"two hosts") && through.contains(&"no host"), "{through:?}");
}

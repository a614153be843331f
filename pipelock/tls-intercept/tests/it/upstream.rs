//! The way upstream: connections are shared by what agrees, and nothing is sent twice.

use crate::support::{Agent, Bench, Origin, text, until, within};
use http::{Request, StatusCode, Version};
use http_body_util::BodyExt as _;
use sidecar::Shutdown;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tls_intercept::client::{Client, ClientLimits, Form, SendError, Trust, Upstream, dial, tunnel};
use tls_intercept::{Destination, HopSecret, Limits, Mode, Reason, Scheme, body};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

const WAIT: Duration = Duration::from_secs(30);

fn upstream(scheme: Scheme, address: SocketAddr, trust: &Trust) -> Upstream {
    Upstream {
        destination: Destination::parse_host(scheme, "allowed.test").unwrap(),
        address,
        trust: trust.clone(),
        form: Form::Origin,
    }
}

fn get() -> Request<tls_intercept::Body> {
    Request::get("/").body(body::empty()).unwrap()
}

#[tokio::test]
async fn requests_share_connections_only_where_all_agrees() {
    for alpn in ["h2", "http/1.1"] {
        let origin = Origin::tls("allowed.test", &[alpn]).await;
        let client = Client::new(ClientLimits::default(), Shutdown::new());
        let trust = Trust::new(origin.roots.clone()).unwrap();
        let here = upstream(Scheme::Https, origin.address, &trust);
        let connect = || dial(origin.address, WAIT);
        let ask = || {
            let mut request = get();
            if alpn == "h2" {
                *request.version_mut() = Version::HTTP_2;
            }
            request
        };
        for _ in 0..3 {
            let response = within(client.send(&here, ask(), connect)).await.unwrap();
            response.into_body().collect().await.unwrap();
            // An HTTP/1 connection is free a moment after its body's end.
            until("it is free", || client.idle() == 1).await;
        }
        assert_eq!(origin.connections(), 1, "{alpn}");
        // Other roots: what was trusted before is not used.
        let other =
            upstream(Scheme::Https, origin.address, &Trust::new(origin.roots.clone()).unwrap());
        within(client.send(&other, ask(), connect)).await.unwrap();
        assert_eq!(origin.connections(), 2);
    }
}

/// gRPC needs trailers, which the guard takes off HTTP/1.
#[tokio::test]
async fn a_connection_made_for_http1_serves_no_request_of_http2() {
    let origin = Origin::tls("allowed.test", &["h2", "http/1.1"]).await;
    let client = Client::new(ClientLimits::default(), Shutdown::new());
    let trust = Trust::new(origin.roots.clone()).unwrap();
    let here = upstream(Scheme::Https, origin.address, &trust);
    for version in [Version::HTTP_11, Version::HTTP_2, Version::HTTP_11] {
        let mut request = get();
        *request.version_mut() = version;
        let sent = client.send(&here, request, || dial(origin.address, WAIT));
        let response = within(sent).await.unwrap();
        assert_eq!(response.version(), version);
        response.into_body().collect().await.unwrap();
        until("it is free", || client.idle() > 0).await;
    }
    assert!(origin.connections() <= 3);
}

#[tokio::test]
async fn an_upstream_that_speaks_http2_alone_is_reached_by_an_agent_that_does_not() {
    let origin = Origin::tls("allowed.test", &["h2"]).await;
    let client = Client::new(ClientLimits::default(), Shutdown::new());
    let trust = Trust::new(origin.roots.clone()).unwrap();
    let here = upstream(Scheme::Https, origin.address, &trust);
    let connect = || dial(origin.address, WAIT);
    let response = within(client.send(&here, get(), connect)).await.unwrap();
    assert_eq!((response.status(), response.version()), (StatusCode::OK, Version::HTTP_2));
}

#[tokio::test]
async fn a_tunnel_through_a_proxy_carries_the_hop_secret() {
    let origin = Origin::tls("allowed.test", &["h2"]).await;
    let pipelock = Bench::new(&origin).await;
    let client = Client::new(ClientLimits::default(), Shutdown::new());
    let trust = Trust::new(pipelock.roots.clone()).unwrap();
    let to = upstream(Scheme::Https, pipelock.address, &trust);
    let hop = HopSecret::new("s3cret");
    let (destination, address) = (to.destination.clone(), to.address);
    let connect = || {
        let (destination, hop) = (destination.clone(), hop.clone());
        async move {
            let stream = dial(address, WAIT).await?;
            tunnel(stream, &destination, Some(&hop), WAIT).await
        }
    };
    let response = within(client.send(&to, get(), connect)).await.unwrap();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body, "origin here");
    let connection = Arc::clone(&pipelock.relay.answered.lock().unwrap()[0].0);
    assert_eq!(connection.hop, Some(HopSecret::new("s3cret")));
    assert!(!origin.seen()[0].headers.contains_key("x-bottle-hop"));

    let refused = tunnel(
        dial(address, WAIT).await.unwrap(),
        &Destination::parse_host(Scheme::Https, "127.0.0.1").unwrap(),
        None,
        WAIT,
    )
    .await;
    assert!(matches!(refused, Err(SendError::Refused(403))), "{refused:?}");
}

#[tokio::test]
async fn plain_http_goes_through_a_proxy_in_absolute_form() {
    let origin = Origin::plain().await;
    let pipelock = Bench::new(&origin).await;
    let client = Client::new(ClientLimits::default(), Shutdown::new());
    let trust = Trust::new(rustls::RootCertStore::empty()).unwrap();
    let mut to = upstream(Scheme::Http, pipelock.address, &trust);
    to.form = Form::Absolute { hop: Some(HopSecret::new("s3")) };
    let address = to.address;
    let response = within(client.send(&to, get(), || dial(address, WAIT))).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let connection = Arc::clone(&pipelock.relay.answered.lock().unwrap()[0].0);
    assert_eq!(connection.hop, Some(HopSecret::new("s3")));
    assert_eq!(connection.destination.to_string(), "allowed.test:80");
}

#[tokio::test]
async fn a_dead_upstream_is_502_inside_the_tunnel() {
    let gone = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap()
    };
    let roots = rustls::RootCertStore::empty();
    let bench = Bench::with(gone, roots, Mode::Proxy, Limits::default()).await;
    for alpn in ["h2", "http/1.1"] {
        let response = Agent::get(&bench, "allowed.test", alpn, "/").await;
        assert_eq!(response.status(), StatusCode::BAD_GATEWAY);
        assert_eq!(response.headers()["x-bottle-denied"], "upstream-unreachable");
        let body = text(response).await;
        assert!(body.contains(r#""error":"failed""#) && body.contains(r#""retryable":true"#));
    }
}

/// What a scripted server saw.
#[derive(Default)]
struct Script {
    asked: Mutex<Vec<String>>,
    closed: AtomicUsize,
}

impl Script {
    fn asked(&self) -> usize {
        self.asked.lock().unwrap().len()
    }

    fn closed(&self) -> usize {
        self.closed.load(Ordering::SeqCst)
    }
}

/// A server that answers each connection with these bytes, and then closes it.
async fn scripted(answers: &'static [&'static str]) -> (SocketAddr, Arc<Script>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let script = Arc::<Script>::default();
    let record = Arc::clone(&script);
    tokio::task::spawn(async move {
        for answer in answers {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut head = Vec::new();
            while !head.windows(4).any(|end| end == b"\r\n\r\n") {
                if stream.read_buf(&mut head).await.unwrap() == 0 {
                    break;
                }
            }
            record.asked.lock().unwrap().push(String::from_utf8(head).unwrap());
            stream.write_all(answer.as_bytes()).await.unwrap();
            drop(stream);
            record.closed.fetch_add(1, Ordering::SeqCst);
        }
    });
    (address, script)
}

#[tokio::test]
async fn a_pooled_connection_that_died_is_replaced() {
    const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
    let (address, asked) = scripted(&[OK, OK, OK]).await;
    let client = Client::new(ClientLimits::default(), Shutdown::new());
    let trust = Trust::new(rustls::RootCertStore::empty()).unwrap();
    let to = upstream(Scheme::Http, address, &trust);
    for _ in 0..3 {
        let before = asked.closed();
        let response = within(client.send(&to, get(), || dial(address, WAIT))).await.unwrap();
        assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "ok");
        // Closed at the other end; whether we have seen it yet is the client's business.
        until("it is closed", || asked.closed() > before).await;
    }
    assert_eq!(asked.asked(), 3);
}

#[tokio::test]
async fn a_request_that_was_sent_is_not_sent_again() {
    let (address, asked) = scripted(&["", "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"]).await;
    let client = Client::new(ClientLimits::default(), Shutdown::new());
    let trust = Trust::new(rustls::RootCertStore::empty()).unwrap();
    let to = upstream(Scheme::Http, address, &trust);
    let request = Request::post("/pay").body(body::full("money")).unwrap();
    let outcome = within(client.send(&to, request, || dial(address, WAIT))).await;
    assert_eq!(outcome.unwrap_err().reason(), Reason::UpstreamUnreachable);
    assert_eq!(asked.asked(), 1);
}

#[tokio::test]
async fn f2_a_switch_of_protocols_nobody_asked_for_is_502() {
    let (address, asked) = scripted(&[
        "HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\nraw",
    ])
    .await;
    let client = Client::new(ClientLimits::default(), Shutdown::new());
    let trust = Trust::new(rustls::RootCertStore::empty()).unwrap();
    let to = upstream(Scheme::Http, address, &trust);
    let outcome = within(client.send(&to, get(), || dial(address, WAIT))).await;
    let reason = outcome.unwrap_err().reason();
    assert!(matches!(reason, Reason::UpstreamProtocol | Reason::UpstreamUnreachable), "{reason:?}");
    until("it was asked", || asked.asked() == 1).await;
}

#[tokio::test]
async fn a_call_of_grpc_arrives_with_its_te_and_nothing_else_does() {
    let origin = Origin::tls("allowed.test", &["h2"]).await;
    let bench = Bench::new(&origin).await;
    for kind in ["application/grpc+proto", "application/json"] {
        let tunnel = Agent::tunnel(&bench, "allowed.test", "h2").await;
        let request = Request::post("https://allowed.test/a.B/C")
            .header("content-type", kind)
            .header("te", "trailers")
            .body(body::full("x"))
            .unwrap();
        let mut sender = Agent::http2(tunnel).await;
        assert_eq!(within(sender.send_request(request)).await.unwrap().status(), 200);
    }
    let te: Vec<_> = origin.seen().iter().map(|seen| seen.headers.get("te").cloned()).collect();
    assert_eq!(te, [Some("trailers".parse().unwrap()), None]);
}

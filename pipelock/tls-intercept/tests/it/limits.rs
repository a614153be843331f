//! Deadlines and bounds: an agent that does nothing, or too much, holds nothing for long.

use crate::support::{Agent, Bench, Origin, answer_ok, data, frames, read_all, within};
use http::{Request, Response};
use http_body_util::BodyExt as _;
use std::sync::Arc;
use std::time::Duration;
use tls_intercept::{Limits, Mode, Reason};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Short, and yet longer than a busy machine holds up a test that is in time.
const SHORT: Duration = Duration::from_secs(2);

async fn bench(limits: Limits) -> (Origin, Bench) {
    let origin = Origin::tls("allowed.test", &["http/1.1"]).await;
    let bench = Bench::with(origin.address, origin.roots.clone(), Mode::Proxy, limits).await;
    (origin, bench)
}

#[tokio::test]
async fn d7_e11_a_hello_that_does_not_come_is_not_waited_for() {
    let (_origin, bench) = bench(Limits { handshake: SHORT, ..Limits::default() }).await;
    for part in ["", "\x16\x03\x01\x02\0\x01"] {
        let mut stream = Agent::connect(&bench, "allowed.test:443").await;
        stream.write_all(part.as_bytes()).await.unwrap();
        assert_eq!(read_all(&mut stream).await, "");
        assert_eq!(bench.refused().last(), Some(&Reason::RequestTimeout));
    }
}

#[tokio::test]
async fn e11_a_head_that_does_not_end_is_not_waited_for() {
    let (_origin, bench) = bench(Limits { head: SHORT, ..Limits::default() }).await;
    let mut stream = TcpStream::connect(bench.address).await.unwrap();
    assert_eq!(read_all(&mut stream).await, "");
    for part in ["CONNECT allowed.test:443 HTTP/1.1\r\n", "GET http://allowed.test/ HTTP/1.1\r\n"] {
        let answer = Agent::raw(bench.address, part).await;
        assert!(!answer.contains(" 200 "), "{answer}");
    }
    let answer = Agent::in_tunnel(&bench, "GET / HTTP/1.1\r\nHost: allo").await;
    assert!(!answer.contains(" 200 "), "{answer}");
    assert_eq!(bench.answered(), 0);
}

#[tokio::test]
async fn e11_an_idle_connection_is_closed_and_a_busy_one_is_not() {
    let limits = Limits { idle: SHORT, ..Limits::default() };
    let (_origin, bench) = bench(limits).await;
    let ask = "GET / HTTP/1.1\r\nHost: allowed.test\r\n\r\n";
    // Keep-alive, and then nothing: we get the answer and the end.
    let answer = Agent::in_tunnel(&bench, ask).await;
    assert!(answer.ends_with("origin here"), "{answer}");
    let mut tunnel = Agent::tunnel(&bench, "allowed.test", "h2").await;
    read_all(&mut tunnel).await;
}

#[tokio::test]
async fn e11_a_body_that_does_not_come_fails_the_request() {
    let (origin, bench) = bench(Limits { body: SHORT, ..Limits::default() }).await;
    let ask = "POST / HTTP/1.1\r\nHost: allowed.test\r\nContent-Length: 100\r\n\r\nabc";
    let answer = Agent::in_tunnel(&bench, ask).await;
    assert!(!answer.contains(" 200 "), "{answer}");
    assert!(origin.seen().is_empty());
}

#[tokio::test]
async fn e11_connections_are_bounded_and_a_place_comes_free() {
    let patient = Duration::from_mins(10);
    let limits = Limits { connections: 2, head: patient, handshake: patient, ..Limits::default() };
    let (_origin, bench) = bench(limits).await;
    let first = Agent::connect(&bench, "allowed.test:443").await;
    let _second = Agent::connect(&bench, "allowed.test:443").await;
    let mut third = TcpStream::connect(bench.address).await.unwrap();
    third.write_all(b"CONNECT allowed.test:443 HTTP/1.1\r\n\r\n").await.unwrap();
    let unanswered = tokio::time::timeout(Duration::from_millis(300), third.read_u8()).await;
    assert!(unanswered.is_err(), "the third waits");
    drop(first);
    assert_eq!(within(third.read_u8()).await.unwrap(), b'H');
}

#[tokio::test]
async fn e11_an_exchange_of_http2_ends_however_many_others_begin_beside_it() {
    // Endless, unless it is asked for something else.
    let answer = Arc::new(move |request: Request<hyper::body::Incoming>| {
        Box::pin(async move {
            if request.uri().path() != "/endless" {
                return answer_ok("short");
            }
            let (send, body) = frames();
            tokio::task::spawn(async move {
                while send.send(data("more ")).await.is_ok() {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            });
            Response::new(body)
        }) as std::pin::Pin<Box<_>>
    });
    let origin = Origin::answering("allowed.test", &["h2"], answer).await;
    let limits = Limits { exchange: SHORT, ..Limits::default() };
    let bench = Bench::with(origin.address, origin.roots.clone(), Mode::Proxy, limits).await;
    let tunnel = Agent::tunnel(&bench, "allowed.test", "h2").await;
    let mut sender = Agent::http2(tunnel).await;
    let ask = |path: &str| {
        let request = Request::get(format!("https://allowed.test{path}"));
        request.body(tls_intercept::body::empty()).unwrap()
    };
    let endless = within(sender.send_request(ask("/endless"))).await.unwrap();
    let began = std::time::Instant::now();
    let beside = tokio::task::spawn(async move {
        while let Ok(response) = sender.send_request(ask("/")).await {
            drop(response.into_body().collect().await);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    assert!(within(endless.into_body().collect()).await.is_err(), "it was cut off");
    assert!(began.elapsed() >= SHORT.mul_f32(0.9));
    within(beside).await.unwrap();
}

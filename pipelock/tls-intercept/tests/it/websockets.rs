//! `WebSockets`: asked for, given, passed frame by frame, and ended.

use crate::support::websocket::{Sockets, ask, frame, read};
use crate::support::{Agent, Bench, Origin, read_all, until};
use http::Response;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tls_intercept::{Limits, Mode, Reason, body};
use tokio::io::AsyncWriteExt as _;

const TEXT: u8 = 0x81;
const CLOSE: u8 = 0x88;

#[tokio::test]
async fn f5_frames_pass_both_ways_and_the_upgrade_is_judged_as_a_request() {
    let mut sockets = Sockets::start().await;
    let bench = Bench::new(&sockets.origin).await;
    let offer = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\
                 Sec-WebSocket-Protocol: chat\r\n";
    let (head, mut agent) = ask(&bench, offer).await;
    assert!(head.starts_with("http/1.1 101 "), "{head}");
    for field in ["upgrade: websocket\r\n", "sec-websocket-protocol: chat\r\n"] {
        assert!(head.contains(field), "{head}");
    }
    let asked = bench.relay.answered.lock().unwrap().first().unwrap().1.clone();
    assert_eq!(asked, "GET /socket");
    let mut origin = sockets.next().await;
    let arrived = sockets.heads.lock().unwrap().first().unwrap().clone();
    assert_eq!(arrived.get("sec-websocket-protocol").unwrap(), "chat");
    assert!(!arrived.contains_key("sec-websocket-extensions"), "what is compressed is not read");

    for (text, key) in [("hello", [1, 2, 3, 4]), ("again", [0, 0, 0, 0])] {
        agent.write_all(&frame(TEXT, Some(key), text.as_bytes())).await.unwrap();
        agent.flush().await.unwrap();
        assert_eq!(read(&mut origin).await.unwrap(), (TEXT, true, text.as_bytes().to_vec()));
        origin.write_all(&frame(TEXT, None, text.as_bytes())).await.unwrap();
        origin.flush().await.unwrap();
        assert_eq!(read(&mut agent).await.unwrap(), (TEXT, false, text.as_bytes().to_vec()));
    }
    agent.write_all(&frame(CLOSE, Some([5; 4]), &[3, 232])).await.unwrap();
    agent.flush().await.unwrap();
    assert_eq!(read(&mut origin).await.unwrap(), (CLOSE, true, vec![3, 232]));
    origin.write_all(&frame(CLOSE, None, &[3, 232])).await.unwrap();
    origin.flush().await.unwrap();
    assert_eq!(read(&mut agent).await.unwrap(), (CLOSE, false, vec![3, 232]));
    assert_eq!(read(&mut agent).await, None);
    assert_eq!(read(&mut origin).await, None);
}

#[tokio::test]
async fn f1_f5_a_denied_upgrade_is_an_ordinary_denial_and_ends_the_connection() {
    let sockets = Sockets::start().await;
    let bench = Bench::new(&sockets.origin).await;
    let mut tunnel = Agent::tunnel(&bench, "denied.test", "http/1.1").await;
    let request = "GET / HTTP/1.1\r\nHost: denied.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                   Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n\
                   GET /second HTTP/1.1\r\nHost: denied.test\r\n\r\n";
    tunnel.write_all(request.as_bytes()).await.unwrap();
    tunnel.flush().await.unwrap();
    let answer = read_all(&mut tunnel).await;
    assert!(answer.starts_with("HTTP/1.1 403 ") && answer.contains("host-not-allowed"), "{answer}");
    assert_eq!(answer.matches("HTTP/1.1").count(), 1, "{answer}");
    assert_eq!(sockets.origin.connections(), 0);
}

#[tokio::test]
async fn f1_half_a_handshake_is_refused() {
    let sockets = Sockets::start().await;
    let bench = Bench::new(&sockets.origin).await;
    for fields in [
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n",
        "Connection: close\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
    ] {
        let request = format!("GET / HTTP/1.1\r\nHost: allowed.test\r\n{fields}\r\n");
        let answer = Agent::in_tunnel(&bench, request).await;
        assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
    }
    assert!(bench.refused().iter().all(|reason| *reason == Reason::UpgradeNotAllowed));
    assert_eq!(sockets.origin.connections(), 0);
}

#[tokio::test]
async fn f2_a_switch_that_nobody_asked_for_is_no_answer() {
    let answer = Arc::new(|_| {
        let switching = Response::builder().status(101).header("upgrade", "websocket");
        let switching = switching.header("connection", "upgrade").body(body::empty()).unwrap();
        let answer: std::pin::Pin<Box<dyn Future<Output = _> + Send>> =
            Box::pin(async move { switching });
        answer
    });
    let origin = Origin::answering("allowed.test", &["http/1.1"], answer).await;
    let bench = Bench::new(&origin).await;
    let request = "GET / HTTP/1.1\r\nHost: allowed.test\r\nConnection: close\r\n\r\n";
    let answer = Agent::in_tunnel(&bench, request).await;
    assert!(answer.starts_with("HTTP/1.1 502 "), "{answer}");
}

#[tokio::test]
async fn f2_bytes_that_are_no_frames_end_it() {
    let mut sockets = Sockets::start().await;
    let bench = Bench::new(&sockets.origin).await;
    // A banner; a frame that says it is compressed; a frame with a mask.
    for raw in [&b"SSH-2.0-OpenSSH\r\n"[..], &[0xc1, 1, b'x'], &frame(TEXT, Some([1; 4]), b"x")] {
        let (_, mut agent) = ask(&bench, "").await;
        let mut origin = sockets.next().await;
        origin.write_all(raw).await.unwrap();
        origin.flush().await.unwrap();
        let (kind, _, _) = read(&mut agent).await.expect("a goodbye");
        assert_eq!(kind, CLOSE);
        assert_eq!(read(&mut agent).await, None);
    }
    // And from the agent: what has no mask never arrives.
    let (_, mut agent) = ask(&bench, "").await;
    let mut origin = sockets.next().await;
    agent.write_all(&frame(TEXT, None, b"x")).await.unwrap();
    agent.flush().await.unwrap();
    assert_eq!(read(&mut origin).await, None);
    assert_eq!(read_all(&mut agent).await, "");
}

#[tokio::test]
async fn f6_a_revoked_connection_is_closed_within_it() {
    let mut sockets = Sockets::start().await;
    let bench = Bench::new(&sockets.origin).await;
    let (_, mut agent) = ask(&bench, "").await;
    let mut origin = sockets.next().await;
    let connection = Arc::clone(&bench.relay.answered.lock().unwrap().first().unwrap().0);
    connection.revoked.cancel();
    assert_eq!(read(&mut agent).await, None);
    assert_eq!(read(&mut origin).await, None);
}

#[tokio::test]
async fn e11_a_silent_one_is_closed_and_a_stop_waits_for_none() {
    let mut sockets = Sockets::start().await;
    let limits = Limits { stall: Duration::from_millis(300), ..Limits::default() };
    let (to, roots) = (sockets.origin.address, sockets.origin.roots.clone());
    let bench = Bench::with(to, roots, Mode::Proxy, limits).await;
    let (_, mut agent) = ask(&bench, "").await;
    let _origin = sockets.next().await;
    assert_eq!(read(&mut agent).await, None);

    let bench = Bench::new(&sockets.origin).await;
    let (_, mut agent) = ask(&bench, "").await;
    let _origin = sockets.next().await;
    bench.shutdown.request();
    assert_eq!(read(&mut agent).await, None);
}

#[tokio::test]
async fn e11_an_agent_that_does_not_read_holds_the_origin_up() {
    const LONG: usize = 60_000;
    const MOST: usize = 64 * 1024 * 1024;
    let mut sockets = Sockets::start().await;
    let bench = Bench::new(&sockets.origin).await;
    let (_, _agent) = ask(&bench, "").await;
    let mut origin = sockets.next().await;
    let sent = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&sent);
    let flood = tokio::task::spawn(async move {
        let mut bytes = vec![0x82, 126];
        bytes.extend(u16::try_from(LONG).unwrap().to_be_bytes());
        bytes.resize(4 + LONG, b'x');
        while count.load(Ordering::Relaxed) < MOST && origin.write_all(&bytes).await.is_ok() {
            count.fetch_add(bytes.len(), Ordering::Relaxed);
        }
    });
    let (mut before, mut same) = (0, 0);
    until("it is held up", || {
        let now = sent.load(Ordering::Relaxed);
        same = if now == before { same + 1 } else { 0 };
        before = now;
        (now > 0 && same > 100) || now >= MOST
    })
    .await;
    assert!(before < MOST, "{before} bytes were taken for an agent that reads none");
    flood.abort();
}

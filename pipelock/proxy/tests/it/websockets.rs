//! `WebSockets`: judged as requests, their messages read, ended with the policy.

use crate::{
    client::PATIENCE,
    upstream::{Upstream, WEBSOCKET},
    world::{World, bottle},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::client::TlsStream;

const SECRET: &str = "AKIAIOSFODNN7REALKEY";

fn upgrade(host: &str, more: &str) -> String {
    format!(
        "GET /socket HTTP/1.1\r\nhost: {host}\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-version: 13\r\n{more}\r\n"
    )
}

/// A short frame with the mask 0, which leaves it readable.
fn frame(first: u8, payload: &str) -> Vec<u8> {
    let len = u8::try_from(payload.len()).unwrap();
    assert!(len < 126);
    let mut bytes = vec![first, len | 0x80, 0, 0, 0, 0];
    bytes.extend_from_slice(payload.as_bytes());
    bytes
}

async fn opened(world: &World, target: &str) -> TlsStream<TcpStream> {
    let tunnel = world.connect(target).await.unwrap();
    world.tls(tunnel, "a.org").await.unwrap()
}

/// Asks, sends these bytes after the switch, and reads to the end.
async fn said(world: &World, target: &str, bytes: &[u8]) -> Vec<u8> {
    let mut stream = opened(world, target).await;
    stream.write_all(upgrade(target, "").as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(timeout(PATIENCE, stream.read_u8()).await.unwrap().unwrap());
    }
    assert!(head.starts_with(b"HTTP/1.1 101 "), "{}", String::from_utf8_lossy(&head));
    stream.write_all(bytes).await.unwrap();
    stream.flush().await.unwrap();
    let mut read = Vec::new();
    drop(timeout(PATIENCE, stream.read_to_end(&mut read)).await.expect("it ends"));
    read
}

#[tokio::test]
async fn f5_an_upgrade_is_judged_and_logged_as_a_request() {
    let upstream = Upstream::open(WEBSOCKET).await;
    let world = World::leading_to(&upstream).await;
    let target = format!("a.org:{}", upstream.address.port());
    let offer = "sec-websocket-extensions: permessage-deflate\r\n";
    for (host, more, reason) in [
        (format!("b.org:{}", upstream.address.port()), "", "host-not-allowed"),
        (target.clone(), &*format!("sec-websocket-protocol: {SECRET}\r\n"), "dlp"),
    ] {
        let answer = world.https(&host, &upgrade(&host, more)).await;
        assert_eq!((answer.status, &*answer.reason()), (403, reason));
    }
    assert_eq!(upstream.seen().connections, 0);

    let mut stream = opened(&world, &target).await;
    stream.write_all(upgrade(&target, offer).as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(timeout(PATIENCE, stream.read_u8()).await.unwrap().unwrap());
    }
    assert!(!upstream.seen().requests[0].contains("permessage-deflate"));
    drop(stream);
    let line = world.line(|line| line["event"] == "allowed").await;
    assert_eq!((line["status"].as_u64(), line["path"].as_str()), (Some(101), Some("/socket")));
}

#[tokio::test]
async fn f3_a_secret_in_any_frame_ends_it_and_does_not_arrive() {
    let upstream = Upstream::open(WEBSOCKET).await;
    let world = World::leading_to(&upstream).await;
    let target = format!("a.org:{}", upstream.address.port());
    let (one, two) = SECRET.split_at(9);
    let cut = [frame(0x01, one), frame(0x89, "?"), frame(0x80, two)].concat();
    for bytes in [
        frame(0x81, SECRET),
        frame(0x82, SECRET),
        frame(0x89, SECRET),
        frame(0x8a, SECRET),
        frame(0x88, &format!("__{SECRET}")),
        cut,
    ] {
        let read = said(&world, &target, &bytes).await;
        assert_eq!(read.first(), Some(&0x88), "a goodbye: {read:?}");
        assert!(String::from_utf8_lossy(&read).contains("secret"), "that says why");
    }
    let line = world.line(|line| line["event"] == "denied").await;
    assert_eq!((line["reason"].as_str(), line["status"].as_u64()), (Some("dlp"), Some(101)));
    let arrived = messages(&upstream.seen().after);
    assert!(!arrived.contains("AKIA") && !arrived.contains("REALKEY"), "{arrived}");
}

/// The control: the same way, and what is no secret arrives and is answered.
#[tokio::test]
async fn f3_what_is_no_secret_arrives() {
    let upstream = Upstream::open(WEBSOCKET).await;
    let world = World::leading_to(&upstream).await;
    let target = format!("a.org:{}", upstream.address.port());
    let read = said(&world, &target, &[frame(0x81, "hello"), frame(0x88, "")].concat()).await;
    assert!(read.is_empty(), "{read:?}");
    let arrived = async {
        while upstream.seen().after.is_empty() {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, arrived).await.expect("it arrives");
    assert_eq!(messages(&upstream.seen().after), "hello");
}

/// What short frames say, without their masks.
fn messages(mut bytes: &[u8]) -> String {
    let mut said = Vec::new();
    while let [_, len, a, b, c, d, rest @ ..] = bytes {
        let (payload, rest) = rest.split_at(usize::from(len & 0x7f).min(rest.len()));
        let key = [a, b, c, d].into_iter().cycle();
        said.extend(payload.iter().zip(key).map(|(byte, key)| byte ^ key));
        bytes = rest;
    }
    String::from_utf8_lossy(&said).into_owned()
}

#[tokio::test]
async fn f6_it_is_closed_when_its_host_is_no_longer_allowed() {
    let upstream = Upstream::open(WEBSOCKET).await;
    let world = World::leading_to(&upstream).await;
    let target = format!("a.org:{}", upstream.address.port());
    let mut stream = opened(&world, &target).await;
    stream.write_all(upgrade(&target, "").as_bytes()).await.unwrap();
    let mut begin = [0; 12];
    timeout(PATIENCE, stream.read_exact(&mut begin)).await.unwrap().unwrap();
    assert_eq!(&begin, b"HTTP/1.1 101");
    let other = "api_allowlist: [b.org]\nssrf: {ip_allowlist: [127.0.0.0/8]}\n";
    world.reload(other, &bottle(&upstream));
    let mut rest = Vec::new();
    drop(timeout(PATIENCE, stream.read_to_end(&mut rest)).await.expect("it is closed"));
}

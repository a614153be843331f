//! One host decides everything: CONNECT, server name, `Host` and `:authority` are it or nothing is.

use crate::support::{Agent, Bench, Origin, read_all, text, until, within};
use http::{Method, Request, StatusCode};
use tls_intercept::{Mode, Reason, body};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

async fn stand() -> (Origin, Bench) {
    let origin = Origin::tls("allowed.test", &["http/1.1"]).await;
    let bench = Bench::new(&origin).await;
    (origin, bench)
}

#[tokio::test]
async fn c1_addresses_in_every_notation_are_refused_at_the_connect() {
    let (origin, bench) = stand().await;
    for target in [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f.1",
        "0177.0.0.1",
        "0.0.0.0",
        "[::]",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "169.254.169.254",
        "[fd00:ec2::254]",
        "100.64.0.1",
        "255.255.255.255",
    ] {
        let ask = format!("CONNECT {target}:443 HTTP/1.1\r\nHost: {target}:443\r\n\r\n");
        let answer = Agent::raw(bench.address, ask).await;
        assert!(answer.starts_with("HTTP/1.1 403 "), "{target}: {answer}");
        assert!(answer.contains(r#""reason":"address-not-allowed""#), "{target}: {answer}");
    }
    assert_eq!(origin.connections(), 0);
}

#[tokio::test]
async fn c3_c5_what_is_no_host_and_port_is_refused_at_the_connect() {
    let (origin, bench) = stand().await;
    for target in [
        "allowed.test",
        "allowed.test:",
        "allowed.test:0",
        "allowed.test:+443",
        "allowed.test:443:80",
        "allowed.test:65536",
        "allowed.test:65537",
        "allowed.test:443@evil.test",
        "[allowed.test]:443",
        "u:p@allowed.test:443",
        "https://allowed.test:443",
        "/",
        "[fe80::1%25eth0]:443",
        "host%00.allowed.test:443",
        "256.0.0.1:443",
        "a..b:443",
        ":443",
    ] {
        let answer = Agent::raw(bench.address, format!("CONNECT {target} HTTP/1.1\r\n\r\n")).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{target}: {answer}");
        assert!(answer.contains("malformed-target"), "{target}: {answer}");
    }
    let answer = Agent::raw(bench.address, "CONNECT allowed.test:443  HTTP/1.1\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert_eq!(origin.connections(), 0);
}

#[tokio::test]
async fn d1_a_server_name_that_is_not_the_connect_host_is_closed() {
    let (origin, bench) = stand().await;
    let stream = Agent::connect(&bench, "allowed.test:443").await;
    assert!(Agent::hello(&bench, stream, "evil.test", "h2").await.is_err());
    until("it is logged", || bench.refused() == [Reason::SniMismatch]).await;
    let stream = Agent::connect(&bench, "evil.test:443").await;
    assert!(Agent::hello(&bench, stream, "allowed.test", "h2").await.is_err());
    assert_eq!((origin.connections(), bench.answered()), (0, 0));
}

#[tokio::test]
async fn d2_another_host_in_the_tunnel_is_misdirected() {
    let (origin, bench) = stand().await;
    let ask = "GET / HTTP/1.1\r\nHost: evil.test\r\nConnection: close\r\n\r\n";
    let answer = Agent::in_tunnel(&bench, ask).await;
    assert!(answer.starts_with("HTTP/1.1 421 "), "{answer}");
    assert!(answer.contains("authority-mismatch"), "{answer}");
    for port in ["80", "8443"] {
        let ask = ask.replace("evil.test", &format!("allowed.test:{port}"));
        assert!(Agent::in_tunnel(&bench, ask).await.starts_with("HTTP/1.1 421 "));
    }
    let tunnel = Agent::tunnel(&bench, "allowed.test", "h2").await;
    let request = Request::get("https://evil.test/").body(body::empty()).unwrap();
    let response = Agent::http2(tunnel).await.send_request(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::MISDIRECTED_REQUEST);
    assert_eq!((origin.connections(), bench.answered()), (0, 0));
    // The same tunnel serves its own host, in any spelling of it.
    let ask = ask.replace("evil.test", "Allowed.Test.:443");
    assert!(Agent::in_tunnel(&bench, ask).await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test]
async fn d3_an_absolute_uri_or_authority_that_disagrees_is_refused() {
    let (origin, bench) = stand().await;
    for (uri, host) in [
        ("https://evil.test/", "evil.test"),
        ("https://evil.test/", "allowed.test"),
        ("https://allowed.test/", "evil.test"),
        ("http://allowed.test/", "allowed.test"),
        ("https://allowed.test@evil.test/", "allowed.test"),
    ] {
        let ask = format!("GET {uri} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        let answer = Agent::in_tunnel(&bench, &ask).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{ask}: {answer}");
    }
    let tunnel = Agent::tunnel(&bench, "allowed.test", "h2").await;
    let mut sender = Agent::http2(tunnel).await;
    for (uri, host) in
        [("https://allowed.test/", "evil.test"), ("http://allowed.test/", "allowed.test")]
    {
        let request = Request::get(uri).header("host", host).body(body::empty()).unwrap();
        let response = within(sender.send_request(request)).await.unwrap();
        assert_eq!(response.status(), StatusCode::BAD_REQUEST, "{uri} {host}");
    }
    assert_eq!((origin.connections(), bench.answered()), (0, 0));
    let ask =
        "GET https://allowed.test/ HTTP/1.1\r\nHost: allowed.test\r\nConnection: close\r\n\r\n";
    assert!(Agent::in_tunnel(&bench, ask).await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test]
async fn d4_no_server_name_is_closed_and_its_spelling_does_not_matter() {
    let (origin, bench) = stand().await;
    let stream = Agent::connect(&bench, "allowed.test:443").await;
    // rustls sends no server name for an address.
    assert!(Agent::hello(&bench, stream, "127.0.0.1", "h2").await.is_err());
    until("it is logged", || bench.refused() == [Reason::SniMissing]).await;
    assert_eq!(origin.connections(), 0);
    for target in ["ALLOWED.test:443", "allowed.test.:443"] {
        let stream = Agent::connect(&bench, target).await;
        let tunnel = Agent::hello(&bench, stream, "Allowed.Test", "h2").await.unwrap();
        let request = Request::get("https://allowed.test/").body(body::empty()).unwrap();
        let response = Agent::http2(tunnel).await.send_request(request).await.unwrap();
        assert_eq!(text(response).await, "origin here");
    }
}

/// A hello as bytes: a server name for each of `names`, and these extensions.
fn hello(names: &[&str], extensions: &[(u16, &[u8])]) -> Vec<u8> {
    let length = |n: usize| u16::try_from(n).unwrap().to_be_bytes();
    let mut list = Vec::new();
    for name in names {
        list.push(0);
        list.extend(length(name.len()));
        list.extend(name.as_bytes());
    }
    let mut sni = length(list.len()).to_vec();
    sni.extend(list);
    let mut listed = Vec::new();
    for (kind, data) in [(0, sni.as_slice())].iter().chain(extensions) {
        listed.extend(kind.to_be_bytes());
        listed.extend(length(data.len()));
        listed.extend(*data);
    }
    let mut body = vec![3, 3];
    body.extend([7; 32]);
    body.extend([0, 0, 2, 0x13, 0x01, 1, 0]);
    body.extend(length(listed.len()));
    body.extend(listed);
    let mut bytes = vec![22, 3, 1];
    bytes.extend(length(body.len() + 4));
    bytes.extend([1, 0]);
    bytes.extend(length(body.len()));
    bytes.extend(body);
    bytes
}

#[tokio::test]
async fn d4_two_server_names_or_an_encrypted_hello_are_refused_with_an_alert() {
    let (origin, bench) = stand().await;
    for (bytes, reason) in [
        // Without either, rustls reads it, and misses what such a short hello lacks.
        (hello(&["allowed.test"], &[(0xfe0e, &[0; 40])]), Reason::TlsHandshake),
        (hello(&["allowed.test", "evil.test"], &[]), Reason::TlsHandshake),
        (hello(&["allowed.test"], &[(0, b"\0\0")]), Reason::TlsHandshake),
        (hello(&["allowed.test"], &[(0xfe0d, &[0; 40])]), Reason::EncryptedClientHello),
        (hello(&["allowed.test"], &[(0xffce, &[0; 40])]), Reason::EncryptedClientHello),
    ] {
        let mut stream = Agent::connect(&bench, "allowed.test:443").await;
        stream.write_all(&bytes).await.unwrap();
        let mut answer = Vec::new();
        within(tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut answer)).await.unwrap();
        assert_eq!(answer.get(..2), Some(&[21, 3][..]), "an alert");
        assert_eq!(bench.refused().last(), Some(&reason));
    }
    assert_eq!((origin.connections(), bench.answered()), (0, 0));
}

#[tokio::test]
async fn d5_d6_each_request_of_a_connection_is_judged_alone() {
    let (origin, bench) = stand().await;
    let one = "GET /1 HTTP/1.1\r\nHost: allowed.test\r\n\r\n";
    let fronted = "GET /2 HTTP/1.1\r\nHost: evil.test\r\n\r\n";
    let last = "GET /3 HTTP/1.1\r\nHost: allowed.test\r\nConnection: close\r\n\r\n";
    // In one segment.
    let answer = Agent::in_tunnel(&bench, [one, fronted, last].concat()).await;
    let statuses: Vec<_> = answer.matches("HTTP/1.1 ").collect();
    assert_eq!(statuses.len(), 3, "{answer}");
    let codes: Vec<_> =
        answer.split("HTTP/1.1 ").skip(1).map(|part| part.split(' ').next()).collect();
    assert_eq!(codes, [Some("200"), Some("421"), Some("200")]);
    let paths: Vec<_> = origin.seen().into_iter().map(|seen| seen.uri).collect();
    assert_eq!(paths, ["/1", "/3"]);
}

#[tokio::test]
async fn d6_a_hello_in_the_packet_of_its_connect_is_read() {
    let (_origin, bench) = stand().await;
    let mut stream = TcpStream::connect(bench.address).await.unwrap();
    let mut bytes = b"CONNECT allowed.test:443 HTTP/1.1\r\n\r\n".to_vec();
    bytes.extend(hello(&["evil.test"], &[]));
    stream.write_all(&bytes).await.unwrap();
    let answer = read_all(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert_eq!(bench.refused(), [Reason::SniMismatch]);
}

#[tokio::test]
async fn d7_plain_http_in_a_tunnel_is_answered_with_a_denial() {
    let (origin, bench) = stand().await;
    let mut stream = Agent::connect(&bench, "allowed.test:80").await;
    stream.write_all(b"GET / HTTP/1.1\r\nHost: allowed.test\r\n\r\n").await.unwrap();
    let answer = read_all(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 403 ") && answer.contains("not-tls"), "{answer}");
    assert_eq!(origin.connections(), 0);
}

#[tokio::test]
async fn d7_what_is_neither_tls_nor_http_is_closed() {
    let (origin, bench) = stand().await;
    for bytes in
        ["SSH-2.0-OpenSSH_9.2\r\n", "\0\0\0\0", "ehlo x\r\n", "\x16\x03\x01\0\x04\x02\0\0\0"]
    {
        let mut stream = Agent::connect(&bench, "allowed.test:443").await;
        stream.write_all(bytes.as_bytes()).await.unwrap();
        let answer = read_all(&mut stream).await;
        assert!(!answer.contains("HTTP/"), "{bytes:?}: {answer:?}");
    }
    for bytes in ["SSH-2.0-OpenSSH_9.2\r\n", "\x16\x03\x01\0\x04\x02\0\0\0", "\r\n\r\n"] {
        let answer = Agent::raw(bench.address, bytes).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400 "), "{bytes:?}: {answer:?}");
    }
    assert_eq!((origin.connections(), bench.answered()), (0, 0));
    assert!(bench.refused().len() >= 7);
}

#[tokio::test]
async fn d10_an_upstream_certificate_that_does_not_hold_gives_502_and_nothing_is_sent() {
    for name in ["other.test", "allowed.test"] {
        let origin = Origin::tls(name, &["http/1.1"]).await;
        let stranger = Origin::tls("allowed.test", &["http/1.1"]).await;
        let trusted = if name == "other.test" { &origin } else { &stranger };
        let limits = tls_intercept::Limits::default();
        let bench = Bench::with(origin.address, trusted.roots.clone(), Mode::Proxy, limits).await;
        let response = Agent::get(&bench, "allowed.test", "http/1.1", "/").await;
        assert_eq!(response.status(), StatusCode::BAD_GATEWAY);
        assert_eq!(response.headers()["x-bottle-denied"], "upstream-certificate");
        assert!(text(response).await.contains(r#""error":"failed""#));
        assert!(origin.seen().is_empty());
    }
}

#[tokio::test]
async fn d11_connect_and_trace_within_a_tunnel_are_denied() {
    let (origin, bench) = stand().await;
    let ask = "CONNECT evil.test:443 HTTP/1.1\r\nHost: allowed.test\r\n\r\n";
    let answer = Agent::in_tunnel(&bench, ask).await;
    assert!(answer.starts_with("HTTP/1.1 403 ") && answer.contains("nested-connect"), "{answer}");
    let tunnel = Agent::tunnel(&bench, "allowed.test", "h2").await;
    let mut request = Request::new(body::empty());
    *request.method_mut() = Method::CONNECT;
    *request.uri_mut() = "evil.test:443".parse().unwrap();
    let response = within(Agent::http2(tunnel).await.send_request(request)).await.unwrap();
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
    let trace = "TRACE / HTTP/1.1\r\nHost: allowed.test\r\nConnection: close\r\n\r\n";
    assert!(Agent::in_tunnel(&bench, trace).await.starts_with("HTTP/1.1 403 "));
    assert_eq!((origin.connections(), bench.answered()), (0, 0));
}

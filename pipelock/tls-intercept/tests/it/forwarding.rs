//! Requests that pass, and what they look like when they arrive.

use crate::support::{Agent, Bench, Origin, answer_ok, data, frames, text, within};
use http::{Request, Response, StatusCode, Version};
use http_body_util::BodyExt as _;
use hyper::body::Frame;
use std::sync::Arc;
use tls_intercept::{Arrival, Mode, body};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::Notify;

#[tokio::test]
async fn a_request_passes_by_every_pair_of_protocols() {
    for upstream in ["h2", "http/1.1"] {
        let origin = Origin::tls("allowed.test", &[upstream]).await;
        let bench = Bench::new(&origin).await;
        for agent in ["h2", "http/1.1"] {
            let response = Agent::get(&bench, "allowed.test", agent, "/a?b=c").await;
            assert_eq!(response.status(), StatusCode::OK, "{agent} {upstream}");
            assert_eq!(text(response).await, "origin here");
        }
        for seen in origin.seen() {
            if upstream == "h2" {
                assert_eq!(seen.uri, "https://allowed.test/a?b=c");
                assert_eq!(seen.version, Version::HTTP_2);
            } else {
                assert_eq!(seen.uri, "/a?b=c");
                assert_eq!(seen.headers["host"], "allowed.test");
            }
        }
        assert_eq!(origin.connections(), 1, "the second request uses the first's connection");
        assert!(bench.refused().is_empty());
    }
}

#[tokio::test]
async fn b2_a_denied_name_is_answered_inside_the_tunnel_and_nothing_is_dialled() {
    let origin = Origin::tls("allowed.test", &["http/1.1"]).await;
    let bench = Bench::new(&origin).await;
    for alpn in ["h2", "http/1.1"] {
        let response = Agent::get(&bench, "denied.test", alpn, "/x").await;
        assert_eq!(response.status(), StatusCode::FORBIDDEN);
        assert_eq!(response.headers()["x-bottle-denied"], "host-not-allowed");
        let body = text(response).await;
        assert!(body.contains(r#""host":"denied.test","method":"GET","path":"/x""#), "{body}");
    }
    assert_eq!(origin.connections(), 0);
}

#[tokio::test]
async fn a_denial_reaches_an_agent_that_is_still_uploading() {
    let origin = Origin::tls("allowed.test", &["http/1.1"]).await;
    let bench = Bench::new(&origin).await;
    for alpn in ["h2", "http/1.1"] {
        let upload = body::full(vec![0; 3_000_000]);
        let tunnel = Agent::tunnel(&bench, "denied.test", alpn).await;
        let response = if alpn == "h2" {
            let request = Request::post("https://denied.test/").body(upload).unwrap();
            within(Agent::http2(tunnel).await.send_request(request)).await.unwrap()
        } else {
            let request = Request::post("/").header("host", "denied.test").body(upload).unwrap();
            within(Agent::http1(tunnel).await.send_request(request)).await.unwrap()
        };
        assert_eq!(response.status(), StatusCode::FORBIDDEN);
        assert!(text(response).await.contains("host-not-allowed"));
    }
}

#[tokio::test]
async fn d8_the_absolute_form_takes_the_same_way() {
    let origin = Origin::plain().await;
    let bench = Bench::new(&origin).await;
    let ask = |host: &str| {
        format!("GET http://{host}/%61/../b HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")
    };
    let answer = Agent::raw(bench.address, ask("allowed.test")).await;
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("origin here"), "{answer}");
    assert_eq!(origin.seen()[0].uri, "/b");
    assert_eq!(origin.seen()[0].headers["host"], "allowed.test");
    let answer = Agent::raw(bench.address, ask("denied.test")).await;
    assert!(answer.contains("x-bottle-denied: host-not-allowed"), "{answer}");
    let answer = Agent::raw(bench.address, ask("127.1")).await;
    assert!(answer.contains("x-bottle-denied: address-not-allowed"), "{answer}");
    assert_eq!(origin.connections(), 1);
    let answered = bench.relay.answered.lock().unwrap();
    assert!(answered.iter().all(|(connection, _)| connection.arrival == Arrival::Absolute));
    assert_eq!(answered[0].0.destination.to_string(), "allowed.test:80");
    assert_eq!(answered[0].0.generation, 7);
}

#[tokio::test]
async fn c5_what_is_no_request_to_a_proxy_is_refused() {
    let origin = Origin::plain().await;
    let bench = Bench::new(&origin).await;
    for request in [
        "GET / HTTP/1.1\r\nHost: allowed.test\r\n\r\n",
        "GET https://allowed.test/ HTTP/1.1\r\nHost: allowed.test\r\n\r\n",
        "GET ftp://allowed.test/ HTTP/1.1\r\nHost: allowed.test\r\n\r\n",
        "GET http://allowed.test@evil.test/ HTTP/1.1\r\nHost: allowed.test\r\n\r\n",
        "GET http://evil.test#@allowed.test HTTP/1.1\r\nHost: allowed.test\r\n\r\n",
        "GET http://allowed.test\\@evil.test HTTP/1.1\r\nHost: allowed.test\r\n\r\n",
        "GET http://[allowed.test]/ HTTP/1.1\r\nHost: allowed.test\r\n\r\n",
        "GET http://allowed.test:443@evil.test/ HTTP/1.1\r\nHost: allowed.test\r\n\r\n",
        "GET http://allowed.test/ HTTP/1.1\r\nHost: evil.test\r\n\r\n",
        "GET http://allowed.test:+80/ HTTP/1.1\r\nHost: allowed.test\r\n\r\n",
        "OPTIONS * HTTP/1.1\r\nHost: allowed.test\r\n\r\n",
    ] {
        let request = request.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n");
        let answer = Agent::raw(bench.address, &request).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{request:?}: {answer:?}");
    }
    assert_eq!((origin.connections(), bench.answered()), (0, 0));
}

#[tokio::test]
async fn a_steered_tool_is_led_by_its_server_name_or_host() {
    let origin = Origin::tls("allowed.test", &["http/1.1"]).await;
    let bench = Bench::in_mode(&origin, Mode::SteeredTls).await;
    let stream = tokio::net::TcpStream::connect(bench.address).await.unwrap();
    let tunnel = Agent::hello(&bench, stream, "allowed.test", "h2").await.unwrap();
    let request = Request::get("https://allowed.test/s").body(body::empty()).unwrap();
    let response = Agent::http2(tunnel).await.send_request(request).await.unwrap();
    assert_eq!(text(response).await, "origin here");

    let plain = Origin::plain().await;
    let bench = Bench::in_mode(&plain, Mode::SteeredHttp).await;
    let ask = "GET /s HTTP/1.1\r\nHost: allowed.test\r\nConnection: close\r\n\r\n";
    assert!(Agent::raw(bench.address, ask).await.ends_with("origin here"));
    let answered = bench.relay.answered.lock().unwrap();
    assert_eq!(answered[0].0.arrival, Arrival::Steered);
    assert_eq!(answered[0].0.destination.to_string(), "allowed.test:80");
}

#[tokio::test]
async fn e4_hop_by_hop_fields_and_the_hop_secret_end_here() {
    let origin = Origin::tls("allowed.test", &["http/1.1"]).await;
    let bench = Bench::new(&origin).await;
    let answer = Agent::in_tunnel(
        &bench,
        "GET / HTTP/1.1\r\nHost: allowed.test\r\nConnection: close, X-Dlp\r\nX-Dlp: 1\r\n\
         Proxy-Authorization: Basic x\r\nX-Bottle-Hop: forged\r\nTE: trailers\r\nKeep-Alive: 5\r\n\
         Cookie: a=1\r\nCookie: b=2\r\nX-Kept: yes\r\n\r\n",
    )
    .await;
    assert!(answer.contains(" 200 "), "{answer}");
    let seen = origin.seen().remove(0);
    for gone in ["connection", "x-dlp", "proxy-authorization", "x-bottle-hop", "te", "keep-alive"] {
        assert!(!seen.headers.contains_key(gone), "{gone}");
    }
    assert_eq!(seen.headers["x-kept"], "yes");
    assert_eq!(seen.headers["cookie"], "a=1; b=2");
    // In the tunnel it is no hop's secret at all.
    assert_eq!(bench.relay.answered.lock().unwrap()[0].0.hop, None);
}

#[tokio::test]
async fn d12_the_hop_secret_is_read_from_connect_and_absolute_requests() {
    let origin = Origin::plain().await;
    let bench = Bench::new(&origin).await;
    let ask = "GET http://allowed.test/ HTTP/1.1\r\nHost: allowed.test\r\nX-Bottle-Hop: s3\r\n\
               Connection: close\r\n\r\n";
    Agent::raw(bench.address, ask).await;
    assert!(!origin.seen()[0].headers.contains_key("x-bottle-hop"));
    let hop = bench.relay.answered.lock().unwrap()[0].0.hop.clone().unwrap();
    assert_eq!(hop.expose(), b"s3");
    assert!(!format!("{hop:?}").contains("s3"));
    let twice = ask.replace("X-Bottle-Hop: s3", "X-Bottle-Hop: s3\r\nX-Bottle-Hop: s4");
    assert!(Agent::raw(bench.address, twice).await.starts_with("HTTP/1.1 400 "));
}

#[tokio::test]
async fn e4_expect_100_continue_is_answered_and_the_body_follows() {
    let origin = Origin::tls("allowed.test", &["http/1.1"]).await;
    let bench = Bench::new(&origin).await;
    let mut tunnel = Agent::tunnel(&bench, "allowed.test", "http/1.1").await;
    let head = "POST /up HTTP/1.1\r\nHost: allowed.test\r\nExpect: 100-continue\r\n\
                Content-Length: 4\r\nConnection: close\r\n\r\n";
    tunnel.write_all(head.as_bytes()).await.unwrap();
    let mut interim = vec![0; 25];
    within(tunnel.read_exact(&mut interim)).await.unwrap();
    assert_eq!(interim, b"HTTP/1.1 100 Continue\r\n\r\n");
    tunnel.write_all(b"body").await.unwrap();
    let answer = crate::support::read_all(&mut tunnel).await;
    assert!(answer.ends_with("origin here"), "{answer}");
    let seen = origin.seen().remove(0);
    assert_eq!(seen.body, b"body");
    assert!(!seen.headers.contains_key("expect"));
}

#[tokio::test]
async fn e3_trailers_with_credentials_are_dropped() {
    let origin = Origin::tls("allowed.test", &["h2"]).await;
    let bench = Bench::new(&origin).await;
    let answer = Agent::in_tunnel(
        &bench,
        "POST / HTTP/1.1\r\nHost: allowed.test\r\nTransfer-Encoding: chunked\r\nTrailer: Authorization\r\n\
         Connection: close\r\n\r\n3;ext=1\r\nabc\r\n0\r\nAuthorization: stolen\r\n\r\n",
    )
    .await;
    assert!(answer.contains(" 200 "), "{answer}");
    // By HTTP/2, as frames.
    let mut trailers = http::HeaderMap::new();
    trailers.insert("authorization", "stolen".parse().unwrap());
    let (send, frames) = frames();
    send.send(data("abc")).await.unwrap();
    send.send(Frame::trailers(trailers)).await.unwrap();
    drop(send);
    let request = Request::post("https://allowed.test/").body(frames).unwrap();
    let tunnel = Agent::tunnel(&bench, "allowed.test", "h2").await;
    within(Agent::http2(tunnel).await.send_request(request)).await.unwrap();
    for seen in origin.seen() {
        assert_eq!(seen.body, b"abc");
        assert!(!seen.trailers && !seen.headers.contains_key("trailer"));
    }
    assert_eq!(origin.seen().len(), 2);
}

#[tokio::test]
async fn e12_an_event_arrives_before_the_next_one_is_sent() {
    for alpn in ["h2", "http/1.1"] {
        let arrived = Arc::new(Notify::new());
        let waiting = Arc::clone(&arrived);
        let origin = Origin::answering(
            "allowed.test",
            &[alpn],
            Arc::new(move |_| {
                let (events, body) = frames();
                let waiting = Arc::clone(&waiting);
                tokio::task::spawn(async move {
                    for event in ["data: 1\n\n", "data: 2\n\n", "data: 3\n\n"] {
                        events.send(data(event)).await.unwrap();
                        // Were anything buffered on the way, this would never come.
                        waiting.notified().await;
                    }
                });
                Box::pin(async move { Response::new(body) })
            }),
        )
        .await;
        let bench = Bench::new(&origin).await;
        let mut response = Agent::get(&bench, "allowed.test", alpn, "/events").await;
        for event in ["data: 1\n\n", "data: 2\n\n", "data: 3\n\n"] {
            let frame = within(response.body_mut().frame()).await.unwrap().unwrap();
            assert_eq!(frame.into_data().unwrap(), event);
            arrived.notify_one();
        }
        let rest = within(response.into_body().collect()).await.unwrap().to_bytes();
        assert!(rest.is_empty());
    }
}

#[tokio::test]
async fn a_request_body_streams_up_before_it_is_complete() {
    for alpn in ["h2", "http/1.1"] {
        let got = Arc::new(Notify::new());
        let tell = Arc::clone(&got);
        let origin = Origin::answering(
            "allowed.test",
            &[alpn],
            Arc::new(move |mut request| {
                let tell = Arc::clone(&tell);
                Box::pin(async move {
                    while let Some(Ok(_)) = request.body_mut().frame().await {
                        tell.notify_one();
                    }
                    answer_ok("all")
                })
            }),
        )
        .await;
        let bench = Bench::new(&origin).await;
        let (parts, body) = frames();
        let tunnel = Agent::tunnel(&bench, "allowed.test", alpn).await;
        let answer = if alpn == "h2" {
            let request = Request::post("https://allowed.test/").body(body).unwrap();
            let mut sender = Agent::http2(tunnel).await;
            tokio::task::spawn(async move { sender.send_request(request).await })
        } else {
            let request = Request::post("/").header("host", "allowed.test").body(body).unwrap();
            let mut sender = Agent::http1(tunnel).await;
            tokio::task::spawn(async move { sender.send_request(request).await })
        };
        for part in ["one", "two"] {
            parts.send(data(part)).await.unwrap();
            within(got.notified()).await;
        }
        drop(parts);
        let response = within(answer).await.unwrap().unwrap();
        assert_eq!(text(response).await, "all");
    }
}

#[tokio::test]
async fn e7_the_canonical_path_is_what_is_judged_and_forwarded() {
    let origin = Origin::tls("allowed.test", &["http/1.1"]).await;
    let bench = Bench::new(&origin).await;
    for (sent, arrives) in [
        ("/public/%2e%2e/secret?a=%2e", "/secret?a=%2e"),
        ("//a//./b/", "/a/b/"),
        ("/@s%2fn", "/@s%2Fn"),
    ] {
        let answer = Agent::in_tunnel(
            &bench,
            format!("GET {sent} HTTP/1.1\r\nHost: allowed.test\r\nConnection: close\r\n\r\n"),
        )
        .await;
        assert!(answer.contains(" 200 "), "{answer}");
        assert_eq!(origin.seen().last().unwrap().uri, arrives);
        let answered = bench.relay.answered.lock().unwrap();
        assert_eq!(answered.last().unwrap().1, format!("GET {arrives}"));
    }
    let before = bench.answered();
    for bad in ["/%252e%252e/x", "/a%00", "/a%5cb", "/..;/x", "/%c0%ae/x", "/../x", "/a%2", "/a\\b"]
    {
        let answer = Agent::in_tunnel(
            &bench,
            format!("GET {bad} HTTP/1.1\r\nHost: allowed.test\r\nConnection: close\r\n\r\n"),
        )
        .await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{bad}: {answer}");
        assert!(answer.contains("malformed-"), "{bad}: {answer}");
    }
    assert_eq!(bench.answered(), before);
}

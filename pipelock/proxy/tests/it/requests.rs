//! Requests that pass, and the line that each of them leaves.

use crate::{
    client::get,
    upstream::{HELLO, Upstream},
    world::World,
};

#[tokio::test]
async fn a_download_of_many_megabytes_arrives_whole_and_is_looked_through() {
    let line = "crate = \"0123456789abcdef\" # all of this is harmless, line by line\n";
    let body = line.repeat(8 * 1024 * 1024 / line.len());
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: {}\r\n\
         connection: close\r\n\r\n",
        body.len()
    );
    let upstream = Upstream::tls("a.org", &format!("{head}{body}")).await;
    let world = World::leading_to(&upstream).await;
    let target = format!("a.org:{}", upstream.address.port());
    let answer = world.https(&target, &get(&target, "/big")).await;
    assert_eq!((answer.status, answer.body.len()), (200, body.len()));
    assert!(answer.body == body, "a byte is another one");
    let line = world.line(|line| line["path"] == "/big").await;
    assert_eq!(line["bytes_out"].as_u64(), Some(body.len() as u64));
}

#[tokio::test]
async fn an_allowed_request_arrives_and_leaves_one_line() {
    let upstream = Upstream::tls("a.org", HELLO).await;
    let world = World::leading_to(&upstream).await;
    let target = format!("a.org:{}", upstream.address.port());
    let answer = world.https(&target, &get(&target, "/x?token=query-secret")).await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "hello"));
    let seen = upstream.seen().requests;
    assert!(seen[0].starts_with("GET /x?token=query-secret HTTP/1.1\r\n"), "{seen:?}");
    let line = world.line(|line| line["event"] == "allowed").await;
    for (field, value) in [("host", "a.org"), ("method", "GET"), ("path", "/x"), ("rule", "a.org")]
    {
        assert_eq!(line[field], value, "{line}");
    }
    assert_eq!(line["status"], 200);
    assert_eq!(line["bytes_out"], 5);
    assert_eq!(line["generation"], 1);
    assert_eq!(line["address"], upstream.address.to_string());
    assert!(line["duration_ms"].is_u64() && line["id"].is_string());
    let lines = world.lines();
    assert_eq!(lines.len(), 1, "{lines:#?}");
    assert!(!lines[0].to_string().contains("query-secret"));
}

#[tokio::test]
async fn both_directions_are_counted() {
    let upstream = Upstream::tls("a.org", HELLO).await;
    let world = World::leading_to(&upstream).await;
    let target = format!("a.org:{}", upstream.address.port());
    let request = format!(
        "POST /in HTTP/1.1\r\nhost: {target}\r\nconnection: close\r\ncontent-length: 7\r\n\r\n1234567"
    );
    assert_eq!(world.https(&target, &request).await.status, 200);
    let line = world.line(|line| line["event"] == "allowed").await;
    assert_eq!((line["bytes_in"].as_u64(), line["bytes_out"].as_u64()), (Some(7), Some(5)));
    assert!(upstream.seen().requests[0].ends_with("1234567"));
}

#[tokio::test]
async fn plain_http_is_forwarded_in_origin_form() {
    let upstream = Upstream::plain(HELLO).await;
    let world = World::leading_to(&upstream).await;
    let port = upstream.address.port();
    let request = get(&format!("a.org:{port}"), &format!("http://a.org:{port}/plain"));
    assert_eq!(world.raw(&request).await.unwrap().status, 200);
    let seen = upstream.seen().requests;
    assert!(seen[0].starts_with("GET /plain HTTP/1.1\r\n"), "{seen:?}");
}

#[tokio::test]
async fn a_steered_connection_is_judged_like_any_other() {
    let upstream = Upstream::tls("a.org", HELLO).await;
    let world = World::leading_to(&upstream).await;
    for (name, reason) in [("a.org", None), ("b.org", Some("host-not-allowed"))] {
        let stream = tokio::net::TcpStream::connect(world.steered).await.unwrap();
        let stream = world.tls(stream, name).await.unwrap();
        let answer = crate::client::exchange(stream, get(name, "/").as_bytes()).await.unwrap();
        match reason {
            Some(reason) => assert_eq!(answer.reason(), reason),
            // The upstream is not on 443, so nobody is there: it was judged and dialled.
            None => assert!(answer.reason().starts_with("upstream-"), "{answer:?}"),
        }
    }
}

#[tokio::test]
async fn c6_a_redirect_is_the_agents_to_follow() {
    let to = "HTTP/1.1 302 Found\r\nlocation: http://169.254.169.254/\r\ncontent-length: 0\r\n\
              connection: close\r\n\r\n";
    let upstream = Upstream::tls("a.org", to).await;
    let world = World::leading_to(&upstream).await;
    let target = format!("a.org:{}", upstream.address.port());
    let answer = world.https(&target, &get(&target, "/")).await;
    assert_eq!(answer.status, 302);
    assert_eq!(upstream.seen().connections, 1);
    assert_eq!(world.names.asked(), ["a.org"]);
}

#[tokio::test]
async fn e9_what_claims_another_method_does_not_arrive() {
    let upstream = Upstream::tls("a.org", HELLO).await;
    let world = World::leading_to(&upstream).await;
    let target = format!("a.org:{}", upstream.address.port());
    let request = format!(
        "GET / HTTP/1.1\r\nhost: {target}\r\nconnection: close\r\nx-http-method-override: DELETE\r\n\
         X-HTTP-Method: PUT\r\nx-bottle-hop: guess\r\nproxy-authorization: Basic x\r\n\r\n"
    );
    assert_eq!(world.https(&target, &request).await.status, 200);
    let seen = upstream.seen().requests[0].to_ascii_lowercase();
    for header in ["x-http-method", "x-bottle-hop", "proxy-authorization"] {
        assert!(!seen.contains(header), "{seen}");
    }
}

#[tokio::test]
async fn an_upstream_that_is_down_is_told_from_one_that_is_denied() {
    let upstream = Upstream::tls("a.org", HELLO).await;
    let world = World::leading_to(&upstream).await;
    let target = format!("a.org:{}", upstream.address.port());
    drop(upstream);
    let answer = world.https(&target, &get(&target, "/")).await;
    assert_eq!(answer.status, 502);
    assert_eq!(answer.reason(), "upstream-unreachable");
    assert_eq!(answer.denial()["error"], "failed");
    assert_eq!(world.reason("upstream-unreachable").await["event"], "error");
}

#[tokio::test]
async fn a_name_without_an_address_is_told_from_one_that_is_denied() {
    let upstream = Upstream::tls("x.wild.org", HELLO).await;
    let world = World::leading_to(&upstream).await;
    let answer = world.https("x.wild.org:443", &get("x.wild.org", "/")).await;
    assert_eq!((answer.status, answer.reason().as_str()), (502, "name-not-resolved"));
}

//! Section G: who gets the credential, and who never does.

use egress::{Form, Route};

use crate::agent::{ask, ask_at, ask_plain};
use crate::world::{CANARY, HOP, World, api_key, placeholder, plainly, route, with_key};

#[tokio::test]
async fn g1_every_login_of_the_agent_is_replaced_by_one_credential() {
    let world = World::start(vec![api_key()], &[("KEY", CANARY)], plainly).await;
    let answer = ask(
        &world,
        &format!(
            "GET /v1/models?a=1
            X-Api-Key: {}
            X-API-KEY: mine
            x_api_key: mine
            Authorization: Bearer mine
            Cookie: session=mine
            api-key: mine
            Accept: application/json",
            placeholder()
        ),
    )
    .await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "hello"));
    let seen = world.seen_once();
    assert_eq!(seen.line, "GET /v1/models?a=1");
    assert_eq!(seen.headers.get_all("x-api-key").iter().count(), 1);
    assert_eq!(seen.headers["x-api-key"], CANARY);
    for gone in ["authorization", "cookie", "x_api_key", "api-key", "proxy-authorization"] {
        assert!(!seen.headers.contains_key(gone), "{gone}: {:?}", seen.headers);
    }
    assert_eq!(seen.headers["accept"], "application/json");
    assert_eq!(seen.hop.as_deref(), Some(HOP));
    let line = world.log_line("allowed").await;
    assert_eq!((&line["host"], &line["rule"]), (&"api.test".into(), &"routes[0]".into()));
    assert_eq!((&line["path"], &line["bytes_out"]), (&"/v1/models".into(), &5.into()));
}

#[tokio::test]
async fn g2_no_credential_outside_the_route() {
    let world = World::start(vec![api_key()], &[("KEY", CANARY)], plainly).await;
    for (destination, head, expected) in [
        ("api.test:443", "GET /v2/models", 403),
        ("api.test:443", "GET /", 403),
        ("sub.api.test:443", "GET /v1/models", 200),
        ("api.test:8443", "GET /v1/models", 200),
        ("other.test:443", "GET /v1/models", 200),
    ] {
        let answer = ask_at(&world, destination, head).await;
        assert_eq!(answer.status, expected, "{destination} {head}");
    }
    let seen = world.seen();
    assert_eq!(seen.len(), 3, "{seen:?}");
    for seen in seen {
        assert!(!format!("{seen:?}").contains("canary"), "{seen:?}");
        // Nor does egress vouch for what no route names.
        assert_eq!(seen.hop, None);
    }
}

#[tokio::test]
async fn g2_the_same_request_on_the_route_has_it() {
    let world = World::start(vec![api_key()], &[("KEY", CANARY)], plainly).await;
    assert_eq!(ask(&world, "GET /v1/models").await.status, 200);
    assert_eq!(world.seen_once().headers["x-api-key"], CANARY);
}

#[tokio::test]
async fn d9_never_in_the_clear() {
    let world = World::start(vec![api_key()], &[("KEY", CANARY)], plainly).await;
    let answer = ask_plain(&world, "http://api.test/v1/models", "api.test").await;
    assert_eq!((answer.status, answer.reason().as_str()), (403, "plain-http-not-allowed"));
    let answer = ask_plain(&world, "http://api.test:443/v1/models", "api.test:443").await;
    assert_eq!((answer.status, answer.reason().as_str()), (403, "plain-http-not-allowed"));
    assert!(world.seen().is_empty());
    // Another host's plain HTTP goes on as it came.
    let answer = ask_plain(&world, "http://other.test/x?y", "other.test").await;
    assert_eq!(answer.status, 200);
    let seen = world.seen_once();
    assert_eq!((seen.destination.as_str(), seen.line.as_str()), ("other.test:80", "GET /x?y"));
    assert_eq!((seen.arrival, seen.hop), (tls_intercept::Arrival::Absolute, None));
}

#[tokio::test]
async fn e4_connection_cannot_take_the_credential_out() {
    let world = World::start(vec![api_key()], &[("KEY", CANARY)], plainly).await;
    let head = "GET /v1/models\nConnection: close, x-api-key\nProxy-Connection: x-api-key";
    assert_eq!(ask(&world, head).await.status, 200);
    assert_eq!(world.seen_once().headers["x-api-key"], CANARY);
}

#[tokio::test]
async fn every_form_arrives_in_its_place() {
    let basic = Form::Basic { user: Some("me".parse().unwrap()) };
    for (form, header, line) in [
        (Form::Bearer, Some(("authorization", format!("Bearer {CANARY}"))), "GET /v1/x?q=1"),
        (basic, None, "GET /v1/x?q=1"),
        (
            Form::Query("key".parse().unwrap()),
            None,
            "GET /v1/x?q=1&key=sk-ant-api03-canary-0123456789-abcdefghijklmnopqrstuvwxyz",
        ),
        (
            Form::Cookie("session".parse().unwrap()),
            Some(("cookie", format!("session={CANARY}; a=b"))),
            "GET /v1/x?q=1",
        ),
    ] {
        let routes = vec![with_key(route(&[], &[]), form.clone())];
        let world = World::start(routes, &[("KEY", CANARY)], plainly).await;
        let answer = ask(&world, "GET /v1/x?q=1\nAuthorization: mine\nCookie: a=b").await;
        assert_eq!(answer.status, 200, "{form:?}");
        let seen = world.seen_once();
        assert_eq!(seen.line, line);
        if let Some((name, value)) = header {
            assert_eq!(seen.headers[name], value);
        }
        if form == Form::Bearer {
            assert!(!seen.headers.contains_key("cookie"));
        }
    }
}

#[tokio::test]
async fn g3_a_missing_credential_is_503_before_anything_is_sent() {
    for secrets in [&[][..], &[("KEY", "line\r\nbreak")][..], &[("KEY", "short")][..]] {
        let world = World::start(vec![api_key()], secrets, plainly).await;
        let head = format!("GET /v1/models\nx-api-key: {}", placeholder());
        let answer = ask(&world, &head).await;
        assert_eq!((answer.status, answer.reason().as_str()), (503, "credential-missing"));
        assert!(world.seen().is_empty());
        let line = world.log_line("error").await;
        assert!(line["detail"].as_str().unwrap().contains("credential `KEY`"), "{line}");
    }
}

#[tokio::test]
async fn g3_a_placeholder_is_never_sent_in_a_credentials_place() {
    let narrow = Route::to("api.test".parse().unwrap());
    let world = World::start(vec![narrow], &[], plainly).await;
    let head = format!("GET /v1/models\nAuthorization: Bearer {}", placeholder());
    let answer = ask(&world, &head).await;
    assert_eq!((answer.status, answer.reason().as_str()), (503, "credential-missing"));
    assert!(world.seen().is_empty());
    assert_eq!(ask(&world, "GET /v1/models\nAuthorization: Bearer own").await.status, 200);
    assert_eq!(world.seen_once().headers["authorization"], "Bearer own");
}

#[tokio::test]
async fn d5_each_request_of_a_connection_is_judged_alone() {
    use tokio::io::AsyncWriteExt as _;
    let world = World::start(vec![api_key()], &[("KEY", CANARY)], plainly).await;
    let mut stream = crate::agent::open(&world, "api.test:443").await;
    for (path, expected) in [("/v1/a", 200), ("/v2/b", 403), ("/v1/c", 200)] {
        let request = format!("GET {path} HTTP/1.1\r\nhost: api.test\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        assert_eq!(crate::agent::read(&mut stream).await.status, expected, "{path}");
    }
    let paths: Vec<_> = world.seen().into_iter().map(|seen| seen.line).collect();
    assert_eq!(paths, ["GET /v1/a", "GET /v1/c"]);
}

#[tokio::test]
async fn d2_a_host_other_than_the_connections_gets_no_credential() {
    use tokio::io::AsyncWriteExt as _;
    let world = World::start(vec![api_key()], &[("KEY", CANARY)], plainly).await;
    let mut stream = crate::agent::open(&world, "other.test:443").await;
    stream.write_all(b"GET /v1/a HTTP/1.1\r\nhost: api.test\r\n\r\n").await.unwrap();
    assert_eq!(crate::agent::read(&mut stream).await.status, 421);
    assert!(world.seen().is_empty());
}

#[tokio::test]
async fn bodies_go_through_unchanged() {
    use tokio::io::AsyncWriteExt as _;
    let world = World::start(vec![api_key()], &[("KEY", CANARY)], plainly).await;
    let mut stream = crate::agent::open(&world, "api.test:443").await;
    let body = "x".repeat(300_000);
    let head = format!(
        "POST /v1/messages HTTP/1.1\r\nhost: api.test\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(body.as_bytes()).await.unwrap();
    // What TLS still holds of it goes out before anything is read.
    stream.flush().await.unwrap();
    assert_eq!(crate::agent::read(&mut stream).await.status, 200);
    assert_eq!(world.seen_once().body, body);
    let line = world.log_line("allowed").await;
    assert_eq!(line["bytes_in"], 300_000);
}

#[tokio::test]
async fn d12_the_agent_cannot_speak_as_egress() {
    let world = World::start(vec![api_key()], &[("KEY", CANARY)], plainly).await;
    for (destination, head) in [
        ("other.test:443", "GET /x\nX-Bottle-Hop: forged"),
        ("other.test:443", "GET /x\nx-bottle-hop: forged\nConnection: x-bottle-hop"),
    ] {
        assert_eq!(ask_at(&world, destination, head).await.status, 200);
    }
    for seen in world.seen() {
        assert!(!format!("{seen:?}").contains("forged"), "{seen:?}");
        assert_eq!(seen.hop, None);
    }
    // On its own route egress speaks for itself, whatever the agent says.
    assert_eq!(ask(&world, "GET /v1/models\nx-bottle-hop: forged").await.status, 200);
    assert_eq!(world.seen().pop().unwrap().hop.as_deref(), Some(HOP));
}

#[tokio::test]
async fn g9_a_new_value_reaches_the_next_request() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let world = World::start(vec![api_key()], &[("KEY", CANARY)], plainly).await;
    assert_eq!(ask(&world, "GET /v1/models").await.status, 200);
    let socket = world.routes_file().with_file_name("credentials.sock");
    let listener = tokio::net::UnixListener::bind(&socket).unwrap();
    let plane = world.plane.clone();
    world.shutdown.spawn(async move { plane.take_credentials(listener).await });
    for (sent, expected) in [
        (r#"{"KEY": "sk-ant-api03-canary-rotated-0123456789"}"#, r#""taken":["KEY"]"#),
        (r#"{"KEY": "canary\r\nx-evil: 1"}"#, r#""taken":[]"#),
        (r#"{"OTHER": "canary-of-no-route"}"#, r#""taken":[]"#),
    ] {
        let mut stream = tokio::net::UnixStream::connect(&socket).await.unwrap();
        stream.write_all(sent.as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut reply = String::new();
        stream.read_to_string(&mut reply).await.unwrap();
        assert!(reply.contains(expected) && !reply.contains("canary"), "{reply}");
        assert_eq!(ask(&world, "GET /v1/models").await.status, 200);
        let seen = world.seen().pop().unwrap();
        assert_eq!(seen.headers["x-api-key"], "sk-ant-api03-canary-rotated-0123456789");
    }
}

#[tokio::test]
async fn g1_http2_gets_the_credential_as_well() {
    let world = World::start(vec![api_key()], &[("KEY", CANARY)], plainly).await;
    let answer = crate::agent::ask_h2(&world, "api.test:443", "/v1/models").await;
    assert_eq!(answer, 200);
    let seen = world.seen_once();
    let keys: Vec<_> = seen.headers.get_all("x-api-key").iter().collect();
    assert_eq!(keys, [CANARY]);
    assert!(!seen.headers.contains_key("authorization"));
    assert_eq!(crate::agent::ask_h2(&world, "api.test:443", "/v2/models").await, 403);
    assert_eq!(world.seen().len(), 1);
}

#[tokio::test]
async fn g4_a_placeholder_elsewhere_in_its_own_route_passes_and_is_counted() {
    use tokio::io::AsyncWriteExt as _;
    let world = World::start(vec![api_key()], &[("KEY", CANARY)], plainly).await;
    let mut stream = crate::agent::open(&world, "api.test:443").await;
    let body = format!("{{\"note\": \"my key is {}\"}}", placeholder());
    let length = body.len();
    let head =
        format!("POST /v1/messages HTTP/1.1\r\nhost: api.test\r\ncontent-length: {length}\r\n\r\n");
    stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
    assert_eq!(crate::agent::read(&mut stream).await.status, 200);
    assert_eq!(world.seen_once().body, body);
    let status: serde_json::Value = serde_json::from_str(&world.status.to_json()).unwrap();
    assert_eq!(status["counts"]["placeholders_passed"], 1);
}

#[tokio::test]
async fn g4_a_placeholder_for_another_host_is_a_leak_attempt() {
    let narrow = Route::to("plain.test".parse().unwrap());
    let world = World::start(vec![api_key(), narrow], &[("KEY", CANARY)], plainly).await;
    let placeholder = placeholder();
    for destination in ["other.test:443", "plain.test:443"] {
        for head in [
            format!("GET /x?key={placeholder}"),
            format!("GET /{placeholder}"),
            "GET /x?key=%42ottlePlaceholderInvented".to_owned(),
            format!("GET /x\nx-note: {placeholder}"),
        ] {
            let answer = ask_at(&world, destination, &head).await;
            assert_eq!((answer.status, answer.reason().as_str()), (403, "credential-misplaced"));
            assert!(!answer.body.contains("BottlePlaceholder"), "{}", answer.body);
        }
        let body = format!("note={placeholder}");
        let head = format!("POST /x\ncontent-length: {}\n\n{body}", body.len());
        assert_eq!(ask_at(&world, destination, &head).await.reason(), "credential-misplaced");
    }
    assert!(world.seen().iter().all(|seen| !format!("{seen:?}").contains("Placeholder0")));
    assert_eq!(world.log_line("denied").await["path"], "[redacted]");
    let invented = "GET /v1/x\nx-note: BottlePlaceholderInvented";
    assert_eq!(ask(&world, invented).await.reason(), "credential-misplaced");
}

//! `WebSockets` along routes: permitted, given their credential, their messages looked through.

use std::time::Duration;

use egress::{Form, Route, Websocket};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use crate::agent::{ask, ask_at, open};
use crate::world::{CANARY, World, api_key, placeholder, plainly, route, with_key};

const PATIENCE: Duration = Duration::from_mins(1);
const TEXT: u8 = 0x81;

const UPGRADE: &str = "connection: upgrade\nupgrade: websocket\nsec-websocket-version: 13\n\
                       sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\n";

fn sockets(route: Route) -> Route {
    Route { websocket: Websocket::Allow, ..route }
}

/// Asks for a `WebSocket` and returns the answer's head.
async fn switch(world: &World, host: &str, more: &str) -> (String, TlsStream<TcpStream>) {
    let mut stream = open(world, &format!("{host}:443")).await;
    let request = format!("GET /v1/socket HTTP/1.1\nhost: {host}\n{UPGRADE}{more}\n");
    stream.write_all(request.replace('\n', "\r\n").as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(tokio::time::timeout(PATIENCE, stream.read_u8()).await.unwrap().unwrap());
    }
    (String::from_utf8(head).unwrap(), stream)
}

async fn say(stream: &mut TlsStream<TcpStream>, first: u8, text: &str) {
    let len = u8::try_from(text.len()).unwrap();
    assert!(len < 126);
    let mut frame = vec![first, 0x80 | len, 0, 0, 0, 0];
    frame.extend_from_slice(text.as_bytes());
    stream.write_all(&frame).await.unwrap();
    stream.flush().await.unwrap();
}

/// The next frame's kind and text; `None` at the end.
async fn hear(stream: &mut TlsStream<TcpStream>) -> Option<(u8, String)> {
    let hearing = async {
        let first = stream.read_u8().await.ok()?;
        let len = stream.read_u8().await.ok()?;
        let mut payload = vec![0; usize::from(len)];
        stream.read_exact(&mut payload).await.ok()?;
        Some((first, String::from_utf8_lossy(&payload).into_owned()))
    };
    tokio::time::timeout(PATIENCE, hearing).await.expect("a frame or the end")
}

#[tokio::test]
async fn f1_a_route_that_does_not_say_so_gives_no_websocket() {
    let world = World::start(vec![api_key()], &[("KEY", CANARY)], plainly).await;
    let answer = ask(&world, &format!("GET /v1/socket\n{UPGRADE}")).await;
    assert_eq!((answer.status, &*answer.reason()), (403, "upgrade-not-allowed"));
    assert!(world.seen().is_empty());
}

#[tokio::test]
async fn f5_other_routes_rules_hold_for_upgrades_too() {
    let routes =
        vec![sockets(route(&["POST"], &["/v1/**"])), sockets(route(&["GET"], &["/v2/**"]))];
    let world = World::start(routes, &[], plainly).await;
    let answer = ask(&world, &format!("GET /v1/socket\n{UPGRADE}")).await;
    assert_eq!((answer.status, &*answer.reason()), (403, "method-not-allowed"));
    let answer = ask(&world, &format!("GET /v3\n{UPGRADE}")).await;
    assert_eq!((answer.status, &*answer.reason()), (403, "path-not-allowed"));
    assert!(world.seen().is_empty());
}

#[tokio::test]
async fn f4_g1_the_upgrade_gets_the_credential_and_the_messages_lose_its_echo() {
    let route = sockets(with_key(route(&["GET"], &["/v1/**"]), Form::Bearer));
    let world = World::start(vec![route], &[("KEY", CANARY)], plainly).await;
    let placeholder = placeholder().to_string();
    let more = format!(
        "authorization: Bearer mine\nsec-websocket-protocol: realtime, token.mine, \
         openai-insecure-api-key.{placeholder}\n"
    );
    let (head, mut agent) = switch(&world, "api.test", &more).await;
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    let seen = world.seen_once();
    assert_eq!(seen.headers["authorization"], format!("Bearer {CANARY}"));
    let protocols = format!("realtime, openai-insecure-api-key.{CANARY}");
    assert_eq!(seen.headers["sec-websocket-protocol"], protocols);
    let back = format!("realtime, openai-insecure-api-key.{placeholder}");
    assert!(head.contains(&back) && !head.contains("canary"), "{head}");

    say(&mut agent, TEXT, &format!("say {CANARY}")).await;
    let (kind, said) = hear(&mut agent).await.unwrap();
    assert_eq!((kind, said), (TEXT, format!("say {placeholder}")));
    // In fragments, with a ping between them: the message is one all the same.
    let (one, two) = CANARY.split_at(20);
    say(&mut agent, 0x01, one).await;
    say(&mut agent, 0x89, "?").await;
    say(&mut agent, 0x80, two).await;
    let (mut joined, mut last) = (String::new(), 0);
    while last & 0x80 == 0 || last == 0x89 {
        let (kind, said) = hear(&mut agent).await.unwrap();
        last = kind;
        if kind != 0x89 {
            joined.push_str(&said);
        }
    }
    assert_eq!(joined, placeholder);
    assert_eq!(world.log_line("redacted").await["reason"], "credential-echoed");
    // The agent's own placeholder is no secret: it passes.
    say(&mut agent, TEXT, &placeholder).await;
    assert_eq!(hear(&mut agent).await.unwrap().1, placeholder);
}

#[tokio::test]
async fn f6_a_route_that_loses_the_permission_loses_its_websockets() {
    let route = sockets(api_key());
    let world = World::start(vec![route], &[("KEY", CANARY)], plainly).await;
    let (_, mut agent) = switch(&world, "api.test", "").await;
    say(&mut agent, TEXT, "hello").await;
    assert_eq!(hear(&mut agent).await.unwrap(), (TEXT, "hello".to_owned()));
    world.write_routes(vec![api_key()]);
    world.plane.reload();
    assert_eq!(hear(&mut agent).await, None);
}

#[tokio::test]
async fn g4_a_placeholder_in_a_message_to_another_host_ends_it() {
    let world = World::start(vec![api_key()], &[("KEY", CANARY)], plainly).await;
    let (head, mut agent) = switch(&world, "other.test", "").await;
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    say(&mut agent, TEXT, "hello").await;
    assert_eq!(hear(&mut agent).await.unwrap(), (TEXT, "hello".to_owned()));
    say(&mut agent, TEXT, placeholder().as_str()).await;
    let (kind, _) = hear(&mut agent).await.expect("a goodbye");
    assert_eq!(kind, 0x88);
    let in_protocol = format!("{UPGRADE}sec-websocket-protocol: key.{}", placeholder().as_str());
    let answer = ask_at(&world, "other.test:443", &format!("GET /\n{in_protocol}")).await;
    assert_eq!(answer.reason(), "credential-misplaced");
}

#[tokio::test]
async fn g12_answers_in_messages_are_counted_and_a_budget_ends_the_socket() {
    let budget = egress::Budget { output_tokens: Some(9), ..egress::Budget::default() };
    let route = Route { budget, ..sockets(api_key()) };
    let world = World::start(vec![route], &[("KEY", CANARY)], plainly).await;
    let (head, mut agent) = switch(&world, "api.test", "").await;
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    // The origin says what it is told.
    let answer = |tokens: u8| {
        format!(
            r#"{{"type":"response.completed","response":{{"usage":{{"output_tokens":{tokens}}}}}}}"#
        )
    };
    for tokens in [4, 5] {
        say(&mut agent, TEXT, &answer(tokens)).await;
        assert_eq!(hear(&mut agent).await.unwrap().1, answer(tokens));
    }
    say(&mut agent, TEXT, "one more").await;
    assert_eq!(hear(&mut agent).await.filter(|(kind, _)| *kind == TEXT), None);
    let refused = ask(&world, "GET /v1/x").await;
    assert_eq!((refused.status, &*refused.reason()), (403, "budget-exhausted"));
}

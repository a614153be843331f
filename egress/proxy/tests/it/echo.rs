//! G5: what an upstream echoes does not reach the agent.

use egress::{Cookies, Route};
use http::{HeaderValue, Response};
use tls_intercept::{Body, body};

use crate::agent::ask;
use crate::world::{CANARY, Seen, World, api_key, placeholder};

/// Echoes the credential in a header and, in the words of many a debug page, in the body.
fn echoing(seen: &Seen) -> Response<Body> {
    let key = seen.headers["x-api-key"].clone();
    let text = format!("headers: {{\"X-Api-Key\": \"{}\"}} and more", key.to_str().unwrap());
    let mut response = Response::new(body::full(text));
    response.headers_mut().insert("x-echo", key);
    response
}

#[tokio::test]
async fn g5_an_echo_comes_back_as_the_placeholder() {
    let world = World::start(vec![api_key()], &[("KEY", CANARY)], echoing).await;
    let answer = ask(&world, "GET /v1/debug").await;
    assert_eq!(answer.status, 200);
    let all = format!("{}{}", answer.head, answer.body);
    assert!(!all.contains("canary"), "{all}");
    let placeholder = placeholder();
    assert_eq!(answer.body, format!("headers: {{\"X-Api-Key\": \"{placeholder}\"}} and more"));
    assert_eq!(world.log_line("redacted").await["reason"], "credential-echoed");
    // The test can fail: the origin did send it.
    assert_eq!(world.seen_once().headers["x-api-key"], CANARY);
}

fn gzipped(_: &Seen) -> Response<Body> {
    let mut response = Response::new(body::full("not really"));
    response.headers_mut().insert("content-encoding", HeaderValue::from_static("gzip"));
    response
}

#[tokio::test]
async fn e10_a_response_that_cannot_be_looked_into_is_refused() {
    let world = World::start(vec![api_key()], &[("KEY", CANARY)], gzipped).await;
    let answer = ask(&world, "GET /v1/debug\naccept-encoding: gzip, br").await;
    assert_eq!(answer.reason(), "response-refused");
    assert_eq!(world.seen_once().headers["accept-encoding"], "identity");
}

fn unauthorized(seen: &Seen) -> Response<Body> {
    let mut response = echoing(seen);
    *response.status_mut() = http::StatusCode::UNAUTHORIZED;
    let location = format!("https://login.test/?key={CANARY}");
    response.headers_mut().insert("location", location.parse().unwrap());
    response
}

#[tokio::test]
async fn g5_errors_and_redirects_are_cleaned_too() {
    let world = World::start(vec![api_key()], &[("KEY", CANARY)], unauthorized).await;
    let answer = ask(&world, "GET /v1/debug").await;
    assert_eq!(answer.status, 401);
    assert!(!format!("{answer:?}").contains("canary"), "{answer:?}");
    // And egress follows no redirect.
    assert_eq!(world.seen().len(), 1);
}

/// Opens a session by a cookie, and echoes the one it gets.
fn opening_a_session(seen: &Seen) -> Response<Body> {
    let cookie = seen.headers.get("cookie").map(|value| value.to_str().unwrap().to_owned());
    let mut response = Response::new(body::full(format!("you sent {cookie:?}")));
    let set = "session=canary-session-0123456789; Path=/; Secure; HttpOnly";
    response.headers_mut().insert("set-cookie", HeaderValue::from_static(set));
    response
}

#[tokio::test]
async fn g6_a_session_stays_in_egress_where_the_route_says_so() {
    let route = Route { cookies: Cookies::Keep, ..api_key() };
    let world = World::start(vec![route], &[("KEY", CANARY)], opening_a_session).await;
    let first = ask(&world, "GET /v1/login\ncookie: session=mine").await;
    assert_eq!((first.status, first.body.as_str()), (200, "you sent None"));
    assert!(!first.head.contains("set-cookie"), "{}", first.head);
    let second = ask(&world, "GET /v1/next\ncookie: session=mine").await;
    let seen = world.seen().pop().unwrap();
    assert_eq!(seen.headers["cookie"], "session=canary-session-0123456789");
    assert!(!format!("{second:?}").contains("canary"), "{second:?}");
}

#[tokio::test]
async fn g6_without_that_the_agent_gets_the_cookie() {
    let world = World::start(vec![api_key()], &[("KEY", CANARY)], opening_a_session).await;
    let answer = ask(&world, "GET /v1/login").await;
    assert!(answer.head.contains("set-cookie: session="), "{}", answer.head);
}

//! Tokens and requests: counted as answers pass, denied beyond a budget, kept over a restart.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use egress::{Budget, Form, Route};
use http::Response;
use http_body_util::BodyExt as _;
use hyper::body::Frame;
use tls_intercept::{Body, BodyError, body};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::agent::{ask, open};
use crate::world::{CANARY, Seen, World, api_key, plainly, route, with_key};

const ANTHROPIC: &str = "event: message_start\n\
    data: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":100,\
    \"cache_read_input_tokens\":11,\"output_tokens\":1}}}\n\n\
    event: content_block_delta\n\
    data: {\"type\":\"content_block_delta\",\"delta\":{\"text\":\"a text of thirty-six bytes, counted \"}}\n\n";
const ANTHROPIC_END: &str = "event: message_delta\n\
    data: {\"type\":\"message_delta\",\"usage\":{\"output_tokens\":20}}\n\n";

fn events(_: &Seen) -> Response<Body> {
    let text = format!("{ANTHROPIC}{ANTHROPIC_END}");
    let response = Response::builder().header("content-type", "text/event-stream; charset=utf-8");
    response.body(body::full(text)).unwrap()
}

fn json(_: &Seen) -> Response<Body> {
    let text = r#"{"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":60}}"#;
    let response = Response::builder().header("content-type", "application/json");
    response.body(body::full(text)).unwrap()
}

/// A stream whose sum never comes.
fn endless(_: &Seen) -> Response<Body> {
    let response = Response::builder().header("content-type", "text/event-stream");
    response.body(Endless(false).boxed()).unwrap()
}

struct Endless(bool);

impl hyper::body::Body for Endless {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if std::mem::replace(&mut self.0, true) {
            return Poll::Pending;
        }
        Poll::Ready(Some(Ok(Frame::data(ANTHROPIC.into()))))
    }
}

fn budgeted(budget: Budget) -> Route {
    Route { budget, ..api_key() }
}

fn tokens(output_tokens: u64) -> Budget {
    Budget { output_tokens: Some(output_tokens), ..Budget::default() }
}

/// Waits until what was used is this: an answer's end may be seen by the agent first.
async fn used(world: &World, expected: (u64, u64, u64)) {
    let deadline = Instant::now() + Duration::from_mins(1);
    loop {
        let lines = world.usage();
        let sum = |name: &str| lines.iter().map(|line| line[name].as_u64().unwrap()).sum::<u64>();
        let found = (sum("requests"), sum("input_tokens"), sum("output_tokens"));
        if found == expected {
            return;
        }
        assert!(Instant::now() < deadline, "{found:?} is not {expected:?}: {lines:#?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn g12_tokens_of_streams_and_of_whole_answers_are_counted_by_route() {
    let world = World::start(vec![api_key()], &[("KEY", CANARY)], events).await;
    assert!(ask(&world, "POST /v1/messages\n\n{}").await.body.ends_with(ANTHROPIC_END));
    used(&world, (1, 111, 20)).await;
    assert_eq!(ask(&world, "POST /v1/messages").await.status, 200);
    used(&world, (2, 222, 40)).await;
    // An answer that is fetched again was counted when it was made.
    assert_eq!(ask(&world, "GET /v1/responses/7").await.status, 200);
    used(&world, (3, 222, 40)).await;
    let metrics = world.status.to_metrics();
    let line = "bottle_route_output_tokens_total{service=\"egress\",\
                route=\"api.test:443 methods GET,POST paths /v1/**\"} ";
    assert!(metrics.contains(line), "{metrics}");

    let world = World::start(vec![api_key()], &[("KEY", CANARY)], json).await;
    assert_eq!(ask(&world, "POST /v1/chat/completions").await.status, 200);
    used(&world, (1, 5, 60)).await;
    let world = World::start(vec![api_key()], &[("KEY", CANARY)], plainly).await;
    assert_eq!(ask(&world, "GET /v1/models").await.status, 200);
    used(&world, (1, 0, 0)).await;
}

#[tokio::test]
async fn g12_nothing_is_sent_beyond_a_budget() {
    let world = World::start(vec![budgeted(tokens(60))], &[("KEY", CANARY)], json).await;
    assert_eq!(ask(&world, "POST /v1/chat/completions").await.status, 200);
    used(&world, (1, 5, 60)).await;
    let answer = ask(&world, "POST /v1/chat/completions").await;
    assert_eq!((answer.status, answer.reason().as_str()), (403, "budget-exhausted"));
    assert!(answer.body.contains("60 of 60 output tokens"), "{}", answer.body);
    assert_eq!(world.seen().len(), 1);
    assert_eq!(world.log_line("denied").await["reason"], "budget-exhausted");
    // More of it, given by a person, is in force at once.
    world.write_routes(vec![budgeted(tokens(61))]);
    world.plane.reload();
    assert_eq!(ask(&world, "POST /v1/chat/completions").await.status, 200);

    let once = Budget { requests: Some(1), ..Budget::default() };
    let world = World::start(vec![budgeted(once)], &[("KEY", CANARY)], plainly).await;
    let (one, two) = tokio::join!(ask(&world, "GET /v1/a"), ask(&world, "GET /v1/b"));
    let mut statuses = [one.status, two.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 403]);
    assert_eq!(world.seen().len(), 1);
}

#[tokio::test]
async fn g12_a_refused_request_uses_nothing() {
    let budget = Budget { requests: Some(1), ..Budget::default() };
    let world = World::start(vec![budgeted(budget)], &[("KEY", CANARY)], plainly).await;
    assert_eq!(ask(&world, "GET /v2/x").await.reason(), "path-not-allowed");
    assert_eq!(ask(&world, "GET /v1/x\nx-note: BottlePlaceholderOther").await.status, 403);
    assert_eq!(ask(&world, "GET /v1/x").await.status, 200);
}

#[tokio::test]
async fn g12_whoever_leaves_before_the_sum_is_told_is_counted_by_what_came() {
    let world = World::start(vec![budgeted(tokens(12))], &[("KEY", CANARY)], endless).await;
    let mut stream = open(&world, "api.test:443").await;
    stream.write_all(b"POST /v1/messages HTTP/1.1\r\nhost: api.test\r\n\r\n").await.unwrap();
    let mut read = Vec::new();
    while !String::from_utf8_lossy(&read).contains("counted") {
        assert_ne!(stream.read_buf(&mut read).await.unwrap(), 0);
    }
    drop(stream);
    used(&world, (1, 111, 12)).await;
    let answer = ask(&world, "POST /v1/messages").await;
    assert_eq!((answer.status, answer.reason().as_str()), (403, "budget-exhausted"));
}

#[tokio::test]
async fn g12_a_stream_that_tells_no_sum_is_counted_by_what_came() {
    fn silent(_: &Seen) -> Response<Body> {
        let text = "data: {\"choices\":[{\"delta\":{\"content\":\"nine bytes\"}}],\"usage\":null}\n\n\
                    data: [DONE]\n\n";
        let response = Response::builder().header("content-type", "text/event-stream");
        response.body(body::full(text)).unwrap()
    }
    let world = World::start(vec![api_key()], &[("KEY", CANARY)], silent).await;
    assert_eq!(ask(&world, "POST /v1/chat/completions").await.status, 200);
    used(&world, (1, 0, 4)).await;
}

#[tokio::test]
async fn g12_what_hides_its_usage_does_not_pass_a_budget() {
    fn packed(_: &Seen) -> Response<Body> {
        let response = Response::builder().header("content-encoding", "gzip");
        response.body(body::full("who knows")).unwrap()
    }
    let bounded = Route { budget: tokens(60), ..route(&[], &[]) };
    let world = World::start(vec![bounded], &[], packed).await;
    assert_eq!(ask(&world, "GET /v1/x\naccept-encoding: gzip").await.reason(), "response-refused");
    assert_eq!(world.seen_once().headers["accept-encoding"], "identity");
    let world = World::start(vec![route(&[], &[])], &[], packed).await;
    assert_eq!(ask(&world, "GET /v1/x\naccept-encoding: gzip").await.status, 200);
}

#[tokio::test]
async fn g12_lines_of_one_preset_share_a_budget() {
    let once = Budget { requests: Some(1), ..Budget::default() };
    let shared = |path: &str| Route {
        budget: once,
        shares: Some("a preset".to_owned()),
        ..with_key(route(&[], &[path]), Form::Bearer)
    };
    let routes = vec![shared("/a/**"), shared("/b/**")];
    let world = World::start(routes, &[("KEY", CANARY)], plainly).await;
    assert_eq!(ask(&world, "GET /a/x").await.status, 200);
    assert_eq!(ask(&world, "GET /b/x").await.reason(), "budget-exhausted");
}

//! Bodies that take their time: nothing waits for their end, and a stop waits for them.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use egress::Route;
use http::Response;
use http_body_util::BodyExt as _;
use hyper::body::Frame;
use tls_intercept::{Body, BodyError};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::Semaphore;
use tokio_rustls::client::TlsStream;

use crate::agent::open;
use crate::world::{CANARY, Seen, World, api_key};

/// One event now, one when its gate opens.
struct Events {
    gate: &'static Semaphore,
    wait: Option<Pin<Box<dyn Future<Output = ()> + Send + Sync>>>,
    sent: u8,
}

impl hyper::body::Body for Events {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let text = match self.sent {
            0 => format!("data: one {CANARY}\n\n"),
            1 => {
                let gate = self.gate;
                let wait = self.wait.get_or_insert_with(|| {
                    Box::pin(async move { gate.acquire().await.unwrap().forget() })
                });
                ready!(wait.as_mut().poll(cx));
                "data: two\n\n".to_owned()
            }
            _ => return Poll::Ready(None),
        };
        self.sent += 1;
        Poll::Ready(Some(Ok(Frame::data(text.into()))))
    }
}

fn events(gate: &'static Semaphore) -> Response<Body> {
    Response::new(Events { gate, wait: None, sent: 0 }.boxed())
}

async fn read_until(stream: &mut TlsStream<tokio::net::TcpStream>, text: &str) -> String {
    let mut read = Vec::new();
    let reading = async {
        while !String::from_utf8_lossy(&read).contains(text) {
            assert_ne!(stream.read_buf(&mut read).await.unwrap(), 0, "the stream ended early");
        }
    };
    tokio::time::timeout(Duration::from_mins(1), reading).await.expect("an event was held back");
    String::from_utf8_lossy(&read).into_owned()
}

static FIRST: Semaphore = Semaphore::const_new(0);

#[tokio::test]
async fn e12_an_event_arrives_before_the_next_is_sent_and_is_cleaned() {
    let world = World::start(vec![api_key()], &[("KEY", CANARY)], |_: &Seen| events(&FIRST)).await;
    let mut stream = open(&world, "api.test:443").await;
    stream.write_all(b"GET /v1/events HTTP/1.1\r\nhost: api.test\r\n\r\n").await.unwrap();
    // The second event is sent only after the first was read here.
    let first = read_until(&mut stream, "data: one").await;
    assert!(!first.contains("canary") && !first.contains("two"), "{first}");
    FIRST.add_permits(1);
    read_until(&mut stream, "data: two").await;
}

static SECOND: Semaphore = Semaphore::const_new(0);

#[tokio::test]
async fn a_stop_waits_for_a_stream_that_is_open() {
    let world = World::start(vec![api_key()], &[("KEY", CANARY)], |_: &Seen| events(&SECOND)).await;
    let mut stream = open(&world, "api.test:443").await;
    stream.write_all(b"GET /v1/events HTTP/1.1\r\nhost: api.test\r\n\r\n").await.unwrap();
    read_until(&mut stream, "data: one").await;
    world.shutdown.request();
    SECOND.add_permits(1);
    let draining = world.shutdown.drain(Duration::from_mins(1));
    let (open, _) = tokio::join!(draining, read_until(&mut stream, "data: two"));
    assert_eq!(open, 0);
}

static KEPT: Semaphore = Semaphore::const_new(0);

#[tokio::test]
async fn j7_a_stream_outlives_the_change_of_another_route() {
    let world = World::start(vec![api_key()], &[("KEY", CANARY)], |_: &Seen| events(&KEPT)).await;
    let mut stream = open(&world, "api.test:443").await;
    stream.write_all(b"GET /v1/events HTTP/1.1\r\nhost: api.test\r\n\r\n").await.unwrap();
    read_until(&mut stream, "data: one").await;
    world.write_routes(vec![api_key(), Route::to("other.test".parse().unwrap())]);
    world.plane.reload();
    KEPT.add_permits(1);
    read_until(&mut stream, "data: two").await;
}

static NEVER: Semaphore = Semaphore::const_new(0);

#[tokio::test]
async fn j7_a_stream_ends_when_its_route_is_taken_away() {
    let world = World::start(vec![api_key()], &[("KEY", CANARY)], |_: &Seen| events(&NEVER)).await;
    let mut stream = open(&world, "api.test:443").await;
    stream.write_all(b"GET /v1/events HTTP/1.1\r\nhost: api.test\r\n\r\n").await.unwrap();
    read_until(&mut stream, "data: one").await;
    world.write_routes(vec![Route::to("other.test".parse().unwrap())]);
    world.plane.reload();
    let mut rest = Vec::new();
    let ended = tokio::time::timeout(Duration::from_mins(1), stream.read_to_end(&mut rest)).await;
    assert!(ended.is_ok(), "the stream outlived its route");
}

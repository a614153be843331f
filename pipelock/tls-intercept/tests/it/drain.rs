//! SIGTERM with work in flight: what was begun is finished, nothing new is begun.

use crate::support::{Agent, Bench, Origin, data, frames, within};
use http::Response;
use http_body_util::BodyExt as _;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

/// An origin whose answer has a second part when it is told to go on.
async fn slow(go: &Arc<Notify>, alpn: &str) -> Origin {
    let go = Arc::clone(go);
    let answer = Arc::new(move |_| {
        let go = Arc::clone(&go);
        let (send, body) = frames();
        tokio::task::spawn(async move {
            send.send(data("first ")).await.unwrap();
            go.notified().await;
            send.send(data("second")).await.unwrap();
        });
        Box::pin(async move { Response::new(body) }) as std::pin::Pin<Box<_>>
    });
    Origin::answering("allowed.test", &[alpn], answer).await
}

#[tokio::test]
async fn a_body_in_flight_is_finished() {
    for alpn in ["http/1.1", "h2"] {
        let go = Arc::new(Notify::new());
        let origin = slow(&go, alpn).await;
        let bench = Bench::new(&origin).await;
        let mut response = Agent::get(&bench, "allowed.test", alpn, "/").await;
        let first = within(response.body_mut().frame()).await.unwrap().unwrap();
        assert_eq!(first.into_data().unwrap(), "first ");
        // Also there: a tunnel without TLS yet, an idle connection. They hold nothing up.
        let _idle = Agent::tunnel(&bench, "allowed.test", alpn).await;
        let _silent = Agent::connect(&bench, "allowed.test:443").await;
        bench.shutdown.request();
        let drain = {
            let shutdown = bench.shutdown.clone();
            tokio::task::spawn(async move { shutdown.drain(Duration::from_mins(1)).await })
        };
        crate::support::until("new connections are refused", || {
            std::net::TcpStream::connect(bench.address).is_err()
        })
        .await;
        assert!(!drain.is_finished());
        go.notify_one();
        let rest = within(response.into_body().collect()).await.unwrap().to_bytes();
        assert_eq!(rest, "second");
        assert_eq!(within(drain).await.unwrap(), 0, "nothing was cut off");
    }
}

#[tokio::test]
async fn what_does_not_finish_is_cut_off() {
    for alpn in ["http/1.1", "h2"] {
        let go = Arc::new(Notify::new());
        let origin = slow(&go, alpn).await;
        let bench = Bench::new(&origin).await;
        let mut response = Agent::get(&bench, "allowed.test", alpn, "/").await;
        within(response.body_mut().frame()).await.unwrap().unwrap();
        bench.shutdown.request();
        assert!(bench.shutdown.drain(Duration::from_millis(50)).await > 0);
        assert!(within(response.into_body().collect()).await.is_err());
    }
}

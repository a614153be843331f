//! Measures a row: times of single requests, or how many there were.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Empty};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde::Serialize;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::client::{Connection, Way};
use crate::content;
use crate::origin::PATIENCE;
use crate::row::Row;

/// What came of a row.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Measured {
    /// Milliseconds of each request, in order.
    pub(crate) ms: Vec<f64>,
    /// Until the first event.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) first_ms: Vec<f64>,
    pub(crate) requests: usize,
    pub(crate) seconds: f64,
    /// What the processes that were named needed of memory, their parts of what they share.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) pss_mb: Option<f64>,
}

/// Runs it, after a few requests that do not count.
pub(crate) async fn measure(way: &Way, row: Row) -> anyhow::Result<Measured> {
    let began = Instant::now();
    let run = async {
        match row {
            Row::Many { connections, seconds } => {
                let request = Arc::from(way.head("GET", "/small", None));
                many(way, request, (connections, seconds)).await
            }
            Row::ManyPosts { connections, seconds, bytes } => {
                let body = content::chat(bytes);
                let mut request = way.head("POST", "/sink", Some(body.len()));
                request.extend_from_slice(&body);
                many(way, Arc::from(request), (connections, seconds)).await
            }
            Row::KeepAlive { times, h2: false } => {
                series(way, &[&way.head("GET", "/small", None)], (times / 10, times)).await
            }
            Row::KeepAlive { times, h2: true } => http2(way, times).await,
            Row::Connect { times } => connects(way, times).await,
            Row::Post { times, bytes } => {
                let body = content::chat(bytes);
                let head = way.head("POST", "/sink", Some(body.len()));
                series(way, &[&head, &body], (3, times)).await
            }
            Row::Get { times, bytes } => {
                let head = way.head("GET", &format!("/json/{bytes}"), None);
                let measured = series(way, &[&head], (3, times)).await?;
                Ok(measured)
            }
            Row::Download { times, bytes } => {
                series(way, &[&way.head("GET", &format!("/file/{bytes}"), None)], (1, times)).await
            }
            Row::Upload { times, bytes } => {
                let body = content::file(bytes);
                let head = way.head_of("application/octet-stream", bytes);
                series(way, &[&head, &body], (1, times)).await
            }
            Row::Idle { connections, seconds, pids } => {
                idle(way, connections, Duration::from_secs_f64(seconds), &pids).await
            }
            Row::Events { times, count } => {
                series(way, &[&way.head("GET", &format!("/events/{count}"), None)], (3, times))
                    .await
            }
        }
    };
    let mut measured = timeout(5 * PATIENCE, run).await.context("the row took too long")??;
    if measured.seconds == 0.0 {
        measured.seconds = began.elapsed().as_secs_f64();
    }
    Ok(measured)
}

/// The same request on one connection, again and again.
async fn series(
    way: &Way,
    request: &[&[u8]],
    (warm, times): (usize, usize),
) -> anyhow::Result<Measured> {
    let mut connection = way.open().await?;
    let mut measured = Measured::default();
    for number in 0..warm + times {
        let began = Instant::now();
        connection.send(request).await?;
        let answer = timeout(PATIENCE, connection.answer()).await??;
        ensure!(answer.body > 0, "an answer without a body");
        if number >= warm {
            measured.ms.push(began.elapsed().as_secs_f64() * 1000.0);
            measured.first_ms.push((answer.first - began).as_secs_f64() * 1000.0);
        }
    }
    measured.requests = times;
    Ok(measured)
}

async fn connects(way: &Way, times: usize) -> anyhow::Result<Measured> {
    let head = way.head("GET", "/small", None);
    let mut measured = Measured { requests: times, ..Measured::default() };
    for number in 0..times + 5 {
        let began = Instant::now();
        let mut connection = way.open().await?;
        connection.send(&[&head]).await?;
        timeout(PATIENCE, connection.answer()).await??;
        if number >= 5 {
            measured.ms.push(began.elapsed().as_secs_f64() * 1000.0);
        }
    }
    Ok(measured)
}

async fn http2(way: &Way, times: usize) -> anyhow::Result<Measured> {
    let stream = TokioIo::new(way.stream(true).await?);
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), stream).await?;
    let mut tasks = JoinSet::new();
    tasks.spawn(connection);
    let uri = format!("https://{}/small", way.authority());
    let mut measured = Measured { requests: times, ..Measured::default() };
    for number in 0..times + times / 10 {
        let began = Instant::now();
        sender.ready().await?;
        let request = Request::get(&uri).body(Empty::<Bytes>::new())?;
        let response = timeout(PATIENCE, sender.send_request(request)).await??;
        ensure!(response.status() == 200, "{response:?}");
        response.into_body().collect().await?;
        if number >= times / 10 {
            measured.ms.push(began.elapsed().as_secs_f64() * 1000.0);
        }
    }
    Ok(measured)
}

/// Many connections that are open and do nothing.
async fn idle(
    way: &Way,
    connections: usize,
    wait: Duration,
    pids: &[u32],
) -> anyhow::Result<Measured> {
    let head = way.head("GET", "/small", None);
    let mut opened = Vec::new();
    for _ in 0..connections {
        let mut connection = way.open().await?;
        connection.send(&[&head]).await?;
        timeout(PATIENCE, connection.answer()).await??;
        opened.push(connection);
    }
    tokio::time::sleep(wait).await;
    let shares = pids.iter().map(|pid| pss_mb(*pid)).collect::<anyhow::Result<Vec<_>>>()?;
    let pss_mb = Some(shares.iter().sum());
    // What was measured were open connections, each of which still answers.
    for connection in &mut opened {
        connection.send(&[&head]).await?;
        timeout(PATIENCE, connection.answer()).await??;
    }
    Ok(Measured { requests: opened.len(), pss_mb, ..Measured::default() })
}

/// A process's memory, of shared pages its part.
fn pss_mb(pid: u32) -> anyhow::Result<f64> {
    let text = fs_err::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:"));
    let kb = line.and_then(|line| line.split_whitespace().next()).context("no `Pss`")?;
    Ok(kb.parse::<f64>()? * 1.024 / 1000.0)
}

/// As many connections as asked for, each as fast as it can, for that long.
async fn many(
    way: &Way,
    request: Arc<[u8]>,
    (connections, seconds): (usize, f64),
) -> anyhow::Result<Measured> {
    let mut opened = Vec::new();
    for _ in 0..connections {
        let mut connection = way.open().await?;
        connection.send(&[&request]).await?;
        connection.answer().await?;
        opened.push(connection);
    }
    let began = Instant::now();
    let until = began + Duration::from_secs_f64(seconds);
    let mut tasks = JoinSet::new();
    for connection in opened {
        tasks.spawn(until_then(connection, Arc::clone(&request), until));
    }
    let mut requests = 0;
    while let Some(done) = tasks.join_next().await {
        requests += done??;
    }
    Ok(Measured { requests, seconds: began.elapsed().as_secs_f64(), ..Measured::default() })
}

async fn until_then(
    mut connection: Connection,
    request: Arc<[u8]>,
    until: Instant,
) -> anyhow::Result<usize> {
    let mut requests = 0;
    while Instant::now() < until {
        connection.send(&[&request]).await?;
        timeout(PATIENCE, connection.answer()).await??;
        requests += 1;
    }
    Ok(requests)
}

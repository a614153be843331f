//! HTTP/2 on one connection: hyper with bounds, and a watch.

use super::Context;
use super::io::{Activity, Watched};
use super::pipeline::{Binding, Pipeline};
use crate::Proxy;
use hyper::server::conn::http2::Builder;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use sidecar::Shutdown;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};

/// What one stream, and all of a connection, may send ahead of whoever reads it.
const STREAM_WINDOW: u32 = 512 * 1024;
const CONNECTION_WINDOW: u32 = 2 * 1024 * 1024;
/// A peer that is silent is asked whether it is there.
const PING_EVERY: Duration = Duration::from_secs(30);
const PING_ANSWER: Duration = Duration::from_secs(20);

/// Spawns on the tasks that a drain waits for.
#[derive(Clone, Debug)]
pub(crate) struct Tasks(pub(crate) Shutdown);

impl<F> hyper::rt::Executor<F> for Tasks
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    fn execute(&self, future: F) {
        drop(self.0.spawn(future));
    }
}

/// Serves requests until the connection ends, is idle for too long, or everything stops.
pub(super) async fn serve<P: Proxy, S>(context: Context<P>, binding: Binding, stream: S)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let activity = Activity::new();
    let limits = context.interceptor.limits;
    let revoked = binding.revoked();
    let shutdown = context.shutdown.clone();
    let pipeline = Arc::new(Pipeline::new(context, binding, Arc::clone(&activity)));
    let answering = Arc::clone(&pipeline);
    let service = service_fn(move |request| {
        let pipeline = Arc::clone(&answering);
        async move { pipeline.http2(request).await }
    });
    let stream = Watched::new(stream, Arc::clone(&activity));
    let mut connection = Builder::new(Tasks(shutdown.clone()))
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.streams)
        .max_header_list_size(u32::try_from(limits.head_bytes).unwrap_or(u32::MAX))
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_send_buf_size(STREAM_WINDOW as usize)
        .keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(PING_ANSWER)
        .serve_connection(TokioIo::new(stream), service);
    let mut draining = false;
    let watch = activity.watch(&limits);
    tokio::pin!(watch);
    loop {
        tokio::select! {
            // A client that negotiates h2 and closes is no fault, though hyper calls it one.
            _ = &mut connection => return,
            () = shutdown.requested(), if !draining => {
                draining = true;
                activity.drain();
                Pin::new(&mut connection).graceful_shutdown();
            }
            () = revoked.cancelled() => return,
            expired = &mut watch => return pipeline.expired(expired),
        }
    }
}

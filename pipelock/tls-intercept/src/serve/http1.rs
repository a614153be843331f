//! HTTP/1 on one connection: guard, hyper, watch.

use super::Context;
use super::guard::Guard;
use super::io::{Activity, Watched, last_word};
use super::pipeline::{Binding, Pipeline};
use crate::{Proxy, websocket};
use hyper::server::conn::http1::Builder;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};

/// hyper wants room for at least this much of a head.
const HEAD_AT_LEAST: usize = 16 * 1024;

/// Serves requests until the connection ends, is idle for too long, or everything stops.
pub(super) async fn serve<P: Proxy, S>(context: Context<P>, binding: Binding, stream: S)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let activity = Activity::new();
    let limits = context.interceptor.limits;
    let guard =
        Guard::new(Watched::new(stream, Arc::clone(&activity)), limits, Arc::clone(&activity));
    let verdicts = guard.verdicts();
    let revoked = binding.revoked();
    let shutdown = context.shutdown.clone();
    let pipeline = Arc::new(Pipeline::new(context, binding, Arc::clone(&activity)));
    let (judged, answering) = (Arc::clone(&verdicts), Arc::clone(&pipeline));
    let service = service_fn(move |request| {
        let (pipeline, fault) = (Arc::clone(&answering), judged.next());
        Box::pin(async move { pipeline.http1(request, fault).await })
    });
    let mut connection = Builder::new()
        .half_close(false)
        .max_buf_size(2 * limits.head_bytes.max(HEAD_AT_LEAST))
        .serve_connection(TokioIo::new(guard), service);
    let (mut draining, mut over) = (false, false);
    let watch = activity.watch(&limits);
    tokio::pin!(watch);
    loop {
        tokio::select! {
            // Whatever ended it: the peer that went, or a fault that was answered.
            _ = std::future::poll_fn(|cx| connection.poll_without_shutdown(cx)) => break,
            () = shutdown.requested(), if !draining => {
                draining = true;
                activity.drain();
                Pin::new(&mut connection).graceful_shutdown();
            }
            () = revoked.cancelled() => return,
            expired = &mut watch => {
                pipeline.expired(expired);
                over = true;
                break;
            }
        }
    }
    let parts = connection.into_parts();
    if !over && let Some((switched, _in_flight)) = pipeline.switched() {
        // hyper had nothing to read after the head that asked.
        let (stream, first) = parts.io.into_inner().into_parts();
        let relay = websocket::to_agent(stream, &first, switched, shutdown.requested());
        tokio::select! {
            () = relay => {}
            () = revoked.cancelled() => {}
            expired = &mut watch => pipeline.expired(expired),
        }
        return;
    }
    let mut stream = parts.io.into_inner().into_inner();
    if draining {
        // Nobody who stops waits for peers; one that is gone does not mind.
        drop(tokio::time::timeout(limits.handshake, stream.shutdown()).await);
    } else {
        last_word(stream, b"").await;
    }
}

//! Accepts connections: the model over TLS, the sinks that only note who came, and the control
//! port on loopback.

use std::convert::Infallible;
use std::future::ready;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use rustls::ServerConfig;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::body::{self, Body};
use crate::model::{Ends, Model};

const HANDSHAKE: Duration = Duration::from_secs(10);
const FIRST_LINE: Duration = Duration::from_secs(3);

/// What runs, and how it ends.
#[derive(Debug, Clone)]
pub struct Server {
    pub model: Arc<Model>,
    pub tasks: TaskTracker,
    pub shutdown: CancellationToken,
}

impl Server {
    #[must_use]
    pub fn new(model: Arc<Model>) -> Self {
        Self { model, tasks: TaskTracker::new(), shutdown: CancellationToken::new() }
    }

    /// Serves the model over TLS.
    pub fn serve_model(&self, listener: TcpListener, tls: Arc<ServerConfig>) {
        let acceptor = TlsAcceptor::from(tls);
        self.accept(listener, move |model, stream| {
            model_connection(acceptor.clone(), model, stream)
        });
    }

    /// Notes who comes, and answers that they arrived.
    pub fn serve_sink(&self, listener: TcpListener) {
        self.accept(listener, sink_connection);
    }

    /// Answers `report`, `release` and `healthcheck`.
    pub fn serve_control(&self, listener: TcpListener) {
        self.accept(listener, |model, stream| async move {
            let service =
                service_fn(move |request| ready(Ok::<_, Infallible>(control(&model, &request))));
            let builder = auto::Builder::new(TokioExecutor::new());
            builder.serve_connection(TokioIo::new(stream), service).await.ok();
        });
    }

    fn accept<Serve, Served>(&self, listener: TcpListener, serve: Serve)
    where
        Serve: Fn(Arc<Model>, TcpStream) -> Served + Send + 'static,
        Served: Future<Output = ()> + Send + 'static,
    {
        let server = self.clone();
        self.tasks.spawn(async move {
            while let Some(accepted) = server.shutdown.run_until_cancelled(listener.accept()).await
            {
                let Ok((stream, _)) = accepted else { continue };
                if stream.set_nodelay(true).is_err() {
                    continue;
                }
                let served = serve(Arc::clone(&server.model), stream);
                let shutdown = server.shutdown.clone();
                server.tasks.spawn(async move { shutdown.run_until_cancelled(served).await });
            }
        });
    }
}

async fn model_connection(acceptor: TlsAcceptor, model: Arc<Model>, stream: TcpStream) {
    let Some(ends) = ends(&stream) else { return };
    // A connection that ends without a handshake is a probe, not a fault.
    let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE, acceptor.accept(stream)).await else {
        return;
    };
    let service = service_fn(move |request: Request<Incoming>| {
        let model = Arc::clone(&model);
        async move { Ok::<_, Infallible>(model.answer(ends, request).await) }
    });
    let builder = auto::Builder::new(TokioExecutor::new());
    builder.serve_connection_with_upgrades(TokioIo::new(stream), service).await.ok();
}

async fn sink_connection(model: Arc<Model>, mut stream: TcpStream) {
    let Some(ends) = ends(&stream) else { return };
    let mut first = [0; 512];
    let read = tokio::time::timeout(FIRST_LINE, stream.read(&mut first)).await;
    let length = read.ok().and_then(Result::ok).unwrap_or(0);
    let text: String = first
        .iter()
        .take(length)
        .map(|byte| char::from(*byte))
        .take_while(|letter| !letter.is_control())
        .collect();
    model.record().arrival(ends.peer, ends.local.port(), text);
    let answer = "HTTP/1.1 200 OK\r\ncontent-length: 8\r\nconnection: close\r\n\r\narrived\n";
    stream.write_all(answer.as_bytes()).await.ok();
    stream.shutdown().await.ok();
}

fn ends(stream: &TcpStream) -> Option<Ends> {
    Some(Ends { peer: stream.peer_addr().ok()?, local: stream.local_addr().ok()? })
}

fn control(model: &Model, request: &Request<Incoming>) -> Response<Body> {
    match request.uri().path() {
        "/health" => body::text(StatusCode::OK, "ok\n"),
        "/report" => body::json(StatusCode::OK, &json!(model.record().snapshot())),
        "/release" => {
            model.release();
            body::text(StatusCode::OK, "released\n")
        }
        _ => body::text(StatusCode::NOT_FOUND, "no such thing\n"),
    }
}

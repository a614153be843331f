//! The origin: HTTP/1.1 and HTTP/2 over TLS, bodies made before the first request.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll};
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full, combinators::BoxBody};
use hyper::body::{Body as HttpBody, Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio_rustls::TlsAcceptor;
use tokio_util::task::TaskTracker;

use crate::{content, mint, names};

/// What a small answer holds.
const SMALL: usize = 200;

type Body = BoxBody<Bytes, Infallible>;

/// Serves until the process is stopped.
pub(crate) async fn serve(
    listen: SocketAddr,
    dns: Option<SocketAddr>,
    folder: &Path,
) -> anyhow::Result<()> {
    let acceptor = TlsAcceptor::from(tls(folder)?);
    let listener = TcpListener::bind(listen).await.context("cannot listen")?;
    let tasks = TaskTracker::new();
    if let Some(dns) = dns {
        let socket = UdpSocket::bind(dns).await.context("cannot answer for names")?;
        tasks.spawn(names::serve(socket, listen.ip()));
    }
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tasks.spawn(connection(acceptor.clone(), stream));
    }
}

async fn connection(acceptor: TlsAcceptor, stream: TcpStream) {
    let Ok(stream) = acceptor.accept(stream).await else { return };
    let builder = auto::Builder::new(TokioExecutor::new());
    builder.serve_connection(TokioIo::new(stream), service_fn(answer)).await.ok();
}

fn tls(folder: &Path) -> anyhow::Result<Arc<ServerConfig>> {
    let chain = vec![CertificateDer::from(fs_err::read(folder.join(mint::CERTIFICATE))?)];
    let key = PrivateKeyDer::try_from(fs_err::read(folder.join(mint::KEY))?)
        .map_err(|fault| anyhow::anyhow!("the origin's key is none: {fault}"))?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// `/small`, `/json/BYTES`, `/file/BYTES`, `/events/COUNT`; whatever is posted is read to its end first.
async fn answer(request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
    static ONE: LazyLock<Bytes> = LazyLock::new(|| content::listing(1024 * 1024));
    static FOUR: LazyLock<Bytes> = LazyLock::new(|| content::listing(4 * 1024 * 1024));
    static LARGE: LazyLock<Bytes> = LazyLock::new(|| content::file(100 * 1024 * 1024));
    static LITTLE: LazyLock<Bytes> = LazyLock::new(|| content::listing(SMALL));
    let (parts, mut body) = request.into_parts();
    while body.frame().await.is_some_and(|frame| frame.is_ok()) {}
    let path = parts.uri.path();
    let number = path.rsplit('/').next().and_then(|text| text.parse::<usize>().ok()).unwrap_or(0);
    let (kind, body) = if path.starts_with("/events/") {
        ("text/event-stream", Events { next: 0, count: number, yielded: true }.boxed())
    } else if path.starts_with("/file/") {
        let file = LARGE.slice(..number.min(LARGE.len()));
        ("application/octet-stream", Full::new(file).boxed())
    } else if path.starts_with("/json/") {
        let text = match number {
            1_048_576 => ONE.clone(),
            4_194_304 => FOUR.clone(),
            other => content::listing(other),
        };
        ("application/json", Full::new(text).boxed())
    } else {
        ("application/json", Full::new(LITTLE.clone()).boxed())
    };
    let mut response = Response::new(body);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    if path == "/health" {
        *response.status_mut() = StatusCode::NO_CONTENT;
    }
    Ok(response)
}

/// After each of so many events the origin lets go of its processor. A real one takes none that the
/// reader of its first event waits for: here that would be read when the last was made.
const HELD_BACK: usize = 16;

/// Events, each written before the next is made.
struct Events {
    next: usize,
    count: usize,
    yielded: bool,
}

impl HttpBody for Events {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.next == self.count {
            return Poll::Ready(None);
        }
        self.yielded = !self.yielded;
        if self.yielded {
            // Pending makes hyper flush what it has.
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if (1..=HELD_BACK).contains(&self.next) {
            std::thread::yield_now();
        }
        let event = content::event(self.next);
        self.next += 1;
        Poll::Ready(Some(Ok(Frame::data(event))))
    }
}

/// How long anything may take before the whole run counts as failed.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

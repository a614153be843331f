//! An origin with an answer of its own for every request, over TLS, with bodies of any length.

use bytes::Bytes;
use ca::{Authority, Subject};
use compose_render::Role;
use http::{Request, Response};
use hyper::{
    body::{Body as HttpBody, Frame, Incoming, SizeHint},
    service::service_fn,
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto::Builder,
};
use rustls::{ServerConfig, crypto::ring};
use sidecar::Shutdown;
use std::{
    convert::Infallible,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};
use time::OffsetDateTime;
use tls_intercept::{Body, BodyError};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

pub(crate) type Answer = Arc<
    dyn Fn(Request<Incoming>) -> Pin<Box<dyn Future<Output = Response<Body>> + Send>> + Send + Sync,
>;

/// An origin. It ends with the test.
pub(crate) struct Origin {
    pub(crate) address: SocketAddr,
    /// What signs its certificate, in PEM.
    pub(crate) authority: String,
}

impl Origin {
    pub(crate) async fn new(subject: Subject<'_>, answer: Answer) -> Self {
        let now = OffsetDateTime::now_utc();
        let authority = Authority::mint(&"origin".parse().unwrap(), Role::StandIn, now).unwrap();
        let leaf = authority.issue(subject, now).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![leaf.certificate], leaf.key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let tasks = Shutdown::new();
        let spawner = tasks.clone();
        tasks.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, answer) = (acceptor.clone(), Arc::clone(&answer));
                spawner.spawn(async move {
                    let Ok(stream) = acceptor.accept(stream).await else { return };
                    let service = service_fn(move |request| {
                        let answering = answer(request);
                        async move { Ok::<_, Infallible>(answering.await) }
                    });
                    let server = Builder::new(TokioExecutor::new());
                    drop(server.serve_connection(TokioIo::new(stream), service).await);
                });
            }
        });
        Self { address, authority: authority.certificate_pem().to_owned() }
    }
}

/// A piece over and over, so often as its length fits.
pub(crate) struct Again {
    pub(crate) piece: Bytes,
    pub(crate) left: u64,
}

impl HttpBody for Again {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let fits = usize::try_from(self.left).unwrap_or(usize::MAX).min(self.piece.len());
        self.left -= fits as u64;
        let piece = self.piece.slice(..fits);
        Poll::Ready((fits > 0).then(|| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

//! A server that records what arrives, by TLS or plainly.

use ca::{Authority, Subject};
use compose_render::Role;
use http::{HeaderMap, Request, Response, Version};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::crypto::ring;
use rustls::{RootCertStore, ServerConfig};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use time::OffsetDateTime;
use tls_intercept::{Body, body};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// A request as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) uri: String,
    pub(crate) version: Version,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    pub(crate) trailers: bool,
}

pub(crate) type Answer = Arc<
    dyn Fn(Request<Incoming>) -> Pin<Box<dyn Future<Output = Response<Body>> + Send>> + Send + Sync,
>;

pub(crate) struct Origin {
    pub(crate) address: SocketAddr,
    pub(crate) roots: RootCertStore,
    pub(crate) seen: Arc<Mutex<Vec<Seen>>>,
    pub(crate) connections: Arc<AtomicUsize>,
}

impl Origin {
    /// An origin whose certificate names `name`, speaking these protocols.
    pub(crate) async fn tls(name: &str, alpn: &[&str]) -> Self {
        Self::start(Some((name, alpn)), None).await
    }

    pub(crate) async fn plain() -> Self {
        Self::start(None, None).await
    }

    /// An origin that answers so, and records nothing but connections.
    pub(crate) async fn answering(name: &str, alpn: &[&str], answer: Answer) -> Self {
        Self::start(Some((name, alpn)), Some(answer)).await
    }

    async fn start(tls: Option<(&str, &[&str])>, answer: Option<Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let now = OffsetDateTime::now_utc();
        let slug = "origin".parse().unwrap();
        let authority = Authority::mint(&slug, Role::StandIn, now).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(authority.certificate().clone()).unwrap();
        let acceptor = tls.map(|(name, alpn)| {
            let leaf = authority.issue(Subject::Name(name), now).unwrap();
            let mut config =
                ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
                    .with_safe_default_protocol_versions()
                    .unwrap()
                    .with_no_client_auth()
                    .with_single_cert(vec![leaf.certificate], leaf.key)
                    .unwrap();
            config.alpn_protocols = alpn.iter().map(|p| p.as_bytes().to_vec()).collect();
            TlsAcceptor::from(Arc::new(config))
        });
        let seen = Arc::<Mutex<Vec<Seen>>>::default();
        let connections = Arc::<AtomicUsize>::default();
        let (record, count) = (Arc::clone(&seen), Arc::clone(&connections));
        tokio::task::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                count.fetch_add(1, Ordering::SeqCst);
                let (acceptor, record, answer) =
                    (acceptor.clone(), Arc::clone(&record), answer.clone());
                tokio::task::spawn(async move {
                    let service = service_fn(move |request| {
                        let (record, answer) = (Arc::clone(&record), answer.clone());
                        async move {
                            Ok::<_, Infallible>(match answer {
                                Some(answer) => answer(request).await,
                                None => recorded(request, record).await,
                            })
                        }
                    });
                    let server = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
                    if let Some(acceptor) = acceptor {
                        let Ok(stream) = acceptor.accept(stream).await else { return };
                        let io = TokioIo::new(stream);
                        server.serve_connection_with_upgrades(io, service).await.ok();
                    } else {
                        let io = TokioIo::new(stream);
                        server.serve_connection_with_upgrades(io, service).await.ok();
                    }
                });
            }
        });
        Self { address, roots, seen, connections }
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

async fn recorded(request: Request<Incoming>, record: Arc<Mutex<Vec<Seen>>>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let Ok(body) = body.collect().await else { return answer_ok("cut") };
    let seen = Seen {
        uri: parts.uri.to_string(),
        version: parts.version,
        headers: parts.headers,
        trailers: body.trailers().is_some(),
        body: body.to_bytes().to_vec(),
    };
    record.lock().unwrap().push(seen);
    answer_ok("origin here")
}

pub(crate) fn answer_ok(text: &'static str) -> Response<Body> {
    Response::new(body::full(text))
}

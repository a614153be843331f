//! An upstream on loopback that writes down what arrives.

use ca::{Authority, Subject};
use compose_render::Role;
use rustls::{ServerConfig, crypto::ring};
use sidecar::Shutdown;
use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex},
};
use time::OffsetDateTime;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::TcpListener,
    task::JoinHandle,
};
use tokio_rustls::TlsAcceptor;

/// What a test's upstream answers to everything.
pub(crate) const HELLO: &str =
    "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello";

/// What it answers to an upgrade.
pub(crate) const WEBSOCKET: &str = "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\n\
     upgrade: websocket\r\nsec-websocket-accept: x\r\n\r\n";

/// An upstream. It ends with the test.
#[derive(Debug)]
pub(crate) struct Upstream {
    pub(crate) address: SocketAddr,
    /// What signs its certificate, in PEM.
    pub(crate) authority: String,
    seen: Arc<Mutex<Seen>>,
    task: JoinHandle<()>,
}

/// What becomes of a connection after its answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Then {
    Close,
    Wait,
}

/// What arrived.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    pub(crate) connections: usize,
    pub(crate) requests: Vec<String>,
    /// What came on connections that were kept open, after the answer.
    pub(crate) after: Vec<u8>,
}

impl Upstream {
    /// Speaks TLS under that name, and answers with that text.
    pub(crate) async fn tls(name: &str, answer: &str) -> Self {
        Self::tls_then(name, answer, Then::Close).await
    }

    /// Speaks TLS as `a.org`, answers with that text, and keeps the connection open.
    pub(crate) async fn open(answer: &str) -> Self {
        Self::tls_then("a.org", answer, Then::Wait).await
    }

    async fn tls_then(name: &str, answer: &str, then: Then) -> Self {
        let now = OffsetDateTime::now_utc();
        let authority = Authority::mint(&"upstream".parse().unwrap(), Role::StandIn, now).unwrap();
        let leaf = authority.issue(Subject::Name(name), now).unwrap();
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![leaf.certificate], leaf.key)
            .unwrap();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let acceptor = TlsAcceptor::from(Arc::new(config));
        Self::start(authority.certificate_pem().to_owned(), answer, Some(acceptor), then).await
    }

    /// Speaks plain HTTP.
    pub(crate) async fn plain(answer: &str) -> Self {
        Self::start(String::new(), answer, None, Then::Close).await
    }

    async fn start(
        authority: String,
        answer: &str,
        acceptor: Option<TlsAcceptor>,
        then: Then,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Seen::default()));
        let (noted, answer) = (Arc::clone(&seen), answer.to_owned());
        // An upstream of a test is no part of a drain; the tracker is where tasks are spawned.
        let tasks = Shutdown::new();
        let spawner = tasks.clone();
        let accept = async move {
            while let Ok((stream, _)) = listener.accept().await {
                noted.lock().unwrap().connections += 1;
                let (noted, answer, acceptor) =
                    (Arc::clone(&noted), answer.clone(), acceptor.clone());
                spawner.spawn(async move {
                    drop(match acceptor {
                        Some(acceptor) => match acceptor.accept(stream).await {
                            Ok(stream) => exchange(stream, &noted, &answer, then).await,
                            Err(error) => Err(error),
                        },
                        None => exchange(stream, &noted, &answer, then).await,
                    });
                });
            }
        };
        Self { address, authority, seen, task: tasks.spawn(accept) }
    }

    /// What arrived so far.
    pub(crate) fn seen(&self) -> Seen {
        self.seen.lock().unwrap().clone()
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn exchange(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    seen: &Mutex<Seen>,
    answer: &str,
    then: Then,
) -> io::Result<()> {
    let mut request = Vec::new();
    while !complete(&request) {
        if stream.read_buf(&mut request).await? == 0 {
            break;
        }
    }
    if !request.is_empty() {
        seen.lock().unwrap().requests.push(String::from_utf8_lossy(&request).into_owned());
        stream.write_all(answer.as_bytes()).await?;
        stream.flush().await?;
    }
    if then == Then::Wait {
        // Until whoever asked goes away.
        let mut after = Vec::new();
        let ended = stream.read_to_end(&mut after).await;
        seen.lock().unwrap().after.extend(after);
        return ended.map(drop);
    }
    stream.shutdown().await
}

/// Whether the head is here, and as much of the body as it promises.
fn complete(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    if head.to_ascii_lowercase().contains("\r\ntransfer-encoding: chunked") {
        return body.ends_with("0\r\n\r\n");
    }
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    body.len() >= length.unwrap_or(0)
}

//! A client that does little: HTTP/1.1 written by hand, heads searched and not parsed.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, bail, ensure};
use bytes::BytesMut;
use memchr::memmem;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// How the origin is reached.
pub(crate) struct Way {
    proxy: Option<SocketAddr>,
    origin: SocketAddr,
    host: String,
    port: u16,
    headers: String,
    http1: TlsConnector,
    http2: TlsConnector,
}

impl Way {
    pub(crate) fn new(
        proxy: Option<SocketAddr>,
        origin: SocketAddr,
        trust: &Path,
        (host, port): (&str, u16),
        headers: &[String],
    ) -> anyhow::Result<Self> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(&fs_err::read(trust)?) {
            roots.add(certificate?)?;
        }
        let connector = |protocol: &[u8]| -> anyhow::Result<TlsConnector> {
            let provider = Arc::new(ring::default_provider());
            let mut config = ClientConfig::builder_with_provider(provider)
                .with_safe_default_protocol_versions()?
                .with_root_certificates(roots.clone())
                .with_no_client_auth();
            // Whole handshakes: a resumed one would measure this client's memory.
            config.resumption = rustls::client::Resumption::disabled();
            config.alpn_protocols = vec![protocol.to_vec()];
            Ok(TlsConnector::from(Arc::new(config)))
        };
        Ok(Self {
            proxy,
            origin,
            host: host.to_owned(),
            port,
            headers: headers.iter().flat_map(|line| [line.as_str(), "\r\n"]).collect(),
            http1: connector(b"http/1.1")?,
            http2: connector(b"h2")?,
        })
    }

    /// `Host` or `:authority`.
    pub(crate) fn authority(&self) -> String {
        match self.port {
            443 => self.host.clone(),
            port => format!("{}:{port}", self.host),
        }
    }

    /// TLS to the origin, through the tunnel where there is a proxy.
    pub(crate) async fn stream(&self, h2: bool) -> anyhow::Result<TlsStream<TcpStream>> {
        let mut stream = TcpStream::connect(self.proxy.unwrap_or(self.origin)).await?;
        stream.set_nodelay(true)?;
        if self.proxy.is_some() {
            let target = format!("{}:{}", self.host, self.port);
            let ask = format!("CONNECT {target} HTTP/1.1\r\nhost: {target}\r\n\r\n");
            stream.write_all(ask.as_bytes()).await?;
            let mut answer = BytesMut::new();
            while memmem::find(&answer, b"\r\n\r\n").is_none() {
                ensure!(stream.read_buf(&mut answer).await? > 0, "no answer to CONNECT");
            }
            ensure!(answer.starts_with(b"HTTP/1.1 200"), "no tunnel: {answer:?}");
        }
        let connector = if h2 { &self.http2 } else { &self.http1 };
        let name = ServerName::try_from(self.host.clone())?;
        Ok(connector.connect(name, stream).await?)
    }

    pub(crate) async fn open(&self) -> anyhow::Result<Connection> {
        let stream = self.stream(false).await?;
        Ok(Connection { stream, buffer: BytesMut::with_capacity(64 * 1024) })
    }

    /// The head of a POST with a body of that kind.
    pub(crate) fn head_of(&self, kind: &str, length: usize) -> Vec<u8> {
        format!(
            "POST /sink HTTP/1.1\r\nhost: {}\r\naccept: */*\r\n{}\
             content-type: {kind}\r\ncontent-length: {length}\r\n\r\n",
            self.authority(),
            self.headers,
        )
        .into_bytes()
    }

    /// The head of a request.
    pub(crate) fn head(&self, method: &str, path: &str, length: Option<usize>) -> Vec<u8> {
        let length = length.map(|length| {
            format!("content-type: application/json\r\ncontent-length: {length}\r\n")
        });
        format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\naccept: */*\r\n{}{}\r\n",
            self.authority(),
            self.headers,
            length.unwrap_or_default()
        )
        .into_bytes()
    }
}

/// A connection that is used again.
pub(crate) struct Connection {
    stream: TlsStream<TcpStream>,
    buffer: BytesMut,
}

/// What came back.
pub(crate) struct Answer {
    /// Bytes behind the head, framing included.
    pub(crate) body: usize,
    /// When the first of them was there.
    pub(crate) first: Instant,
}

impl Connection {
    pub(crate) async fn send(&mut self, parts: &[&[u8]]) -> anyhow::Result<()> {
        for part in parts {
            self.stream.write_all(part).await?;
        }
        Ok(self.stream.flush().await?)
    }

    /// Reads one answer, whose status must be 200.
    pub(crate) async fn answer(&mut self) -> anyhow::Result<Answer> {
        let head = loop {
            if let Some(end) = memmem::find(&self.buffer, b"\r\n\r\n") {
                break self.buffer.split_to(end + 4);
            }
            self.more().await?;
        };
        ensure!(head.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&head));
        match length(&head)? {
            Some(length) => {
                let (mut left, mut first) = (length, None);
                loop {
                    let here = left.min(self.buffer.len());
                    if here > 0 {
                        first.get_or_insert_with(Instant::now);
                    }
                    drop(self.buffer.split_to(here));
                    left -= here;
                    if left == 0 {
                        let first = first.unwrap_or_else(Instant::now);
                        return Ok(Answer { body: length, first });
                    }
                    self.more().await?;
                }
            }
            None => self.chunked().await,
        }
    }

    async fn chunked(&mut self) -> anyhow::Result<Answer> {
        while self.buffer.is_empty() {
            self.more().await?;
        }
        let first = Instant::now();
        while !self.buffer.ends_with(b"\r\n0\r\n\r\n") {
            self.more().await?;
        }
        Ok(Answer { body: self.buffer.split().len(), first })
    }

    async fn more(&mut self) -> anyhow::Result<()> {
        self.buffer.reserve(64 * 1024);
        if self.stream.read_buf(&mut self.buffer).await? == 0 {
            bail!("the connection was closed within an answer");
        }
        Ok(())
    }
}

/// The length that a head announces.
fn length(head: &[u8]) -> anyhow::Result<Option<usize>> {
    let text = std::str::from_utf8(head)?;
    for line in text.lines() {
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            return value.trim().parse().map(Some).context("the length is no number");
        }
    }
    Ok(None)
}

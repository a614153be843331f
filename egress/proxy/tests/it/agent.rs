//! The agent's side: raw bytes, so that a test decides every one of them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::world::World;

/// A lost answer fails the test, it does not hang it.
const PATIENCE: Duration = Duration::from_mins(1);

/// Where egress is, and by which root the agent knows it.
pub(crate) trait Way {
    fn egress(&self) -> SocketAddr;
    fn authority(&self) -> &str;
}

impl Way for World {
    fn egress(&self) -> SocketAddr {
        self.egress
    }

    fn authority(&self) -> &str {
        &self.authority
    }
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    /// The reason of a denial, from header and body alike.
    pub(crate) fn reason(&self) -> String {
        let json: serde_json::Value = serde_json::from_str(&self.body).unwrap();
        let reason = json["reason"].as_str().unwrap().to_owned();
        let header = format!("x-bottle-denied: {reason}\r\n");
        assert!(self.head.contains(&header), "{}", self.head);
        reason
    }
}

/// Asks `https://api.test` through egress; `head` is the request line and headers, without `Host`,
/// and after an empty line the body.
pub(crate) async fn ask(way: &impl Way, head: &str) -> Answer {
    ask_at(way, "api.test:443", head).await
}

/// The same at another destination.
pub(crate) async fn ask_at(way: &impl Way, destination: &str, head: &str) -> Answer {
    let mut stream = open(way, destination).await;
    let host = destination.strip_suffix(":443").unwrap_or(destination);
    let (head, body) = head.split_once("\n\n").unwrap_or((head, ""));
    let (line, headers) = head.split_once('\n').unwrap_or((head, ""));
    let mut request = format!("{line} HTTP/1.1\r\nhost: {host}\r\n");
    for header in headers.lines() {
        request.push_str(header.trim_start());
        request.push_str("\r\n");
    }
    request.push_str("\r\n");
    request.push_str(body);
    stream.write_all(request.as_bytes()).await.unwrap();
    let answer = read(&mut stream).await;
    let body: String = answer.body.chars().take(300).collect();
    compose_testkit::told(
        format_args!("{destination}: {head}"),
        format_args!("{} {body}", answer.status),
    );
    answer
}

/// Opens a tunnel and TLS in it, as the agent trusts egress.
pub(crate) async fn open(way: &impl Way, destination: &str) -> TlsStream<TcpStream> {
    open_with(way, destination, &[]).await
}

async fn open_with(way: &impl Way, destination: &str, alpn: &[&[u8]]) -> TlsStream<TcpStream> {
    let mut stream = TcpStream::connect(way.egress()).await.unwrap();
    let ask = format!("CONNECT {destination} HTTP/1.1\r\nhost: {destination}\r\n\r\n");
    stream.write_all(ask.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(tokio::time::timeout(PATIENCE, stream.read_u8()).await.unwrap().unwrap());
    }
    assert!(head.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&head));
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(way.authority().as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    let name = destination.rsplit_once(':').unwrap().0.to_owned();
    let name = ServerName::try_from(name).unwrap();
    let connecting = TlsConnector::from(Arc::new(config)).connect(name, stream);
    tokio::time::timeout(PATIENCE, connecting).await.unwrap().unwrap()
}

/// A GET over HTTP/2, with a login of the agent's own in it; returns the status.
pub(crate) async fn ask_h2(way: &impl Way, destination: &str, path: &str) -> u16 {
    let stream = open_with(way, destination, &[b"h2"]).await;
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let executor = hyper_util::rt::TokioExecutor::new();
    let io = hyper_util::rt::TokioIo::new(stream);
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(executor, io).await.unwrap();
    let host = destination.strip_suffix(":443").unwrap_or(destination);
    let request = http::Request::get(format!("https://{host}{path}"))
        .header("x-api-key", "mine")
        .header("authorization", "Bearer mine")
        .body(http_body_util::Empty::<bytes::Bytes>::new())
        .unwrap();
    let answer = async { sender.send_request(request).await.unwrap().status().as_u16() };
    tokio::select! {
        status = tokio::time::timeout(PATIENCE, answer) => status.unwrap(),
        ended = connection => panic!("the connection ended first: {ended:?}"),
    }
}

/// Plain HTTP in absolute form.
pub(crate) async fn ask_plain(way: &impl Way, uri: &str, host: &str) -> Answer {
    let mut stream = TcpStream::connect(way.egress()).await.unwrap();
    let request = format!("GET {uri} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let answer = read(&mut stream).await;
    compose_testkit::told(request.trim(), format_args!("{} {}", answer.status, answer.body));
    answer
}

/// Reads one response to the end of its body.
pub(crate) async fn read<S: tokio::io::AsyncRead + Unpin>(stream: &mut S) -> Answer {
    tokio::time::timeout(PATIENCE, read_one(stream)).await.expect("no answer in time")
}

async fn read_one<S: tokio::io::AsyncRead + Unpin>(stream: &mut S) -> Answer {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.expect("the connection ended before the answer"));
    }
    let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let field = |name: &str| {
        let prefix = format!("{name}: ");
        head.lines().find_map(|line| line.strip_prefix(&prefix)).map(str::to_owned)
    };
    let mut body = Vec::new();
    if let Some(length) = field("content-length") {
        body.resize(length.parse().unwrap(), 0);
        stream.read_exact(&mut body).await.unwrap();
    } else if field("transfer-encoding").is_some() {
        read_chunks(stream, &mut body).await;
    }
    Answer { status, head, body: String::from_utf8_lossy(&body).into_owned() }
}

async fn read_chunks<S: tokio::io::AsyncRead + Unpin>(stream: &mut S, body: &mut Vec<u8>) {
    loop {
        let mut line = Vec::new();
        while !line.ends_with(b"\r\n") {
            line.push(stream.read_u8().await.unwrap());
        }
        let size = String::from_utf8(line).unwrap();
        let size = usize::from_str_radix(size.trim(), 16).unwrap();
        let from = body.len();
        body.resize(from + size, 0);
        stream.read_exact(&mut body[from..]).await.unwrap();
        let mut end = [0; 2];
        stream.read_exact(&mut end).await.unwrap();
        if size == 0 {
            return;
        }
    }
}

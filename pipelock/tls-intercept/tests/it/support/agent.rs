//! An agent: raw bytes where it is hostile, hyper where it is not.

use super::relay::Bench;
use super::within;
use compose_testkit::told;
use http::{Request, Response};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::ClientConfig;
use rustls::crypto::ring;
use rustls::pki_types::ServerName;
use std::net::SocketAddr;
use std::sync::Arc;
use tls_intercept::Body;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

pub(crate) type Tunnel = TlsStream<TcpStream>;

pub(crate) struct Agent;

impl Agent {
    /// Sends bytes and returns everything that comes until the end.
    pub(crate) async fn raw(to: SocketAddr, bytes: impl AsRef<[u8]>) -> String {
        let mut stream = TcpStream::connect(to).await.unwrap();
        stream.write_all(bytes.as_ref()).await.unwrap();
        said(bytes.as_ref(), read_all(&mut stream).await)
    }

    /// A CONNECT that was answered with 200.
    pub(crate) async fn connect(bench: &Bench, target: &str) -> TcpStream {
        let mut stream = TcpStream::connect(bench.address).await.unwrap();
        let ask = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n");
        stream.write_all(ask.as_bytes()).await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(within(stream.read_u8()).await.unwrap());
        }
        assert!(head.starts_with(b"HTTP/1.1 200 "), "{}", String::from_utf8_lossy(&head));
        stream
    }

    pub(crate) async fn hello(
        bench: &Bench,
        stream: TcpStream,
        name: &str,
        alpn: &str,
    ) -> std::io::Result<Tunnel> {
        let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(bench.roots.clone())
            .with_no_client_auth();
        config.alpn_protocols = vec![alpn.as_bytes().to_vec()];
        let name = ServerName::try_from(name.to_owned()).unwrap();
        within(TlsConnector::from(Arc::new(config)).connect(name, stream)).await
    }

    /// TLS in a tunnel to `host:443`.
    pub(crate) async fn tunnel(bench: &Bench, host: &str, alpn: &str) -> Tunnel {
        let stream = Self::connect(bench, &format!("{host}:443")).await;
        Self::hello(bench, stream, host, alpn).await.unwrap()
    }

    /// Raw bytes in a tunnel to the allowed host, and all that comes back.
    pub(crate) async fn in_tunnel(bench: &Bench, bytes: impl AsRef<[u8]>) -> String {
        let mut tunnel = Self::tunnel(bench, super::relay::ALLOWED, "http/1.1").await;
        tunnel.write_all(bytes.as_ref()).await.unwrap();
        tunnel.flush().await.unwrap();
        said(bytes.as_ref(), read_all(&mut tunnel).await)
    }

    pub(crate) async fn http1(tunnel: Tunnel) -> http1::SendRequest<Body> {
        let (sender, connection) = http1::handshake(TokioIo::new(tunnel)).await.unwrap();
        tokio::task::spawn(connection);
        sender
    }

    pub(crate) async fn http2(tunnel: Tunnel) -> http2::SendRequest<Body> {
        let io = TokioIo::new(tunnel);
        let (sender, connection) = http2::handshake(TokioExecutor::new(), io).await.unwrap();
        tokio::task::spawn(connection);
        sender
    }

    /// One request to `https://host/path` by this protocol.
    pub(crate) async fn get(
        bench: &Bench,
        host: &str,
        alpn: &str,
        path: &str,
    ) -> Response<Incoming> {
        let tunnel = Self::tunnel(bench, host, alpn).await;
        let answer = if alpn == "h2" {
            let request = Request::get(format!("https://{host}{path}"));
            let request = request.body(tls_intercept::body::empty()).unwrap();
            within(Self::http2(tunnel).await.send_request(request)).await.unwrap()
        } else {
            let request = Request::get(path).header("host", host);
            let request = request.body(tls_intercept::body::empty()).unwrap();
            within(Self::http1(tunnel).await.send_request(request)).await.unwrap()
        };
        told(format_args!("GET {path} of {host} by {alpn}"), answer.status());
        answer
    }
}

/// Tells the adversary's record what these bytes brought back.
fn said(sent: &[u8], came_back: String) -> String {
    let closed = "the connection was closed";
    let told_of = if came_back.is_empty() { closed } else { came_back.as_str() };
    told(String::from_utf8_lossy(sent), told_of);
    came_back
}

/// Everything until the end; a reset or a missing `close_notify` is an end, too.
pub(crate) async fn read_all(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut bytes = Vec::new();
    let reading = async { while matches!(stream.read_buf(&mut bytes).await, Ok(1..)) {} };
    within(reading).await;
    String::from_utf8_lossy(&bytes).into_owned()
}

pub(crate) async fn text(response: Response<Incoming>) -> String {
    let body = within(response.into_body().collect()).await.unwrap();
    String::from_utf8(body.to_bytes().to_vec()).unwrap()
}

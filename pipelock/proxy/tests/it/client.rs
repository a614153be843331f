//! An agent's side of a connection, byte by byte.

use rustls::{ClientConfig, RootCertStore, crypto::ring, pki_types::ServerName};
use serde_json::Value;
use std::{io, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
    time::timeout,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

/// No test waits for a time to pass, only for things to happen; this ends one that hangs.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// Where an agent stands: the proxy it is given, and whom it trusts.
#[derive(Clone, Debug)]
pub(crate) struct Agent {
    /// CONNECT and absolute form.
    pub(crate) proxy: SocketAddr,
    pub(crate) roots: RootCertStore,
}

/// An answer as it came.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answered {
    /// The body of a denial.
    pub(crate) fn denial(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no denial: {self:?}"))
    }

    /// The reason of a denial.
    pub(crate) fn reason(&self) -> String {
        let denial = self.denial();
        let reason = denial["reason"].as_str().unwrap_or_default();
        assert!(self.head.to_ascii_lowercase().contains(&format!("x-bottle-denied: {reason}")));
        reason.to_owned()
    }
}

/// Reads until that came.
pub(crate) async fn read_until(mut stream: impl AsyncRead + Unpin, text: &str) {
    let mut received = Vec::new();
    while !String::from_utf8_lossy(&received).contains(text) {
        let read = timeout(PATIENCE, stream.read_buf(&mut received)).await.unwrap().unwrap();
        assert!(read > 0);
    }
}

/// Reads until the other side closes; what came then.
pub(crate) async fn read_to_its_end(mut stream: impl AsyncRead + Unpin) -> Vec<u8> {
    let mut received = Vec::new();
    drop(timeout(PATIENCE, stream.read_to_end(&mut received)).await.expect("it stays open"));
    received
}

/// Sends bytes and reads until the other side closes; what is no answer at all is `None`.
pub(crate) async fn exchange(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    bytes: &[u8],
) -> Option<Answered> {
    let mut received = Vec::new();
    let talk = async {
        stream.write_all(bytes).await?;
        stream.flush().await?;
        // A peer that closes without TLS's goodbye has closed.
        drop(stream.read_to_end(&mut received).await);
        io::Result::Ok(())
    };
    drop(timeout(PATIENCE, talk).await.expect("the other side neither answers nor closes"));
    let answered = parse(&received);
    told(&String::from_utf8_lossy(bytes), answered.as_ref());
    answered
}

/// Tells the adversary's record.
fn told(sent: &str, answered: Option<&Answered>) {
    let came_back = answered.map_or_else(
        || "the connection was closed".to_owned(),
        |answered| {
            format!("{} {}", answered.status, answered.body.chars().take(300).collect::<String>())
        },
    );
    compose_testkit::told(sent, came_back);
}

fn parse(received: &[u8]) -> Option<Answered> {
    let text = String::from_utf8_lossy(received);
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some(Answered { status, head: head.to_owned(), body: body.to_owned() })
}

/// A request that asks for the connection to be closed.
pub(crate) fn get(host: &str, path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n")
}

impl Agent {
    /// A plain connection to the proxy, from that address of this machine.
    async fn dial_from(&self, from: &str) -> TcpStream {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::new(from.parse().unwrap(), 0)).unwrap();
        timeout(PATIENCE, socket.connect(self.proxy)).await.unwrap().unwrap()
    }

    /// Sends bytes to the proxy itself.
    pub(crate) async fn raw(&self, bytes: &str) -> Option<Answered> {
        let stream = TcpStream::connect(self.proxy).await.unwrap();
        exchange(stream, bytes.as_bytes()).await
    }

    /// A tunnel, or the answer that refused it.
    pub(crate) async fn connect(&self, target: &str) -> Result<TcpStream, Answered> {
        self.connect_as("127.0.0.1", target, "").await
    }

    /// A tunnel asked for from that address, with these header lines as well.
    pub(crate) async fn connect_as(
        &self,
        from: &str,
        target: &str,
        headers: &str,
    ) -> Result<TcpStream, Answered> {
        let mut stream = self.dial_from(from).await;
        let ask = format!("CONNECT {target} HTTP/1.1\r\nhost: {target}\r\n{headers}\r\n");
        stream.write_all(ask.as_bytes()).await.unwrap();
        let mut received = Vec::new();
        while !received.windows(4).any(|end| end == b"\r\n\r\n") {
            let read = timeout(PATIENCE, stream.read_buf(&mut received)).await.unwrap().unwrap();
            assert!(read > 0, "closed without an answer to CONNECT {target}");
        }
        if received.starts_with(b"HTTP/1.1 200") {
            return Ok(stream);
        }
        drop(timeout(PATIENCE, stream.read_to_end(&mut received)).await.unwrap());
        let refused = parse(&received).unwrap();
        told(&ask, Some(&refused));
        Err(refused)
    }

    /// TLS over a stream, with that name in the hello and pipelock's root trusted.
    pub(crate) async fn tls(
        &self,
        stream: TcpStream,
        name: &str,
    ) -> io::Result<TlsStream<TcpStream>> {
        self.tls_with(stream, name, b"http/1.1").await
    }

    /// The same, for that version of HTTP.
    pub(crate) async fn tls_with(
        &self,
        stream: TcpStream,
        name: &str,
        protocol: &[u8],
    ) -> io::Result<TlsStream<TcpStream>> {
        let name = ServerName::try_from(name.to_owned()).unwrap();
        let connector = TlsConnector::from(Arc::new(config(self.roots.clone(), protocol)));
        timeout(PATIENCE, connector.connect(name, stream)).await.unwrap()
    }

    /// One request through a tunnel, the way tools do it.
    pub(crate) async fn https(&self, target: &str, request: &str) -> Answered {
        self.https_as("127.0.0.1", "", target, request).await
    }

    /// The same from that address, with these header lines in the CONNECT.
    pub(crate) async fn https_as(
        &self,
        from: &str,
        headers: &str,
        target: &str,
        request: &str,
    ) -> Answered {
        let tunnel = self.connect_as(from, target, headers).await.unwrap();
        let name = target.split(':').next().unwrap();
        let stream = self.tls(tunnel, name).await.unwrap();
        exchange(stream, request.as_bytes()).await.unwrap()
    }
}

fn config(roots: RootCertStore, protocol: &[u8]) -> ClientConfig {
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![protocol.to_vec()];
    config
}

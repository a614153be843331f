//! Both ends of a WebSocket, frame by frame.

use super::origin::{Answer, Origin};
use super::relay::{ALLOWED, Bench};
use super::{Agent, within};
use http::{HeaderMap, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use std::sync::{Arc, Mutex};
use tls_intercept::body;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

/// Both sides of a connection.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

type Ready = tokio::sync::mpsc::UnboundedReceiver<Box<dyn Stream>>;

/// An origin that agrees to every WebSocket, and the connections that it gets.
pub(crate) struct Sockets {
    pub(crate) origin: Origin,
    pub(crate) heads: Arc<Mutex<Vec<HeaderMap>>>,
    ready: Ready,
}

impl Sockets {
    pub(crate) async fn start() -> Self {
        let (give, ready) = tokio::sync::mpsc::unbounded_channel::<Box<dyn Stream>>();
        let heads = Arc::<Mutex<Vec<HeaderMap>>>::default();
        let seen = Arc::clone(&heads);
        let answer: Answer = Arc::new(move |mut request: Request<_>| {
            let (give, seen) = (give.clone(), Arc::clone(&seen));
            Box::pin(async move {
                seen.lock().unwrap().push(request.headers().clone());
                let protocol = request.headers().get("sec-websocket-protocol").cloned();
                tokio::task::spawn(async move {
                    if let Ok(upgraded) = hyper::upgrade::on(&mut request).await {
                        give.send(Box::new(TokioIo::new(upgraded))).ok();
                    }
                });
                let mut response = Response::builder()
                    .status(StatusCode::SWITCHING_PROTOCOLS)
                    .header("connection", "Upgrade")
                    .header("upgrade", "websocket")
                    .header("sec-websocket-accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
                if let Some(protocol) = protocol {
                    response = response.header("sec-websocket-protocol", protocol);
                }
                response.body(body::empty()).unwrap()
            })
        });
        let origin = Origin::answering(ALLOWED, &["h2", "http/1.1"], answer).await;
        Self { origin, heads, ready }
    }

    /// The origin's end of the next WebSocket.
    pub(crate) async fn next(&mut self) -> Box<dyn Stream> {
        within(self.ready.recv()).await.unwrap()
    }
}

/// Asks for a WebSocket and returns the answer's head and the connection.
pub(crate) async fn ask(bench: &Bench, more: &str) -> (String, super::agent::Tunnel) {
    let mut tunnel = Agent::tunnel(bench, ALLOWED, "http/1.1").await;
    let request = format!(
        "GET /socket HTTP/1.1\r\nHost: {ALLOWED}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{more}\r\n"
    );
    tunnel.write_all(request.as_bytes()).await.unwrap();
    tunnel.flush().await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(within(tunnel.read_u8()).await.expect("an answer"));
    }
    (String::from_utf8(head).unwrap().to_ascii_lowercase(), tunnel)
}

/// A short frame in bytes.
pub(crate) fn frame(first: u8, mask: Option<[u8; 4]>, payload: &[u8]) -> Vec<u8> {
    let len = u8::try_from(payload.len()).unwrap();
    assert!(len < 126);
    let mut bytes = vec![first, len | if mask.is_some() { 0x80 } else { 0 }];
    let key = mask.unwrap_or_default();
    bytes.extend(mask.into_iter().flatten());
    bytes.extend(payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key));
    bytes
}

/// The next frame: its first byte, whether it was masked, and what it says. `None` at the end.
pub(crate) async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Option<(u8, bool, Vec<u8>)> {
    within(async {
        let first = stream.read_u8().await.ok()?;
        let len = stream.read_u8().await.ok()?;
        let masked = len & 0x80 != 0;
        let len = match len & 0x7f {
            126 => u64::from(stream.read_u16().await.ok()?),
            127 => stream.read_u64().await.ok()?,
            short => u64::from(short),
        };
        let mut key = [0; 4];
        if masked {
            stream.read_exact(&mut key).await.ok()?;
        }
        let mut payload = vec![0; usize::try_from(len).unwrap()];
        stream.read_exact(&mut payload).await.ok()?;
        payload.iter_mut().zip(key.iter().cycle()).for_each(|(byte, key)| *byte ^= key);
        Some((first, masked, payload))
    })
    .await
}

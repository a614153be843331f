//! A stream to the next hop: dialled, and tunnelled through a proxy where there is one.

use super::SendError;
use crate::{Destination, HopSecret};
use compose_render::contract::HOP_HEADER;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// The longest head of an answer to CONNECT.
const ANSWER_LIMIT: usize = 8 * 1024;

/// Connects to this address and no other.
pub async fn dial(address: SocketAddr, deadline: Duration) -> Result<TcpStream, SendError> {
    let unreachable = |source| SendError::Unreachable { address, source };
    let stream = timeout(deadline, TcpStream::connect(address))
        .await
        .map_err(|_| unreachable(io::ErrorKind::TimedOut.into()))?
        .map_err(unreachable)?;
    stream.set_nodelay(true).map_err(unreachable)?;
    Ok(stream)
}

/// Asks the sidecar at the other end for a tunnel to `destination`.
pub async fn tunnel(
    stream: TcpStream,
    destination: &Destination,
    hop: Option<&HopSecret>,
    deadline: Duration,
) -> Result<TcpStream, SendError> {
    if hop.is_some_and(|hop| !hop.expose().iter().all(u8::is_ascii_graphic)) {
        return Err(SendError::Protocol("the hop secret cannot stand in a header"));
    }
    let shown = hop.map(|hop| (HOP_HEADER, hop.expose()));
    tunnel_with(stream, &destination.to_string(), shown, deadline).await
}

/// Asks the proxy at the other end for a tunnel to `target`, with one header more. Its value holds
/// no control characters: whoever makes it sees to that.
pub async fn tunnel_with(
    mut stream: TcpStream,
    target: &str,
    shown: Option<(&str, &[u8])>,
    deadline: Duration,
) -> Result<TcpStream, SendError> {
    let mut ask = format!("CONNECT {target} HTTP/1.1\r\nhost: {target}\r\n").into_bytes();
    if let Some((name, value)) = shown {
        ask.extend_from_slice(name.as_bytes());
        ask.extend_from_slice(b": ");
        ask.extend_from_slice(value);
        ask.extend_from_slice(b"\r\n");
    }
    ask.extend_from_slice(b"\r\n");
    let head = timeout(deadline, exchange(&mut stream, &ask))
        .await
        .map_err(|_| SendError::Timeout("answer to CONNECT"))?
        .map_err(|source| match stream.peer_addr() {
            Ok(address) => SendError::Unreachable { address, source },
            Err(_) => SendError::Protocol("the proxy closed the connection"),
        })?;
    let mut words = head.split(|byte| *byte == b' ');
    let (version, status) = (words.next(), words.next());
    let status = status.and_then(|text| std::str::from_utf8(text).ok()?.parse::<u16>().ok());
    match (version, status) {
        (Some(b"HTTP/1.1" | b"HTTP/1.0"), Some(200..=299)) if head.ends_with(b"\r\n\r\n") => {
            Ok(stream)
        }
        (Some(b"HTTP/1.1" | b"HTTP/1.0"), Some(status @ 300..=599)) => {
            Err(SendError::Refused(status))
        }
        _ => Err(SendError::Protocol("the answer to CONNECT is no HTTP")),
    }
}

/// Reads at least the head of the answer. In a tunnel the client speaks first: bytes after the
/// head of a good answer are a fault, and make it not end in the empty line.
async fn exchange(stream: &mut TcpStream, ask: &[u8]) -> io::Result<Vec<u8>> {
    stream.write_all(ask).await?;
    let mut head = Vec::with_capacity(256);
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        if head.len() > ANSWER_LIMIT || stream.read_buf(&mut head).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(head)
}

//! Every bound of interception, by the name that the documentation gives it.

use crate::client::{self, ClientLimits};
use crate::{Limits, body, path, serve, websocket};
use std::time::Duration;

/// A bound, as `docs/limits.md` shows it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Bound {
    pub of: &'static str,
    pub is: String,
}

impl Bound {
    /// A number of things.
    pub fn count(of: &'static str, is: usize) -> Self {
        Self { of, is: is.to_string() }
    }

    /// A number of bytes.
    pub fn bytes(of: &'static str, is: usize) -> Self {
        const KIB: usize = 1024;
        let is = match is {
            is if is >= KIB * KIB && is.is_multiple_of(KIB * KIB) => {
                format!("{} MiB", is / KIB / KIB)
            }
            is if is >= KIB && is.is_multiple_of(KIB) => format!("{} KiB", is / KIB),
            is => format!("{is} B"),
        };
        Self { of, is }
    }

    /// A time.
    pub fn time(of: &'static str, is: Duration) -> Self {
        let seconds = is.as_secs();
        let is = match seconds {
            0 => format!("{} ms", is.as_millis()),
            1..120 => format!("{seconds} s"),
            120..7200 => format!("{} min", seconds / 60),
            _ => format!("{} h", seconds / 3600),
        };
        Self { of, is }
    }
}

/// All of them, as they are unless a policy says otherwise.
pub fn bounds() -> Vec<Bound> {
    let limits = Limits::default();
    let upstream = ClientLimits::default();
    vec![
        Bound::count("connections at once", limits.connections),
        Bound::count("HTTP/2 streams of a connection", limits.streams as usize),
        Bound::bytes("head of a CONNECT", limits.connect_bytes),
        Bound::bytes("head of a request", limits.head_bytes),
        Bound::bytes("one header field", limits.field_bytes),
        Bound::count("header fields of a request", limits.fields),
        Bound::bytes("path", path::MAX_LEN),
        Bound::bytes("TLS hello", serve::MAX_HELLO),
        Bound::bytes("line of a chunk's size", serve::CHUNK_LINE),
        Bound::bytes("trailers of a request, dropped", serve::TRAILERS),
        Bound::time("TLS handshake, from the CONNECT on", limits.handshake),
        Bound::time("head of a request, from its first byte on", limits.head),
        Bound::time("pause between requests", limits.idle),
        Bound::time("pause within a request's body", limits.body),
        Bound::time("an agent that does not read", limits.write),
        Bound::time("no byte either way within a request", limits.stall),
        Bound::time("age of a connection, then closed between requests", limits.lifetime),
        Bound::time("one exchange, events and WebSockets included", limits.exchange),
        Bound::bytes("refused upload that is read and forgotten", body::FORGOTTEN),
        Bound::bytes("piece of a WebSocket message that waits", websocket::PIECE),
        Bound::count("leaves kept", limits.leaves),
        Bound::time("connection, tunnel and handshake upstream, each", upstream.connect),
        Bound::time("a response's head, from the request on", upstream.response),
        Bound::time("pause within a response's body", upstream.stall),
        Bound::time("unused connection upstream", upstream.idle),
        Bound::count("unused connections of one upstream", upstream.idle_per_upstream),
        Bound::count("upstreams with unused connections", upstream.upstreams),
        Bound::bytes("head of a response", client::RESPONSE_HEAD),
        Bound::count("header fields of a response", client::RESPONSE_FIELDS),
        Bound::bytes("HTTP/2 upstream, ahead of a slow agent", client::CONNECTION_WINDOW as usize),
    ]
}

//! What all connections share: the leaves, the limits.

mod leaves;

use self::leaves::Leaves;
use crate::Host;
use ca::{Authority, CaError};
use rustls::ServerConfig;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// Bounds of time, size and number. An agent is hostile, so nothing is without one.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections at once; more wait in the kernel's queue.
    pub connections: usize,
    /// From the opening of a tunnel to the end of its TLS handshake.
    pub handshake: Duration,
    /// From the first byte of a request's head to its last; also for the first head to begin.
    pub head: Duration,
    /// How long a connection may lie idle between requests.
    pub idle: Duration,
    /// How long the body of a request may pause.
    pub body: Duration,
    /// How long bytes may wait for an agent that does not read.
    pub write: Duration,
    /// How long within a request not one byte may pass in either direction.
    pub stall: Duration,
    /// How old a connection may grow before it ends at the next pause between requests.
    pub lifetime: Duration,
    /// How long one request and its answer may take in all, a `WebSocket` and events included.
    pub exchange: Duration,
    /// Bytes of a request's head.
    pub head_bytes: usize,
    /// Bytes of one header field.
    pub field_bytes: usize,
    /// Header fields of a request.
    pub fields: usize,
    /// Bytes of the head of a CONNECT.
    pub connect_bytes: usize,
    /// HTTP/2 streams at once on one connection.
    pub streams: u32,
    /// Leaves kept.
    pub leaves: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1024,
            handshake: Duration::from_secs(20),
            head: Duration::from_secs(30),
            idle: Duration::from_mins(2),
            body: Duration::from_mins(5),
            write: Duration::from_mins(5),
            // A model may think for minutes before its first byte.
            stall: Duration::from_mins(15),
            lifetime: Duration::from_hours(12),
            exchange: Duration::from_hours(24),
            head_bytes: 64 * 1024,
            field_bytes: 16 * 1024,
            // As many as hyper reads without a list on the heap, which it would fill for every message.
            fields: 100,
            connect_bytes: 8 * 1024,
            streams: 128,
            leaves: 1024,
        }
    }
}

/// Shared by every connection of a sidecar.
#[derive(Debug)]
pub struct Interceptor {
    pub(crate) limits: Limits,
    pub(crate) places: Arc<Semaphore>,
    leaves: Leaves,
}

impl Interceptor {
    /// Opens TLS with leaves of this authority.
    pub fn new(authority: Authority, limits: Limits) -> Self {
        Self {
            places: Arc::new(Semaphore::new(limits.connections)),
            leaves: Leaves::new(authority, limits.leaves),
            limits,
        }
    }

    /// The TLS settings with a leaf for this host and no other.
    pub(crate) fn tls_for(&self, host: &Host) -> Result<Arc<ServerConfig>, TlsSettingsError> {
        self.leaves.tls_for(host, time::OffsetDateTime::now_utc())
    }
}

/// Why there is no leaf.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TlsSettingsError {
    #[error("no leaf for `{0}`")]
    Leaf(String, #[source] CaError),
    #[error("the leaf for `{0}` does not serve")]
    Settings(String, #[source] rustls::Error),
}

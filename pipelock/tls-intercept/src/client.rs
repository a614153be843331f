//! The way upstream, for both data planes: pooled HTTP/1.1 and HTTP/2 over a stream that the caller
//! dialled, TLS with the caller's roots.

mod dial;
mod error;
mod trust;

pub use self::dial::{dial, tunnel};
pub use self::error::SendError;
pub use self::trust::Trust;

use crate::{Body, Destination, HopSecret};
use http::{Request, Response};
use sidecar::Shutdown;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpStream;

/// Where a request is sent. Connections are shared by requests that agree in all of it.
#[derive(Clone, Debug)]
pub struct Upstream {
    /// Whose certificate is asked for, and what `Host` or `:authority` will say.
    pub destination: Destination,
    /// What is dialled: the checked address, or that of the next sidecar.
    pub address: SocketAddr,
    /// Whom to believe.
    pub trust: Trust,
    /// How the request line is written.
    pub form: Form,
}

/// How the request line is written.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Form {
    /// To the destination itself, also through a tunnel.
    Origin,
    /// To a proxy that takes absolute form; plain HTTP alone. The hop secret goes with each request.
    Absolute { hop: Option<HopSecret> },
}

/// Bounds of the way upstream.
#[derive(Clone, Copy, Debug)]
pub struct ClientLimits {
    /// For the connection, its tunnel and its TLS handshake, each.
    pub connect: Duration,
    /// From the sent request to the response's head. A model may think for minutes.
    pub response: Duration,
    /// How long the body of a response may pause.
    pub stall: Duration,
    /// How long an unused connection is kept.
    pub idle: Duration,
    /// Unused HTTP/1.1 connections kept per upstream.
    pub idle_per_upstream: usize,
}

impl Default for ClientLimits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            response: Duration::from_secs(10 * 60),
            stall: Duration::from_secs(10 * 60),
            idle: Duration::from_secs(60),
            idle_per_upstream: 16,
        }
    }
}

/// Sends requests. Cheap to clone; clones share their connections.
#[derive(Clone, Debug)]
pub struct Client {
    limits: ClientLimits,
    shutdown: Shutdown,
}

impl Client {
    /// A client whose connections are tasks of `shutdown`.
    pub fn new(limits: ClientLimits, shutdown: Shutdown) -> Self {
        Self { limits, shutdown }
    }

    /// Sends a request and returns when the response's head is here; the body streams.
    ///
    /// `request` is as [`crate::Proxy::answer`] got it, with the caller's changes: origin-form URI.
    /// Hop-by-hop fields are stripped again and `Host` is written here, both ways. `connect` is
    /// called when no connection is there to be used; it is given the deadline by which it is to
    /// be done, and usually is [`dial`], then perhaps [`tunnel`]. A request is sent again only
    /// where not one byte of it was sent.
    pub async fn send<C, F>(
        &self,
        upstream: &Upstream,
        request: Request<Body>,
        connect: C,
    ) -> Result<Response<Body>, SendError>
    where
        C: Fn() -> F + Send + Sync,
        F: Future<Output = Result<TcpStream, SendError>> + Send,
    {
        let _ = (upstream, request, connect, self.limits, &self.shutdown);
        Err(SendError::Timeout("not yet written"))
    }
}

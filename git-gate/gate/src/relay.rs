//! The way through a company's proxy: a port of loopback that leads to the checked addresses of one
//! upstream and to no other, for as long as one contact lasts.
//!
//! ssh and curl dial that port, so neither needs a program of ours in between, nor a shell to run it.
//! The proxy is told an address that was checked and never the name: it could resolve it to another.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use compose_render::{Secret, base64};
use git_gate::Transport;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use crate::trouble::Trouble;

/// What the proxy may take to be reached, and to answer.
const PATIENCE: Duration = Duration::from_secs(15);
/// Out of descriptors, most likely: a moment for others to close theirs.
const BREATH: Duration = Duration::from_millis(50);
/// So often in a row no connection can be taken, and then the relay gives up.
const BREATHS: usize = 100;
/// The most of a head that is read.
const HEAD_LIMIT: u64 = 16 * 1024;

/// An open port. When it is dropped it takes nobody more; what goes through it goes on.
#[derive(Debug)]
pub(crate) struct Relay {
    port: u16,
    trouble: Arc<Mutex<Option<Trouble>>>,
    over: CancellationToken,
}

/// Where connections are led.
#[derive(Clone, Debug)]
struct Lead {
    transport: Transport,
    proxy: SocketAddr,
    login: Option<Secret>,
    /// Each was checked. The first to which the proxy connects is it.
    targets: Vec<SocketAddr>,
}

impl Relay {
    pub(crate) async fn open(
        transport: Transport,
        proxy: SocketAddr,
        login: Option<Secret>,
        targets: Vec<SocketAddr>,
    ) -> Result<Self, Trouble> {
        let cannot = |error: std::io::Error| Trouble::Git(error.to_string());
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(cannot)?;
        let port = listener.local_addr().map_err(cannot)?.port();
        let (over, trouble) = (CancellationToken::new(), Arc::default());
        let lead = Lead { transport, proxy, login, targets };
        detach(serve(listener, lead, over.clone(), Arc::clone(&trouble)));
        Ok(Self { port, trouble, over })
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// What the proxy did last, where it did not connect.
    pub(crate) fn trouble(&self) -> Option<Trouble> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.over.cancel();
    }
}

/// Nobody waits for these at the end: a login that ssh keeps would hold the gate up, and a push that
/// goes on is waited for as a push.
#[expect(clippy::disallowed_methods, reason = "a drain is not to wait for it")]
fn detach(task: impl Future<Output = ()> + Send + 'static) {
    tokio::spawn(task);
}

/// Where connections come from.
trait Accept: Send + Sync + 'static {
    fn next(&self) -> impl Future<Output = std::io::Result<TcpStream>> + Send;
}

impl Accept for TcpListener {
    async fn next(&self) -> std::io::Result<TcpStream> {
        self.accept().await.map(|(stream, _)| stream)
    }
}

async fn serve(
    listener: impl Accept,
    lead: Lead,
    over: CancellationToken,
    trouble: Arc<Mutex<Option<Trouble>>>,
) {
    let note = |known, trouble: &Mutex<_>| {
        *trouble.lock().unwrap_or_else(PoisonError::into_inner) = Some(known);
    };
    let mut failed = 0;
    loop {
        let accepted = tokio::select! {
            accepted = listener.next() => accepted,
            () = over.cancelled() => return,
        };
        let stream = match accepted {
            Ok(stream) => stream,
            Err(error) => {
                failed += 1;
                if failed == BREATHS {
                    return note(Trouble::Git(error.to_string()), &trouble);
                }
                tokio::time::sleep(BREATH).await;
                continue;
            }
        };
        failed = 0;
        let (lead, trouble) = (lead.clone(), Arc::clone(&trouble));
        detach(async move {
            if let Err(known) = lead.lead(stream).await {
                note(known, &trouble);
            }
        });
    }
}

impl Lead {
    /// Leads one connection to its end.
    async fn lead(&self, stream: TcpStream) -> Result<(), Trouble> {
        let mut inner = BufReader::new(stream);
        // curl speaks to a proxy; what it names is what its URL says, and where it goes is decided.
        let speaks_http = self.transport == Transport::Https;
        if speaks_http && !head(&mut inner).await.is_some_and(|head| head.starts_with("CONNECT ")) {
            return Ok(());
        }
        let mut outer = match self.connect().await {
            Ok(outer) => outer,
            Err(trouble) => {
                if speaks_http {
                    // Whoever asked may be gone.
                    inner.write_all(b"HTTP/1.1 502 Bad Gateway\r\n\r\n").await.ok();
                }
                return Err(trouble);
            }
        };
        if speaks_http && inner.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.is_err() {
            return Ok(());
        }
        // Either side may leave as it likes.
        tokio::io::copy_bidirectional(&mut inner, &mut outer).await.ok();
        Ok(())
    }

    /// A stream to the first of the checked addresses that the proxy connects to. One at which nobody
    /// answers leaves the others their share of the time.
    async fn connect(&self) -> Result<BufReader<TcpStream>, Trouble> {
        let until = Instant::now() + PATIENCE;
        let mut outcome = Err(Trouble::ProxyUnreachable);
        for (target, left) in self.targets.iter().zip((1..=self.targets.len()).rev()) {
            let left = u32::try_from(left).unwrap_or(u32::MAX);
            let share = until.saturating_duration_since(Instant::now()) / left;
            let tried = tokio::time::timeout(share, self.connect_to(*target)).await;
            outcome = tried.unwrap_or(Err(Trouble::ProxyUnreachable));
            // Another address makes no better login.
            if matches!(outcome, Ok(_) | Err(Trouble::ProxyLogin)) {
                break;
            }
        }
        outcome
    }

    /// A stream to that address, as the proxy opens it. What the upstream said at once is kept.
    async fn connect_to(&self, target: SocketAddr) -> Result<BufReader<TcpStream>, Trouble> {
        let gone = |_| Trouble::ProxyUnreachable;
        let mut stream = BufReader::new(TcpStream::connect(self.proxy).await.map_err(gone)?);
        let login = self.login.as_ref().map_or_else(String::new, |login| {
            let coded = base64(login.expose().as_bytes());
            format!("Proxy-Authorization: Basic {coded}\r\n")
        });
        let asked = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n{login}\r\n");
        stream.write_all(asked.as_bytes()).await.map_err(gone)?;
        let head = head(&mut stream).await.ok_or(Trouble::ProxyUnreachable)?;
        let status = head.strip_prefix("HTTP/1.").and_then(|rest| rest.split(' ').nth(1));
        match status.and_then(|status| status.parse::<u16>().ok()) {
            Some(200..=299) => Ok(stream),
            Some(407) => Err(Trouble::ProxyLogin),
            Some(status) => Err(Trouble::ProxyRefused(status)),
            None => Err(Trouble::ProxyUnreachable),
        }
    }
}

/// A head up to its empty line, in small enough pieces that nothing behind it is taken along.
async fn head(stream: &mut BufReader<TcpStream>) -> Option<String> {
    let mut text = String::new();
    let mut lines = stream.take(HEAD_LIMIT);
    loop {
        let begun = text.len();
        if lines.read_line(&mut text).await.ok()? == 0 {
            return None;
        }
        if text.get(begun..)?.trim_end().is_empty() {
            return Some(text);
        }
    }
}

#[cfg(test)]
mod tests;

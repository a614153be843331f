//! Opens TLS: reads the hello, holds its server name against the destination, shows the leaf.

use super::front::{Denied, names, refuse_tunnel};
use super::hello::{self, First, Hello};
use super::io::{Replayed, last_word};
use super::pipeline::Binding;
use super::{Context, head, http1, http2};
use crate::{Arrival, Connection, Destination, Host, Name, Proxy, Reason, RequestId, Scheme};
use bytes::BytesMut;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

/// TLS alerts, by number.
const UNRECOGNIZED_NAME: u8 = 112;
const MISSING_EXTENSION: u8 = 109;
const ILLEGAL_PARAMETER: u8 = 47;
const ACCESS_DENIED: u8 = 49;
const INTERNAL_ERROR: u8 = 80;

/// Serves what is in a tunnel. `first` came together with the CONNECT.
pub(super) async fn tunnel<P: Proxy>(
    context: Context<P>,
    connection: Arc<Connection>,
    mut first: BytesMut,
    mut stream: TcpStream,
) {
    let deadline = Instant::now() + context.interceptor.limits.handshake;
    let Some(opening) = open(&context, &mut stream, &mut first, deadline).await else { return };
    let on = Some(&*connection);
    let hello = match opening {
        Opening::Hello(hello) => hello,
        Opening::Http => {
            let step = "use https:// in a tunnel, or send `GET http://host/` to the proxy itself";
            let denial = context.refuse(on, Reason::NotTls, step);
            return refuse_tunnel(stream, &denial).await;
        }
        Opening::Closed(reason, step) => {
            context.refuse(on, reason, step);
            return;
        }
        Opening::Alert(reason, step, alert) => {
            context.refuse(on, reason, step);
            return last_word(stream, &hello::alert(alert)).await;
        }
    };
    if let Err(denied) = names(&connection.destination.host, hello.server_name.as_deref()) {
        let (reason, step, alert) = match denied {
            Denied::Missing => (
                Reason::SniMissing,
                "use a TLS client that sends the server name",
                MISSING_EXTENSION,
            ),
            Denied::Other => (
                Reason::SniMismatch,
                "the TLS server name must be the host of CONNECT",
                UNRECOGNIZED_NAME,
            ),
        };
        context.refuse(on, reason, step);
        return last_word(stream, &hello::alert(alert)).await;
    }
    accept(context, connection, Replayed::new(first, stream), deadline).await;
}

/// Serves TLS whose server name is the destination.
pub(super) async fn steered<P: Proxy>(context: Context<P>, mut stream: TcpStream) {
    let deadline = Instant::now() + context.interceptor.limits.handshake;
    let mut first = BytesMut::new();
    let Some(opening) = open(&context, &mut stream, &mut first, deadline).await else { return };
    let named = match opening {
        Opening::Hello(hello) => {
            let name = hello.server_name.as_deref().map(Name::parse);
            match name {
                Some(Ok(name)) => Ok(name),
                Some(Err(_)) => {
                    Err((Reason::MalformedTarget, "the server name is no name", UNRECOGNIZED_NAME))
                }
                None => Err((
                    Reason::SniMissing,
                    "use a TLS client that sends the server name",
                    MISSING_EXTENSION,
                )),
            }
        }
        Opening::Alert(reason, step, alert) => Err((reason, step, alert)),
        Opening::Http => Err((Reason::NotTls, "this port takes TLS alone", ACCESS_DENIED)),
        Opening::Closed(reason, step) => {
            context.refuse(None, reason, step);
            return;
        }
    };
    let name = match named {
        Ok(name) => name,
        Err((reason, step, alert)) => {
            context.refuse(None, reason, step);
            return last_word(stream, &hello::alert(alert)).await;
        }
    };
    let connection = Connection {
        id: RequestId::next(),
        peer: context.peer,
        local: context.local,
        arrival: Arrival::Steered,
        destination: Destination::steered(Scheme::Https, name),
        hop: None,
        generation: context.proxy.generation(),
        revoked: CancellationToken::new(),
    };
    if context.proxy.admit(&connection).is_err() {
        return last_word(stream, &hello::alert(ACCESS_DENIED)).await;
    }
    accept(context, Arc::new(connection), Replayed::new(first, stream), deadline).await;
}

enum Opening {
    Hello(Hello),
    /// Plain HTTP: it can read an answer.
    Http,
    /// Nothing that could.
    Closed(Reason, &'static str),
    /// TLS, but not as it is accepted here.
    Alert(Reason, &'static str, u8),
}

/// Reads as far as the hello goes, and no further than a bound. `None`: gone, or we are stopping.
async fn open<P: Proxy>(
    context: &Context<P>,
    stream: &mut TcpStream,
    first: &mut BytesMut,
    deadline: Instant,
) -> Option<Opening> {
    loop {
        match hello::read(first) {
            First::Incomplete => {}
            First::Hello(hello) if hello.encrypted => {
                return Some(Opening::Alert(
                    Reason::EncryptedClientHello,
                    "switch off Encrypted Client Hello (and its GREASE) in the TLS client",
                    ILLEGAL_PARAMETER,
                ));
            }
            First::Hello(hello) => return Some(Opening::Hello(hello)),
            First::Malformed => {
                return Some(Opening::Alert(
                    Reason::TlsHandshake,
                    "the TLS hello has no single reading",
                    ILLEGAL_PARAMETER,
                ));
            }
            First::NotTls => match looks_like_http(first) {
                Some(true) => return Some(Opening::Http),
                Some(false) => {
                    return Some(Opening::Closed(Reason::NotTls, "only TLS passes here"));
                }
                None => {}
            },
        }
        let read = tokio::select! {
            read = timeout_at(deadline, stream.read_buf(first)) => read,
            () = context.shutdown.requested() => return None,
        };
        match read {
            Ok(Ok(1..)) => {}
            Ok(_) => return None,
            Err(_) => {
                return Some(Opening::Closed(
                    Reason::RequestTimeout,
                    "the TLS hello did not come in time",
                ));
            }
        }
    }
}

/// Whether the bytes begin an HTTP request; `None` while they may.
fn looks_like_http(bytes: &[u8]) -> Option<bool> {
    const LONGEST: usize = 10;
    let word = bytes.iter().position(|b| !b.is_ascii_uppercase());
    match word {
        None if bytes.len() <= LONGEST => None,
        None => Some(false),
        Some(at) => Some(at > 0 && bytes.get(at) == Some(&b' ') && head::begins(bytes, 0).is_ok()),
    }
}

async fn accept<P: Proxy, S>(
    context: Context<P>,
    connection: Arc<Connection>,
    stream: S,
    deadline: Instant,
) where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    if context.proxy.passes(&connection) {
        let revoked = connection.revoked.clone();
        // There is no pause between requests to wait for in what nobody looks into.
        let limits = &context.interceptor.limits;
        let longest = limits.exchange.min(limits.lifetime);
        tokio::select! {
            () = Arc::clone(&context.proxy).pass(connection, stream) => {}
            () = revoked.cancelled() => {}
            () = context.shutdown.requested() => {}
            () = tokio::time::sleep(longest) => {}
        }
        return;
    }
    let host = connection.destination.host.clone();
    let Ok(tls) = context.interceptor.tls_for(&host) else {
        context.refuse(Some(&connection), Reason::Unavailable, "no certificate: see the log");
        return last_word(stream, &hello::alert(INTERNAL_ERROR)).await;
    };
    let handshake = timeout_at(deadline, TlsAcceptor::from(tls).accept(stream));
    let outcome = tokio::select! {
        outcome = handshake => outcome,
        () = context.shutdown.requested() => return,
    };
    let Ok(Ok(stream)) = outcome else {
        let step = "the TLS handshake failed: does the client trust the bottle's CA?";
        context.refuse(Some(&connection), Reason::TlsHandshake, step);
        return;
    };
    let (_, session) = stream.get_ref();
    // rustls read the hello, too: both must have read the same.
    let agreed = match (&host, session.server_name()) {
        (Host::Address(_), None) => true,
        (Host::Name(name), Some(seen)) => Name::parse(seen).as_ref() == Ok(name),
        _ => false,
    };
    if !agreed {
        context.refuse(Some(&connection), Reason::SniMismatch, "the TLS hello has two readings");
        return;
    }
    let h2 = session.alpn_protocol() == Some(b"h2");
    let binding = Binding::Fixed(connection);
    if h2 {
        http2::serve(context, binding, stream).await;
    } else {
        http1::serve(context, binding, stream).await;
    }
}

//! The first bytes of a connection decide what it is: CONNECT, a request to the proxy, a hello.

use super::head::{self, Fault, Head};
use super::io::{Replayed, last_word};
use super::pipeline::Binding;
use super::{Context, Mode, http1, tls};
use crate::{
    Arrival, Connection, Denial, Destination, HopSecret, Host, Proxy, Reason, RequestId, Scheme,
};
use bytes::BytesMut;
use compose_render::contract::HOP_HEADER;
use std::sync::Arc;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// Serves one connection to its end.
pub(super) async fn connection<P: Proxy>(context: Context<P>, mode: Mode, stream: TcpStream) {
    match mode {
        Mode::Proxy => Box::pin(proxy(context, stream)).await,
        Mode::SteeredTls => Box::pin(tls::steered(context, stream)).await,
        Mode::SteeredHttp => {
            http1::serve(context, Binding::per_request(Arrival::Steered), stream).await;
        }
    }
}

/// What stands in the head of a CONNECT.
struct Ask {
    destination: Destination,
    hop: Option<HopSecret>,
}

async fn proxy<P: Proxy>(context: Context<P>, mut stream: TcpStream) {
    let mut first = BytesMut::new();
    let reading = first_head(&context, &mut stream, &mut first);
    let outcome = tokio::select! {
        outcome = timeout(context.interceptor.limits.head, reading) => outcome,
        () = context.shutdown.requested() => return,
    };
    match outcome {
        Ok(First::Connect(end)) => connect(context, stream, first, end).await,
        Ok(First::Request) => {
            let stream = Replayed::new(first, stream);
            http1::serve(context, Binding::per_request(Arrival::Absolute), stream).await;
        }
        Ok(First::Gone) => {}
        Ok(First::Refused(fault)) => refuse(&context, stream, fault).await,
        Err(_) if first.is_empty() => {}
        Err(_) => {
            let late = Fault(Reason::RequestTimeout, "the request's head did not come in time");
            refuse(&context, stream, late).await;
        }
    }
}

enum First {
    /// A whole head of a CONNECT, so long.
    Connect(usize),
    /// The beginning of some other request; `http1` reads on.
    Request,
    Refused(Fault),
    Gone,
}

async fn first_head<P: Proxy>(
    context: &Context<P>,
    stream: &mut TcpStream,
    first: &mut BytesMut,
) -> First {
    const CONNECT: &[u8] = b"CONNECT ";
    let limit = context.interceptor.limits.connect_bytes;
    loop {
        if let Err(fault) = head::begins(first, 0) {
            return First::Refused(fault);
        }
        if first.len() >= CONNECT.len() && !first.starts_with(CONNECT) {
            return First::Request;
        }
        match head::end(first, 0) {
            Some(end) if end <= limit => return First::Connect(end),
            None if first.len() <= limit => {}
            _ => return First::Refused(Fault(Reason::HeadTooLarge, "the CONNECT is too long")),
        }
        if !matches!(stream.read_buf(first).await, Ok(1..)) {
            return First::Gone;
        }
    }
}

async fn refuse<P: Proxy>(context: &Context<P>, stream: TcpStream, fault: Fault) {
    let denial = context.refuse(None, fault.0, fault.1);
    last_word(stream, &denial.to_http1()).await;
}

async fn connect<P: Proxy>(
    context: Context<P>,
    mut stream: TcpStream,
    mut first: BytesMut,
    end: usize,
) {
    let head = first.split_to(end);
    let ask = Head::parse(&head, &context.interceptor.limits).and_then(|head| ask(&head));
    let ask = match ask {
        Ok(ask) => ask,
        Err(fault) => return refuse(&context, stream, fault).await,
    };
    let connection = Connection {
        id: RequestId::next(),
        peer: context.peer,
        local: context.local,
        arrival: Arrival::Connect,
        destination: ask.destination,
        hop: ask.hop,
        generation: context.proxy.generation(),
        revoked: CancellationToken::new(),
    };
    if let Err(denial) = context.proxy.admit(&connection) {
        return last_word(stream, &denial.to_http1()).await;
    }
    if stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await.is_ok() {
        // What came with the CONNECT is the beginning of what is in the tunnel.
        tls::tunnel(context, Arc::new(connection), first, stream).await;
    }
}

fn ask(head: &Head<'_>) -> Result<Ask, Fault> {
    let target = |_| Fault(Reason::MalformedTarget, "CONNECT names no `host:port`");
    let destination = Destination::parse_authority(Scheme::Https, head.target).map_err(target)?;
    // Its `Host` decides nothing and may be the proxy's: Node sends that.
    if head.framing()? != head::Framing::Length(0) {
        return Err(Fault(Reason::MalformedRequest, "a CONNECT with a body"));
    }
    let hop = head.single(HOP_HEADER)?.map(HopSecret::new);
    Ok(Ask { destination, hop })
}

/// Whether a host and a server name are one: names alone have server names.
pub(super) fn names(host: &Host, server_name: Option<&str>) -> Result<(), Denied> {
    match (host, server_name) {
        (Host::Address(_), None) => Ok(()),
        (Host::Name(_), None) => Err(Denied::Missing),
        (host, Some(text)) => {
            let named = crate::Name::parse(text).ok();
            if named.is_some() && named.as_ref() == host.name() {
                Ok(())
            } else {
                Err(Denied::Other)
            }
        }
    }
}

/// What is wrong with a server name.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Denied {
    Missing,
    Other,
}

/// Answers a refused connection.
pub(super) async fn refuse_tunnel<S>(stream: S, denial: &Denial)
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    last_word(stream, &denial.to_http1()).await;
}

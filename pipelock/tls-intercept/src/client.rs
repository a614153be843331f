//! The way upstream, for both data planes: pooled HTTP/1.1 and HTTP/2 over a stream that the caller
//! dialled, TLS with the caller's roots.

mod dial;
mod error;
mod pieces;
mod pool;
mod trust;

pub use self::dial::{dial, tunnel, tunnel_with};
pub use self::error::SendError;
pub use self::trust::Trust;

use self::pieces::Pieces;
use self::pool::{Key, Pool, Sender};
use crate::serve::Tasks;
use crate::{Body, Destination, HopSecret, Host, Scheme, body, headers, websocket};
use compose_render::contract::HOP_HEADER;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Uri, Version, header};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use sidecar::Shutdown;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// What a response's head may be: larger than a request's, for cookies and policies are.
/// As many fields as hyper reads without a list on the heap, which it would fill for every message.
pub(crate) const RESPONSE_FIELDS: usize = 100;
pub(crate) const RESPONSE_HEAD: usize = 256 * 1024;
const RESPONSE_HEAD_H2: u32 = 256 * 1024;
/// What an upstream may send ahead of an agent that reads slowly.
const STREAM_WINDOW: u32 = 1024 * 1024;
pub(crate) const CONNECTION_WINDOW: u32 = 4 * 1024 * 1024;
/// An upstream that went without a word is noticed while a response is awaited.
const PING_EVERY: Duration = Duration::from_secs(30);
const PING_ANSWER: Duration = Duration::from_secs(20);

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
    /// Upstreams of which unused connections are kept.
    pub upstreams: usize,
}

impl Default for ClientLimits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(15),
            response: Duration::from_mins(10),
            stall: Duration::from_mins(10),
            idle: Duration::from_mins(1),
            idle_per_upstream: 16,
            upstreams: 256,
        }
    }
}

/// Sends requests. Cheap to clone; clones share their connections.
#[derive(Clone, Debug)]
pub struct Client {
    limits: ClientLimits,
    shutdown: Shutdown,
    pool: Pool,
}

impl Client {
    /// A client whose connections are tasks of `shutdown`. Needs a runtime to stand on.
    pub fn new(limits: ClientLimits, shutdown: Shutdown) -> Self {
        let pool = Pool::default();
        shutdown.spawn(keep_tidy(pool.clone(), limits, shutdown.clone()));
        Self { limits, shutdown, pool }
    }

    /// How many connections lie there to be used.
    pub fn idle(&self) -> usize {
        self.pool.idle()
    }

    /// Sends a request and returns when the response's head is here; the body streams.
    ///
    /// `request` is as [`crate::Proxy::answer`] got it, with the caller's changes: origin-form URI.
    /// Hop-by-hop fields are stripped again and `Host` is written here; those of the response are
    /// stripped, too. `connect` is called when no connection is there to be used, and usually is
    /// [`dial()`], then perhaps [`tunnel()`]. A request is sent again only where not one byte of it
    /// was sent.
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
        // The agent's own version, as without a proxy: many connections of one beat one of the other.
        let http1 = request.version() < Version::HTTP_2;
        let mut request = request;
        headers::strip_hop_by_hop(request.headers_mut());
        if websocket::is_asked(&request) {
            return Box::pin(self.switch(upstream, request, connect)).await;
        }
        // What was made for either version serves both; the second key is made when it is needed.
        let mut key = Key::new(upstream, http1);
        loop {
            while let Some(sender) = self.pool.take(&key) {
                match self.try_on(sender, &key, upstream, request).await? {
                    Outcome::Response(response) => return Ok(response),
                    Outcome::NotSent(unsent, _) => {
                        // What did not take it will not take the next one either.
                        self.pool.forget_shared(&key);
                        request = unsent;
                    }
                }
            }
            if !key.is_of_http1() {
                break;
            }
            key = key.of_either();
        }
        // Boxed: a TLS handshake is large, and most requests have none.
        let sender = Box::pin(self.connected(upstream, http1, connect)).await?;
        if let Sender::Http2(shared) = &sender {
            self.pool.put(key.clone(), Sender::Http2(shared.clone()), &self.limits);
        }
        let own = Key::new(upstream, http1);
        match self.try_on(sender, &own, upstream, request).await? {
            Outcome::Response(response) => Ok(response),
            Outcome::NotSent(_, error) => Err(SendError::Broken(error)),
        }
    }

    async fn try_on(
        &self,
        sender: Sender,
        key: &Key,
        upstream: &Upstream,
        mut request: Request<Body>,
    ) -> Result<Outcome, SendError> {
        let deadline = self.limits.response;
        let late = |_| SendError::Timeout("response");
        let sent = match sender {
            Sender::Http1(mut sender) => {
                address(&mut request, upstream, Version::HTTP_11)?;
                let sent = sender.try_send_request(request);
                let sent = timeout(deadline, sent).await.map_err(late)?;
                // A short answer is here with its head, and the connection ready for the next request.
                if sent.is_ok() && sender.is_ready() {
                    self.pool.put(key.clone(), Sender::Http1(sender), &self.limits);
                } else if sent.is_ok() {
                    let (pool, key, limits) = (self.pool.clone(), key.clone(), self.limits);
                    self.shutdown.spawn(async move {
                        // Ready again when the response's body is over, never if it is dropped.
                        if sender.ready().await.is_ok() {
                            pool.put(key, Sender::Http1(sender), &limits);
                        }
                    });
                }
                sent
            }
            Sender::Http2(mut sender) => {
                address(&mut request, upstream, Version::HTTP_2)?;
                timeout(deadline, sender.try_send_request(request)).await.map_err(late)?
            }
        };
        match sent {
            Ok(response) => self.received(response).map(Outcome::Response),
            Err(mut failed) => match failed.take_message() {
                Some(unsent) => Ok(Outcome::NotSent(unsent, failed.into_error())),
                None => Err(SendError::Broken(failed.into_error())),
            },
        }
    }

    fn received(&self, response: Response<Incoming>) -> Result<Response<Body>, SendError> {
        if response.status().is_informational() {
            return Err(SendError::Protocol("it switched protocols without being asked"));
        }
        let stall = self.limits.stall;
        let mut response = response.map(|body| body::with_deadline(body::incoming(body), stall));
        if response.headers().contains_key(header::TRANSFER_ENCODING) {
            // hyper went by the encoding; a length beside it would go on to the agent.
            response.headers_mut().remove(header::CONTENT_LENGTH);
        }
        headers::strip_hop_by_hop(response.headers_mut());
        Ok(response)
    }

    /// Asks for a WebSocket, on a connection of its own. Its frames are the response's body.
    async fn switch<C, F>(
        &self,
        upstream: &Upstream,
        request: Request<Body>,
        connect: C,
    ) -> Result<Response<Body>, SendError>
    where
        C: Fn() -> F + Send + Sync,
        F: Future<Output = Result<TcpStream, SendError>> + Send,
    {
        let stream = connect().await?;
        let mut sender = match upstream.destination.scheme {
            Scheme::Http => self.http1_alone(stream).await?,
            Scheme::Https => {
                let stream = self.tls(upstream, &upstream.trust.http1, stream).await?;
                self.http1_alone(stream).await?
            }
        };
        let (parts, frames) = request.into_parts();
        let mut request = Request::from_parts(parts, body::empty());
        websocket::in_request(request.headers_mut());
        address(&mut request, upstream, Version::HTTP_11)?;
        let sent = timeout(self.limits.response, sender.send_request(request)).await;
        let mut response =
            sent.map_err(|_| SendError::Timeout("response"))?.map_err(SendError::Broken)?;
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            return self.received(response);
        }
        websocket::in_answer(response.headers()).map_err(SendError::Protocol)?;
        let upgraded = timeout(self.limits.connect, hyper::upgrade::on(&mut response)).await;
        let upgraded =
            upgraded.map_err(|_| SendError::Timeout("switch"))?.map_err(SendError::Broken)?;
        let (relay, answer) =
            websocket::to_upstream(TokioIo::new(upgraded), frames, self.limits.stall);
        self.drive(relay);
        headers::strip_hop_by_hop(response.headers_mut());
        Ok(response.map(|_| answer))
    }

    async fn tls(
        &self,
        upstream: &Upstream,
        config: &Arc<ClientConfig>,
        stream: TcpStream,
    ) -> Result<TlsStream<TcpStream>, SendError> {
        let connector = TlsConnector::from(Arc::clone(config));
        let handshake = connector.connect(server_name(&upstream.destination.host)?, stream);
        timeout(self.limits.connect, handshake)
            .await
            .map_err(|_| SendError::Timeout("TLS handshake"))?
            .map_err(SendError::handshake)
    }

    async fn connected<C, F>(
        &self,
        upstream: &Upstream,
        http1: bool,
        connect: C,
    ) -> Result<Sender, SendError>
    where
        C: Fn() -> F + Send + Sync,
        F: Future<Output = Result<TcpStream, SendError>> + Send,
    {
        let stream = connect().await?;
        match upstream.destination.scheme {
            Scheme::Http => self.http1(stream).await,
            Scheme::Https => {
                let trust = &upstream.trust;
                let config = if http1 { &trust.http1 } else { &trust.config };
                let stream = match self.tls(upstream, config, stream).await {
                    // It speaks HTTP/2 alone, whatever the agent speaks.
                    Err(error) if http1 && error.is_no_protocol() => {
                        self.tls(upstream, &trust.config, connect().await?).await?
                    }
                    stream => stream?,
                };
                let (_, session) = stream.get_ref();
                if session.alpn_protocol() == Some(b"h2") {
                    self.http2(stream).await
                } else {
                    self.http1(Pieces::new(stream)).await
                }
            }
        }
    }

    async fn http1<S>(&self, stream: S) -> Result<Sender, SendError>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let (sender, connection) = over_http1(stream).await?;
        self.drive(connection);
        Ok(Sender::Http1(sender))
    }

    /// A connection that may become something else than HTTP, and is not kept.
    async fn http1_alone<S>(&self, stream: S) -> Result<http1::SendRequest<Body>, SendError>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let (sender, connection) = over_http1(stream).await?;
        self.drive(connection.with_upgrades());
        Ok(sender)
    }

    async fn http2<S>(&self, stream: S) -> Result<Sender, SendError>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let (sender, connection) = http2::Builder::new(Tasks(self.shutdown.clone()))
            .timer(TokioTimer::new())
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_header_list_size(RESPONSE_HEAD_H2)
            .keep_alive_interval(PING_EVERY)
            .keep_alive_timeout(PING_ANSWER)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(SendError::Broken)?;
        self.drive(connection);
        Ok(Sender::Http2(sender))
    }

    /// Drives a connection until nobody needs it any more.
    fn drive<T>(&self, connection: impl Future<Output = T> + Send + 'static) {
        let shutdown = self.shutdown.clone();
        self.shutdown.spawn(async move {
            tokio::select! {
                // Whoever waits for a response on it gets the error.
                _ = connection => {}
                () = shutdown.aborted() => {}
            }
        });
    }
}

type Http1<S> = (http1::SendRequest<Body>, http1::Connection<TokioIo<S>, Body>);

async fn over_http1<S>(stream: S) -> Result<Http1<S>, SendError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut http1 = http1::Builder::new();
    http1
        .max_buf_size(RESPONSE_HEAD)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(SendError::Broken)
}

enum Outcome {
    Response(Response<Body>),
    NotSent(Request<Body>, hyper::Error),
}

/// Lets go of connections that lie idle, and of all when everything stops.
async fn keep_tidy(pool: Pool, limits: ClientLimits, shutdown: Shutdown) {
    let every = (limits.idle / 4).max(Duration::from_millis(50));
    while !shutdown.is_requested() {
        tokio::select! {
            () = tokio::time::sleep(every) => pool.tidy(&limits),
            () = shutdown.requested() => {}
        }
    }
    pool.close();
}

fn server_name(host: &Host) -> Result<ServerName<'static>, SendError> {
    match host {
        Host::Name(name) => ServerName::try_from(name.as_str().to_owned())
            .map_err(|_| SendError::Protocol("its name cannot stand in a certificate")),
        Host::Address(address) => Ok(ServerName::IpAddress((*address).into())),
    }
}

/// Writes the request's target for this upstream and version. Doing it twice changes nothing.
fn address(
    request: &mut Request<Body>,
    upstream: &Upstream,
    version: Version,
) -> Result<(), SendError> {
    let authority = upstream.destination.authority();
    let path = request.uri().path_and_query().cloned();
    let path = path.unwrap_or_else(|| PathAndQuery::from_static("/"));
    let whole = version == Version::HTTP_2 || matches!(upstream.form, Form::Absolute { .. });
    let uri = if whole {
        Uri::builder()
            .scheme(upstream.destination.scheme.as_str())
            .authority(authority.as_str())
            .path_and_query(path)
            .build()
            .map_err(SendError::Request)?
    } else {
        Uri::from(path)
    };
    *request.uri_mut() = uri;
    *request.version_mut() = version;
    let headers = request.headers_mut();
    headers.remove(header::HOST);
    headers.remove(HOP_HEADER);
    if version != Version::HTTP_2 {
        let host = HeaderValue::try_from(authority).map_err(|e| SendError::Request(e.into()))?;
        headers.insert(header::HOST, host);
    } else if is_grpc(headers) {
        // Of this hop, and yet gRPC's servers refuse a call without it.
        headers.insert(header::TE, HeaderValue::from_static("trailers"));
    }
    if let Form::Absolute { hop: Some(hop) } = &upstream.form {
        let hop = HeaderValue::from_bytes(hop.expose());
        let mut hop = hop.map_err(|error| SendError::Request(error.into()))?;
        hop.set_sensitive(true);
        headers.insert(HOP_HEADER, hop);
    }
    Ok(())
}

fn is_grpc(headers: &HeaderMap) -> bool {
    let is = |value: &HeaderValue| value.as_bytes().starts_with(b"application/grpc");
    headers.get(header::CONTENT_TYPE).is_some_and(is)
}

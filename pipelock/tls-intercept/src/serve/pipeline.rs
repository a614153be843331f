//! The one way of every request, whatever way it came: one destination, one form, then the answer.

use super::Context;
use super::head::Fault;
use super::io::{Activity, Expired, InFlight};
use crate::path::CanonicalPath;
use crate::websocket::{self, Switched};
use crate::{Arrival, Body, Connection, Denial, Destination, HopSecret, Proxy, Reason, RequestId};
use crate::{Scheme, body, headers};
use compose_render::contract::HOP_HEADER;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri, Version, header};
use hyper::body::Incoming;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use tokio_util::sync::CancellationToken;

/// What the requests of a connection are bound to.
pub(super) enum Binding {
    /// TLS was opened for one destination: every request goes there.
    Fixed(Arc<Connection>),
    /// Each request names its own, by an absolute URI or, steered, by its `Host`.
    PerRequest(Arrival, CancellationToken),
}

impl Binding {
    pub(super) fn per_request(arrival: Arrival) -> Self {
        Self::PerRequest(arrival, CancellationToken::new())
    }

    pub(super) fn revoked(&self) -> CancellationToken {
        match self {
            Self::Fixed(connection) => connection.revoked.clone(),
            Self::PerRequest(_, revoked) => revoked.clone(),
        }
    }
}

/// Judges the form of requests and hands them on.
pub(super) struct Pipeline<P> {
    context: Context<P>,
    binding: Binding,
    activity: Arc<Activity>,
    /// A WebSocket that was asked for and given: the connection is HTTP no more.
    switched: Mutex<Option<(Switched, InFlight)>>,
}

/// A refusal before there is a denial: why, and what to do instead.
type Refusal = (Reason, &'static str);

impl<P: Proxy> Pipeline<P> {
    pub(super) fn new(context: Context<P>, binding: Binding, activity: Arc<Activity>) -> Self {
        Self { context, binding, activity, switched: Mutex::default() }
    }

    /// What was switched to, when the connection's HTTP is over; it holds the request's place.
    pub(super) fn switched(&self) -> Option<(Switched, InFlight)> {
        self.switched.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Tells the log of a connection that was closed because something took too long.
    pub(super) fn expired(&self, why: Expired) {
        let what = match why {
            Expired::Head => "the head of a request did not come in time",
            Expired::Stalled => "no byte moved for too long",
            // A pause between requests is no fault.
            Expired::Idle | Expired::Old => return,
        };
        let on = match &self.binding {
            Binding::Fixed(connection) => Some(&**connection),
            Binding::PerRequest(..) => None,
        };
        self.context.refuse(on, Reason::RequestTimeout, what);
    }

    pub(super) async fn http1(
        &self,
        request: Request<Incoming>,
        fault: Option<Fault>,
    ) -> Result<Response<Body>, Infallible> {
        if let Some(Fault(reason, what)) = fault {
            let on = match &self.binding {
                Binding::Fixed(connection) => Some(&**connection),
                Binding::PerRequest(..) => None,
            };
            let mut response = self.context.refuse(on, reason, what).response();
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
            return Ok(response);
        }
        let upgrade = request.headers().contains_key(header::UPGRADE);
        let mut response = self.one(request).await;
        if upgrade && response.status() != StatusCode::SWITCHING_PROTOCOLS {
            // What follows may be what was asked for, or HTTP: nobody can tell.
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        Ok(response)
    }

    pub(super) async fn http2(
        &self,
        request: Request<Incoming>,
    ) -> Result<Response<Body>, Infallible> {
        Ok(self.one(request).await)
    }

    async fn one(&self, request: Request<Incoming>) -> Response<Body> {
        let in_flight = self.activity.request();
        let id = RequestId::next();
        let (parts, incoming) = request.into_parts();
        let (body, unread) = body::held(body::incoming(incoming));
        let request = Request::from_parts(parts, body);
        let (mut response, asked) = self.judged(id, request).await;
        headers::strip_from_response(response.headers_mut());
        if response.status() == StatusCode::SWITCHING_PROTOCOLS
            && let Some(asked) = asked
        {
            websocket::in_request(response.headers_mut());
            let mut switched = self.switched.lock().unwrap_or_else(PoisonError::into_inner);
            return response.map(|body| {
                *switched = Some((asked.answered(body), in_flight));
                body::empty()
            });
        }
        if response.status().is_informational() {
            let denial = self.context.refuse(
                None,
                Reason::UpstreamProtocol,
                "the upstream switched protocols without being asked",
            );
            response = denial.response();
        }
        let shutdown = self.context.shutdown.clone();
        let events = is_events(response.headers());
        response.map(|body| {
            let body = if events { body::prompt(body) } else { body };
            body::observed(body, move |_| {
                drop(in_flight);
                unread.drain(&shutdown);
            })
        })
    }

    async fn judged(
        &self,
        id: RequestId,
        request: Request<Body>,
    ) -> (Response<Body>, Option<Switched>) {
        let refuse = |on: Option<&Connection>, request: &Request<Body>, refusal: Refusal| {
            let mut denial = Denial::new(self.context.proxy.layer(), refusal.0, refusal.1);
            denial = denial.request(request);
            denial.host = on.map(|connection| connection.destination.host.to_string());
            self.context.proxy.refused(id, on, self.context.peer, &denial);
            (denial.response(), None)
        };
        let connection = match self.connection(&request) {
            Ok(connection) => connection,
            Err(refusal) => {
                let on = match &self.binding {
                    Binding::Fixed(connection) => Some(&**connection),
                    Binding::PerRequest(..) => None,
                };
                return refuse(on, &request, refusal);
            }
        };
        if let Binding::PerRequest(..) = self.binding
            && let Err(denial) = self.context.proxy.admit(&connection)
        {
            return (denial.request(&request).response(), None);
        }
        if let Err(refusal) = self.permitted(&request) {
            return refuse(Some(&connection), &request, refusal);
        }
        let upgrade = request.headers().contains_key(header::UPGRADE);
        let websocket = match upgrade.then(|| websocket::asked(&request)).transpose() {
            Ok(websocket) => websocket,
            Err(why) => {
                let refusal = (Reason::UpgradeNotAllowed, why);
                return refuse(Some(&connection), &request, refusal);
            }
        };
        let uri = match origin_form(request.uri()) {
            Ok(uri) => uri,
            Err(refusal) => return refuse(Some(&connection), &request, refusal),
        };
        let (mut parts, body) = request.into_parts();
        parts.uri = uri;
        one_form(&mut parts.headers);
        let (body, switched) = if let Some(asked) = websocket {
            parts.extensions.insert(asked);
            let (switched, frames) = Switched::asked();
            (frames, Some(switched))
        } else {
            let body = body::without_trailers(body);
            (body::with_deadline(body, self.context.interceptor.limits.body), None)
        };
        let request = Request::from_parts(parts, body);
        (Arc::clone(&self.context.proxy).answer(connection, id, request).await, switched)
    }

    /// The connection that the request is on, when everything that names a host names one.
    fn connection(&self, request: &Request<Body>) -> Result<Arc<Connection>, Refusal> {
        let host = single(request.headers(), &header::HOST)?;
        match &self.binding {
            Binding::Fixed(connection) => {
                same_authority(request, host, &connection.destination)?;
                Ok(Arc::clone(connection))
            }
            Binding::PerRequest(arrival, revoked) => {
                let destination = named_by(request, host, *arrival)?;
                let hop = single(request.headers(), HOP_HEADER)?;
                Ok(Arc::new(Connection {
                    id: RequestId::next(),
                    peer: self.context.peer,
                    local: self.context.local,
                    arrival: *arrival,
                    destination,
                    hop: hop.map(|value| HopSecret::new(value.as_bytes())),
                    generation: self.context.proxy.generation(),
                    revoked: revoked.clone(),
                }))
            }
        }
    }

    /// What no policy can permit, or none can yet.
    fn permitted(&self, request: &Request<Body>) -> Result<(), Refusal> {
        let limits = &self.context.interceptor.limits;
        let headers = request.headers();
        if request.method() == Method::CONNECT {
            return Err((Reason::NestedConnect, "connect to the host itself, not through another"));
        }
        if request.method() == Method::TRACE {
            return Err((Reason::MethodNotAllowed, "TRACE would show what is injected"));
        }
        if headers.len() > limits.fields {
            return Err((Reason::HeadTooLarge, "send fewer header fields"));
        }
        if headers
            .iter()
            .any(|(name, value)| name.as_str().len() + value.len() > limits.field_bytes)
        {
            return Err((Reason::HeadTooLarge, "send shorter header fields"));
        }
        single(headers, &header::CONTENT_LENGTH)?;
        Ok(())
    }
}

/// Whether a body is of server-sent events.
fn is_events(headers: &HeaderMap) -> bool {
    const EVENTS: &[u8] = b"text/event-stream";
    let kind = headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    kind.get(..EVENTS.len()).is_some_and(|kind| kind.eq_ignore_ascii_case(EVENTS))
}

/// The one value of a header that may be there once.
fn single(
    headers: &HeaderMap,
    name: impl header::AsHeaderName,
) -> Result<Option<&HeaderValue>, Refusal> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (value, None) => Ok(value),
        _ => {
            Err((Reason::MalformedRequest, "a header field that may be there once is there twice"))
        }
    }
}

fn read_host(scheme: Scheme, host: &HeaderValue) -> Result<Destination, Refusal> {
    let text = host.to_str().ok();
    text.and_then(|text| Destination::parse_host(scheme, text).ok())
        .ok_or((Reason::MalformedTarget, "the `Host` is no host"))
}

/// Holds all that names a host in a request on an opened connection against its destination.
fn same_authority(
    request: &Request<Body>,
    host: Option<&HeaderValue>,
    expected: &Destination,
) -> Result<(), Refusal> {
    const MISDIRECTED: Refusal =
        (Reason::AuthorityMismatch, "one connection serves one host: open another for this one");
    let host = host.map(|value| read_host(expected.scheme, value)).transpose()?;
    let uri = request.uri();
    let authority = uri.authority().map(|authority| {
        Destination::parse_host(expected.scheme, authority.as_str())
            .map_err(|_| (Reason::MalformedTarget, "the authority is no host"))
    });
    let authority = authority.transpose()?;
    if uri.scheme_str().is_some_and(|scheme| scheme != expected.scheme.as_str()) {
        return Err((Reason::MalformedTarget, "the scheme is not that of the connection"));
    }
    if request.method() == Method::CONNECT {
        // Refused for what it is, whatever it names.
        return Ok(());
    }
    match (&authority, &host) {
        (None, None) => Err((Reason::MalformedRequest, "the `Host` is missing")),
        (Some(authority), Some(host)) if authority != host => {
            Err((Reason::MalformedRequest, "`:authority` or the URI and the `Host` disagree"))
        }
        (Some(named), _) if named != expected && request.version() < Version::HTTP_2 => {
            Err((Reason::MalformedTarget, "the absolute URI names another host than the tunnel"))
        }
        (Some(named), _) | (None, Some(named)) if named != expected => Err(MISDIRECTED),
        _ => Ok(()),
    }
}

/// The destination that a request names itself.
fn named_by(
    request: &Request<Body>,
    host: Option<&HeaderValue>,
    arrival: Arrival,
) -> Result<Destination, Refusal> {
    const NO_PROXY_REQUEST: Refusal = (
        Reason::MalformedTarget,
        "this is a proxy: use CONNECT for https:// and an absolute URI for http://",
    );
    let host = host.map(|value| read_host(Scheme::Http, value)).transpose()?;
    if request.uri().scheme().is_none() {
        return match (arrival, host) {
            (Arrival::Steered, Some(host)) => Ok(host),
            _ => Err(NO_PROXY_REQUEST),
        };
    }
    // The text, not its parts: one parser of ours reads every destination.
    let (destination, _) =
        Destination::parse_uri(&request.uri().to_string()).map_err(|_| NO_PROXY_REQUEST)?;
    if destination.scheme != Scheme::Http {
        return Err(NO_PROXY_REQUEST);
    }
    if host.is_some_and(|host| host != destination) {
        return Err((Reason::MalformedRequest, "the URI and the `Host` disagree"));
    }
    Ok(destination)
}

/// Path in its one form, and query as it came.
fn origin_form(uri: &Uri) -> Result<Uri, Refusal> {
    let ambiguous =
        (Reason::MalformedPath, "send the path in a form that every server reads alike");
    let path = if uri.path().is_empty() { "/" } else { uri.path() };
    let path = CanonicalPath::parse(path).map_err(|_| ambiguous)?;
    let text = match uri.query() {
        Some(query) => format!("{path}?{query}"),
        None => path.to_string(),
    };
    let path = PathAndQuery::try_from(text).map_err(|_| ambiguous)?;
    Ok(Uri::from(path))
}

/// Headers as both data planes judge and forward them.
fn one_form(headers: &mut HeaderMap) {
    headers::strip_hop_by_hop(headers);
    for name in [HOP_HEADER, "host", "expect"] {
        headers.remove(name);
    }
    // HTTP/2 splits cookies; one field is what HTTP/1 takes and what a scanner is to see.
    let cookies: Vec<_> =
        headers.get_all(header::COOKIE).iter().map(HeaderValue::as_bytes).collect();
    if cookies.len() > 1 {
        let joined = HeaderValue::from_bytes(&cookies.join(&b"; "[..]));
        headers.remove(header::COOKIE);
        if let Ok(joined) = joined {
            headers.insert(header::COOKIE, joined);
        }
    }
}

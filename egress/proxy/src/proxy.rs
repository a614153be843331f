//! One request: judged, given its credential, sent on, and its response looked through.

mod record;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use compose_render::Secret;
use egress::{Route, Verdict};
use http::header::CONTENT_ENCODING;
use http::{Request, Response};
use hyper::body::Body as _;
use sidecar::{Log, Status};
use tls_intercept::client::{Client, SendError};
use tls_intercept::{Body, Connection, Denial, Host, Proxy, Reason, RequestId, Scheme};

use self::record::Record;
use crate::echo::{Needles, clean_body};
use crate::inject::{self, Refusal};
use crate::policy::{Policies, Policy};
use crate::upstream::Standing;
use crate::vault::Vault;

/// The name of this sidecar in denials.
pub(crate) const LAYER: &str = "egress";

/// The data plane.
#[derive(Debug)]
pub(crate) struct Egress {
    pub(crate) policies: Policies,
    pub(crate) vault: Vault,
    pub(crate) client: Client,
    pub(crate) hop: Option<Secret>,
    pub(crate) log: Log,
    pub(crate) status: Arc<Status>,
    /// Requests with a placeholder elsewhere than in the credential's place.
    pub(crate) passed: Arc<AtomicU64>,
}

impl Proxy for Egress {
    fn layer(&self) -> &'static str {
        LAYER
    }

    fn generation(&self) -> u64 {
        self.policies.current().generation
    }

    /// Every destination may be asked for: what no route names is for pipelock to judge.
    fn admit(&self, _connection: &Connection) -> Result<(), Denial> {
        Ok(())
    }

    async fn answer(
        self: Arc<Self>,
        connection: Arc<Connection>,
        id: RequestId,
        request: Request<Body>,
    ) -> Response<Body> {
        let policy = self.policies.current();
        let mut record = Record::new(&self.log, &connection, id, &request, policy.generation);
        let request = request.map(|inner| record.count_request(inner));
        match self.forward(&policy, &connection, request, &mut record).await {
            Ok(response) => record.allowed(response),
            Err(denial) => record.denied(&denial),
        }
    }

    fn refused(
        &self,
        id: RequestId,
        connection: Option<&Connection>,
        peer: SocketAddr,
        denial: &Denial,
    ) {
        record::refused(&self.log, id, connection, peer, denial);
    }
}

impl Egress {
    async fn forward(
        &self,
        policy: &Policy,
        connection: &Connection,
        request: Request<Body>,
        record: &mut Record,
    ) -> Result<Response<Body>, Denial> {
        let deny = |reason, step: &str| denial(connection, &request, reason, step);
        let destination = &connection.destination;
        let host = host_text(&destination.host);
        let method = request.method().as_str();
        let verdict = policy.routes.judge(&host, destination.port, method, request.uri().path());
        let plain = destination.scheme == Scheme::Http;
        if plain && policy.routes.has_credential_for(&host) {
            let step = "ask for this host with https: its credential never travels in the clear";
            return Err(deny(Reason::PlainHttp, step));
        }
        let route = match verdict {
            Verdict::Unrouted => {
                let way_on = &policy.way_on;
                let sent = way_on.send(&self.client, destination, Standing::Unrouted, request);
                return sent.await.map_err(|error| record.failed(connection, &error));
            }
            Verdict::Method => {
                let step = "the bottle's routes do not name this method for this path";
                return Err(deny(Reason::MethodNotAllowed, step));
            }
            Verdict::Path => {
                let step = "the bottle's routes do not name this path";
                return Err(deny(Reason::PathNotAllowed, step));
            }
            Verdict::Covered { index, route } => {
                record.rule(format!("routes[{index}]"));
                route
            }
        };
        if !route.methods.is_empty() && inject::claims_another_method(request.headers()) {
            let step = "leave the method override header out and use the method itself";
            return Err(deny(Reason::MethodOverride, step));
        }
        self.along(policy, route, connection, request, record).await
    }

    /// Sends a request along its route.
    async fn along(
        &self,
        policy: &Policy,
        route: &Route,
        connection: &Connection,
        request: Request<Body>,
        record: &mut Record,
    ) -> Result<Response<Body>, Denial> {
        let (mut parts, body) = request.into_parts();
        let asked = parts.clone();
        let needles = inject::inject(&mut parts, route, &self.vault).map_err(|refusal| {
            let (reason, step) = explain(refusal);
            denial(connection, &Request::from_parts(asked, ()), reason, step)
        })?;
        let (passed, status) = (Arc::clone(&self.passed), Arc::clone(&self.status));
        let body = watched(body, inject::placeholders(route), move || {
            let count = passed.fetch_add(1, Ordering::Relaxed) + 1;
            status.set_gauge("placeholders_passed", count);
        });
        let request = Request::from_parts(parts, body);
        let standing = Standing::Routed { hop: self.hop.as_ref() };
        let sent = policy.way_on.send(&self.client, &connection.destination, standing, request);
        let response = sent.await.map_err(|error| record.failed(connection, &error))?;
        if needles.is_empty() {
            return Ok(response);
        }
        clean(response, needles, record).map_err(|()| {
            let step = "the response is encoded in a way that egress cannot look into; \
                        ask for it without `accept-encoding`";
            record.fault(connection, Reason::ResponseRefused, step)
        })
    }
}

/// Takes the credential out of a response. Refuses what cannot be looked into.
fn clean(
    mut response: Response<Body>,
    needles: Needles,
    record: &Record,
) -> Result<Response<Body>, ()> {
    let encodings = response.headers().get_all(CONTENT_ENCODING);
    let encoded = encodings.iter().any(|value| !value.as_bytes().eq_ignore_ascii_case(b"identity"));
    if encoded && !response.body().is_end_stream() {
        return Err(());
    }
    // A reason phrase of the upstream's own would pass beside the headers.
    response.extensions_mut().clear();
    let found = record.redacted();
    if needles.clean_headers(response.headers_mut()) > 0 {
        found.tell();
    }
    Ok(response.map(|inner| watched(inner, needles, move || found.tell())))
}

/// A body in which every needle is replaced; `found` is called at the first.
fn watched(
    body: Body,
    needles: Needles,
    found: impl FnOnce() + Send + Sync + Unpin + 'static,
) -> Body {
    if needles.is_empty() {
        return body;
    }
    http_body_util::BodyExt::boxed(clean_body(body, Arc::new(needles), found))
}

fn explain(refusal: Refusal) -> (Reason, &'static str) {
    match refusal {
        Refusal::Missing => (
            Reason::CredentialMissing,
            "the bottle has no value for this route's credential: tell the person who started it",
        ),
        Refusal::PlaceholderInPlace => (
            Reason::CredentialMissing,
            "a placeholder stands where a credential belongs, and this route has none to put there",
        ),
        Refusal::Malformed => {
            (Reason::MalformedRequest, "the credential cannot be put into this request")
        }
    }
}

fn denial<B>(connection: &Connection, request: &Request<B>, reason: Reason, step: &str) -> Denial {
    Denial::new(LAYER, reason, step).host(host_text(&connection.destination.host)).request(request)
}

/// A host as policies and logs write it: an IPv6 address without brackets.
fn host_text(host: &Host) -> String {
    match host {
        Host::Name(name) => name.to_string(),
        Host::Address(address) => address.to_string(),
    }
}

/// What the agent reads when there is no way on.
fn unsent(error: &SendError) -> (Reason, &'static str) {
    match error {
        SendError::Unreachable { .. } => (
            Reason::UpstreamUnreachable,
            "pipelock, the bottle's way out, does not answer: try again, then tell the person who started the bottle",
        ),
        SendError::Certificate(_) => (
            Reason::UpstreamCertificate,
            "what answers as pipelock is not the bottle's pipelock: tell the person who started the bottle",
        ),
        // At the CONNECT itself pipelock refuses addresses and nothing else that is well formed.
        SendError::Refused(403) => {
            (Reason::AddressNotAllowed, "pipelock refuses this destination: use a host's name")
        }
        other => (other.reason(), other.next_step()),
    }
}

//! One request: judged, given its credential, sent on, and its response looked through.

mod along;
mod proposal;
mod record;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use compose_render::Secret;
use egress::{Credential, Renewal, Verdict, Websocket};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Request, Response};
use sidecar::{Log, Status};
use tls_intercept::client::{Client, SendError};
use tls_intercept::headers::overrides_method;
use tls_intercept::websocket::is_asked;
use tls_intercept::{Body, Connection, Denial, Host, Proxy, Reason, RequestId, Scheme, body};

use self::record::Record;
use crate::in_flight::{Asked, InFlight};
use crate::jar::Jar;
use crate::misplaced;
use crate::policy::{Policies, Policy};
use crate::renew::Renewer;
use crate::sockets::{self, is_asked_of};
use crate::upstream::Standing;
use crate::usage::Ledger;
use crate::vault::Vault;

/// The name of this sidecar in denials.
pub(crate) const LAYER: &str = "egress";

/// The data plane.
#[derive(Debug)]
pub(crate) struct Egress {
    pub(crate) policies: Policies,
    pub(crate) vault: Arc<Vault>,
    pub(crate) renewer: Arc<Renewer>,
    pub(crate) client: Client,
    pub(crate) hop: Option<Secret>,
    pub(crate) in_flight: InFlight,
    pub(crate) ledger: Ledger,
    pub(crate) jar: Jar,
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
    /// Takes routes out of force that have ended by themselves, and closes their connections.
    pub(crate) fn end(&self) {
        self.policies.end(&self.status, &self.log);
        self.in_flight.revoke(&self.policies.current().routes);
    }

    /// Reads the routes again, and ends what those now in force would not answer so.
    pub(crate) fn reload(&self) {
        if self.policies.reload(&self.status, &self.log, &self.vault) {
            self.in_flight.revoke(&self.policies.current().routes);
        }
    }

    async fn forward(
        &self,
        policy: &Policy,
        connection: &Connection,
        request: Request<Body>,
        record: &mut Record,
    ) -> Result<Response<Body>, Denial> {
        let destination = &connection.destination;
        let (host, port) = (host_text(&destination.host), destination.port);
        if destination.scheme == Scheme::Http && policy.routes.has_credential_for(&host) {
            let step = "ask for this host with https: its credential never travels in the clear";
            return Err(record.fault(Reason::PlainHttp, step));
        }
        let (method, path) = (request.method().as_str(), request.uri().path());
        let websocket = is_asked(&request);
        let asked = |given: Option<&Vec<Credential>>| Asked {
            host: host.clone(),
            port,
            method: method.to_owned(),
            path: path.to_owned(),
            given: given.cloned(),
            websocket,
        };
        if let Some(renewal) = policy.routes.tokens_at(&host, port, path) {
            record.rule("renewals".to_owned());
            return Ok(placeholders_for(policy, renewal));
        }
        match policy.routes.judge(&host, port, method, path) {
            Verdict::Unrouted => {
                let asked = asked(None);
                record.keep(self.in_flight.enter(asked, connection.revoked.clone()));
                self.past(policy, connection, request, record).await
            }
            Verdict::Method => {
                let step = "the bottle's routes do not name this method for this path";
                let denial = record.fault(Reason::MethodNotAllowed, step);
                Err(proposal::with(policy, denial, destination))
            }
            Verdict::Path => {
                let step = "the bottle's routes do not name this path";
                let denial = record.fault(Reason::PathNotAllowed, step);
                Err(proposal::with(policy, denial, destination))
            }
            Verdict::Covered { index, route } => {
                record.rule(format!("routes[{index}]"));
                if websocket && route.websocket == Websocket::Deny {
                    let step = "the bottle's route for this path gives no WebSocket: use HTTP";
                    return Err(record.fault(Reason::UpgradeNotAllowed, step));
                }
                let asked = asked(Some(&route.credentials));
                record.keep(self.in_flight.enter(asked, connection.revoked.clone()));
                let narrow = !route.methods.is_empty() || !route.paths.is_empty();
                if narrow && overrides_method(request.headers()) {
                    let step = "leave the override out and use the method and path themselves";
                    return Err(record.fault(Reason::MethodOverride, step));
                }
                self.along(policy, route, connection, request, record).await
            }
        }
    }

    /// Sends on a request that no route names, as it came, and without vouching for it.
    async fn past(
        &self,
        policy: &Policy,
        connection: &Connection,
        request: Request<Body>,
        record: &mut Record,
    ) -> Result<Response<Body>, Denial> {
        let (parts, body) = request.into_parts();
        if misplaced::in_head(&parts, None) {
            return Err(misplaced_denial(record));
        }
        let found = Arc::new(AtomicBool::new(false));
        let body = if is_asked_of(&parts) {
            sockets::guard(body)
        } else {
            misplaced::guard(body, Arc::clone(&found))
        };
        let request = Request::from_parts(parts, body);
        let way_on = &policy.way_on;
        let destination = &connection.destination;
        let sent = way_on.send(&self.client, destination, Standing::Unrouted, request).await;
        // An upstream may answer before it has read the whole body.
        if found.load(Ordering::Relaxed) {
            return Err(misplaced_denial(record));
        }
        sent.map_err(|error| record.failed(&error))
    }
}

/// What the agent gets where tokens are made: a login of its own would be a credential it holds.
fn placeholders_for(policy: &Policy, renewal: &Renewal) -> Response<Body> {
    let credentials = policy.routes.iter().flat_map(|route| &route.credentials);
    let mut own = credentials.filter(|credential| credential.variable == renewal.variable);
    let placeholder = own.find_map(|credential| credential.placeholder.as_ref());
    let placeholder = placeholder.map_or(egress::MARK, egress::Placeholder::as_str);
    let tokens = serde_json::json!({
        "access_token": placeholder,
        "refresh_token": placeholder,
        "token_type": "Bearer",
        "expires_in": 8 * 3600,
        "scope": renewal.scopes.join(" "),
    });
    let mut response = Response::new(body::full(tokens.to_string()));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// A placeholder went where its credential would never go.
fn misplaced_denial(record: &Record) -> Denial {
    let step =
        "a placeholder of this bottle stands in the request, and this host has no use for it";
    record.fault(Reason::CredentialMisplaced, step)
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

//! The one door: every connection and every request is judged, logged and sent on from here.

mod dialling;
mod unopened;

use self::unopened::unopened;
use crate::{
    content::{self, For, Home, Judged, Pause, Verdict},
    dial,
    in_flight::{InFlight, Place, Request as Open},
    judge::{Asker, Refused, Target, judge},
    names::Zone,
    record::{Record, connection_line},
    refusal::{self, LAYER},
    resolve::Resolve,
    rules::Rules as InForce,
    side_door, ssrf,
};
use arc_swap::ArcSwap;
use compose_render::Secret;
use http::{Method, Request, Response};
use http_body_util::BodyExt as _;
use hyper::body::Body as _;
use pipelock::{Action, Policy};
use sidecar::{Event, Line, Log, chain};
use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Instant,
};
use subtle::ConstantTimeEq as _;
use tls_intercept::{
    Body, Connection, Denial, Destination, HopSecret, Host, Proxy, RequestId, body, client::Client,
    websocket,
};
use tokio::io::{AsyncRead, AsyncWrite};

/// What the agent is told, and what the log is told besides.
type Refusal = (Denial, Option<String>);

/// A body no longer than this is read to its end before anything is dialled.
pub(crate) const WHOLE: u64 = 256 * 1024;

/// pipelock's data plane.
pub struct Door {
    rules: ArcSwap<InForce>,
    resolver: Arc<dyn Resolve>,
    client: Client,
    hop_secret: Option<Secret>,
    /// What an upstream proxy is shown.
    authorization: Option<Secret>,
    in_flight: InFlight,
    pause: Pause,
    log: Log,
}

impl std::fmt::Debug for Door {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Door").field("rules", &self.rules).finish_non_exhaustive()
    }
}

impl Door {
    /// A door with these rules in force.
    pub fn new(
        rules: InForce,
        resolver: Arc<dyn Resolve>,
        client: Client,
        hop_secret: Option<Secret>,
        log: Log,
    ) -> Self {
        let rules = ArcSwap::from_pointee(armed(rules, hop_secret.as_ref()));
        let (authorization, pause) = (None, Pause::default());
        let in_flight = InFlight::default();
        Self { rules, resolver, client, hop_secret, authorization, in_flight, pause, log }
    }

    /// Shows an upstream proxy this `user:password`.
    #[must_use]
    pub fn with_upstream_credential(self, credential: Option<&Secret>) -> Self {
        Self { authorization: credential.map(dial::basic), ..self }
    }

    /// The rules in force.
    pub fn rules(&self) -> Arc<InForce> {
        self.rules.load_full()
    }

    /// How many requests are being judged or answered, and connections pass unopened.
    pub fn in_flight(&self) -> usize {
        self.in_flight.count()
    }

    /// Puts other rules in force, all of them at once, and closes the connections of requests that
    /// they no longer let through.
    pub fn replace(&self, rules: InForce) {
        let policy = Arc::clone(&rules.policy);
        let budgets = Arc::new(rules.budgets.after(&self.rules().budgets));
        let rules = InForce { budgets, ..rules };
        self.rules.store(Arc::new(armed(rules, self.hop_secret.as_ref())));
        self.in_flight.revoke(|open| {
            verdict(&policy, &open.destination, open.asker).is_ok()
                && (!open.unopened || unopened(&policy, &open.destination))
        });
    }

    /// egress is who comes from its address and knows the secret; one of them is not enough.
    fn asker(&self, policy: &Policy, connection: &Connection) -> Asker {
        let shown = |secret: &[u8]| {
            connection.hop.as_ref().is_some_and(|hop| bool::from(secret.ct_eq(hop.expose())))
        };
        let knows = self.hop_secret.as_ref().is_some_and(|secret| {
            let secret = secret.expose().as_bytes();
            shown(secret) || shown(HopSecret::of_own_requests(secret).expose())
        });
        let from_there = policy
            .egress
            .is_some_and(|egress| IpAddr::V4(egress) == connection.peer.ip().to_canonical());
        if from_there && knows { Asker::Egress } else { Asker::Agent }
    }

    /// Whether a request is egress's own: it renews a login with a token that no agent has, and
    /// overwritten the token would be of no use.
    fn is_own(&self, asker: Asker, connection: &Connection) -> bool {
        let own = self.hop_secret.as_ref().zip(connection.hop.as_ref());
        let shown = own.is_some_and(|(secret, hop)| {
            let own = HopSecret::of_own_requests(secret.expose().as_bytes());
            bool::from(own.expose().ct_eq(hop.expose()))
        });
        asker == Asker::Egress && shown
    }

    fn counted(&self, denial: &Denial) {
        if denial.rule.as_deref().is_some_and(content::is_incident) {
            self.pause.count(Instant::now());
        }
    }

    /// Enters what is about to be judged. It stands there before the rules are read that judge it,
    /// so a policy that comes into force meanwhile, or while its body is still coming, ends it.
    fn entered(&self, connection: &Connection, unopened: bool) -> Place {
        self.in_flight.enter(Open {
            destination: connection.destination.clone(),
            asker: self.asker(&self.rules().policy, connection),
            revoked: connection.revoked.clone(),
            unopened,
        })
    }
}

impl Proxy for Door {
    fn layer(&self) -> &'static str {
        LAYER
    }

    fn generation(&self) -> u64 {
        self.rules.load().generation
    }

    fn admit(&self, connection: &Connection) -> Result<(), Denial> {
        let Host::Address(address) = connection.destination.host else { return Ok(()) };
        let rules = self.rules();
        let asker = self.asker(&rules.policy, connection);
        let host = address.to_string();
        let judged = ssrf::check(&rules.policy, &host, address).map_err(refusal::forbidden);
        let judged = judged.and_then(|()| {
            verdict(&rules.policy, &connection.destination, asker).map_err(refusal::refused)
        });
        judged.map(drop).map_err(|denial| {
            let denial = denial.host(host);
            self.log.write(connection_line(&rules, connection.id, connection, &denial));
            denial
        })
    }

    fn passes(&self, connection: &Connection) -> bool {
        !self.pause.is_on(Instant::now()) && self.passage(&self.rules(), connection).is_some()
    }

    async fn pass<S>(self: Arc<Self>, connection: Arc<Connection>, stream: S)
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        self.carry(&connection, stream).await;
    }

    async fn answer(
        self: Arc<Self>,
        connection: Arc<Connection>,
        id: RequestId,
        request: Request<Body>,
    ) -> Response<Body> {
        let place = self.entered(&connection, false);
        let rules = self.rules();
        let asker = self.asker(&rules.policy, &connection);
        let mut record = Record::begin(&self.log, &connection, id, &request, &rules);
        let rule = match judged(&rules.policy, asker, &connection.destination, &request) {
            Ok(rule) => rule,
            Err(denial) => {
                let denial = refusal::with_proposal(&rules, denial, &connection, &request);
                return record.denied(denial, None);
            }
        };
        if self.pause.is_on(Instant::now()) {
            return record.denied(refusal::paused(), None);
        }
        let host = connection.destination.host.to_string();
        match rules.budgets.take(&host, Instant::now()) {
            Ok(meters) => record.metered(meters),
            Err(over) => return record.denied(refusal::over_budget(&over.rule), None),
        }
        let routed = rules.policy.routed.iter().any(|routed| routed.covers_name(&host));
        let to = For { host: &host, pattern: &rule, routed };
        let home = rules.known.at_home(&connection.destination, &host, request.uri().path());
        let request = record.counting(request);
        let read = if self.is_own(asker, &connection) {
            Ok((request, Verdict::default()))
        } else {
            read(&rules, &mut record, request, (to, &home)).await
        };
        record.allowed_by(rule);
        let (request, verdict) = match read {
            Ok(read) => read,
            Err((denial, detail)) => {
                let denial = record.over().map_or(denial, |over| refusal::over_budget(&over.rule));
                self.counted(&denial);
                return record.denied(denial, detail);
            }
        };
        match self.send(&rules, &mut record, &connection.destination, request).await {
            Ok(response) => {
                let exempt = rules.policy.unscanned.iter().any(|exempt| exempt.covers_name(&host));
                let unread = (exempt, home.spared().clone());
                match content::responses(rules.policy.responses, unread, response).await {
                    Ok((response, read)) => {
                        record.reading_answer(read);
                        record.answered(response, place)
                    }
                    Err(why) => record.denied(refusal::stopped_answer(why), None),
                }
            }
            Err((denial, detail)) => {
                let stopped = verdict.stopped().map(refusal::stopped).inspect(|stopped| {
                    self.counted(stopped);
                });
                let over = record.over().map(|over| refusal::over_budget(&over.rule));
                let detail = detail.filter(|_| stopped.is_none());
                record.denied(stopped.or(over).unwrap_or(denial), detail)
            }
        }
    }

    fn refused(
        &self,
        id: RequestId,
        connection: Option<&Connection>,
        peer: SocketAddr,
        denial: &Denial,
    ) {
        let rules = self.rules();
        self.log.write(match connection {
            Some(connection) => connection_line(&rules, id, connection, denial),
            None => Line {
                id: Some(id.to_string()),
                host: denial.host.clone(),
                reason: Some(denial.reason.as_str().to_owned()),
                client: Some(peer.ip().to_string()),
                generation: Some(rules.generation),
                ..Line::new(Event::Denied)
            },
        });
    }
}

impl Zone for Door {
    fn policy(&self) -> (Arc<Policy>, u64) {
        let rules = self.rules.load();
        (Arc::clone(&rules.policy), rules.generation)
    }

    fn log(&self) -> &Log {
        &self.log
    }
}

/// Judges what the request holds; a short body wholly, before anything is dialled.
async fn read(
    rules: &InForce,
    record: &mut Record,
    request: Request<Body>,
    (to, home): (For<'_>, &Home),
) -> Result<(Request<Body>, Verdict), Refusal> {
    let action = content::action(rules.policy.requests, to.routed);
    if let Some(found) = content::in_head(&rules.known, home, to, &request) {
        if found.sure.stops() && action != Action::Warn || content::is_incident(found.rule) {
            record.hide(&found.place);
            return Err((refusal::secret(found.rule, &found.place), None));
        }
        record.warned(&found);
    }
    let known = (&rules.known, home);
    if websocket::is_asked(&request) {
        let (request, verdict) = content::frames(known, action, request);
        record.reading(verdict.clone());
        return Ok((request, verdict));
    }
    let Judged { request, verdict } = match content::judged(known, action, request) {
        Ok(judged) => judged,
        Err(stopped) => return Err((refusal::stopped(stopped), None)),
    };
    record.reading(verdict.clone());
    if request.body().size_hint().exact().is_none_or(|len| len > WHOLE) {
        return Ok((request, verdict));
    }
    let (parts, body) = request.into_parts();
    match (body.collect().await, verdict.stopped()) {
        (_, Some(stopped)) => Err((refusal::stopped(stopped), None)),
        (Ok(whole), None) => {
            let body = body::full(whole.to_bytes());
            Ok((Request::from_parts(parts, body), verdict))
        }
        (Err(error), None) => Err((refusal::cut_off(&error), Some(chain(&error)))),
    }
}

/// The rules with the bottle's own secrets in what is looked for.
fn armed(rules: InForce, hop_secret: Option<&Secret>) -> InForce {
    let known = rules.known.clone().armed(&rules.policy, hop_secret);
    InForce { known, ..rules }
}

/// Everything that is known before a name is resolved; names the rule.
fn judged(
    policy: &Policy,
    asker: Asker,
    destination: &Destination,
    request: &Request<Body>,
) -> Result<String, Denial> {
    let rule = verdict(policy, destination, asker).map_err(refusal::refused)?;
    if *request.method() == Method::CONNECT {
        return Err(refusal::nested_connect());
    }
    let (method, uri) = (request.method(), request.uri());
    if side_door::is_git_push(method, uri, request.headers())
        || side_door::is_github_write(&destination.host, method, uri)
        || side_door::is_ssh_door(&destination.host)
    {
        return Err(refusal::git_push());
    }
    Ok(rule)
}

fn verdict(policy: &Policy, to: &Destination, asker: Asker) -> Result<String, Refused> {
    judge(policy, target(to), to.port, asker)
}

fn target(destination: &Destination) -> Target<'_> {
    match &destination.host {
        Host::Name(name) => Target::Name(name.as_str()),
        Host::Address(address) => Target::Address(*address),
    }
}

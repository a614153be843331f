//! The one log line of a request, written when its response is over, or when there is none.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use http::{Request, Response};
use sidecar::{Event, Line, Log, chain};
use tls_intercept::client::SendError;
use tls_intercept::{Body, Connection, Denial, Reason, RequestId, body};

use super::{LAYER, host_text, unsent};
use crate::in_flight::Place;

/// By which pipelock names the reason of a refusal.
const DENIED_HEADER: &str = "x-bottle-denied";

/// What is known of a request so far. Whichever way it ends writes the line.
#[derive(Debug)]
pub(super) struct Record {
    log: Log,
    line: Line,
    began: Instant,
    sent: Arc<AtomicU64>,
    place: Option<Place>,
    written: bool,
}

/// Tells, once, that a credential was taken out of a response.
#[derive(Debug)]
pub(super) struct Redacted {
    log: Log,
    line: Line,
    told: AtomicBool,
}

impl Record {
    pub(super) fn new<B>(
        log: &Log,
        connection: &Connection,
        id: RequestId,
        request: &Request<B>,
        generation: u64,
    ) -> Self {
        let line = Line {
            id: Some(id.to_string()),
            host: Some(host_text(&connection.destination.host)),
            port: Some(connection.destination.port),
            method: Some(request.method().as_str().to_owned()),
            path: Some(request.uri().path().to_owned()),
            client: Some(connection.peer.ip().to_string()),
            generation: Some(generation),
            ..Line::new(Event::Allowed)
        };
        let (began, sent) = (Instant::now(), Arc::default());
        Self { log: log.clone(), line, began, sent, place: None, written: false }
    }

    /// Names the route that decided.
    pub(super) fn rule(&mut self, rule: String) {
        self.line.rule = Some(rule);
    }

    /// Keeps the request's place among those in flight until it is over.
    pub(super) fn keep(&mut self, place: Place) {
        self.place = Some(place);
    }

    /// Counts what the agent sends.
    pub(super) fn count_request(&self, body: Body) -> Body {
        let sent = Arc::clone(&self.sent);
        body::observed(body, move |passed| sent.store(passed.bytes, Ordering::Relaxed))
    }

    /// Writes the line when the response's body is over, whole or cut off.
    pub(super) fn allowed(mut self, response: Response<Body>) -> Response<Body> {
        self.line.status = Some(response.status().as_u16());
        self.line.reason = refused_beyond(&response);
        response.map(|inner| body::observed(inner, move |passed| self.write(passed.bytes)))
    }

    /// Writes the line and makes the answer.
    pub(super) fn denied(mut self, denial: &Denial) -> Response<Body> {
        let failed = denial.reason.status().is_server_error();
        self.line.event = if failed { Event::Error } else { Event::Denied };
        self.line.reason = Some(denial.reason.as_str().to_owned());
        self.line.status = Some(denial.reason.status().as_u16());
        if denial.reason == Reason::CredentialMisplaced {
            // The path may be the very place where the placeholder stands.
            self.line.path = Some("[redacted]".to_owned());
        }
        self.write(0);
        denial.response()
    }

    /// The denial for a request that could not be sent on; its cause goes to the log alone.
    pub(super) fn failed(&mut self, error: &SendError) -> Denial {
        let (reason, step) = unsent(error);
        self.line.detail = Some(chain(error));
        self.fault(reason, step)
    }

    /// A denial of this request.
    pub(super) fn fault(&self, reason: Reason, step: &str) -> Denial {
        let mut denial = Denial::new(LAYER, reason, step);
        denial.host.clone_from(&self.line.host);
        denial.method.clone_from(&self.line.method);
        denial.path.clone_from(&self.line.path);
        denial.rule.clone_from(&self.line.rule);
        if reason == Reason::CredentialMisplaced {
            denial.path = Some("[redacted]".to_owned());
        }
        denial
    }

    pub(super) fn redacted(&self) -> Arc<Redacted> {
        let line = Line { event: Event::Redacted, ..self.line.clone() };
        Arc::new(Redacted { log: self.log.clone(), line, told: AtomicBool::new(false) })
    }

    fn write(&mut self, received: u64) {
        self.written = true;
        self.place = None;
        self.log.write(Line {
            bytes_in: Some(self.sent.load(Ordering::Relaxed)),
            bytes_out: Some(received),
            duration_ms: Some(u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)),
            ..self.line.clone()
        });
    }
}

impl Drop for Record {
    /// Whoever asked went away before there was an answer; what was sent is sent.
    fn drop(&mut self) {
        if !self.written {
            self.line.detail = Some("the client left before the answer came".to_owned());
            self.write(0);
        }
    }
}

impl Redacted {
    pub(super) fn tell(&self) {
        if !self.told.swap(true, Ordering::Relaxed) {
            let reason = Some("credential-echoed".to_owned());
            self.log.write(Line { reason, ..self.line.clone() });
        }
    }
}

/// Why pipelock refused what egress let through. The name alone, and only one that can be one: the
/// header may have come from further away.
fn refused_beyond(response: &Response<Body>) -> Option<String> {
    let reason = response.headers().get(DENIED_HEADER)?.to_str().ok()?;
    Reason::ALL.iter().map(|known| known.as_str()).find(|known| *known == reason).map(str::to_owned)
}

/// The line of what was refused before it was a request.
pub(super) fn refused(
    log: &Log,
    id: RequestId,
    connection: Option<&Connection>,
    peer: SocketAddr,
    denial: &Denial,
) {
    log.write(Line {
        id: Some(id.to_string()),
        host: connection.map(|own| host_text(&own.destination.host)).or(denial.host.clone()),
        port: connection.map(|own| own.destination.port),
        method: denial.method.clone(),
        path: denial.path.clone(),
        reason: Some(denial.reason.as_str().to_owned()),
        status: Some(denial.reason.status().as_u16()),
        client: Some(peer.ip().to_string()),
        generation: connection.map(|own| own.generation),
        ..Line::new(Event::Denied)
    });
}

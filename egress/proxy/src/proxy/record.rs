//! The one log line of a request, written when its response is over.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use http::{Request, Response};
use sidecar::{Event, Line, Log, chain};
use tls_intercept::client::SendError;
use tls_intercept::{Body, Connection, Denial, Reason, RequestId, body};

use super::{LAYER, host_text, unsent};

/// What is known of a request so far.
#[derive(Debug)]
pub(super) struct Record {
    log: Log,
    line: Line,
    began: Instant,
    sent: Arc<AtomicU64>,
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
        Self { log: log.clone(), line, began: Instant::now(), sent: Arc::default() }
    }

    /// Names the route that decided.
    pub(super) fn rule(&mut self, rule: String) {
        self.line.rule = Some(rule);
    }

    /// Counts what the agent sends.
    pub(super) fn count_request(&self, body: Body) -> Body {
        let sent = Arc::clone(&self.sent);
        body::observed(body, move |passed| sent.store(passed.bytes, Ordering::Relaxed))
    }

    /// Writes the line when the response's body is over.
    pub(super) fn allowed(self, response: Response<Body>) -> Response<Body> {
        let Self { log, mut line, began, sent } = self;
        line.status = Some(response.status().as_u16());
        response.map(|inner| {
            body::observed(inner, move |passed| {
                line.bytes_in = Some(sent.load(Ordering::Relaxed));
                line.bytes_out = Some(passed.bytes);
                line.duration_ms = Some(elapsed(began));
                log.write(line);
            })
        })
    }

    /// Writes the line and makes the answer.
    pub(super) fn denied(self, denial: &Denial) -> Response<Body> {
        let failed = denial.reason.status().is_server_error();
        let event = if failed { Event::Error } else { Event::Denied };
        self.log.write(Line {
            event,
            reason: Some(denial.reason.as_str().to_owned()),
            rule: denial.rule.clone().or(self.line.rule.clone()),
            status: Some(denial.reason.status().as_u16()),
            duration_ms: Some(elapsed(self.began)),
            ..self.line
        });
        denial.response()
    }

    /// The denial for a request that could not be sent on; its cause goes to the log alone.
    pub(super) fn failed(&mut self, connection: &Connection, error: &SendError) -> Denial {
        let (reason, step) = unsent(error);
        self.line.detail = Some(chain(error));
        self.fault(connection, reason, step)
    }

    pub(super) fn fault(&self, connection: &Connection, reason: Reason, step: &str) -> Denial {
        let mut denial =
            Denial::new(LAYER, reason, step).host(host_text(&connection.destination.host));
        denial.method.clone_from(&self.line.method);
        denial.path.clone_from(&self.line.path);
        denial
    }

    pub(super) fn redacted(&self) -> Arc<Redacted> {
        let line = Line { event: Event::Redacted, ..self.line.clone() };
        Arc::new(Redacted { log: self.log.clone(), line, told: AtomicBool::new(false) })
    }
}

impl Redacted {
    pub(super) fn tell(&self) {
        if !self.told.swap(true, Ordering::Relaxed) {
            self.log
                .write(Line { reason: Some("credential-echoed".to_owned()), ..self.line.clone() });
        }
    }
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

fn elapsed(began: Instant) -> u64 {
    u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX)
}

//! The one line that every request leaves behind, allowed or not.

use crate::in_flight::Place;
use http::{Request, Response};
use sidecar::{Event, Line, Log};
use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};
use tls_intercept::{Body, Connection, Denial, RequestId, body};

/// A request's line while it is being answered. Whichever way that ends writes it.
#[derive(Debug)]
pub(crate) struct Record {
    log: Log,
    line: Line,
    begun: Instant,
    sent: Arc<AtomicU64>,
    written: bool,
}

/// What a line says of a connection without a request.
pub(crate) fn connection_line(
    event: Event,
    id: RequestId,
    connection: &Connection,
    denial: &Denial,
) -> Line {
    Line {
        id: Some(id.to_string()),
        host: Some(connection.destination.host.to_string()),
        port: Some(connection.destination.port),
        method: denial.method.clone(),
        path: denial.path.clone(),
        reason: Some(denial.reason.as_str().to_owned()),
        rule: denial.rule.clone(),
        status: Some(denial.reason.status().as_u16()),
        client: Some(connection.peer.ip().to_string()),
        ..Line::new(event)
    }
}

impl Record {
    /// Begins the line. The query is no part of it.
    pub(crate) fn begin(
        log: &Log,
        connection: &Connection,
        id: RequestId,
        request: &Request<Body>,
        generation: u64,
    ) -> Self {
        let line = Line {
            id: Some(id.to_string()),
            host: Some(connection.destination.host.to_string()),
            port: Some(connection.destination.port),
            method: Some(request.method().to_string()),
            path: Some(request.uri().path().to_owned()),
            client: Some(connection.peer.ip().to_string()),
            generation: Some(generation),
            ..Line::new(Event::Allowed)
        };
        Self { log: log.clone(), line, begun: Instant::now(), sent: Arc::default(), written: false }
    }

    /// Names the rule that lets the request through.
    pub(crate) fn allowed_by(&mut self, rule: String) {
        self.line.rule = Some(rule);
    }

    /// Names what was dialled.
    pub(crate) fn dialled(&mut self, address: SocketAddr) {
        self.line.address = Some(address.to_string());
    }

    /// Counts the bytes of the request's body as they pass.
    pub(crate) fn counting(&self, request: Request<Body>) -> Request<Body> {
        let sent = Arc::clone(&self.sent);
        request.map(|body| {
            body::observed(body, move |passed| sent.store(passed.bytes, Ordering::Relaxed))
        })
    }

    /// Writes the line of a refusal, or of a failure that is none of the policy's.
    pub(crate) fn denied(mut self, denial: Denial, detail: Option<String>) -> Response<Body> {
        let status = denial.reason.status();
        self.line.event = if status.is_server_error() { Event::Error } else { Event::Denied };
        self.line.reason = Some(denial.reason.as_str().to_owned());
        self.line.status = Some(status.as_u16());
        self.line.detail = detail;
        if denial.rule.is_some() {
            self.line.rule.clone_from(&denial.rule);
        }
        let denial = Denial {
            host: self.line.host.clone(),
            method: self.line.method.clone(),
            path: self.line.path.clone(),
            ..denial
        };
        self.write(0);
        denial.response()
    }

    /// Passes the response on; the line is written when its body is over, whole or cut off.
    pub(crate) fn answered(mut self, response: Response<Body>, place: Place) -> Response<Body> {
        self.line.status = Some(response.status().as_u16());
        response.map(|body| {
            body::observed(body, move |passed| {
                drop(place);
                self.write(passed.bytes);
            })
        })
    }

    fn write(&mut self, received: u64) {
        self.written = true;
        self.log.write(Line {
            bytes_in: Some(self.sent.load(Ordering::Relaxed)),
            bytes_out: Some(received),
            duration_ms: Some(u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX)),
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

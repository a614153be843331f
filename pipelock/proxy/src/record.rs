//! The one line that every request leaves behind, allowed or not.

use crate::{
    budgets::{Meters, Over},
    content::{self, Stopped, Verdict},
    in_flight::Place,
    rules::Rules,
};
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
use tls_intercept::{Body, Connection, Denial, Reason, RequestId, body};

/// A request's line while it is being answered. Whichever way that ends writes it.
#[derive(Debug)]
pub(crate) struct Record {
    log: Log,
    /// By which what must not be read is found in the line.
    known: dlp::Rules,
    line: Line,
    begun: Instant,
    sent: Arc<AtomicU64>,
    /// What the reading of the body comes to.
    reading: Option<Verdict>,
    /// The same of the response's body.
    answer: Option<Verdict>,
    /// By which the bytes of both bodies pass.
    meters: Meters,
    written: bool,
}

/// What stands in a line for a part that holds a finding.
const HIDDEN: &str = "[redacted]";

/// What a line says of a connection without a request, or of one that nobody could judge.
pub(crate) fn connection_line(
    rules: &Rules,
    id: RequestId,
    connection: &Connection,
    denial: &Denial,
) -> Line {
    let hidden = |path: &String| content::hidden(rules.known.rules(), path).from_log;
    let path = denial.path.clone();
    Line {
        id: Some(id.to_string()),
        host: Some(connection.destination.host.to_string()),
        port: Some(connection.destination.port),
        method: denial.method.clone(),
        path: path.map(|path| if hidden(&path) { HIDDEN.to_owned() } else { path }),
        reason: Some(denial.reason.as_str().to_owned()),
        rule: denial.rule.clone(),
        status: Some(denial.reason.status().as_u16()),
        client: Some(connection.peer.ip().to_string()),
        generation: Some(rules.generation),
        ..Line::new(Event::Denied)
    }
}

impl Record {
    /// Begins the line. The query is no part of it.
    pub(crate) fn begin(
        log: &Log,
        connection: &Connection,
        id: RequestId,
        request: &Request<Body>,
        rules: &Rules,
    ) -> Self {
        let line = Line {
            id: Some(id.to_string()),
            host: Some(connection.destination.host.to_string()),
            port: Some(connection.destination.port),
            method: Some(request.method().to_string()),
            path: Some(request.uri().path().to_owned()),
            client: Some(connection.peer.ip().to_string()),
            generation: Some(rules.generation),
            ..Line::new(Event::Allowed)
        };
        Self {
            log: log.clone(),
            known: rules.known.rules().clone(),
            line,
            begun: Instant::now(),
            sent: Arc::default(),
            reading: None,
            answer: None,
            meters: Meters::default(),
            written: false,
        }
    }

    /// Says where the reading of the body will say what it found.
    pub(crate) fn reading(&mut self, verdict: Verdict) {
        self.reading = Some(verdict);
    }

    /// Says where the reading of the response's body will say what it found.
    pub(crate) fn reading_answer(&mut self, verdict: Verdict) {
        self.answer = Some(verdict);
    }

    /// Notes what was found in the head, where it only is to be noted.
    pub(crate) fn warned(&mut self, found: &content::Found) {
        let spared = if found.sure == content::Sure::Spared { ", suppressed" } else { "" };
        self.line.detail = Some(format!("`{}` in {}{spared}", found.rule, found.place));
        self.hide(&found.place);
    }

    /// Leaves out of the line what holds a finding.
    pub(crate) fn hide(&mut self, place: &content::Place) {
        match place {
            content::Place::Host => self.line.host = Some(HIDDEN.to_owned()),
            content::Place::Path => self.line.path = Some(HIDDEN.to_owned()),
            content::Place::Query | content::Place::Header(_) | content::Place::Body => {}
        }
    }

    /// Says by what the bytes of both bodies pass.
    pub(crate) fn metered(&mut self, meters: Meters) {
        self.meters = meters;
    }

    /// The budget that has no room for the rest of a body.
    pub(crate) fn over(&self) -> Option<&Over> {
        self.meters.over()
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
            body::observed(self.meters.on(body), move |passed| {
                sent.store(passed.bytes, Ordering::Relaxed);
            })
        })
    }

    /// Writes the line of a refusal, or of a failure that is none of the policy's.
    pub(crate) fn denied(mut self, denial: Denial, detail: Option<String>) -> Response<Body> {
        let status = denial.reason.status();
        self.line.event = if status.is_server_error() { Event::Error } else { Event::Denied };
        self.line.reason = Some(denial.reason.as_str().to_owned());
        self.line.status = Some(status.as_u16());
        self.line.detail = detail;
        let mut path = self.line.path.clone();
        let hidden = path.as_deref().map(|path| content::hidden(&self.known, path));
        if hidden.is_some_and(|hidden| hidden.from_log) {
            self.hide(&content::Place::Path);
        }
        if hidden.is_some_and(|hidden| hidden.from_agent) {
            path.clone_from(&self.line.path);
        }
        if denial.rule.is_some() {
            self.line.rule.clone_from(&denial.rule);
        }
        let denial = Denial {
            host: self.line.host.clone(),
            method: self.line.method.clone(),
            path,
            ..denial
        };
        self.write(0);
        denial.response()
    }

    /// Passes the response on; the line is written when its body is over, whole or cut off.
    pub(crate) fn answered(mut self, response: Response<Body>, place: Place) -> Response<Body> {
        self.line.status = Some(response.status().as_u16());
        response.map(|body| {
            body::observed(self.meters.on(body), move |passed| {
                drop(place);
                self.write(passed.bytes);
            })
        })
    }

    fn write(&mut self, received: u64) {
        self.written = true;
        self.conclude();
        self.conclude_answer();
        if let Some(Over { rule }) = self.meters.over() {
            self.line.event = Event::Denied;
            self.line.reason = Some(Reason::BudgetExceeded.as_str().to_owned());
            self.line.rule = Some(rule.clone());
        }
        self.log.write(Line {
            bytes_in: Some(self.sent.load(Ordering::Relaxed)),
            bytes_out: Some(received),
            duration_ms: Some(u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX)),
            ..std::mem::replace(&mut self.line, Line::new(Event::Allowed))
        });
    }

    /// Says what the reading of the body came to: a line for each rule whose findings were
    /// overwritten, and in the request's own line the rest.
    fn conclude(&mut self) {
        let Some(verdict) = self.reading.take() else { return };
        if let Some(Stopped::Secret(rule)) = verdict.stopped() {
            self.line.event = Event::Denied;
            self.line.reason = Some(Reason::SecretInRequest.as_str().to_owned());
            self.line.rule = Some(rule.to_owned());
        }
        for (rule, times) in verdict.doubted() {
            self.add(&format!("`{rule}` in the body, {times} times, uncertain"));
        }
        for (rule, times) in verdict.spared() {
            self.add(&format!("`{rule}` in the body, {times} times, suppressed"));
        }
        for (rule, times) in verdict.noted() {
            self.add(&format!("`{rule}` in the body, {times} times"));
        }
        for (rule, times) in verdict.overwrites() {
            let found = format!("`{rule}` in the body, {times} times");
            self.redacted(Reason::SecretInRequest, rule, found);
        }
    }

    /// The same of the response's body.
    fn conclude_answer(&mut self) {
        let Some(verdict) = self.answer.take() else { return };
        self.line.unscanned = verdict.why_unscanned();
        if let Some(stopped) = verdict.stopped() {
            self.line.event = Event::Denied;
            self.line.reason = Some(Reason::ResponseRefused.as_str().to_owned());
            if let Stopped::Injection(rule) = stopped {
                self.line.rule = Some(rule.to_owned());
            }
        }
        for (rule, times) in verdict.noted() {
            self.add(&format!("`{rule}` in the response, {times} times"));
        }
        for (rule, times) in verdict.overwrites() {
            let found = format!("`{rule}` in the response, {times} times");
            // What was stopped did not pass overwritten.
            if verdict.stopped().is_none() {
                self.redacted(Reason::ResponseRefused, rule, found);
            } else {
                self.add(&found);
            }
        }
        for (rule, times) in verdict.spared() {
            self.add(&format!("`{rule}` in the response, {times} times, suppressed"));
        }
        for (rule, times) in verdict.quotations() {
            self.add(&format!("`{rule}` quoted in the response, {times} times"));
        }
    }

    /// Writes the line of a rule whose findings were overwritten.
    fn redacted(&self, reason: Reason, rule: &str, found: String) {
        self.log.write(Line {
            event: Event::Redacted,
            reason: Some(reason.as_str().to_owned()),
            rule: Some(rule.to_owned()),
            detail: Some(found),
            status: None,
            ..self.line.clone()
        });
    }

    /// Adds to what the line tells people.
    fn add(&mut self, more: &str) {
        let before = self.line.detail.take().map(|before| format!("{before}; "));
        self.line.detail = Some(before.unwrap_or_default() + more);
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

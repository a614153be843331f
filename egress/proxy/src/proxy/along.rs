//! A request along its route: the credential in, its echo out.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use egress::{Cookies, Form, Route};
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING};
use http::{HeaderValue, Request, Response, StatusCode};
use hyper::body::Body as _;
use tls_intercept::{Body, Connection, Denial, Reason};

use super::record::Record;
use super::{Egress, host_text, misplaced_denial};
use crate::echo::{Needles, clean_body};
use crate::inject::{self, Refusal};
use crate::misplaced;
use crate::policy::Policy;
use crate::sockets::{self, is_asked_of};
use crate::upstream::Standing;
use crate::usage::Tally;

impl Egress {
    /// Sends a request along its route.
    pub(super) async fn along(
        &self,
        policy: &Policy,
        route: &Route,
        connection: &Connection,
        request: Request<Body>,
        record: &mut Record,
    ) -> Result<Response<Body>, Denial> {
        let account = self.ledger.account(route);
        if let Some(exhausted) = account.exhausted() {
            return Err(spent(&exhausted, record));
        }
        let (mut parts, body) = request.into_parts();
        for credential in &route.credentials {
            let Some(renewal) = policy.routes.renewal_of(&credential.variable) else { continue };
            self.renewer.fresh(policy, renewal).await.map_err(|because| {
                let step = format!(
                    "the bottle's login cannot be renewed: {because}; tell the person who started it"
                );
                record.fault(Reason::CredentialMissing, &step)
            })?;
        }
        let mut needles = inject::inject(&mut parts, route, &*self.vault).map_err(|refusal| {
            let (reason, step) = explain(refusal);
            record.fault(reason, step)
        })?;
        if route.budget.counts_tokens() {
            // What an answer used is to be read from it.
            parts.headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        }
        let host = host_text(&connection.destination.host);
        let keeps = route.cookies == Cookies::Keep;
        if keeps {
            let path = parts.uri.path().to_owned();
            self.jar.put(&host, &path, own_cookie(route), &mut parts.headers);
            self.jar.add_needles(&host, &mut needles);
        }
        // After the injection: where the credential stands now, a placeholder stood before.
        if misplaced::in_head(&parts, Some(route)) {
            return Err(misplaced_denial(record));
        }
        let found = Arc::new(AtomicBool::new(false));
        let websocket = is_asked_of(&parts);
        let body = match (websocket, route.credentials.is_empty()) {
            (true, true) => sockets::guard(body),
            (false, true) => misplaced::guard(body, Arc::clone(&found)),
            (true, false) => sockets::cleaned(body, inject::placeholders(route), self.counting()),
            (false, false) => watched(body, inject::placeholders(route), self.counting()),
        };
        let body = if websocket && !route.budget.is_unbounded() {
            sockets::within_budget(body, Arc::clone(&account))
        } else {
            body
        };
        account.enter().map_err(|exhausted| spent(&exhausted, record))?;
        let method = parts.method.clone();
        let request = Request::from_parts(parts, body);
        let standing = Standing::Routed { hop: self.hop.as_ref() };
        let way_on = &policy.way_on;
        let sent = way_on.send(&self.client, &connection.destination, standing, request).await;
        if found.load(Ordering::Relaxed) {
            return Err(misplaced_denial(record));
        }
        let mut response = sent.map_err(|error| record.failed(&error))?;
        if keeps {
            self.jar.keep(&host, response.headers_mut());
        }
        let looked_into = !needles.is_empty() || route.budget.counts_tokens();
        if looked_into && is_encoded(&response) {
            let step = "the response is encoded in a way that egress cannot look into; \
                        ask for it without `accept-encoding`";
            return Err(record.fault(Reason::ResponseRefused, step));
        }
        let switched = response.status() == StatusCode::SWITCHING_PROTOCOLS;
        let response = if switched {
            response.map(|body| sockets::counted(body, Tally::of_messages(account)))
        } else {
            Tally::count(&account, &method, response)
        };
        Ok(if needles.is_empty() { response } else { clean(response, needles, record) })
    }

    /// An agent may well tell its own model of its placeholder: it passes and is counted.
    fn counting(&self) -> impl FnOnce() + Send + Sync + Unpin + use<> {
        let (passed, status) = (Arc::clone(&self.passed), Arc::clone(&self.status));
        move || {
            let count = passed.fetch_add(1, Ordering::Relaxed) + 1;
            status.set_gauge("placeholders_passed", count);
        }
    }
}

/// The cookie that a credential of the route puts in.
fn own_cookie(route: &Route) -> Option<&str> {
    route.credentials.iter().find_map(|credential| match &credential.form {
        Form::Cookie(name) => Some(name.as_str()),
        Form::Header(_) | Form::Bearer | Form::Basic { .. } | Form::Query(_) => None,
    })
}

/// A route that may be used no more.
fn spent(exhausted: &str, record: &Record) -> Denial {
    let step = format!(
        "the bottle's budget for this route is used up ({exhausted}): only the person who started \
         the bottle can give more"
    );
    record.fault(Reason::BudgetExhausted, &step)
}

/// Whether a response has a body that nobody here can read.
fn is_encoded(response: &Response<Body>) -> bool {
    let encodings = response.headers().get_all(CONTENT_ENCODING);
    let encoded = encodings.iter().any(|value| !value.as_bytes().eq_ignore_ascii_case(b"identity"));
    encoded && !response.body().is_end_stream()
}

/// Takes the credential out of a response.
fn clean(mut response: Response<Body>, needles: Needles, record: &Record) -> Response<Body> {
    // A reason phrase of the upstream's own would pass beside the headers.
    response.extensions_mut().clear();
    let found = record.redacted();
    if needles.clean_headers(response.headers_mut()) > 0 {
        found.tell();
    }
    let switched = response.status() == StatusCode::SWITCHING_PROTOCOLS;
    response.map(|inner| {
        let tell = move || found.tell();
        if switched {
            sockets::cleaned(inner, needles, tell)
        } else {
            watched(inner, needles, tell)
        }
    })
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

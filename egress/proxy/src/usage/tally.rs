//! One answer's usage, told to its account while it passes.

use std::sync::Arc;

use http::header::CONTENT_TYPE;
use http::{Method, Response};
use tls_intercept::{Body, body};

use super::events::Events;
use super::ledger::Account;
use super::scan::{Scan, Told};

/// A token of a model's text is hardly ever shorter.
const BYTES_A_TOKEN: u64 = 3;

/// What counts one answer.
#[derive(Debug)]
pub(crate) struct Tally {
    account: Arc<Account>,
    kind: Kind,
    /// What the account has of it.
    given: (u64, u64),
    /// The request had a model speak: an answer that is left early is counted by its length.
    spoken: bool,
}

#[derive(Debug)]
enum Kind {
    Json(Scan),
    Events(Events),
}

impl Tally {
    /// Counts in the messages of a `WebSocket`, each a JSON text of its own.
    pub(crate) fn of_messages(account: Arc<Account>) -> Self {
        Self { account, kind: Kind::Json(Scan::default()), given: (0, 0), spoken: false }
    }

    /// Has a response counted as it passes, if it is of a kind that tells its usage: what a model was
    /// asked is posted, and what is fetched was counted when it was made.
    pub(crate) fn count(
        account: &Arc<Account>,
        method: &Method,
        response: Response<Body>,
    ) -> Response<Body> {
        if *method != Method::POST {
            return response;
        }
        let kind = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let kind = kind.unwrap_or_default().to_ascii_lowercase();
        let kind = if kind.starts_with("text/event-stream") {
            Kind::Events(Events::default())
        } else if kind.contains("json") {
            Kind::Json(Scan::default())
        } else {
            return response;
        };
        let spoken = response.status().is_success();
        let tally = Self { account: Arc::clone(account), kind, given: (0, 0), spoken };
        response.map(|inner| body::looked_at(inner, tally))
    }

    /// One more message of a `WebSocket`, or a piece of it.
    pub(crate) fn message(&mut self, piece: &[u8], last: bool) {
        let Kind::Json(scan) = &mut self.kind else { return };
        scan.feed(piece);
        if last {
            let told: Told = scan.finish_text();
            self.account.add(told.input(), told.output());
        }
    }

    /// Tells the account what it does not know yet.
    fn give(&mut self, input: u64, output: u64) {
        let (known_input, known_output) = self.given;
        let (input, output) = (input.max(known_input), output.max(known_output));
        if (input, output) != self.given {
            self.account.add(input - known_input, output - known_output);
            self.given = (input, output);
        }
    }
}

impl body::Observer for Tally {
    fn data(&mut self, bytes: &[u8]) {
        let scan = match &mut self.kind {
            Kind::Json(scan) => {
                scan.feed(bytes);
                scan
            }
            Kind::Events(events) => {
                events.feed(bytes);
                &mut events.scan
            }
        };
        let told = scan.told();
        self.give(told.input(), told.output());
    }

    /// The answer is over, whole or not.
    fn over(&mut self, passed: body::Passed) {
        let scan = match &self.kind {
            Kind::Json(scan) => scan,
            Kind::Events(events) => &events.scan,
        };
        let told = scan.told();
        // Some streams tell their sum only to those who ask for it; an answer in one piece that has
        // none is no model's.
        let is_whole = matches!(self.kind, Kind::Json(_)) || told.output() > 0;
        if !self.spoken || (passed.complete && is_whole) {
            return;
        }
        // Whoever leaves before the sum is told has read what came until then.
        let heard = scan.said().div_ceil(BYTES_A_TOKEN);
        self.give(told.input(), told.output().max(heard));
    }
}

//! Keeps what arrived, for the report: who asked for what, and what the tools answered.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use http::HeaderMap;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::conversation::ToolResult;
use crate::setting::Expected;

/// A long run must not grow without end.
const MOST_ENTRIES: usize = 2000;
const MOST_TEXT: usize = 64 * 1024;

/// Everything that arrived, as `report` prints it.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Report {
    /// Requests to the Messages API.
    pub calls: u64,
    /// The model is at a step that waits for `release`.
    pub holding: bool,
    pub requests: Vec<Seen>,
    pub tool_results: Vec<ToolResult>,
    /// Whatever came for another name or to a sink: nothing of the agent's ever should.
    pub arrivals: Vec<Arrival>,
    /// The digests of refresh tokens that came to the token endpoint.
    pub refreshes: Vec<String>,
}

/// One request to the model. Header values are judged, never kept.
#[derive(Debug, Clone, Serialize)]
pub struct Seen {
    pub at_ms: u64,
    pub from: IpAddr,
    pub method: String,
    pub path: String,
    pub status: u16,
    pub user_agent: String,
    pub credential: Credential,
}

/// What was found where the credential belongs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Credential {
    /// How often the header is there.
    pub values: usize,
    /// Exactly one value, and the expected one.
    pub expected: bool,
}

/// Somebody came who was not to come.
#[derive(Debug, Clone, Serialize)]
pub struct Arrival {
    pub at_ms: u64,
    pub from: IpAddr,
    pub port: u16,
    pub what: String,
}

impl Credential {
    /// Compares by digest: the value itself is known to nobody here.
    #[must_use]
    pub fn judge(expected: Option<&Expected>, headers: &HeaderMap) -> Self {
        let Some(expected) = expected else { return Self { values: 0, expected: true } };
        let values: Vec<_> = headers.get_all(&expected.header).iter().collect();
        let good = match values.as_slice() {
            [value] => digest(value.as_bytes()) == expected.sha256,
            _ => false,
        };
        Self { values: values.len(), expected: good }
    }
}

/// SHA-256 in lower-case hexadecimal.
#[must_use]
pub fn digest(bytes: &[u8]) -> String {
    use std::fmt::Write as _;

    Sha256::digest(bytes).iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _infallible = write!(text, "{byte:02x}");
        text
    })
}

/// The report while it is written.
#[derive(Debug, Default)]
pub struct Record(Mutex<Report>);

impl Record {
    fn lock(&self) -> MutexGuard<'_, Report> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn snapshot(&self) -> Report {
        self.lock().clone()
    }

    pub fn request(&self, seen: Seen) {
        let mut report = self.lock();
        if report.requests.len() < MOST_ENTRIES {
            report.requests.push(seen);
        }
    }

    /// Counts a call and gives it its number.
    pub fn call(&self, results: Vec<ToolResult>) -> u64 {
        let mut report = self.lock();
        report.calls += 1;
        for mut result in results {
            // A call that is sent again brings the same results again.
            let known = report.tool_results.iter().any(|known| known.id == result.id);
            if !known && report.tool_results.len() < MOST_ENTRIES {
                if result.text.len() > MOST_TEXT {
                    result.text = result.text.chars().take(MOST_TEXT).collect();
                }
                report.tool_results.push(result);
            }
        }
        report.calls
    }

    /// Notes a refresh token by its digest. Returns how many came before.
    pub fn refresh(&self, digest: String) -> usize {
        let mut report = self.lock();
        let before = report.refreshes.len();
        if before < MOST_ENTRIES {
            report.refreshes.push(digest);
        }
        before
    }

    pub fn holding(&self, holding: bool) {
        self.lock().holding = holding;
    }

    pub fn arrival(&self, from: SocketAddr, port: u16, what: String) {
        let mut report = self.lock();
        if report.arrivals.len() < MOST_ENTRIES {
            let from = from.ip().to_canonical();
            report.arrivals.push(Arrival { at_ms: now_ms(), from, port, what });
        }
    }
}

/// Milliseconds since 1970.
#[must_use]
pub(crate) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn judged(values: &[&'static str]) -> Credential {
        let expected = Expected { header: "x-api-key".into(), sha256: digest(b"the key") };
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append("x-api-key", HeaderValue::from_static(value));
        }
        Credential::judge(Some(&expected), &headers)
    }

    #[test]
    fn only_one_value_and_the_right_one_is_the_credential() {
        assert_eq!(judged(&["the key"]), Credential { values: 1, expected: true });
        assert_eq!(judged(&["another"]), Credential { values: 1, expected: false });
        assert_eq!(judged(&["the key", "the key"]), Credential { values: 2, expected: false });
        assert_eq!(judged(&[]), Credential { values: 0, expected: false });
    }

    #[test]
    fn a_call_sent_again_brings_no_result_twice() {
        let record = Record::default();
        let result = ToolResult { id: "toolu_a_0_0".into(), is_error: false, text: "x".into() };
        record.call(vec![result.clone()]);
        assert_eq!(record.call(vec![result]), 2);
        assert_eq!(record.snapshot().tool_results.len(), 1);
    }
}

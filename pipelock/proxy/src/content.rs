//! Requests judged by what they hold: their bodies as they stream, their heads before they go.

mod body;
mod coding;
mod frames;
mod head;
mod kept;
mod knowledge;
mod labels;
mod pause;
mod responses;
mod settle;
mod urls;
mod verdict;

pub(crate) use self::body::{Judged, judged};
pub(crate) use self::coding::Undecodable;
pub(crate) use self::frames::frames;
pub(crate) use self::head::{For, Found, Place, Sure, in_head};
pub(crate) use self::knowledge::{Home, Knowledge};
pub(crate) use self::pause::Pause;
pub(crate) use self::responses::responses;
pub(crate) use self::verdict::{Stopped, Verdict};

use dlp::Rules;
use pipelock::Action;
use tls_intercept::Bound;

/// The bounds of reading bodies.
pub(crate) fn bounds() -> Vec<Bound> {
    let bytes = |of, is: u64| Bound::bytes(of, usize::try_from(is).unwrap_or(usize::MAX));
    vec![
        Bound::bytes("bytes held back of a request's body", dlp::MAX_HELD),
        Bound::bytes("bytes held back of a response's body", injection::LONGEST),
        Bound::bytes("a response read before its head goes out", responses::BEFORE_THE_HEAD),
        Bound::count("codings of a body, one on another", 1),
        bytes("decoded from a body without regard to its length", coding::FREE),
        Bound::count(
            "times its length, a longer body decoded",
            usize::try_from(coding::RATIO).unwrap_or(0),
        ),
        bytes("decoded from one piece of a body", coding::PIECE_LIMIT),
        bytes("window of zstd", coding::ZSTD_WINDOW),
        Bound::count("expressions of a policy's own", pipelock::PATTERNS),
        Bound::bytes(
            "one of them, and of what it matches the part that decides",
            dlp::LONGEST_EXPRESSION,
        ),
        Bound::count("the bottle's own secrets refused in a minute, then a pause", pause::MOST),
    ]
}

/// Who does not get to read a text that comes with a denial.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hidden {
    pub(crate) from_log: bool,
    /// It may know that a text is of a kind, and not that it is a secret of the bottle: texts could be
    /// tried out so, and nobody counts it.
    pub(crate) from_agent: bool,
}

/// Who does not get to read this text, by what these rules find in it.
pub(crate) fn hidden(rules: &Rules, text: &str) -> Hidden {
    let findings = rules.scan(text.as_bytes());
    Hidden {
        from_log: !findings.is_empty(),
        from_agent: findings.iter().any(|finding| finding.secret.is_none()),
    }
}

/// What a finding does to requests for a host that has a route, or has none. `ByHost` is no answer.
pub(crate) const fn action(wanted: Action, routed: bool) -> Action {
    match (wanted, routed) {
        (Action::ByHost, true) => Action::Redact,
        (Action::ByHost, false) => Action::Block,
        (wanted, _) => wanted,
    }
}

/// Whether a finding is sure enough to stop a request: of what is not, the log tells.
fn is_certain(finding: &dlp::Finding) -> bool {
    finding.severity > dlp::Severity::Low
}

/// Whether a rule finds what belongs to the bottle: trying these out is no accident.
pub(crate) fn is_incident(rule: &str) -> bool {
    matches!(rule, "bottle-secret" | "bottle-placeholder")
}

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
mod verdict;

pub(crate) use self::body::{Judged, judged};
pub(crate) use self::coding::Undecodable;
pub(crate) use self::frames::frames;
pub(crate) use self::head::{For, Found, Place, in_head};
pub(crate) use self::knowledge::Knowledge;
pub(crate) use self::pause::Pause;
pub(crate) use self::responses::responses;
pub(crate) use self::verdict::{Stopped, Verdict};

use dlp::Rules;
use pipelock::Action;

/// Whether a text that would be logged holds what must not be.
pub(crate) fn holds_secret(text: &str) -> bool {
    !Rules::builtin().scan(text.as_bytes()).is_empty()
}

/// What a finding does to requests for a host that has a route, or has none. `ByHost` is no answer.
pub(crate) const fn action(wanted: Action, routed: bool) -> Action {
    match (wanted, routed) {
        (Action::ByHost, true) => Action::Redact,
        (Action::ByHost, false) => Action::Block,
        (wanted, _) => wanted,
    }
}

/// Whether a rule finds what belongs to the bottle: trying these out is no accident.
pub(crate) fn is_incident(rule: &str) -> bool {
    matches!(rule, "bottle-secret" | "bottle-placeholder")
}

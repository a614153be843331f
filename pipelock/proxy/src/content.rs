//! Requests judged by what they hold: their bodies as they stream, their heads before they go.

mod body;
mod coding;
mod frames;
mod head;
mod kept;
mod labels;
mod verdict;

pub(crate) use self::body::{Judged, judged};
pub(crate) use self::coding::Undecodable;
pub(crate) use self::frames::frames;
pub(crate) use self::head::{Found, Place, in_head};
pub(crate) use self::verdict::{Stopped, Verdict};

use crate::judge::Asker;
use dlp::Rules;
use pipelock::Action;

/// Whether a text that would be logged holds what must not be.
pub(crate) fn holds_secret(text: &str) -> bool {
    !Rules::builtin().scan(text.as_bytes()).is_empty()
}

/// What a finding does to this asker's requests. `ByHost` is no answer.
pub(crate) const fn action(wanted: Action, asker: Asker) -> Action {
    match (wanted, asker) {
        (Action::ByHost, Asker::Egress) => Action::Redact,
        (Action::ByHost, Asker::Agent) => Action::Block,
        (wanted, _) => wanted,
    }
}

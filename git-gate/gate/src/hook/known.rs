//! What a push is judged against: the upstream as it is, or was a moment ago.
//!
//! The gate asks the upstream when a client asks for refs. A client need not ask, and may take its time
//! with what it sends: only here, where the judging begins, is it known how old the answer is.

use std::ops::Range;
use std::process::Stdio;

use anyhow::Context as _;
use sidecar::clock;

use super::Push;
use super::say::{self, Refusal};
use crate::mirror::fetching;
use crate::program::{Program, finish};
use crate::trouble::Trouble;

/// Writes down the seconds in which the mirror is fresh.
pub(super) fn write(fresh: &Range<u64>) -> String {
    format!("{} {}", fresh.start, fresh.end)
}

/// Reads them.
pub(super) fn read(text: &str) -> Option<Range<u64>> {
    let (from, to) = text.split_once(' ')?;
    Some(from.parse().ok()?..to.parse().ok()?)
}

/// Makes the mirror what the upstream is, unless it is fresh. Returns why it could not.
pub(super) fn renew(push: &Push) -> anyhow::Result<Option<Refusal>> {
    if push.fresh.contains(&clock::now()) {
        return Ok(None);
    }
    // Outside of the quarantine, in which no ref may move.
    let git = Program::git(&push.ground).within(&push.mirror).variable("GIT_DIR", ".");
    let way = push.way();
    let mut command = fetching(&way, git).blocking();
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let child = command.spawn().context("cannot run git")?;
    let output = finish(child, push.until(), say::PROGRESS, || {
        say::line("git-gate: asking the upstream what it has...");
    })?;
    Ok(match output {
        None => Some(Refusal::unknown(&Trouble::Late)),
        Some(output) if output.status.success() => None,
        Some(output) => {
            Some(Refusal::unknown(&way.trouble(&String::from_utf8_lossy(&output.stderr))))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn h1_how_fresh_it_is_is_said_in_one_form() {
        assert_eq!(read("5 7"), Some(5..7));
        assert_eq!(read(&write(&(5..7))), Some(5..7));
        for bad in ["", "5", "5..7", "a 7", "5 ", "-1 7"] {
            assert_eq!(read(bad), None, "{bad:?}");
        }
    }
}

//! What is done about findings, in a body and in a message alike.

use super::{is_certain, knowledge::Home, verdict::Verdict};
use dlp::Finding;
use pipelock::Action;

/// Does to what was found what is to be done; `overwrite` says whether it could.
///
/// # Errors
///
/// The rule by which it does not pass.
pub(super) fn settle(
    (action, home): (Action, &Home),
    verdict: &Verdict,
    findings: &[Finding],
    mut overwrite: impl FnMut(&Finding) -> bool,
) -> Result<(), &'static str> {
    // Whatever the action: the bottle's own leaves for its own host or not at all, and is named before
    // the kind that it is of.
    if let Some(own) = findings.iter().find(|finding| home.takes(finding) == Some(false)) {
        return Err(own.rule);
    }
    for finding in findings {
        match action {
            _ if home.takes(finding).is_some() => {}
            _ if home.spares(finding) => verdict.spare(finding.rule),
            _ if !is_certain(finding) => verdict.doubt(finding.rule),
            Action::Redact if overwrite(finding) => verdict.overwritten(finding.rule),
            // What is to be overwritten and cannot be does not pass.
            Action::Redact | Action::Block | Action::ByHost => return Err(finding.rule),
            Action::Warn => verdict.note(finding.rule),
        }
    }
    Ok(())
}

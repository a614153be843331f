//! How `bottle` leaves: the exit codes scripts rely on, and the error that picks one.

use std::process::ExitCode;

use compose_run::RunError;

use crate::manifest::Faults;

/// How the program ends. The numbers are a promise: see `docs/`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Exit {
    /// It is done.
    Done,
    /// It did not work.
    Failed,
    /// What was typed makes no sense; clap gives this one too.
    Usage,
    /// Docker is absent or does not answer.
    NoDocker,
    /// A manifest or a policy was refused, before anything was created.
    Refused,
    /// Interrupted, after the undo.
    Interrupted,
    /// The agent's own code, passed on.
    Agent(u8),
}

impl Exit {
    /// What an error means for the one who called us.
    pub(crate) fn of(error: &anyhow::Error) -> Self {
        if let Some(exit) = find::<Leave>(error).map(|leave| leave.exit) {
            return exit;
        }
        if find::<Faults>(error).is_some() {
            return Self::Refused;
        }
        match find::<RunError>(error) {
            Some(RunError::Cancelled { .. }) => Self::Interrupted,
            Some(error) if error.is_docker_missing() => Self::NoDocker,
            _ => Self::Failed,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::NoDocker => 3,
            Exit::Refused => 4,
            Exit::Interrupted => 130,
            Exit::Agent(code) => code,
        })
    }
}

/// A sentence that decides the exit code.
#[derive(Debug, thiserror::Error)]
#[error("{sentence}")]
pub(crate) struct Leave {
    sentence: String,
    exit: Exit,
}

/// Refuses a manifest or a policy: exit 4.
pub(crate) fn refused(sentence: impl Into<String>) -> anyhow::Error {
    Leave { sentence: sentence.into(), exit: Exit::Refused }.into()
}

/// What was asked for makes no sense: exit 2.
pub(crate) fn usage(sentence: impl Into<String>) -> anyhow::Error {
    Leave { sentence: sentence.into(), exit: Exit::Usage }.into()
}

/// A signal ended it: exit 130, after the undo.
pub(crate) fn interrupted(sentence: impl Into<String>) -> anyhow::Error {
    Leave { sentence: sentence.into(), exit: Exit::Interrupted }.into()
}

/// An error with the advice that belongs to it; it reads exactly like the error itself.
#[derive(Debug)]
struct Advised {
    error: anyhow::Error,
    hint: String,
}

impl std::fmt::Display for Advised {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.error.fmt(f)
    }
}

impl std::error::Error for Advised {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.error.source()
    }
}

/// Adds what to do about an error.
pub(crate) trait Hint<T> {
    /// Adds one sentence, printed after the causes as `hint: …`. The innermost one wins.
    fn hint(self, sentence: impl Into<String>) -> anyhow::Result<T>;
}

impl<T, E: Into<anyhow::Error>> Hint<T> for Result<T, E> {
    fn hint(self, sentence: impl Into<String>) -> anyhow::Result<T> {
        self.map_err(|error| advise(error.into(), sentence))
    }
}

/// Adds what to do about an error, where there is no `Result` to call [`Hint::hint`] on.
pub(crate) fn advise(error: anyhow::Error, hint: impl Into<String>) -> anyhow::Error {
    Advised { error, hint: hint.into() }.into()
}

/// What helps wherever a disk is full, whatever was being written.
const MAKE_ROOM: &str =
    "make room on that disk; `bottle cleanup --all` throws away what stopped bottles keep";

/// The advice an error carries, the innermost first: it knows most.
pub(crate) fn hint_of(error: &anyhow::Error) -> Option<&str> {
    if is_full_disk(error) {
        return Some(MAKE_ROOM);
    }
    let mut found = None;
    let mut here = Some(error);
    while let Some(error) = here {
        let advised = within::<Advised>(error);
        found = advised.map(|advised| advised.hint.as_str()).or(found);
        here = advised.map(|advised| &advised.error);
    }
    found
}

/// Whether some disk was full, ours or, by its own words, the engine's. Not every error of ours hands
/// on the one it is made of, but each tells it, and the words are the kernel's.
fn is_full_disk(error: &anyhow::Error) -> bool {
    let told = format!("{error:#}").to_lowercase();
    ["no space left on device", "disk quota exceeded", "file too large"]
        .iter()
        .any(|words| told.contains(words))
}

/// The first error of this type among an error and its causes, looking into advised ones.
pub(crate) fn find<E: std::error::Error + Send + Sync + 'static>(
    error: &anyhow::Error,
) -> Option<&E> {
    within::<E>(error).or_else(|| within::<Advised>(error).and_then(|inner| find(&inner.error)))
}

fn within<E: std::error::Error + Send + Sync + 'static>(error: &anyhow::Error) -> Option<&E> {
    error.downcast_ref().or_else(|| error.chain().find_map(|cause| cause.downcast_ref()))
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;

    use super::*;

    #[test]
    fn a_hint_changes_neither_the_words_nor_the_code() {
        let error = Err::<(), _>(refused("no route")).context("cannot plan").hint("set it");
        let error = error.context("cannot start").unwrap_err();
        assert_eq!(format!("{error:#}"), "cannot start: cannot plan: no route");
        assert_eq!(Exit::of(&error), Exit::Refused);
        assert_eq!(hint_of(&error), Some("set it"));
    }

    #[test]
    fn the_innermost_hint_wins() {
        let inner = advise(anyhow::anyhow!("deep"), "inner");
        assert_eq!(hint_of(&advise(inner.context("above"), "outer")), Some("inner"));
    }

    #[test]
    fn whatever_is_not_known_is_a_failure() {
        assert_eq!(Exit::of(&anyhow::anyhow!("broke")), Exit::Failed);
        assert_eq!(Exit::of(&usage("what")), Exit::Usage);
        assert_eq!(Exit::of(&interrupted("stopped")), Exit::Interrupted);
    }
}

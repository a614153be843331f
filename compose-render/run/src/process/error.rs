//! What can go wrong with a child process.

use std::{io, process::ExitStatus, time::Duration};

/// A program of the host that did not do what it was asked to.
///
/// The command is named with its arguments and the last lines of its stderr. Neither ever holds a
/// secret: secrets travel in the child's environment or on its stdin.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    #[error("`{program}` is not installed, or not in `PATH`")]
    Absent { program: String },
    #[error("cannot run `{program}`")]
    Spawn { program: String, source: io::Error },
    #[error("cannot reach the Docker daemon\n{stderr}")]
    Unreachable { stderr: String },
    #[error("`{command}` failed ({status}){}", on_lines(.stderr))]
    Failed { command: String, status: ExitStatus, stderr: String },
    #[error("`{command}` was not done after {after:?}{}", on_lines(.stderr))]
    TimedOut { command: String, after: Duration, stderr: String },
    #[error("`{command}` was ended, as asked")]
    Cancelled { command: String },
    #[error("cannot pass data to or from `{command}`")]
    Stream { command: String, source: io::Error },
    #[error("`{command}` printed more than {limit} bytes")]
    TooLong { command: String, limit: u64 },
    #[error("`{command}` printed something unexpected: {detail}")]
    Unexpected { command: String, detail: String },
}

impl RunError {
    /// Whether Docker is not there or not reachable: the launcher's exit code 3.
    pub fn is_docker_missing(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::Absent { program } => program.starts_with("docker"),
            Self::Spawn { .. }
            | Self::Failed { .. }
            | Self::TimedOut { .. }
            | Self::Cancelled { .. }
            | Self::Stream { .. }
            | Self::TooLong { .. }
            | Self::Unexpected { .. } => false,
        }
    }

    /// What the program said on stderr, where it said something.
    pub fn stderr(&self) -> &str {
        match self {
            Self::Unreachable { stderr }
            | Self::Failed { stderr, .. }
            | Self::TimedOut { stderr, .. } => stderr,
            Self::Absent { .. }
            | Self::Spawn { .. }
            | Self::Cancelled { .. }
            | Self::Stream { .. }
            | Self::TooLong { .. }
            | Self::Unexpected { .. } => "",
        }
    }

    /// The failure of a command that ended, told apart from a daemon that is not there.
    pub(crate) fn failed(command: String, status: ExitStatus, stderr: String) -> Self {
        if command.starts_with("docker") && says_unreachable(&stderr) {
            Self::Unreachable { stderr }
        } else {
            Self::Failed { command, status, stderr }
        }
    }
}

fn on_lines(stderr: &str) -> String {
    if stderr.is_empty() { String::new() } else { format!("\n{stderr}") }
}

/// The words in which the client and both Composes say that nobody answers, or that we may not ask.
fn says_unreachable(stderr: &str) -> bool {
    [
        "Cannot connect to the Docker daemon",
        "failed to connect to the docker API",
        "error during connect",
        "permission denied while trying to connect to the Docker daemon",
        "permission denied while trying to connect to the docker API",
        "Couldn't connect to Docker daemon",
        "Error while fetching server API version",
    ]
    .iter()
    .any(|words| stderr.contains(words))
}

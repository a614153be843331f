//! The one door to the Docker client.

mod engine;

use crate::{
    process::{Call, RunError},
    program,
};
use std::{ffi::OsStr, path::PathBuf};

pub use self::engine::{Engine, Limits};

/// The Docker client of this host, found once and passed to whoever needs it.
#[derive(Clone, Debug)]
pub struct Docker {
    client: PathBuf,
}

impl Docker {
    /// Finds `docker` in `PATH`. Whether a daemon answers shows with the first call.
    pub fn find() -> Result<Self, RunError> {
        let absent = || RunError::Absent { program: "docker".to_owned() };
        program::found("docker").map(|client| Self { client }).ok_or_else(absent)
    }

    /// The client at that path.
    pub fn at(client: impl Into<PathBuf>) -> Self {
        Self { client: client.into() }
    }

    /// A call of the client, to be given stdin, environment or a timeout, and then run.
    pub fn call<'a>(&self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Call<'a> {
        Call::new(&self.client).env("DOCKER_CLI_HINTS", "false").args(args)
    }

    /// Runs the client and drops its stdout.
    pub fn run(&self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Result<(), RunError> {
        self.call(args).run()
    }

    /// Runs the client and returns its stdout as text.
    pub fn capture(
        &self,
        args: impl IntoIterator<Item = impl AsRef<OsStr>>,
    ) -> Result<String, RunError> {
        self.call(args).text()
    }

    /// A command inside a container, without a terminal: `docker exec [-i] [-u USER] …`. Add stdin
    /// with `input` or `input_from` only where `stdin` is true.
    pub fn exec<'a>(
        &self,
        container: &str,
        user: Option<&str>,
        stdin: bool,
        command: impl IntoIterator<Item = impl AsRef<OsStr>>,
    ) -> Call<'a> {
        let mut call = self.call(["exec"]);
        if stdin {
            call = call.arg("--interactive");
        }
        if let Some(user) = user {
            call = call.args(["--user", user]);
        }
        call.arg(container).args(command)
    }

    /// What kind of engine answers, and where it is.
    pub fn engine(&self) -> Result<Engine, RunError> {
        engine::ask(self)
    }
}

//! Runs programs: cargo, docker, the launcher.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use crate::checkout::Checkout;

/// A program and its arguments, not yet run.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    name: OsString,
    arguments: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
    folder: Option<PathBuf>,
}

/// What a captured run left.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// The cargo that runs this task.
pub(crate) fn cargo() -> OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

impl Program {
    pub(crate) fn new(name: impl Into<OsString>) -> Self {
        Self { name: name.into(), arguments: Vec::new(), environment: Vec::new(), folder: None }
    }

    /// The cargo that runs this task, in this checkout.
    pub(crate) fn cargo(checkout: &Checkout) -> Self {
        Self::new(cargo()).within(&checkout.root).env("CARGO_TARGET_DIR", &checkout.target)
    }

    pub(crate) fn docker() -> Self {
        Self::new("docker")
    }

    pub(crate) fn arg(mut self, argument: impl Into<OsString>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    pub(crate) fn args<Argument: Into<OsString>>(
        mut self,
        arguments: impl IntoIterator<Item = Argument>,
    ) -> Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    pub(crate) fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    pub(crate) fn within(mut self, folder: &Path) -> Self {
        self.folder = Some(folder.to_owned());
        self
    }

    /// The command line, as it would be typed.
    pub(crate) fn shown(&self) -> String {
        let words = std::iter::once(&self.name).chain(&self.arguments);
        words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
    }

    #[expect(clippy::disallowed_methods, reason = "the tasks link nothing of the product")]
    pub(crate) fn expression(&self) -> duct::Expression {
        let mut expression = duct::cmd(&self.name, &self.arguments);
        for (name, value) in &self.environment {
            expression = expression.env(name, value);
        }
        if let Some(folder) = &self.folder {
            expression = expression.dir(folder);
        }
        expression
    }

    /// Runs it with our own input and output, and fails when it does.
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        let ran = self.expression().unchecked().run();
        let output = ran.with_context(|| format!("cannot run `{}`", self.shown()))?;
        if !output.status.success() {
            bail!("`{}` failed: {}", self.shown(), output.status);
        }
        Ok(())
    }

    /// Runs it and keeps what it printed; a failure is for the caller to judge.
    pub(crate) fn capture(&self) -> anyhow::Result<Output> {
        self.capture_with("")
    }

    /// The same, with something on its standard input.
    pub(crate) fn capture_with(&self, input: &str) -> anyhow::Result<Output> {
        let expression = self.expression().stdin_bytes(input).stdout_capture().stderr_capture();
        let ran = expression.unchecked().run();
        let output = ran.with_context(|| format!("cannot run `{}`", self.shown()))?;
        Ok(Output {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }

    /// Runs it and returns what it printed, without the line's end.
    pub(crate) fn read(&self) -> anyhow::Result<String> {
        let output = self.capture()?;
        if output.code != 0 {
            let said = output.stderr.trim();
            bail!("`{}` failed with code {}: {said}", self.shown(), output.code);
        }
        Ok(output.stdout.trim_end().to_owned())
    }

    /// Becomes it: signals and the exit code then need no passing on.
    #[expect(clippy::disallowed_methods, reason = "the one place that replaces this process")]
    pub(crate) fn exec(&self) -> anyhow::Error {
        let mut command = std::process::Command::new(&self.name);
        command.args(&self.arguments).envs(self.environment.iter().map(|(n, v)| (n, v)));
        if let Some(folder) = &self.folder {
            command.current_dir(folder);
        }
        anyhow::Error::from(command.exec()).context(format!("cannot run `{}`", self.shown()))
    }
}

/// Asks a process to end. One that has ended is well.
pub(crate) fn terminate(pid: u32) {
    let kill = format!("kill -TERM {pid}");
    drop(Program::new("sh").args(["-c", &kill]).capture());
}

/// Whether a program is on the `PATH`.
pub(crate) fn found(name: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(name).is_file())
}

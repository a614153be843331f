//! Runs a program of the host: the one place where child processes start.
//!
//! Every child gets a process group of its own, so that a Ctrl-C at the terminal reaches the
//! launcher alone, which then decides; only [`Call::attach`] shares the terminal. stdout and stderr
//! are bounded or streamed, stdin is empty unless given.

mod command_line;
mod error;
mod run;
mod tail;

use std::{
    ffi::{OsStr, OsString},
    fmt,
    fs::File,
    io::{self, Read, Write},
    path::{Path, PathBuf},
    process::ExitStatus,
    time::Duration,
};

pub use self::error::RunError;

/// The most that is kept of a program's stdout in memory, unless the caller says otherwise.
const OUTPUT_LIMIT: u64 = 32 << 20;

/// A program about to run: arguments, environment, stdin. It runs when one of the last methods
/// (`run`, `text`, `bytes`, `stream`, `outcome`, `attach`) is called.
#[must_use = "a call does nothing until it is run"]
pub struct Call<'a> {
    program: OsString,
    args: Vec<OsString>,
    env: Vec<(OsString, Option<OsString>)>,
    dir: Option<PathBuf>,
    input: Input<'a>,
    timeout: Option<Duration>,
    merge_stderr: bool,
}

enum Input<'a> {
    Nothing,
    Bytes(Vec<u8>),
    From(Box<dyn Read + Send + 'a>),
    File(File),
}

/// How a program ended and what it said, whatever its status.
#[derive(Clone, Debug)]
pub struct Outcome {
    pub status: ExitStatus,
    pub stdout: Vec<u8>,
    /// The last lines only, with control characters escaped.
    pub stderr: String,
}

/// A program that has our terminal, or a part of it, and still runs.
#[derive(Debug)]
pub struct Attached {
    handle: duct::Handle,
}

impl<'a> Call<'a> {
    pub(crate) fn new(program: impl Into<OsString>) -> Self {
        Self {
            program: program.into(),
            args: Vec::new(),
            env: Vec::new(),
            dir: None,
            input: Input::Nothing,
            timeout: None,
            merge_stderr: false,
        }
    }

    /// Adds one argument. Never a secret: everybody on the host can read arguments.
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    /// Adds arguments. Never a secret: everybody on the host can read arguments.
    pub fn args(mut self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        self.args.extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// Sets a variable for this child alone. Secrets may travel here.
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.env.push((name.as_ref().to_owned(), Some(value.as_ref().to_owned())));
        self
    }

    /// Keeps a variable of ours from this child.
    pub fn without_env(mut self, name: impl AsRef<OsStr>) -> Self {
        self.env.push((name.as_ref().to_owned(), None));
        self
    }

    /// Runs it in that folder.
    pub fn current_dir(mut self, dir: &Path) -> Self {
        self.dir = Some(dir.to_owned());
        self
    }

    /// Feeds it these bytes.
    pub fn input(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.input = Input::Bytes(bytes.into());
        self
    }

    /// Feeds it what the reader gives, to its end. The reader must come to an end by itself.
    pub fn input_from(mut self, reader: impl Read + Send + 'a) -> Self {
        self.input = Input::From(Box::new(reader));
        self
    }

    /// Makes the file its stdin. Whatever lock the file holds lasts until this child has ended.
    pub fn input_file(mut self, file: File) -> Self {
        self.input = Input::File(file);
        self
    }

    /// Ends it, and all of its process group, when it takes longer.
    pub fn timeout(mut self, after: Duration) -> Self {
        self.timeout = Some(after);
        self
    }

    /// Sends its stderr where its stdout goes, in the order in which it prints.
    pub fn merge_stderr(mut self) -> Self {
        self.merge_stderr = true;
        self
    }

    /// Runs it and takes a status other than 0 for an error. Its stdout is dropped.
    pub fn run(self) -> Result<(), RunError> {
        self.stream(&mut io::sink())
    }

    /// Runs it and returns its stdout as text, without the white space around it.
    pub fn text(self) -> Result<String, RunError> {
        let command = self.command_line();
        let text = String::from_utf8(self.bytes()?)
            .map_err(|error| RunError::Unexpected { command, detail: error.to_string() })?;
        Ok(text.trim().to_owned())
    }

    /// Runs it and returns its stdout.
    pub fn bytes(self) -> Result<Vec<u8>, RunError> {
        let command = self.command_line();
        let outcome = self.outcome()?;
        if outcome.status.success() {
            Ok(outcome.stdout)
        } else {
            Err(RunError::failed(command, outcome.status, outcome.stderr))
        }
    }

    /// Runs it and writes its stdout as it comes. A status other than 0 is an error.
    pub fn stream(self, out: &mut (dyn Write + Send)) -> Result<(), RunError> {
        let command = self.command_line();
        let (status, stderr) = run::run(self, out)?;
        if status.success() { Ok(()) } else { Err(RunError::failed(command, status, stderr)) }
    }

    /// Runs it and returns how it ended, whatever its status.
    pub fn outcome(self) -> Result<Outcome, RunError> {
        let command = self.command_line();
        let mut stdout = tail::Bounded::new(OUTPUT_LIMIT);
        let ended = run::run(self, &mut stdout);
        if stdout.is_over() {
            return Err(RunError::TooLong { command, limit: OUTPUT_LIMIT });
        }
        let (status, stderr) = ended?;
        Ok(Outcome { status, stdout: stdout.into_bytes(), stderr })
    }

    /// Starts it with our stdin, stdout and stderr, in our process group: it has the terminal.
    pub fn attach(self) -> Result<Attached, RunError> {
        run::attach(self)
    }

    /// The command for errors: the program's name and its arguments, cut where it grows long.
    pub(crate) fn command_line(&self) -> String {
        command_line::show(&self.program, &self.args)
    }
}

impl fmt::Debug for Call<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Call").field(&self.command_line()).finish()
    }
}

impl Attached {
    /// Waits until it ends.
    pub fn wait(&self) -> io::Result<ExitStatus> {
        self.handle.wait().map(|output| output.status)
    }

    /// Waits that long; `None` where it still runs.
    pub fn wait_for(&self, limit: Duration) -> io::Result<Option<ExitStatus>> {
        Ok(self.handle.wait_timeout(limit)?.map(|output| output.status))
    }

    /// Its process id.
    pub fn pid(&self) -> Option<u32> {
        self.handle.pids().first().copied()
    }

    /// Sends it SIGTERM.
    pub fn terminate(&self) -> io::Result<()> {
        run::signal(self.pid(), nix::sys::signal::Signal::SIGTERM)
    }

    /// Sends it SIGKILL.
    pub fn kill(&self) -> io::Result<()> {
        self.handle.kill()
    }
}

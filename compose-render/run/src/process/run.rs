//! Starts the child, moves its streams, waits for it, and ends it when its time is over.

use super::{Attached, Call, Input, RunError, tail};
use crate::cancel;
use nix::{
    sys::signal::{Signal, kill, killpg},
    unistd::Pid,
};
use std::{
    io::{self, PipeReader, PipeWriter, Read, Write},
    os::unix::process::CommandExt as _,
    process::ExitStatus,
    thread,
    time::{Duration, Instant},
};

/// Runs it to its end; returns its status and the last lines of its stderr.
pub(super) fn run(
    call: Call<'_>,
    out: &mut (dyn Write + Send),
) -> Result<(ExitStatus, String), RunError> {
    let command = call.command_line();
    if cancel::is_set() {
        return Err(RunError::Cancelled { command });
    }
    let broken = |source| RunError::Stream { command: command.clone(), source };
    let (stdout, child_stdout) = io::pipe().map_err(broken)?;
    let (stderr, child_stderr) = io::pipe().map_err(broken)?;
    let timeout = call.timeout;
    let mut expression = expression(&call)
        .stdout_file(child_stdout)
        .stderr_file(child_stderr)
        .before_spawn(|command| {
            command.process_group(0);
            Ok(())
        });
    let mut feed = None;
    match call.input {
        Input::Nothing => expression = expression.stdin_null(),
        Input::File(file) => expression = expression.stdin_file(file),
        Input::Bytes(bytes) => {
            let (child_stdin, stdin) = io::pipe().map_err(broken)?;
            expression = expression.stdin_file(child_stdin);
            feed = Some((stdin, Box::new(io::Cursor::new(bytes)) as Box<dyn Read + Send>));
        }
        Input::From(reader) => {
            let (child_stdin, stdin) = io::pipe().map_err(broken)?;
            expression = expression.stdin_file(child_stdin);
            feed = Some((stdin, reader));
        }
    }
    let started = expression.start();
    // The expression holds the child's ends of the pipes: without this, no stream would ever end.
    drop(expression);
    let handle = started.map_err(|source| spawn_error(&call.program, source))?;

    thread::scope(|scope| {
        let fed = scope.spawn(move || feed.map_or(Ok(()), |(to, from)| fill(from, to)));
        let said = scope.spawn(move || tail::last_lines(stderr));
        let copied = scope.spawn(move || drain(stdout, out));
        let end = wait(&handle, timeout).map_err(broken)?;
        let copied = copied.join().unwrap_or_else(|_| Err(io::ErrorKind::Other.into()));
        let fed = fed.join().unwrap_or_else(|_| Err(io::ErrorKind::Other.into()));
        let stderr = said.join().unwrap_or_default();
        let status = match end {
            End::Itself(status) => status,
            End::Cancelled => return Err(RunError::Cancelled { command: command.clone() }),
            End::TimedOut(after) => {
                return Err(RunError::TimedOut { command: command.clone(), after, stderr });
            }
        };
        // Where it failed by itself, that says more than the stream it left half full.
        if !status.success() && status.code().is_some() {
            return Ok((status, stderr));
        }
        copied.map_err(broken)?;
        fed.map_err(broken)?;
        Ok((status, stderr))
    })
}

/// Starts it on our terminal.
pub(super) fn attach(call: Call<'_>) -> Result<Attached, RunError> {
    let mut expression = expression(&call);
    if let Input::File(file) = call.input {
        expression = expression.stdin_file(file);
    }
    let started = expression.start();
    started.map(|handle| Attached { handle }).map_err(|error| spawn_error(&call.program, error))
}

/// Sends a signal to one process.
pub(super) fn signal(pid: Option<u32>, signal: Signal) -> io::Result<()> {
    let Some(pid) = pid.and_then(|pid| i32::try_from(pid).ok()) else { return Ok(()) };
    Ok(kill(Pid::from_raw(pid), signal)?)
}

#[expect(clippy::disallowed_methods, reason = "the one door to other programs")]
fn expression(call: &Call<'_>) -> duct::Expression {
    let mut expression = duct::cmd(&call.program, &call.args);
    if call.merge_stderr {
        expression = expression.stderr_to_stdout();
    }
    for (name, value) in &call.env {
        expression = match value {
            Some(value) => expression.env(name, value),
            None => expression.env_remove(name),
        };
    }
    if let Some(dir) = &call.dir {
        expression = expression.dir(dir);
    }
    expression.unchecked()
}

/// How a child came to its end.
enum End {
    Itself(ExitStatus),
    TimedOut(Duration),
    Cancelled,
}

/// How often a running child is looked at for a cancellation.
const LOOK: Duration = Duration::from_millis(50);
/// How long a cancelled child has to end by itself.
const CANCEL_GRACE: Duration = Duration::from_secs(5);

/// Waits for its end, or ends it, with its group, when its time is over or it was cancelled.
fn wait(handle: &duct::Handle, timeout: Option<Duration>) -> io::Result<End> {
    let begun = Instant::now();
    loop {
        if let Some(output) = handle.wait_timeout(LOOK)? {
            return Ok(End::Itself(output.status));
        }
        if cancel::is_set() {
            end(handle, Signal::SIGTERM);
            if handle.wait_timeout(CANCEL_GRACE)?.is_none() {
                end(handle, Signal::SIGKILL);
            }
            return handle.wait().map(|_| End::Cancelled);
        }
        if let Some(limit) = timeout.filter(|&limit| begun.elapsed() >= limit) {
            end(handle, Signal::SIGKILL);
            return handle.wait().map(|_| End::TimedOut(limit));
        }
    }
}

fn end(handle: &duct::Handle, signal: Signal) {
    for pid in handle.pids().into_iter().filter_map(|pid| i32::try_from(pid).ok()) {
        // An error means that it ended just now.
        killpg(Pid::from_raw(pid), signal).ok();
    }
}

fn spawn_error(program: &std::ffi::OsStr, source: io::Error) -> RunError {
    let program = std::path::Path::new(program).file_name().unwrap_or(program);
    let program = program.to_string_lossy().into_owned();
    match source.kind() {
        io::ErrorKind::NotFound => RunError::Absent { program },
        _ => RunError::Spawn { program, source },
    }
}

/// Feeds a child. That it reads no more is its business; that we cannot read is an error, or it
/// would take half of the input for all of it.
fn fill(mut from: impl Read, mut to: PipeWriter) -> io::Result<()> {
    let mut chunk = vec![0; 64 << 10];
    loop {
        let read = match from.read(&mut chunk) {
            Ok(0) => return Ok(()),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if to.write_all(chunk.get(..read).unwrap_or_default()).is_err() {
            return Ok(());
        }
    }
}

/// Takes what a child prints. An error closes the pipe, which ends the child.
fn drain(mut from: PipeReader, to: &mut (dyn Write + Send)) -> io::Result<()> {
    io::copy(&mut from, to)?;
    to.flush()
}

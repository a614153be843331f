//! A command on a terminal that outlives whoever looks at it.
//!
//! `session run -- CMD` starts the command under a keeper that holds its pseudo-terminal, and shows
//! it; where it runs already, it only shows it. A person's terminal may go away and come back:
//! the command does not notice. A second terminal takes the session over from the first.

mod keeper;
mod terminal;
mod wire;

use std::io;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

/// Where the session's socket and its result lie: a folder of the agent's own, gone with it.
const FOLDER: &str = "/tmp/.bottle-session";

/// How long a keeper may take to open its socket.
const PATIENCE: Duration = Duration::from_secs(10);

/// Shows the session, after starting it where there is none. Returns the command's code.
pub(crate) fn run(command: &[&str]) -> anyhow::Result<u8> {
    if let Ok(stream) = connect() {
        return terminal::show(stream);
    }
    if command.is_empty() {
        bail!("no command is running here");
    }
    start(command)?;
    terminal::show(reach()?)
}

/// Shows a session that runs.
pub(crate) fn attach() -> anyhow::Result<u8> {
    run(&[])
}

/// Prints `running`, `ended CODE` or `none`.
#[expect(clippy::print_stdout, reason = "this is what was asked for")]
pub(crate) fn status() {
    if connect().is_ok() {
        println!("running");
    } else if let Ok(code) = std::fs::read_to_string(result()) {
        println!("ended {}", code.trim());
    } else {
        println!("none");
    }
}

/// The keeper itself: a process of its own, without a terminal.
pub(crate) fn keep(command: &[&str]) -> anyhow::Result<()> {
    keeper::keep(command)
}

/// The command's process: takes the pseudo-terminal for its own and becomes the command.
pub(crate) fn become_command(terminal: &str, command: &[&str]) -> anyhow::Result<()> {
    keeper::become_command(Path::new(terminal), command)
}

#[expect(clippy::disallowed_methods, reason = "in the container there is no other door")]
fn start(command: &[&str]) -> anyhow::Result<()> {
    let this = std::env::current_exe().context("cannot find this program")?;
    let mut keeper = Command::new(this);
    keeper.args(["session", "keep", "--"]).args(command);
    keeper.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    // Nobody waits for it: the container's init takes it over.
    keeper.spawn().context("cannot start the session")?;
    Ok(())
}

fn reach() -> anyhow::Result<UnixStream> {
    let begun = Instant::now();
    loop {
        match connect() {
            Ok(stream) => return Ok(stream),
            Err(error) if begun.elapsed() > PATIENCE => {
                return Err(error).context("the session did not start");
            }
            Err(_) => pause(),
        }
    }
}

fn connect() -> io::Result<UnixStream> {
    UnixStream::connect(socket())
}

fn socket() -> PathBuf {
    Path::new(FOLDER).join("socket")
}

fn result() -> PathBuf {
    Path::new(FOLDER).join("code")
}

#[expect(
    clippy::disallowed_methods,
    reason = "the guest's one sleep: a socket tells nobody of itself"
)]
fn pause() {
    std::thread::sleep(Duration::from_millis(5));
}

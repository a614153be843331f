//! The person's terminal and the agent's: everything typed goes to the agent, everything it shows
//! comes back, and the terminal is afterwards as it was.

use std::time::Duration;

use anyhow::Context as _;
use compose_run::{Attached, Docker};

use crate::signals::{Interrupted, Signals};
use crate::terminal::Terminal;

/// Docker's own keys are Ctrl-P Ctrl-Q, and it swallows every Ctrl-P while it waits for the second.
/// Nobody types Ctrl-^ at an agent, and after it `d` detaches.
const DETACH_KEYS: &str = "--detach-keys=ctrl-^,d";

/// How often a running client is looked at for a signal that came to us alone.
const LOOK: Duration = Duration::from_millis(100);

/// How long a client has to end once it was told to.
const PATIENCE: Duration = Duration::from_secs(3);

/// How a command in the agent's container ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Ended {
    pub code: u8,
}

/// The agent's container, about to run a command with our stdin, stdout and stderr.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Foreground<'a> {
    pub docker: &'a Docker,
    pub container: &'a str,
    pub signals: &'a Signals,
    /// Asked while it runs; an error ends it.
    pub still_good: &'a dyn StillGood,
}

/// Something that may turn bad while a command runs.
pub(crate) trait StillGood: std::fmt::Debug {
    /// An error once it has.
    fn check(&self) -> anyhow::Result<()>;
}

/// Nothing can turn bad.
#[derive(Debug)]
pub(crate) struct Always;

impl StillGood for Always {
    fn check(&self) -> anyhow::Result<()> {
        Ok(())
    }
}

impl Foreground<'_> {
    /// Runs it: on a pseudo-terminal where we have a terminal, else with its output passed through,
    /// byte for byte.
    pub(crate) fn run(&self, command: &[String]) -> anyhow::Result<Ended> {
        self.signals.check()?;
        let terminal = Terminal::present();
        let mut call = self.docker.call(["exec", "--interactive", DETACH_KEYS]);
        if terminal.is_some() {
            call = call.arg("--tty");
        }
        let client = call.arg(self.container).args(command).attach();
        let client = client.context("cannot run a command in the agent's container")?;
        let ended = self.watch(&client);
        if let Some(terminal) = terminal
            && ended.is_err()
        {
            terminal.give_back_calm();
        }
        ended
    }

    /// Waits for the client's end, or ends it when a signal came.
    fn watch(&self, client: &Attached) -> anyhow::Result<Ended> {
        loop {
            if let Some(status) = client.wait_for(LOOK)? {
                self.signals.check()?;
                self.still_good.check()?;
                // A client that was killed has no code.
                let code = status.code().and_then(|code| u8::try_from(code).ok());
                return Ok(Ended { code: code.unwrap_or(u8::MAX) });
            }
            let bad =
                if self.signals.any() { Err(Interrupted.into()) } else { self.still_good.check() };
            if bad.is_err() {
                end(client)?;
                return bad.map(|()| Ended { code: u8::MAX });
            }
        }
    }
}

fn end(client: &Attached) -> anyhow::Result<()> {
    client.terminate()?;
    if client.wait_for(PATIENCE)?.is_none() {
        client.kill()?;
        client.wait()?;
    }
    Ok(())
}

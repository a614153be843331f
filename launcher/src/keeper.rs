//! The process that stays with a bottle nobody looks at: it runs the agent's command, waits for its
//! end, and takes the bottle down.
//!
//! It is `bottle keep SLUG`, started by `start --detach -- ARGS`, with the bottle's lock as its
//! stdin: the lock passes from one process to the other without ever being free.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsFd as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::time::Duration;

use anyhow::{Context as _, bail};
use compose_render::{Role, Slug};
use compose_run::{Claim, Metadata, Phase, cancel, containers, program, wait};

use crate::environment::Environment;
use crate::exit::Exit;
use crate::farewell;
use crate::host::Host;
use crate::notice::Notices;
use crate::plan::guest;
use crate::signals::Signals;
use crate::teardown::Teardown;
use crate::ui::Ui;

/// Where it says what it did, in the bottle's folder.
const LOG: &str = "keeper.log";

/// How long it may take to take over.
const PATIENCE: Duration = Duration::from_secs(30);

/// Gives the bottle over to a keeper of its own, which runs the command.
pub(crate) fn hand_over(claim: &Claim, metadata: &mut Metadata) -> anyhow::Result<()> {
    let dir = claim.dir();
    metadata.detached = true;
    dir.set_metadata(metadata)?;
    let this = std::env::current_exe().context("cannot find this program")?;
    let this = this.to_str().context("the path of this program is not UTF-8")?;
    let lock = claim.hold().context("cannot hand on the lock")?;
    let call = program::call(this).args(["keep", dir.slug().as_str()]).input_file(lock);
    let keeper = call.attach().context("cannot start the bottle's keeper")?;
    let pid = keeper.pid().context("the bottle's keeper ended at once")?;
    let took = wait::until("the keeper's taking over", PATIENCE, || {
        let taken = matches!(dir.metadata(), Ok(Some(now)) if now.pid == pid);
        let gone = keeper.wait_for(Duration::ZERO).is_ok_and(|status| status.is_some());
        (taken || gone).then_some(taken)
    })?;
    if !took {
        bail!("the bottle's keeper ended; `{}` says why", dir.path().join(LOG).display());
    }
    Ok(())
}

/// Is the keeper.
pub(crate) fn run(host: &Host, slug: &Slug, ui: &Ui) -> anyhow::Result<Exit> {
    let lock = File::from(io::stdin().as_fd().try_clone_to_owned()?);
    let claim = Claim::adopt(host.state.bottle(slug), lock)?;
    leave_terminal(&claim)?;
    let signals = Signals::watch(ui)?;
    let Some(mut metadata) = claim.dir().metadata()? else { bail!("bottle `{slug}` is not known") };
    metadata.pid = std::process::id();
    claim.dir().set_metadata(&metadata)?;

    let notices = Notices::begin(claim.dir(), &Environment::of_process());
    let ended = work(host, slug, &metadata.command);
    drop(notices);
    cancel::clear();
    metadata.phase = Phase::Stopping;
    metadata.exit_code = ended.as_ref().ok().copied();
    claim.dir().set_metadata(&metadata).ok();
    match &ended {
        Ok(code) => ui.say(format_args!("the agent ended with code {code}")),
        Err(_) if signals.any() => ui.say("stopped"),
        Err(error) => ui.failure(error),
    }
    let leftovers = Teardown::of(host, &claim).all(|_| ());
    for leftover in &leftovers {
        ui.warn(leftover);
    }
    farewell::say(claim.dir(), ui);
    Ok(if leftovers.is_empty() { Exit::Done } else { Exit::Failed })
}

/// Runs the agent's command to its end; what it prints becomes the log of its container.
fn work(host: &Host, slug: &Slug, command: &[String]) -> anyhow::Result<i32> {
    let agent = Role::Agent.container(slug);
    let logged = [guest::BINARY, "logged", "--"].into_iter();
    let argv = logged.chain(command.iter().map(String::as_str));
    let outcome = host.docker.exec(&agent, None, false, argv).outcome()?;
    if !outcome.stderr.is_empty() && !containers::is_running(&host.docker, &agent)? {
        bail!("the agent's container is gone: {}", outcome.stderr);
    }
    Ok(outcome.status.code().unwrap_or(-1))
}

/// From here on the terminal, and whoever reads our output, may go.
fn leave_terminal(claim: &Claim) -> anyhow::Result<()> {
    let log = OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .custom_flags(nix::fcntl::OFlag::O_NOFOLLOW.bits())
        .open(claim.dir().path().join(LOG))?;
    nix::unistd::dup2_stdout(&log)?;
    nix::unistd::dup2_stderr(&log)?;
    // Fails where it is so already.
    nix::unistd::setsid().ok();
    Ok(())
}

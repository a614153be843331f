//! Stopping a bottle from outside: by the process that holds it where one does, else by ourselves.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use compose_render::Slug;
use compose_run::{BottleDir, Claim, StateError, wait};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::bottles::{self, Bottle, Condition};
use crate::exit::Hint as _;
use crate::farewell;
use crate::host::Host;
use crate::start::{finished, stopping};
use crate::teardown::{Teardown, Unsaved};
use crate::ui::Ui;

/// How long the process that holds a bottle may take to save its workspace and take it down.
const PATIENCE: Duration = Duration::from_mins(5);

/// Stops it. Comes back without an error only when nothing of it is left on the engine.
pub(crate) fn stop(host: &Host, slug: &Slug, ui: &Ui) -> anyhow::Result<()> {
    let bottle = bottles::one(host, slug)?;
    if bottle.condition == Condition::Stopped {
        ui.say(format_args!("bottle `{slug}` is stopped already"));
        return Ok(());
    }
    let dir = host.state.bottle(slug);
    // A lock that is none of ours is told of here: nobody holds it who could let go of it.
    if let Some(claim) = claim_free(host, slug)? {
        return take_down(host, claim, Unsaved::Stays, ui);
    }
    ui.step(format_args!("waiting until `{slug}` is taken down"), |_| end_holder(&bottle, &dir))?;
    if gone(host, slug)? {
        // Whoever held it may have been a keeper, which nobody hears.
        if dir.exists() {
            farewell::say(&dir, ui);
        }
        return Ok(());
    }
    let claim = host.state.claim(slug).hint("another command is at work on it; try again")?;
    take_down(host, claim, Unsaved::Stays, ui)
}

/// Takes down whatever is there of a bottle whose lock we hold, and gives its folder back where
/// nothing worth keeping is in it.
pub(crate) fn take_down(
    host: &Host,
    claim: Claim,
    unsaved: Unsaved,
    ui: &Ui,
) -> anyhow::Result<()> {
    if let Ok(Some(metadata)) = claim.dir().metadata() {
        claim.dir().set_metadata(&stopping(metadata)).ok();
    }
    let slug = claim.dir().slug().clone();
    let teardown = Teardown { unsaved, ..Teardown::of(host, &claim) };
    let leftovers = ui
        .step(format_args!("taking `{slug}` down"), |step| teardown.all(|what| step.waiting(what)));
    for leftover in &leftovers {
        ui.warn(leftover);
    }
    farewell::say(claim.dir(), ui);
    finished(teardown, &leftovers)?;
    crate::start::let_go(claim);
    Ok(())
}

fn gone(host: &Host, slug: &Slug) -> anyhow::Result<bool> {
    let mut bottles = bottles::all(host)?.into_iter();
    let bottle = bottles.find(|bottle| bottle.slug == *slug);
    Ok(bottle.is_none_or(|bottle| bottle.condition == Condition::Stopped))
}

/// Asks the process that holds the bottle to end it, and waits until it has.
fn end_holder(bottle: &Bottle, dir: &BottleDir) -> anyhow::Result<()> {
    let mut asked = None;
    let freed = wait::until("the bottle's end", PATIENCE, || {
        if !dir.is_locked() {
            return Some(Ok(()));
        }
        // A keeper may have taken over in the meantime: then it is asked as well.
        let holder = dir.metadata().ok().flatten().map(|metadata| metadata.pid);
        if let Some(pid) = holder.filter(|&pid| asked != Some(pid) && holds(pid, &dir.lock_file()))
        {
            asked = Some(pid);
            return ask(pid).err().map(Err);
        }
        None
    });
    let slug = &bottle.slug;
    match freed {
        Ok(done) => done,
        Err(_) if asked.is_none() => {
            Err(anyhow!("bottle `{slug}` is held by a process that is not a launcher of ours"))
                .hint(format!("`fuser {}` names it", dir.lock_file().display()))
        }
        Err(_) => bail!("bottle `{slug}` was not taken down within {} s", PATIENCE.as_secs()),
    }
}

fn ask(pid: u32) -> anyhow::Result<()> {
    let raw = i32::try_from(pid).context("a process number out of range")?;
    match kill(Pid::from_raw(raw), Signal::SIGTERM) {
        Ok(()) | Err(nix::Error::ESRCH) => Ok(()),
        Err(error) => Err(error).with_context(|| format!("cannot signal the launcher ({pid})")),
    }
}

/// Whether that very process has the lock open: a number alone may be another's by now.
fn holds(pid: u32, lock: &Path) -> bool {
    let Ok(entries) = std::fs::read_dir(format!("/proc/{pid}/fd")) else { return false };
    entries.flatten().any(|entry| std::fs::read_link(entry.path()).is_ok_and(|at| at == lock))
}

/// The lock of a bottle that nobody holds; `None` where somebody does.
pub(crate) fn claim_free(host: &Host, slug: &Slug) -> anyhow::Result<Option<Claim>> {
    match host.state.claim(slug) {
        Ok(claim) => Ok(Some(claim)),
        Err(StateError::Taken(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_holder_is_known_by_the_open_lock_and_not_by_its_number() {
        let dir = tempfile::tempdir().unwrap();
        let lock = dir.path().join("lock");
        compose_run::replace(&lock, b"", 0o600).unwrap();
        assert!(!holds(std::process::id(), &lock));
        let _open = fs_err::File::open(&lock).unwrap();
        assert!(holds(std::process::id(), &lock));
    }
}

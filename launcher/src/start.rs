//! A start from its first step to its last: everything that was begun is undone again, however it
//! ends.

use std::path::PathBuf;

use anyhow::{Context as _, anyhow};
use compose_run::{Claim, Leftover, Metadata, Phase, Undo, cancel, containers};

use crate::attach::{Ended, Foreground};
use crate::exit::{self, Exit, Hint as _};
use crate::host::Host;
use crate::notice::Notices;
use crate::signals::Interrupted;
use crate::steps::{Standing, Start};
use crate::teardown::{Teardown, WorkStays};
use crate::ui::Ui;
use crate::{claim, farewell, keeper, session};

/// What becomes of a bottle once it stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Afterwards {
    /// The agent has the terminal, and the bottle ends with it.
    Attach,
    /// The agent has the terminal; the bottle stays.
    AttachAndKeep,
    /// The bottle waits for whoever attaches.
    Leave,
    /// The agent works with nobody looking, and the bottle ends with it.
    Work,
}

/// Starts the bottle and stays with it as long as was asked for.
pub(crate) fn start(start: &Start<'_>, afterwards: Afterwards) -> anyhow::Result<Exit> {
    let teardown = Teardown::of(start.host, start.claim);
    for name in start.plan.not_searched_for() {
        start.ui.warn(format_args!(
            "{name} has no fingerprint (fewer than 16 characters, more than 4096, or others than visible \
             ones): pipelock does not look for it in what leaves"
        ));
    }
    let mut undo = Undo::new();
    let ended = start.run(&mut undo).and_then(|standing| live(start, standing, afterwards));
    match ended {
        Ok(Life::GoesOn(exit)) => {
            undo.disarm();
            start.times.write()?;
            Ok(exit)
        }
        Ok(Life::Over(ended)) => {
            note_end(start.claim, Some(ended));
            let leftovers = take_down(start.ui, undo);
            start.times.mark("gone");
            start.times.write()?;
            farewell::say(start.claim.dir(), start.ui);
            finished(teardown, &leftovers).map(|()| Exit::Agent(ended.code))
        }
        Err(error) => {
            note_end(start.claim, None);
            let leftovers = take_down(start.ui, undo);
            start.times.write()?;
            farewell::say(start.claim.dir(), start.ui);
            Err(explain(start, error, &leftovers))
        }
    }
}

/// What a bottle that stands comes to.
enum Life {
    Over(Ended),
    GoesOn(Exit),
}

fn live(start: &Start<'_>, standing: Standing, afterwards: Afterwards) -> anyhow::Result<Life> {
    start.signals.check()?;
    let Standing { mut metadata, agent, watch } = standing;
    let slug = &start.plan.slug;
    let dir = start.claim.dir();
    match afterwards {
        Afterwards::Leave => {
            watch.verdict()?;
            metadata.detached = true;
            dir.set_metadata(&metadata)?;
            start.ui.say(format_args!("bottle `{slug}` waits: `bottle attach {slug}`"));
            start.ui.data(slug)?;
            Ok(Life::GoesOn(Exit::Done))
        }
        Afterwards::Work => {
            watch.verdict()?;
            keeper::hand_over(start.claim, &mut metadata)?;
            start.ui.say(format_args!("bottle `{slug}` works: `bottle logs -f {slug}`"));
            start.ui.data(slug)?;
            Ok(Life::GoesOn(Exit::Done))
        }
        Afterwards::Attach | Afterwards::AttachAndKeep => {
            start.times.mark("attach");
            start.times.write()?;
            let foreground = Foreground {
                docker: &start.host.docker,
                container: &agent,
                signals: start.signals,
                still_good: &watch,
            };
            let notices = Notices::begin(dir, start.environment);
            let ended = session::run(&foreground, &metadata.command)?;
            drop(notices);
            tell_of_its_end(start, &agent, ended);
            let stays = session::Ended::Left == ended || afterwards == Afterwards::AttachAndKeep;
            match ended {
                session::Ended::Over(ended) if !stays => Ok(Life::Over(ended)),
                session::Ended::Over(Ended { code }) => {
                    metadata.keep = true;
                    metadata.exit_code = Some(code.into());
                    dir.set_metadata(&metadata)?;
                    start.ui.say(format_args!("bottle `{slug}` stays: `bottle stop {slug}`"));
                    Ok(Life::GoesOn(Exit::Agent(code)))
                }
                session::Ended::Left => {
                    metadata.detached = true;
                    dir.set_metadata(&metadata)?;
                    start.ui.say(format_args!("detached; `bottle attach {slug}` goes back"));
                    Ok(Life::GoesOn(Exit::Done))
                }
            }
        }
    }
}

/// Whoever sees a code that is no agent's reads why.
fn tell_of_its_end(start: &Start<'_>, agent: &str, ended: session::Ended) {
    if ended == session::Ended::Over(Ended { code: 0 }) {
        return;
    }
    let runs = containers::is_running(&start.host.docker, agent);
    if runs.is_ok_and(|runs| runs) {
        return;
    }
    start.ui.warn(
        "the agent's container ended under it: the Docker daemon restarted, or somebody ended it",
    );
}

/// Undoes everything, saying what could not be. From here on no signal ends a child of ours.
pub(crate) fn take_down(ui: &Ui, mut undo: Undo<'_>) -> Vec<Leftover> {
    cancel::clear();
    let leftovers = ui.step("taking the bottle down", |step| {
        undo.run_with(|what| {
            ui.detail(what);
            step.waiting(what);
        })
    });
    for leftover in &leftovers {
        ui.warn(leftover);
    }
    leftovers
}

/// An error where something is left.
pub(crate) fn finished(teardown: Teardown<'_>, leftovers: &[Leftover]) -> anyhow::Result<()> {
    if leftovers.is_empty() {
        return Ok(());
    }
    let slug = teardown.claim.dir().slug();
    let unsaved = leftovers.iter().any(|at| exit::find::<WorkStays>(&at.error).is_some());
    let hint = if unsaved {
        "see why, make room, and `bottle cleanup` saves it and removes the rest; `bottle cleanup \
         --all` throws it away"
    } else {
        "`bottle cleanup` tries again; what it still cannot remove it names"
    };
    Err(anyhow!("bottle `{slug}` could not be taken down whole")).hint(hint)
}

/// The phase and the code, so that `list` in another terminal sees it go.
fn note_end(claim: &Claim, ended: Option<Ended>) {
    let Ok(Some(metadata)) = claim.dir().metadata() else { return };
    let exit_code = ended.map(|ended| i32::from(ended.code)).or(metadata.exit_code);
    // A disk that is full must not keep the containers alive.
    claim.dir().set_metadata(&Metadata { exit_code, ..stopping(metadata) }).ok();
}

/// On its way out. One that never came to run stays one that starts: it holds no work to save.
pub(crate) fn stopping(metadata: Metadata) -> Metadata {
    match metadata.phase {
        Phase::Starting => metadata,
        Phase::Running | Phase::Stopping | Phase::Stopped => {
            Metadata { phase: Phase::Stopping, ..metadata }
        }
    }
}

fn explain(start: &Start<'_>, error: anyhow::Error, leftovers: &[Leftover]) -> anyhow::Error {
    let slug = &start.plan.slug;
    if start.signals.any() || exit::find::<Interrupted>(&error).is_some() {
        let rest = if leftovers.is_empty() { "everything was taken down" } else { "see above" };
        return exit::interrupted(format!("bottle `{slug}` was interrupted; {rest}"));
    }
    error.context(format!("bottle `{slug}` did not start"))
}

/// Gives the folder back where nothing worth keeping came of the start.
pub(crate) fn let_go(claim: Claim) {
    let dir = claim.dir();
    let worth = dir.compose_log().exists() || dir.workspace_tar().exists();
    let stopped = matches!(dir.metadata(), Ok(Some(metadata)) if metadata.phase == Phase::Stopped);
    if stopped && !worth {
        // Nobody is waiting for it to go.
        claim.remove().ok();
    } else {
        claim::remove_if_empty(claim);
    }
}

/// The saved workspace of a bottle that is to be gone on with.
pub(crate) fn saved_workspace(host: &Host, slug: &compose_render::Slug) -> anyhow::Result<PathBuf> {
    let dir = host.state.bottle(slug);
    let metadata = dir.metadata().with_context(|| format!("cannot go on with bottle `{slug}`"))?;
    let tar = dir.workspace_tar();
    let is_file = std::fs::symlink_metadata(&tar).is_ok_and(|metadata| metadata.is_file());
    if metadata.is_none() || !is_file {
        return Err(anyhow!("bottle `{slug}` has no saved workspace"))
            .hint("`bottle list` shows what there is");
    }
    Ok(tar)
}

//! `bottle cleanup`.

use std::collections::BTreeSet;
use std::time::Duration;

use compose_run::{containers, images};
use serde::Serialize;
use time::OffsetDateTime;
use time::macros::format_description;

use crate::bottles::{self, Bottle, Condition};
use crate::cli;
use crate::environment::Environment;
use crate::exit::Exit;
use crate::host::Host;
use crate::stop;
use crate::teardown::Unsaved;
use crate::ui::Ui;

/// What nobody has used for so long: an image is built again when it is needed.
const UNUSED: Duration = Duration::from_hours(7 * 24);
/// One younger than this may belong to a start that is about to use it, of whatever state folder.
const YOUNG: Duration = Duration::from_hours(1);

/// What was removed, or would be.
#[derive(Default, Serialize)]
struct Removed {
    /// Broken bottles: their containers, networks, volumes and keys. Their logs are kept.
    bottles: Vec<String>,
    /// Stopped bottles whose state went too.
    states: Vec<String>,
    images: Vec<String>,
    /// Containers that were to become images, of starts that were killed.
    builds: usize,
}

pub(crate) fn run(args: &cli::Cleanup, ui: &Ui) -> anyhow::Result<Exit> {
    let host = Host::find(&Environment::of_process())?;
    let mut removed = Removed::default();
    let mut failed = None;
    let mut note = |done: anyhow::Result<bool>, name: &str, into: &mut Vec<String>| match done {
        Ok(true) => into.push(name.to_owned()),
        Ok(false) => {}
        Err(error) => {
            ui.failure(&error);
            failed = Some(Exit::of(&error));
        }
    };
    for bottle in bottles::all(&host)? {
        let name = bottle.slug.to_string();
        match bottle.condition {
            Condition::Broken => {
                let done = if args.dry_run { Ok(true) } else { remove(&host, &bottle, args, ui) };
                note(done, &name, &mut removed.bottles);
            }
            Condition::Stopped if args.all || is_stale(&host, &bottle) => {
                let done = if args.dry_run { Ok(true) } else { forget(&host, &bottle) };
                note(done, &name, &mut removed.states);
            }
            Condition::Stopped | Condition::Starting | Condition::Running | Condition::Stopping => {
            }
        }
    }
    if !args.dry_run {
        removed.builds = containers::remove_abandoned_builds(&host.docker)?;
    }
    for image in unused_images(&host, args.all)? {
        let done = if args.dry_run { Ok(true) } else { remove_image(&host, &image) };
        note(done, &image, &mut removed.images);
    }
    report(&removed, args, ui)?;
    Ok(failed.unwrap_or(Exit::Done))
}

/// Takes a broken bottle down. One that somebody holds by now is being started or taken down.
fn remove(host: &Host, bottle: &Bottle, args: &cli::Cleanup, ui: &Ui) -> anyhow::Result<bool> {
    let Some(claim) = stop::claim_free(host, &bottle.slug)? else { return Ok(false) };
    // A start may have come and gone between the look and the lock: look again, holding it.
    let now = bottles::judged_unheld(host, &bottle.slug)?;
    if now != Condition::Broken {
        return Ok(false);
    }
    let unsaved = if args.all { Unsaved::Goes } else { Unsaved::Stays };
    stop::take_down(host, claim, unsaved, ui)?;
    Ok(true)
}

/// Whether nobody will miss what is kept of a stopped bottle: a log and configs of days ago. Work
/// that was saved is never stale.
fn is_stale(host: &Host, bottle: &Bottle) -> bool {
    let dir = host.state.bottle(&bottle.slug);
    let touched = std::fs::symlink_metadata(dir.metadata_file()).and_then(|file| file.modified());
    let old = touched.is_ok_and(|at| at.elapsed().is_ok_and(|age| age > UNUSED));
    old && !dir.workspace_tar().exists()
}

/// Throws away what is kept of a stopped bottle.
fn forget(host: &Host, bottle: &Bottle) -> anyhow::Result<bool> {
    let Some(claim) = stop::claim_free(host, &bottle.slug)? else { return Ok(false) };
    if bottles::judged_unheld(host, &bottle.slug)? != Condition::Stopped {
        return Ok(false);
    }
    claim.remove()?;
    Ok(true)
}

/// Images of ours that no bottle names, by their age; with `all`, all but the young.
fn unused_images(host: &Host, all: bool) -> anyhow::Result<Vec<String>> {
    let named: BTreeSet<String> = host
        .state
        .bottles()?
        .into_iter()
        .filter_map(|found| found.metadata.ok().flatten())
        .flat_map(|metadata| metadata.images.into_values())
        .map(|image| image.to_string())
        .collect();
    let now = OffsetDateTime::now_utc();
    let age = if all { YOUNG } else { UNUSED };
    let old = |created: &str| created_at(created).is_some_and(|at| now - at > age);
    let found = images::list(&host.docker)?.into_iter();
    let unused = found
        .filter(|image| !named.contains(&image.name) && old(&image.created))
        .map(|image| if image.name.contains("<none>") { image.id } else { image.name });
    Ok(unused.collect())
}

/// As the engine prints it: `2026-11-29 07:00:00 +0000 UTC`.
fn created_at(text: &str) -> Option<OffsetDateTime> {
    let format = format_description!(
        "[year]-[month]-[day] [hour]:[minute]:[second] [offset_hour sign:mandatory][offset_minute]"
    );
    let without_zone = text.rsplit_once(' ').map_or(text, |(text, _)| text);
    OffsetDateTime::parse(without_zone, &format).ok()
}

/// Removes an image. One that a container uses is not unused after all.
fn remove_image(host: &Host, image: &str) -> anyhow::Result<bool> {
    match images::remove(&host.docker, image) {
        Ok(()) => Ok(true),
        Err(error) => {
            let used = ["is using", "being used", "must be forced", "dependent child"];
            if used.iter().any(|words| error.stderr().contains(words)) {
                return Ok(false);
            }
            Err(error.into())
        }
    }
}

fn report(removed: &Removed, args: &cli::Cleanup, ui: &Ui) -> anyhow::Result<()> {
    if args.json {
        return ui.json(removed);
    }
    let verb = if args.dry_run { "would remove" } else { "removed" };
    let Removed { bottles, states, images, builds } = removed;
    for name in bottles {
        ui.say(format_args!("{verb} what was left of bottle `{name}`; its log is kept"));
    }
    for name in states {
        ui.say(format_args!("{verb} the state of bottle `{name}`"));
    }
    for name in images {
        ui.say(format_args!("{verb} image `{name}`"));
    }
    if *builds > 0 {
        ui.say(format_args!("{verb} {builds} containers of builds that were killed"));
    }
    if *builds == 0 && bottles.is_empty() && states.is_empty() && images.is_empty() {
        ui.say("there is nothing to remove");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_when_an_image_was_made() {
        let at = created_at("2026-11-29 07:00:00 +0000 UTC").unwrap();
        assert_eq!(at.unix_timestamp(), 1_795_935_600);
        assert!(created_at("2026-11-29 09:00:00 +0200 CEST").is_some_and(|other| other == at));
        assert!(created_at("yesterday").is_none());
    }
}

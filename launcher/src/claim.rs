//! Step 0: a name, its folder and its lock, before anything else is touched.

use anyhow::{Context as _, anyhow};
use compose_render::Slug;
use compose_run::{Claim, Phase, StateError, containers};

use crate::bottles::{self, Condition};
use crate::exit::{self, Hint as _};
use crate::host::Host;
use crate::workspace;

/// How many names are tried before chance is not to blame.
const ATTEMPTS: u32 = 20;

/// The letters of a name that nobody chose. Without vowels no word comes of them.
const LETTERS: &[u8] = b"bcdfghjkmnpqrstvwxz";

/// A name for a bottle of that agent: `<agent>-<4 letters>`, one that no bottle of this host has.
pub(crate) fn fresh_name(host: &Host, agent: &str) -> anyhow::Result<Slug> {
    for _ in 0..ATTEMPTS {
        let letters: String = (0..4).map(|_| char::from(letter())).collect();
        let stem: String = agent.chars().take(30).collect();
        let slug: Slug = format!("{stem}-{letters}").parse()?;
        if !host.state.bottle(&slug).exists() {
            return Ok(slug);
        }
    }
    Err(anyhow!("no name for a bottle of `{agent}` is free")).hint("choose one by `--name`")
}

fn letter() -> u8 {
    let at = rand::random_range(0..LETTERS.len());
    LETTERS.get(at).copied().unwrap_or(b'x')
}

/// Takes the name for a new bottle, or for one that goes on with its own saved workspace.
///
/// # Errors
///
/// A bottle of that name that lives, that was left behind, or whose work would be lost.
pub(crate) fn take(host: &Host, slug: &Slug, resume: Option<&Slug>) -> anyhow::Result<Claim> {
    let claim = match host.state.claim(slug) {
        Ok(claim) => claim,
        Err(error @ StateError::Taken(_)) => {
            return Err(exit::advise(
                error.into(),
                format!("choose another `--name`, or `bottle stop {slug}` first"),
            ));
        }
        Err(error) => {
            return Err(error).context("cannot claim the bottle's folder").hint(
                "nothing of a bottle's state is set right by itself: look at what is there, and \
                 remove it or give it back its owner and mode",
            );
        }
    };
    match check(host, &claim, resume) {
        Ok(()) => Ok(claim),
        Err(error) => {
            // A folder that was made just now goes again; one with anything in it stays.
            remove_if_empty(claim);
            Err(error)
        }
    }
}

fn check(host: &Host, claim: &Claim, resume: Option<&Slug>) -> anyhow::Result<()> {
    let slug = claim.dir().slug();
    let metadata = claim.dir().metadata()?;
    let containers = containers::list(&host.docker, Some(slug))?;
    if let Some(other) = containers.iter().find(|at| !bottles::is_our_container(host, at)) {
        let error = anyhow!("container `{}` is there and not of this state folder", other.name);
        return Err(error).hint("choose another `--name`");
    }
    let there = !containers.is_empty();
    let Some(metadata) = metadata else {
        return if there { Err(left_behind(slug)) } else { Ok(()) };
    };
    if there && bottles::judged_unheld(host, slug)? == Condition::Running {
        return Err(anyhow!("bottle `{slug}` is running"))
            .hint(format!("choose another `--name`, or `bottle stop {slug}` first"));
    }
    if there || metadata.phase != Phase::Stopped {
        return Err(left_behind(slug));
    }
    if claim.dir().workspace_tar().exists() && resume != Some(slug) {
        return Err(anyhow!("bottle `{slug}` is stopped, and holds the work of its agent")).hint(
            format!(
                "go on with it by `--resume {slug}`, take it out by `bottle export {slug} DIR`, \
                 choose another `--name`, or throw it away by `bottle cleanup --all`"
            ),
        );
    }
    // What else an earlier bottle of this name left is only its log and its configs.
    empty(claim)
}

fn left_behind(slug: &Slug) -> anyhow::Error {
    let error = anyhow!("bottle `{slug}` was left behind by a start that did not end well");
    exit::advise(error, "`bottle cleanup` saves its logs and removes it")
}

fn empty(claim: &Claim) -> anyhow::Result<()> {
    // There only where somebody goes on with it.
    let work = claim.dir().workspace_tar().exists();
    let mut names = Vec::new();
    for entry in fs_err::read_dir(claim.dir().path())? {
        let name = entry?.file_name().into_string();
        // The work itself, what it was to begin with, and what people decided.
        let kept = |name: &str| {
            ["lock", workspace::SAVED, crate::audit::FILE].contains(&name)
                || (work && workspace::BEGINNINGS.contains(&name))
        };
        names.extend(name.ok().filter(|name| !kept(name)));
    }
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    Ok(claim.dir().remove(&names)?)
}

/// Gives the name back, with its folder where nothing is in it but the lock.
pub(crate) fn remove_if_empty(claim: Claim) {
    let only_lock = fs_err::read_dir(claim.dir().path())
        .is_ok_and(|entries| entries.flatten().all(|entry| entry.file_name() == "lock"));
    if only_lock {
        // Nobody is waiting for it to go.
        claim.remove().ok();
    }
}

#[cfg(test)]
mod tests {
    use compose_run::replace;

    use super::*;
    use crate::bottles::tests::state;

    #[test]
    fn a_bottle_that_goes_on_under_its_name_keeps_its_work_and_what_that_began_as() {
        let (_folder, state) = state();
        let claim = state.claim(&"fix-login".parse().unwrap()).unwrap();
        let write = |name: &str| replace(&claim.dir().path().join(name), b"x", 0o600).unwrap();
        let left = || {
            let entries = fs_err::read_dir(claim.dir().path()).unwrap();
            let name = |entry: std::io::Result<fs_err::DirEntry>| entry.unwrap().file_name();
            let mut names: Vec<_> =
                entries.map(|entry| name(entry).into_string().unwrap()).collect();
            names.retain(|name| name != "lock");
            names.sort();
            names
        };
        let kept = ["audit.jsonl", "clone.json", "workspace.json", "workspace.tar"];
        kept.into_iter().chain(["compose.log", "metadata.json", "seal.json"]).for_each(write);
        empty(&claim).unwrap();
        assert_eq!(left(), kept);
        // Without the work nothing of how it began is of the next one.
        fs_err::remove_file(claim.dir().workspace_tar()).unwrap();
        empty(&claim).unwrap();
        assert_eq!(left(), ["audit.jsonl"]);
    }
}

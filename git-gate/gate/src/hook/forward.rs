//! Pushes what was judged on to the upstream: all of it or nothing, and only where the upstream's refs
//! still are what they were judged against.

use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::Context as _;

use super::Push;
use super::say::{self, Refusal};
use super::updates::Update;
use crate::program::finish;
use crate::trouble::{Trouble, plain};

/// What the upstream may take.
const PATIENCE: Duration = Duration::from_mins(5);

/// Pushes on. Returns why the upstream did not take it.
pub(super) fn push(push: &Push, updates: &[Update]) -> anyhow::Result<Option<Refusal>> {
    let way = push.way();
    // The client has looked for deltas already, and what it found is passed on.
    let git = push.git().setting("pack.window", "0");
    let mut git = way.open(git).args([
        "push",
        "--porcelain",
        "--atomic",
        "--no-verify",
        "--no-signed",
        "--no-follow-tags",
        "--recurse-submodules=no",
    ]);
    if push.upstream.local.is_some() {
        // The receiving git of a folder would take it for its own quarantine.
        git = git.without("GIT_QUARANTINE_PATH");
    }
    for update in updates {
        // Nothing expected: the ref must not be there.
        let expected = update.old_object().unwrap_or_default();
        git = git.args([format!("--force-with-lease={}:{expected}", update.name)]);
    }
    git = git.args(["--".to_owned(), way.url()]);
    git = git.args(
        updates
            .iter()
            .map(|update| format!("{}:{}", update.new_object().unwrap_or_default(), update.name)),
    );
    let mut command = git.blocking();
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().context("cannot run git")?;
    let output = finish(child, Instant::now() + PATIENCE, say::PROGRESS, || {
        say::line("git-gate: judged; pushing to the upstream...");
    })?;
    let Some(output) = output else { return Ok(Some(Refusal::trouble(&Trouble::Late))) };
    if output.status.success() {
        return Ok(None);
    }
    let said = String::from_utf8_lossy(&output.stdout);
    let refused = said.lines().find_map(|line| {
        let mut parts = line.strip_prefix("!\t")?.split('\t');
        let (name, why) = (parts.next()?, parts.next()?);
        let name = name.rsplit_once(':').map_or(name, |(_, to)| to);
        (!why.contains("atomic push failed")).then(|| plain(&format!("{name} {why}")))
    });
    Ok(Some(match refused {
        Some(said) if said.contains("stale info") => {
            Refusal::moved(said.split(' ').next().unwrap_or_default())
        }
        Some(said) => Refusal::upstream(&said),
        None => Refusal::trouble(&way.trouble(&String::from_utf8_lossy(&output.stderr))),
    }))
}

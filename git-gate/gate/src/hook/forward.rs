//! Pushes what was judged on to the upstream: all of it or nothing, and only where the upstream's refs
//! still are what they were judged against.

use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::Context as _;

use super::Push;
use super::say::{self, Refusal};
use super::updates::Update;
use crate::trouble::{Trouble, plain};

/// How often the person who waits is told that it goes on.
const PROGRESS: Duration = Duration::from_secs(5);
/// What the upstream may take.
const PATIENCE: Duration = Duration::from_mins(5);

/// Pushes on. Returns why the upstream did not take it.
pub(super) fn push(push: &Push, updates: &[Update]) -> anyhow::Result<Option<Refusal>> {
    let way = push.way();
    let mut git = way.open(push.git()).args([
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
    let output = waited(child)?;
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
        None => Refusal::trouble(&Trouble::of(&String::from_utf8_lossy(&output.stderr))),
    }))
}

/// Waits for git's end with an eye on the clock. `None` when it took too long.
fn waited(child: std::process::Child) -> anyhow::Result<Option<std::process::Output>> {
    let id = nix::unistd::Pid::from_raw(i32::try_from(child.id())?);
    let (tell, told) = std::sync::mpsc::channel();
    let waiting = std::thread::spawn(move || {
        let output = child.wait_with_output();
        // Nobody listens once it was too late.
        tell.send(()).ok();
        output
    });
    let begun = Instant::now();
    let mut late = false;
    while !late && told.recv_timeout(PROGRESS).is_err() && !waiting.is_finished() {
        say::line("git-gate: judged; pushing to the upstream...");
        late = begun.elapsed() > PATIENCE;
    }
    if late {
        // Gone meanwhile is as good.
        nix::sys::signal::kill(id, nix::sys::signal::Signal::SIGTERM).ok();
    }
    let output = waiting.join().map_err(|_| anyhow::anyhow!("a thread ended"))?;
    Ok(Some(output.context("cannot run git")?).filter(|_| !late))
}

//! A bare mirror of one upstream: what the agent reads, and where its pushes are judged.

use std::ops::Range;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use git_gate::Gated;
use sidecar::clock;
use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::contact::Contact;
use crate::gate::Gate;
use crate::program::Program;
use crate::route::Service;
use crate::trouble::Trouble;
use crate::way::Way;

/// So long a refreshed mirror counts as fresh: a fetch asks twice within it.
const FRESH: Duration = Duration::from_secs(2);
/// What a push is judged against is at most so old. An object that any ref of the upstream had then
/// is not judged again; that the upstream takes a push only where the pushed refs still are what they
/// were says nothing of what others took out of the rest of it.
pub(crate) const KNOWN_FOR: Duration = Duration::from_mins(2);
/// What a refresh may take. The first is a whole clone.
const REFRESH: Duration = Duration::from_mins(10);
/// How long a push waits for another one of the same repository.
const TURN: Duration = Duration::from_mins(5);

/// A mirror. It is used by one push or one refresh at a time; fetches are served beside either.
#[derive(Debug)]
pub(crate) struct Mirror {
    pub(crate) upstream: Gated,
    pub(crate) name: String,
    /// The folder's name below that of all mirrors.
    pub(crate) folder: String,
    busy: std::sync::Arc<Mutex<Known>>,
}

/// When the mirror was last what the upstream is.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Known {
    /// All of it was fetched, and nothing was pushed since.
    fetched: Option<Instant>,
    /// The upstream was last asked for all of its refs.
    asked: Option<Moment>,
}

/// A moment by both clocks: one stands still while the machine sleeps, and the other may be set.
#[derive(Clone, Copy, Debug)]
struct Moment {
    at: Instant,
    second: u64,
}

impl Moment {
    fn now() -> Self {
        Self { at: Instant::now(), second: clock::now() }
    }
}

impl Known {
    /// Nothing is: what the upstream says at the next contact is the truth.
    pub(crate) fn forget(&mut self) {
        *self = Self::default();
    }

    /// The upstream took a push, which is all that the mirror has more now. Of its other refs that
    /// says nothing: what was known of them grows old as before.
    pub(crate) fn took(&mut self) {
        self.fetched = None;
    }

    /// The seconds since 1970 in which a push may be judged against what is known.
    pub(crate) fn judged_in(&self, known_for: Duration) -> Range<u64> {
        let asked = self.asked.filter(|asked| asked.at.elapsed() < known_for);
        asked.map_or(0..0, |Moment { second, .. }| {
            second..second.saturating_add(known_for.as_secs())
        })
    }

    fn is_fresh_for(&self, service: Service, known_for: Duration) -> bool {
        match service {
            Service::Fetch => self.fetched.is_some_and(|at| at.elapsed() < FRESH),
            Service::Push => self.judged_in(known_for).contains(&clock::now()),
        }
    }
}

/// Whose turn it is.
pub(crate) type Turn = OwnedMutexGuard<Known>;

impl Mirror {
    pub(crate) fn of(upstream: Gated) -> Self {
        let name = upstream.url.name();
        let folder = format!("{}.git", name.replace('/', "+"));
        Self { upstream, name, folder, busy: std::sync::Arc::default() }
    }

    /// The same as a newer policy has it: one turn for both.
    pub(crate) fn in_turn_with(self, known: &Self) -> Self {
        Self { busy: std::sync::Arc::clone(&known.busy), ..self }
    }

    pub(crate) fn path(&self, gate: &Gate) -> PathBuf {
        gate.ground.mirrors.join(&self.folder)
    }

    /// Waits until no other push or refresh is under way.
    pub(crate) async fn turn(&self) -> Result<Turn, Trouble> {
        let wait = std::sync::Arc::clone(&self.busy).lock_owned();
        tokio::time::timeout(TURN, wait).await.map_err(|_| Trouble::Late)
    }

    /// Makes the mirror what the upstream is now, unless it just was.
    pub(crate) async fn refresh(&self, gate: &Gate, service: Service) -> Result<(), Trouble> {
        let there = self.path(gate).join("HEAD").exists();
        let mut known = match std::sync::Arc::clone(&self.busy).try_lock_owned() {
            Ok(turn) => turn,
            // A push is being judged: what was there before it may be read meanwhile.
            Err(_) if there && service == Service::Fetch => return Ok(()),
            Err(_) => self.turn().await?,
        };
        if there && known.is_fresh_for(service, gate.known_for) {
            return Ok(());
        }
        known.forget();
        // Before the answer: what others do while it comes is not in it.
        let asked = Some(Moment::now());
        self.fetch(gate, service, !there).await?;
        // Which branch a clone checks out is not asked for a push.
        let fetched = (service == Service::Fetch).then(Instant::now);
        *known = Known { fetched, asked };
        Ok(())
    }

    async fn fetch(&self, gate: &Gate, service: Service, first: bool) -> Result<(), Trouble> {
        let ground = &gate.ground;
        if first {
            let path = self.path(gate);
            let init = ["init", "--bare", "--quiet", "--initial-branch=main", "--template=", "--"];
            said(&Program::git(ground).args(init).args([path]).within(&ground.mirrors)).await?;
        }
        let contact = Contact::find(gate, &self.upstream).await?;
        let way = contact.way(gate, &self.upstream);
        let git = || Program::git(ground).within(&self.path(gate));
        let fetched = said(&fetching(&way, git())).await;
        fetched.map_err(|trouble| contact.trouble(trouble))?;
        if service == Service::Push && !first {
            return Ok(());
        }
        let head = said(&git().args(["rev-parse", "--quiet", "--verify", "HEAD"])).await;
        if first || head.is_err() {
            let ask = way.open(git()).args(["ls-remote", "--symref", "--", &way.url(), "HEAD"]);
            let told = said(&ask).await?;
            self.point_head(gate, &told).await?;
        }
        Ok(())
    }

    /// The branch that a clone checks out is the upstream's.
    async fn point_head(&self, gate: &Gate, told: &str) -> Result<(), Trouble> {
        let branch = told.lines().find_map(|line| line.strip_prefix("ref: ")?.split('\t').next());
        match branch.filter(|branch| branch.starts_with("refs/heads/")) {
            Some(branch) => {
                let git = Program::git(&gate.ground).within(&self.path(gate));
                said(&git.args(["symbolic-ref", "HEAD", branch])).await.map(drop)
            }
            None => Ok(()),
        }
    }
}

/// Has git in a mirror make it what the upstream is. Refs that the upstream has no more go: an object
/// that only they had is judged when it is pushed, though the mirror holds it still.
pub(crate) fn fetching(way: &Way<'_>, git: Program) -> Program {
    let fetch = ["fetch", "--quiet", "--prune", "--no-tags", "--no-write-fetch-head", "--force"];
    let refs = ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"];
    way.open(git).args(fetch).args(["--", &way.url()]).args(refs)
}

/// Runs to the end and returns what was printed.
async fn said(program: &Program) -> Result<String, Trouble> {
    let mut command = program.served();
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let run = tokio::time::timeout(REFRESH, command.output());
    let output =
        run.await.map_err(|_| Trouble::Late)?.map_err(|error| Trouble::Git(error.to_string()))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(Trouble::of(&String::from_utf8_lossy(&output.stderr)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked_before(seconds: u64) -> Known {
        let at = Instant::now().checked_sub(Duration::from_secs(seconds)).unwrap();
        let asked = Some(Moment { at, second: clock::now() - seconds });
        Known { fetched: Some(at), asked }
    }

    #[test]
    fn h1_a_push_makes_nothing_known_for_longer() {
        let mut known = asked_before(60);
        assert!(known.is_fresh_for(Service::Push, KNOWN_FOR));
        known.took();
        // One that follows soon asks nobody first.
        assert!(known.is_fresh_for(Service::Push, KNOWN_FOR));
        assert!(!known.is_fresh_for(Service::Fetch, KNOWN_FOR));
        let mut known = asked_before(121);
        known.took();
        assert!(!known.is_fresh_for(Service::Push, KNOWN_FOR));
        assert!(!Known::default().is_fresh_for(Service::Push, KNOWN_FOR));
    }

    #[test]
    fn h1_neither_a_sleep_nor_a_clock_that_is_set_makes_old_things_new() {
        let fresh = asked_before(0).asked.unwrap();
        let old = asked_before(121).asked.unwrap();
        for asked in [
            Moment { second: old.second, ..fresh },
            Moment { at: old.at, ..fresh },
            // Set back since.
            Moment { second: fresh.second + 60, ..fresh },
        ] {
            let known = Known { fetched: None, asked: Some(asked) };
            assert!(!known.is_fresh_for(Service::Push, KNOWN_FOR), "{asked:?}");
        }
    }
}

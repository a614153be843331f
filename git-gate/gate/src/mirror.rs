//! A bare mirror of one upstream: what the agent reads, and where its pushes are judged.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use git_gate::Gated;
use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::contact::Contact;
use crate::gate::Gate;
use crate::program::Program;
use crate::route::Service;
use crate::trouble::Trouble;

/// So long a refreshed mirror counts as fresh: a fetch asks twice within it.
const FRESH: Duration = Duration::from_secs(2);
/// So long a push needs no refresh where the upstream was last of one mind with the mirror. What
/// others did meanwhile is no danger: the upstream itself takes a push only where its refs still are
/// what they were judged against.
const AGREED: Duration = Duration::from_mins(2);
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
    /// All of it was fetched.
    fetched: Option<Instant>,
    /// It was fetched, or the upstream took what was pushed.
    agreed: Option<Instant>,
}

impl Known {
    /// Nothing is: what the upstream says at the next contact is the truth.
    pub(crate) fn forget(&mut self) {
        *self = Self::default();
    }

    /// The upstream took a push, which is all that the mirror has more now. Others may have pushed.
    pub(crate) fn took(&mut self) {
        *self = Self { fetched: None, agreed: Some(Instant::now()) };
    }

    fn is_fresh_for(&self, service: Service) -> bool {
        let (at, lifetime) = match service {
            Service::Fetch => (self.fetched, FRESH),
            Service::Push => (self.agreed, AGREED),
        };
        at.is_some_and(|at| at.elapsed() < lifetime)
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
        if there && known.is_fresh_for(service) {
            return Ok(());
        }
        known.forget();
        self.fetch(gate, service, !there).await?;
        let now = Some(Instant::now());
        // Which branch a clone checks out is not asked for a push.
        *known = Known { fetched: now.filter(|_| service == Service::Fetch), agreed: now };
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
        let git = || way.open(Program::git(ground)).within(&self.path(gate));
        let url = way.url();
        let fetch =
            ["fetch", "--quiet", "--prune", "--no-tags", "--no-write-fetch-head", "--force"];
        let refs = ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"];
        let fetched = said(&git().args(fetch).args(["--", &url]).args(refs)).await;
        fetched.map_err(|trouble| contact.trouble(trouble))?;
        if service == Service::Push && !first {
            return Ok(());
        }
        let head = Program::git(ground).within(&self.path(gate));
        let head = said(&head.args(["rev-parse", "--quiet", "--verify", "HEAD"])).await;
        if first || head.is_err() {
            let told = said(&git().args(["ls-remote", "--symref", "--", &url, "HEAD"])).await?;
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

//! A push that a person has to allow: held for a while, then refused with the name of what was asked
//! for. What a person allowed passes once, and it is that object for that ref and nothing else.

use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use git_gate::{PushAnswer, PushProposal, Pushed};
use sidecar::clock::now;
use sidecar::replace;

use super::say;
use crate::ground::Ground;

/// How often the answers are looked at.
const GLANCE: Duration = Duration::from_millis(250);
/// Larger than any file of the queue.
const FILE_LIMIT: u64 = 64 * 1024;
/// The most proposals that may wait at once.
const OPEN: usize = 20;
/// The most files of the queue that are kept.
const FILES: usize = 200;
/// How often the same may be allowed and pushed again.
const ATTEMPTS: u32 = 20;
/// How long a proposal waits: seven days, in seconds.
const LIFETIME: u64 = 7 * 24 * 60 * 60;

/// What a person has to allow, as far as they have.
#[derive(Debug)]
pub(super) struct Approvals<'a> {
    ground: &'a Ground,
    /// Each ref of the push with its new object.
    pushes: Vec<Pushed>,
}

/// What became of the question.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Outcome {
    Allowed(Allowed),
    /// With the person's reason.
    Denied {
        id: String,
        reason: String,
    },
    /// Nobody answered yet.
    Waits(Vec<String>),
    /// So many wait already that no more are asked.
    TooMany,
}

/// Approvals that are there and not used up.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Allowed {
    pub(super) ids: Vec<String>,
    /// By whom.
    pub(super) by: String,
}

/// How one push stands.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Standing {
    New(u32),
    Open,
    Approved(Option<String>),
    Denied(String),
}

impl<'a> Approvals<'a> {
    pub(super) fn new(ground: &'a Ground, pushes: Vec<Pushed>) -> Self {
        Self { ground, pushes }
    }

    /// What was allowed already, if all of it was. Asks nobody.
    pub(super) fn given(&self) -> Option<Allowed> {
        let mut allowed = Allowed::default();
        for pushed in &self.pushes {
            let (id, Standing::Approved(by)) = self.standing(pushed)? else { return None };
            allowed.add(id, by);
        }
        Some(allowed).filter(|allowed| !allowed.ids.is_empty())
    }

    /// Asks for what was not asked yet, and waits for the answers.
    pub(super) fn obtain(&self, found: &[String], hold: Duration) -> anyhow::Result<Outcome> {
        self.tidy();
        for pushed in &self.pushes {
            let Some((_, Standing::New(attempt))) = self.standing(pushed) else { continue };
            if self.open() >= OPEN {
                return Ok(Outcome::TooMany);
            }
            let proposal = pushed.propose(attempt, now(), found);
            self.write(&proposal).context("cannot write down what a person has to allow")?;
        }
        let begun = Instant::now();
        let mut told: Option<Instant> = None;
        // Nobody ever sends: it is a pause that needs no second clock.
        let (_keep, pause) = mpsc::channel::<()>();
        loop {
            let outcome = self.outcome();
            let Outcome::Waits(ids) = &outcome else { return Ok(outcome) };
            let left = hold.saturating_sub(begun.elapsed());
            if left.is_zero() {
                return Ok(outcome);
            }
            if told.is_none_or(|at| at.elapsed() >= say::PROGRESS) {
                told = Some(Instant::now());
                let (ids, left) = (ids.join(", "), left.as_secs() + 1);
                say::line(&format!(
                    "git-gate: waiting for a person to allow this push (proposal {ids}), for up to {left} s"
                ));
            }
            pause.recv_timeout(GLANCE.min(left)).ok();
        }
    }

    fn outcome(&self) -> Outcome {
        let (mut allowed, mut waits) = (Allowed::default(), Vec::new());
        for pushed in &self.pushes {
            match self.standing(pushed) {
                None => return Outcome::TooMany,
                Some((id, Standing::Approved(by))) => allowed.add(id, by),
                Some((id, Standing::Denied(reason))) => return Outcome::Denied { id, reason },
                Some((id, Standing::Open | Standing::New(_))) => waits.push(id),
            }
        }
        if waits.is_empty() { Outcome::Allowed(allowed) } else { Outcome::Waits(waits) }
    }

    /// How that push stands, and under which id. `None` where it was asked for too often.
    fn standing(&self, pushed: &Pushed) -> Option<(String, Standing)> {
        for attempt in 0..ATTEMPTS {
            let id = pushed.id(attempt);
            let asked = self.proposal(&id);
            // Another push that happens to have the id, or was made to have it: that one stays.
            if asked.as_ref().is_some_and(|asked| asked.pushed() != pushed) {
                continue;
            }
            let answer = read(&self.ground.inbox.join(answer_file(&id)));
            match answer.and_then(|bytes| pushed.answer(&id, &bytes)) {
                Some(PushAnswer::Revoked) => {}
                Some(PushAnswer::Approved(_)) if self.used(&id).exists() => {}
                Some(PushAnswer::Approved(by)) => return Some((id, Standing::Approved(by))),
                Some(PushAnswer::Denied(reason)) => return Some((id, Standing::Denied(reason))),
                None => {
                    let open = asked.is_some_and(|asked| !is_over(&asked));
                    let standing = if open { Standing::Open } else { Standing::New(attempt) };
                    return Some((id, standing));
                }
            }
        }
        None
    }

    /// Uses approvals up, before anything goes on: whatever ends us, none is good twice.
    pub(super) fn use_up(&self, allowed: &Allowed) -> anyhow::Result<()> {
        for id in &allowed.ids {
            replace(&self.used(id), b"", 0o644)
                .context("cannot write down that an approval is used")?;
        }
        Ok(())
    }

    /// Gives them back, when the upstream took nothing.
    pub(super) fn give_back(&self, allowed: &Allowed) {
        for id in &allowed.ids {
            // One that stays is an approval less, and nothing more.
            drop(std::fs::remove_file(self.used(id)));
        }
    }

    fn proposal(&self, id: &str) -> Option<PushProposal> {
        let bytes = read(&self.ground.outbox.join(proposal_file(id)))?;
        serde_json::from_slice(&bytes).ok()
    }

    fn used(&self, id: &str) -> PathBuf {
        self.ground.outbox.join(format!("used-{id}"))
    }

    fn write(&self, proposal: &PushProposal) -> io::Result<()> {
        let bytes = serde_json::to_vec(proposal)?;
        replace(&self.ground.outbox.join(proposal_file(&proposal.id)), &bytes, 0o644)
    }

    /// How many wait.
    fn open(&self) -> usize {
        let open = |id: &String| {
            let answered = self.ground.inbox.join(answer_file(id)).exists();
            !answered && self.proposal(id).is_some_and(|asked| !is_over(&asked))
        };
        self.ids().iter().filter(|id| open(id)).count()
    }

    fn ids(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.ground.outbox).into_iter().flatten().flatten();
        let id = |name: &str| {
            let id = name.strip_prefix("proposal-")?.strip_suffix(".json")?;
            Some(id.to_owned())
        };
        entries.filter_map(|entry| id(entry.file_name().to_str()?)).collect()
    }

    /// Removes what nobody is going to answer any more, and the oldest of what is too much. What
    /// says that an approval was used stays as long as the answer does, which is the host's.
    fn tidy(&self) {
        let mut kept: Vec<(u64, String)> = Vec::new();
        for id in self.ids() {
            let answered = self.ground.inbox.join(answer_file(&id)).exists();
            match self.proposal(&id) {
                Some(asked) if answered || !is_over(&asked) => kept.push((asked.created, id)),
                _ => self.remove(&id),
            }
        }
        kept.sort();
        let many = kept.len().saturating_sub(FILES - OPEN);
        for (_, id) in kept.into_iter().take(many) {
            if self.ground.inbox.join(answer_file(&id)).exists() {
                self.remove(&id);
            }
        }
    }

    fn remove(&self, id: &str) {
        // Gone already is as well.
        drop(std::fs::remove_file(self.ground.outbox.join(proposal_file(id))));
    }
}

impl Allowed {
    fn add(&mut self, id: String, by: Option<String>) {
        self.ids.push(id);
        self.by = by.unwrap_or_else(|| "a person".to_owned());
    }
}

fn is_over(asked: &PushProposal) -> bool {
    now().saturating_sub(asked.created) > LIFETIME
}

fn proposal_file(id: &str) -> String {
    format!("proposal-{id}.json")
}

fn answer_file(id: &str) -> String {
    format!("answer-{id}.json")
}

fn read(path: &Path) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    std::fs::File::open(path).ok()?.take(FILE_LIMIT + 1).read_to_end(&mut bytes).ok()?;
    (bytes.len() as u64 <= FILE_LIMIT).then_some(bytes)
}

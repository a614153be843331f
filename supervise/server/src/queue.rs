//! The queue on disk: what was asked for, written by us, and what was answered, written by the host.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;
use sidecar::clock::now;
use sidecar::replace;
use supervise::{
    Answer, AnswerVerdict, Ask, FILE_LIMIT, FILES, InvalidAsk, OPEN, Proposal, ProposalId,
};

/// How many new proposals may come in [`WINDOW`].
const NEW: usize = 10;
const WINDOW: Duration = Duration::from_mins(1);
/// How often the same may be granted and asked for again.
const ATTEMPTS: u32 = 20;

/// Proposals and their answers.
#[derive(Debug)]
pub struct Queue {
    outbox: PathBuf,
    inbox: PathBuf,
    /// Where the git gate writes down what it holds back: proposals of its own.
    gate: PathBuf,
    /// When the last new ones came; held while one is written.
    recent: Mutex<VecDeque<Instant>>,
}

/// How a proposal stands.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "state", content = "reason")]
pub enum State {
    /// A person has not answered.
    Open,
    Approved,
    Denied(String),
    /// A person said yes, and it could not be put in force.
    Failed(String),
    /// A person said yes, and took it back.
    Revoked(String),
}

/// Why something was not written down.
#[derive(Debug)]
pub enum Refusal {
    Ask(InvalidAsk),
    TooManyOpen,
    TooFast,
    TooOften,
    Disk(io::Error),
}

impl Refusal {
    /// In a sentence for the agent.
    pub fn text(&self) -> String {
        match self {
            Self::Ask(error) => error.to_string(),
            Self::TooManyOpen => {
                format!("{OPEN} proposals wait for a person already: withdraw one, or wait")
            }
            Self::TooFast => format!("more than {NEW} new proposals in a minute: wait a moment"),
            Self::TooOften => "this was granted too often to be asked for again".to_owned(),
            Self::Disk(_) => "the proposal could not be written down".to_owned(),
        }
    }
}

impl Queue {
    /// A queue in those folders.
    pub fn new(outbox: &Path, inbox: &Path, gate: &Path) -> Self {
        let [outbox, inbox, gate] = [outbox, inbox, gate].map(Path::to_owned);
        Self { outbox, inbox, gate, recent: Mutex::default() }
    }

    /// Writes down what is asked for. The same that is open or was denied is not written again, and
    /// what was answered in any other way is asked under another id, whoever asked it first: the gate
    /// asks for pushes too. Says whether it is new.
    ///
    /// # Errors
    ///
    /// What cannot be asked for, and what is too much.
    pub fn propose(&self, ask: &Ask, reason: &str) -> Result<(Proposal, State, bool), Refusal> {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        self.tidy();
        let mut attempt = 0;
        let proposal = loop {
            let proposal = Proposal::new(ask.clone(), reason.to_owned(), attempt, now())
                .map_err(Refusal::Ask)?;
            match (self.state(&proposal.id), self.written(&self.outbox, &proposal.id)) {
                (State::Open, None) => break proposal,
                (state @ (State::Open | State::Denied(_)), there) => {
                    let there = there.map_or(proposal, |(there, _)| there);
                    return Ok((there, state, false));
                }
                (State::Approved | State::Failed(_) | State::Revoked(_), _) => attempt += 1,
            }
            if attempt > ATTEMPTS {
                return Err(Refusal::TooOften);
            }
        };
        let all: Vec<_> =
            ids(&self.outbox).iter().filter_map(|id| self.written(&self.outbox, id)).collect();
        if all.iter().filter(|(_, state)| *state == State::Open).count() >= OPEN {
            return Err(Refusal::TooManyOpen);
        }
        while recent.front().is_some_and(|first| first.elapsed() > WINDOW) {
            recent.pop_front();
        }
        if recent.len() >= NEW {
            return Err(Refusal::TooFast);
        }
        let oldest = all.iter().filter(|(_, state)| *state != State::Open);
        if all.len() >= FILES
            && let Some((oldest, _)) = oldest.min_by_key(|(proposal, _)| proposal.created)
        {
            self.remove(&oldest.id);
        }
        let file = self.outbox.join(proposal.id.proposal_file());
        replace(&file, proposal.to_json().as_bytes(), 0o644).map_err(Refusal::Disk)?;
        recent.push_back(Instant::now());
        Ok((proposal, State::Open, true))
    }

    /// The proposal of that id, the gate's own included, and how it stands.
    pub fn find(&self, id: &ProposalId) -> Option<(Proposal, State)> {
        self.written(&self.outbox, id).or_else(|| self.written(&self.gate, id))
    }

    /// The proposal of that id in one folder.
    fn written(&self, folder: &Path, id: &ProposalId) -> Option<(Proposal, State)> {
        let bytes = read(&folder.join(id.proposal_file()))?;
        let proposal = Proposal::read(&bytes).ok().filter(|proposal| proposal.id == *id)?;
        let state = self.state(id);
        let over = state == State::Open && proposal.is_expired(now());
        (!over).then_some((proposal, state))
    }

    /// Every proposal, the gate's own included, the oldest first.
    pub fn all(&self) -> Vec<(Proposal, State)> {
        let mut ids: Vec<_> =
            [&self.outbox, &self.gate].into_iter().flat_map(|at| ids(at)).collect();
        ids.sort();
        ids.dedup();
        let mut all: Vec<_> = ids.iter().filter_map(|id| self.find(id)).collect();
        all.sort_by(|a, b| (a.0.created, &a.0.id).cmp(&(b.0.created, &b.0.id)));
        all
    }

    /// Takes an open proposal back. Says whether it was open.
    pub fn withdraw(&self, id: &ProposalId) -> bool {
        let held = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let there = self.written(&self.outbox, id);
        let open = there.is_some_and(|(_, state)| state == State::Open);
        if open {
            self.remove(id);
        }
        drop(held);
        open
    }

    /// The policy in force, as the host wrote it.
    pub fn policy(&self) -> Option<supervise::Policy> {
        serde_json::from_slice(&read(&self.inbox.join(supervise::POLICY_FILE))?).ok()
    }

    fn state(&self, id: &ProposalId) -> State {
        let answer = read(&self.inbox.join(id.answer_file()));
        match answer.and_then(|bytes| Answer::read(&bytes, id).ok()) {
            None => State::Open,
            Some(answer) => match answer.verdict {
                AnswerVerdict::Approved => State::Approved,
                AnswerVerdict::Denied => State::Denied(answer.reason),
                AnswerVerdict::Failed => State::Failed(answer.reason),
                AnswerVerdict::Revoked => State::Revoked(answer.reason),
            },
        }
    }

    /// Removes what nobody is going to answer any more.
    fn tidy(&self) {
        for id in ids(&self.outbox) {
            if self.written(&self.outbox, &id).is_none() {
                self.remove(&id);
            }
        }
    }

    fn remove(&self, id: &ProposalId) {
        // Gone already is as well.
        drop(fs::remove_file(self.outbox.join(id.proposal_file())));
    }
}

/// The ids that files of a folder are named for.
fn ids(folder: &Path) -> Vec<ProposalId> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let named = entries
        .flatten()
        .filter_map(|entry| ProposalId::of_proposal_file(entry.file_name().to_str()?));
    named.take(2 * FILES).collect()
}

fn read(path: &Path) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path).ok()?.take(FILE_LIMIT + 1).read_to_end(&mut bytes).ok()?;
    (bytes.len() as u64 <= FILE_LIMIT).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Folders {
        outbox: tempfile::TempDir,
        inbox: tempfile::TempDir,
    }

    impl Folders {
        fn new() -> Self {
            Self { outbox: tempfile::tempdir().unwrap(), inbox: tempfile::tempdir().unwrap() }
        }

        fn queue(&self) -> Queue {
            Queue::new(self.outbox.path(), self.inbox.path(), &self.inbox.path().join("gate"))
        }

        fn files(&self) -> usize {
            fs::read_dir(self.outbox.path()).unwrap().count()
        }

        fn answer(&self, id: &ProposalId, verdict: AnswerVerdict) {
            let answer = Answer {
                id: id.clone(),
                verdict,
                reason: "because".to_owned(),
                answered: 1,
                until: None,
                push: None,
                by: None,
            };
            replace(&self.inbox.path().join(id.answer_file()), answer.to_json().as_bytes(), 0o644)
                .unwrap();
        }
    }

    fn ask(host: &str) -> Ask {
        let host = host.parse().unwrap();
        Ask::Egress(supervise::Requests {
            host,
            methods: vec!["GET".to_owned()],
            paths: Vec::new(),
        })
    }

    #[test]
    fn j3_a_thousand_proposals_are_few() {
        let folders = Folders::new();
        let queue = folders.queue();
        for _ in 0..1000 {
            let (_, state, _) = queue.propose(&ask("a.org"), "again").unwrap();
            assert_eq!(state, State::Open);
        }
        assert_eq!(folders.files(), 1, "a person sees one");
        let others = (0..1000).filter(|n| queue.propose(&ask(&format!("h{n}.org")), "x").is_ok());
        assert_eq!(others.count(), NEW - 1);
        // Another minute, over and over.
        for turn in 0..20 {
            queue.recent.lock().unwrap().clear();
            for n in 0..NEW {
                drop(queue.propose(&ask(&format!("t{turn}-{n}.org")), "x"));
            }
        }
        assert_eq!(folders.files(), OPEN);
        let refused = queue.propose(&ask("one-more.org"), "x");
        assert!(matches!(refused, Err(Refusal::TooManyOpen)));
    }

    #[test]
    fn what_was_answered_stays_so_after_a_restart_and_a_grant_can_be_asked_for_again() {
        let folders = Folders::new();
        let (first, ..) = folders.queue().propose(&ask("a.org"), "x").unwrap();
        folders.answer(&first.id, AnswerVerdict::Denied);
        let (same, state, new) = folders.queue().propose(&ask("a.org"), "please").unwrap();
        assert_eq!((same.id, new), (first.id.clone(), false));
        assert_eq!(state, State::Denied("because".to_owned()));
        folders.answer(&first.id, AnswerVerdict::Approved);
        let (next, state, new) = folders.queue().propose(&ask("a.org"), "it went away").unwrap();
        assert_ne!(next.id, first.id);
        assert_eq!((state, new), (State::Open, true));
        assert!(folders.queue().withdraw(&next.id) && !folders.queue().withdraw(&first.id));
    }

    /// A push, and the proposal of it that the gate writes.
    fn held_by_the_gate() -> (Ask, Proposal) {
        let push = supervise::Push {
            upstream: "git.example.org/acme/widgets".to_owned(),
            reference: "refs/heads/x".to_owned(),
            object: "0".repeat(40),
        };
        let ask = Ask::Push(push);
        let held = Proposal::new(ask.clone(), "held".to_owned(), 0, now()).unwrap();
        (ask, held)
    }

    #[test]
    fn a_push_that_the_gate_holds_is_found_and_can_be_asked_for_with_a_reason() {
        let folders = Folders::new();
        let gate = folders.inbox.path().join("gate");
        fs::create_dir(&gate).unwrap();
        let (ask, held) = held_by_the_gate();
        replace(&gate.join(held.id.proposal_file()), held.to_json().as_bytes(), 0o644).unwrap();
        assert_eq!(folders.queue().find(&held.id).unwrap().1, State::Open);
        assert!(!folders.queue().withdraw(&held.id), "it is not the agent's");
        let (asked, _, new) = folders.queue().propose(&ask, "please").unwrap();
        assert_eq!((asked.id, new), (held.id.clone(), true));
        assert_eq!(folders.queue().all().len(), 1);
        folders.answer(&held.id, AnswerVerdict::Approved);
        assert_eq!(folders.queue().find(&held.id).unwrap().1, State::Approved);
    }

    #[test]
    fn a_push_that_the_gate_asked_for_and_that_was_answered_is_asked_under_another_id() {
        let folders = Folders::new();
        let (ask, held) = held_by_the_gate();
        folders.answer(&held.id, AnswerVerdict::Denied);
        let (same, state, new) = folders.queue().propose(&ask, "please").unwrap();
        assert_eq!((same.id, new), (held.id.clone(), false));
        assert_eq!((state, folders.files()), (State::Denied("because".to_owned()), 0));
        for verdict in [AnswerVerdict::Approved, AnswerVerdict::Revoked, AnswerVerdict::Failed] {
            folders.answer(&held.id, verdict);
            let (next, state, _) = folders.queue().propose(&ask, "once more").unwrap();
            assert_eq!((next.attempt, state), (1, State::Open), "{verdict:?}");
            assert_ne!(next.id, held.id);
        }
        assert_eq!(folders.files(), 1);
    }

    #[test]
    fn j1_an_answer_of_another_form_or_to_another_is_none() {
        let folders = Folders::new();
        let (proposal, ..) = folders.queue().propose(&ask("a.org"), "x").unwrap();
        let file = folders.inbox.path().join(proposal.id.answer_file());
        for bad in ["", "{}", "approved", "[]"] {
            replace(&file, bad.as_bytes(), 0o644).unwrap();
            assert_eq!(folders.queue().find(&proposal.id).unwrap().1, State::Open, "{bad}");
        }
        // A good one, and the same with more white space behind it than a file may have.
        folders.answer(&proposal.id, AnswerVerdict::Approved);
        assert_eq!(folders.queue().find(&proposal.id).unwrap().1, State::Approved);
        let mut long = fs::read(&file).unwrap();
        long.resize(100_000, b' ');
        replace(&file, &long, 0o644).unwrap();
        assert_eq!(folders.queue().find(&proposal.id).unwrap().1, State::Open);
    }
}

//! What the agents of this host ask for, read from their sidecars' outboxes: hostile files, each
//! checked as if it had just been asked. Answers are written here and nowhere else.

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;
use std::str::FromStr;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, anyhow, bail};
use compose_render::{Role, Slug};
use compose_run::{BottleDir, Owner, StateDir, read_plain, replace_owned};
use supervise::{Answer, AnswerVerdict, Ask, FILE_LIMIT, FILES, Proposal, ProposalId};

use crate::audit;
use crate::exit::{self, Hint as _};

/// The sidecars that ask.
pub(crate) const ASK: [Role; 2] = [Role::Supervise, Role::GitGate];

/// A proposal of a bottle.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub slug: Slug,
    pub proposal: Proposal,
    pub answer: Option<Answer>,
    /// The agent's words; none where git-gate asks by itself.
    pub says: Option<String>,
    /// Whether the sidecar that lets it through has seen it. Always so where that is the policy's.
    pub judged: bool,
    /// A push that was let through: its approval is used up.
    pub used: bool,
}

/// The proposals of one bottle.
#[derive(Clone, Debug, Default)]
pub(crate) struct Found {
    /// The oldest first.
    pub asked: Vec<Asked>,
    /// Files that are no proposals, or too many.
    pub odd: usize,
}

/// How a person names a proposal: `ID`, or `BOTTLE/ID` where two bottles ask for the same.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Name {
    pub slug: Option<Slug>,
    pub id: ProposalId,
}

impl FromStr for Name {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let (slug, id) = match text.split_once('/') {
            Some((slug, id)) => (Some(slug.parse()?), id),
            None => (None, text),
        };
        let id = id.parse().map_err(|_| anyhow!("it has twelve digits, as in `0123456789ab`"))?;
        Ok(Self { slug, id })
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.slug {
            Some(slug) => write!(f, "{slug}/{}", self.id),
            None => self.id.fmt(f),
        }
    }
}

impl Asked {
    /// Whether a person can still answer.
    pub(crate) fn is_open(&self) -> bool {
        self.answer.is_none() && !self.proposal.is_expired(now())
    }

    /// The word for how it stands.
    pub(crate) fn state(&self) -> &'static str {
        match &self.answer {
            None if self.is_open() => "open",
            None => "expired",
            Some(answer) => match answer.verdict {
                AnswerVerdict::Approved if self.used => "used",
                AnswerVerdict::Approved => "approved",
                AnswerVerdict::Denied => "denied",
                AnswerVerdict::Failed => "failed",
                AnswerVerdict::Revoked => "revoked",
            },
        }
    }

    /// Its name over all bottles.
    pub(crate) fn name(&self) -> Name {
        Name { slug: Some(self.slug.clone()), id: self.proposal.id.clone() }
    }

    /// What is asked for, in a line.
    pub(crate) fn wish(&self) -> String {
        self.proposal.ask.to_string()
    }
}

/// Whether a bottle has somebody to ask.
pub(crate) fn has_supervise(dir: &BottleDir) -> bool {
    dir.service(Role::Supervise).outbox.is_dir()
}

/// The proposals of that bottle: its agent's, and those of git-gate.
pub(crate) fn of_bottle(dir: &BottleDir) -> anyhow::Result<Found> {
    let mut found = Found::default();
    let mut ids = BTreeSet::new();
    for role in ASK {
        let outbox = dir.service(role).outbox;
        if !outbox.is_dir() {
            continue;
        }
        let mut named = Vec::new();
        // Two kinds of files of our own lie there too, and a name may be staged.
        for entry in fs_err::read_dir(outbox)?.take(4 * FILES) {
            named.extend(entry?.file_name().to_str().and_then(ProposalId::of_proposal_file));
        }
        named.sort();
        found.odd += named.len().saturating_sub(FILES);
        ids.extend(named.into_iter().take(FILES));
    }
    for id in ids {
        match one(dir, &id) {
            Ok(Some(asked)) => found.asked.push(asked),
            Ok(None) => {}
            Err(_) => found.odd += 1,
        }
    }
    found.asked.sort_by_key(|asked| asked.proposal.created);
    Ok(found)
}

/// One proposal, where it is there. Of a push the gate's own file counts; the agent's adds words.
pub(crate) fn one(dir: &BottleDir, id: &ProposalId) -> anyhow::Result<Option<Asked>> {
    let agents = read_proposal(dir, Role::Supervise, id)?;
    let gates = read_proposal(dir, Role::GitGate, id)?;
    let is_push = |proposal: &Proposal| matches!(proposal.ask, Ask::Push(_));
    if gates.as_ref().is_some_and(|gates| !is_push(gates)) {
        bail!("git-gate asks for something that is no push");
    }
    if agents.as_ref().is_some_and(|agents| !agents.found.is_empty()) {
        bail!("an agent's proposal says what was found in it");
    }
    let says = agents.as_ref().map(|agents| agents.reason.clone());
    let (proposal, judged) = match (agents, gates) {
        (Some(agents), Some(gates)) if agents.ask != gates.ask => {
            bail!("two different things are asked for under the name `{id}`")
        }
        (_, Some(gates)) => (gates, true),
        (Some(agents), None) => {
            let judged = !is_push(&agents);
            (agents, judged)
        }
        (None, None) => return Ok(None),
    };
    let slug = dir.slug().clone();
    let push = is_push(&proposal);
    let used = Path::new(Role::GitGate.as_str()).join("outbox").join(format!("used-{id}"));
    let used = push && read_plain(dir.path(), &used, FILE_LIMIT).is_ok();
    let answer = read_answer(dir, id, push)?;
    Ok(Some(Asked { slug, proposal, answer, says, judged, used }))
}

fn read_proposal(dir: &BottleDir, role: Role, id: &ProposalId) -> anyhow::Result<Option<Proposal>> {
    let file = Path::new(role.as_str()).join("outbox").join(id.proposal_file());
    let bytes = match read_plain(dir.path(), &file, FILE_LIMIT) {
        Ok(bytes) => bytes,
        Err(error) if error.is_absent() => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let proposal =
        Proposal::read(&bytes).with_context(|| format!("`{}` is no proposal", file.display()))?;
    if proposal.id != *id {
        bail!("`{}` holds the proposal of another name", file.display());
    }
    Ok(Some(proposal))
}

fn read_answer(dir: &BottleDir, id: &ProposalId, push: bool) -> anyhow::Result<Option<Answer>> {
    // A push is answered to the gate, whether there is a supervise or not.
    let role = if push { Role::GitGate } else { Role::Supervise };
    let file = Path::new(role.as_str()).join("inbox").join(id.answer_file());
    match read_plain(dir.path(), &file, FILE_LIMIT) {
        Ok(bytes) => Ok(Some(Answer::read(&bytes, id)?)),
        Err(error) if error.is_absent() => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The proposal a person named, over all bottles.
///
/// # Errors
///
/// None of that name, or several.
pub(crate) fn named(state: &StateDir, name: &Name) -> anyhow::Result<Asked> {
    let mut found = Vec::new();
    for bottle in state.bottles()? {
        if name.slug.as_ref().is_some_and(|slug| slug != bottle.dir.slug()) {
            continue;
        }
        found.extend(one(&bottle.dir, &name.id)?);
    }
    match found.len() {
        1 => found.pop().context("it was there just now"),
        0 => Err(anyhow!("there is no proposal `{name}`"))
            .hint("`bottle proposals` lists those that wait"),
        _ => {
            let names: Vec<_> = found.iter().map(|asked| asked.name().to_string()).collect();
            let error = exit::usage(format!("several bottles ask for `{name}`"));
            Err(exit::advise(error, format!("name one of {}", names.join(", "))))
        }
    }
}

/// An answer by whoever runs this. One to a push names it, whatever it says: else the gate, which
/// waits for it, is told nothing.
pub(crate) fn answer_of(
    id: &ProposalId,
    ask: &Ask,
    verdict: AnswerVerdict,
    reason: &str,
) -> Answer {
    let (id, reason, push) = (id.clone(), reason.to_owned(), ask.push().cloned());
    let by = Some(audit::who());
    Answer { id, verdict, reason, answered: now(), until: None, push, by }
}

/// Writes an answer to where each sidecar that may have asked reads it: to all of them, also where
/// one cannot be told, which is the error then.
pub(crate) fn write_answer(dir: &BottleDir, answer: &Answer) -> anyhow::Result<()> {
    let mut told = Ok(());
    for role in ASK {
        // A push is the gate's to let through; supervise tells its agent.
        let concerned = role == Role::Supervise || answer.push.is_some();
        if concerned && dir.service(role).inbox.is_dir() {
            let written = write(dir, role, &answer.id.answer_file(), &answer.to_json());
            told = told.and(written);
        }
    }
    told
}

/// Tells the agent which policy is in force.
pub(crate) fn tell(dir: &BottleDir, policy: &supervise::Policy) -> anyhow::Result<()> {
    write(dir, Role::Supervise, supervise::POLICY_FILE, &serde_json::to_string(policy)?)
}

fn write(dir: &BottleDir, role: Role, name: &str, text: &str) -> anyhow::Result<()> {
    let path = dir.service(role).inbox.join(name);
    Ok(replace_owned(&path, text.as_bytes(), 0o600, Owner::of_sidecars())?)
}

/// Seconds since 1970.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::bottles;

    /// A bottle with supervise's folders.
    pub(crate) fn bottle() -> (tempfile::TempDir, StateDir, BottleDir) {
        let (folder, state, dir) = bottles::tests::bottle();
        dir.create_service(Role::Supervise, Owner::of_sidecars()).unwrap();
        (folder, state, dir)
    }

    pub(crate) fn proposal(host: &str) -> Proposal {
        let host = host.parse().unwrap();
        let ask = supervise::Requests { host, methods: Vec::new(), paths: Vec::new() };
        let ask = Ask::Egress(ask);
        Proposal::new(ask, "to read".to_owned(), 0, now()).unwrap()
    }

    /// Puts a file where supervise puts what it asks.
    pub(crate) fn put(dir: &BottleDir, name: &str, text: &str) {
        let path = dir.service(Role::Supervise).outbox.join(name);
        compose_run::replace(&path, text.as_bytes(), 0o644).unwrap();
    }

    /// git-gate refuses every name that no proposal could hold: what is pushed can be approved.
    #[test]
    fn j2_the_gate_takes_the_names_of_refs_that_proposals_have() {
        let rules = git_gate::Rules::new(
            "b".parse().unwrap(),
            vec!["refs/heads/**".parse::<git_gate::PushRef>().unwrap()],
        );
        let odd = ["a/.b", "a//b", "a..b", "a\u{430}b", "a\u{202e}b", "é"].map(str::to_owned);
        let printable = (b' '..=b'~').map(|byte| format!("a{}b", char::from(byte)));
        for part in printable.chain(odd).chain([200, 300].map(|length| "x".repeat(length))) {
            let name = format!("refs/heads/{part}");
            let update = git_gate::RefUpdate {
                name: name.clone(),
                change: git_gate::Change::Create,
                own: false,
            };
            let ask = Ask::Push(supervise::Push {
                upstream: "git.example.org/acme/widgets".to_owned(),
                reference: name.clone(),
                object: "0".repeat(40),
            });
            assert_eq!(rules.judge(&update).is_ok(), ask.canonical().is_ok(), "{name:?}");
        }
    }

    #[test]
    fn j1_only_files_that_are_what_their_names_say_are_proposals() {
        let (_folder, state, dir) = bottle();
        let (good, other) = (proposal("a.org"), proposal("b.org"));
        put(&dir, &good.id.proposal_file(), &good.to_json());
        // Another's content under this name; a link; too large; no proposal.
        put(&dir, "proposal-0123456789ab.json", &other.to_json());
        let outbox = dir.service(Role::Supervise).outbox;
        let link = outbox.join("proposal-0123456789ac.json");
        std::os::unix::fs::symlink(outbox.join(good.id.proposal_file()), link).unwrap();
        put(&dir, "proposal-0123456789ad.json", &" ".repeat(100_000));
        put(&dir, "proposal-0123456789ae.json", "{}");
        put(&dir, "noise", "noise");
        let found = of_bottle(&dir).unwrap();
        assert_eq!(found.asked.len(), 1);
        assert_eq!(found.asked[0].proposal, good);
        assert_eq!(found.odd, 4);
        assert_eq!(named(&state, &good.id.as_str().parse().unwrap()).unwrap().proposal, good);
        assert!(named(&state, &"0123456789ff".parse().unwrap()).is_err());
        assert!("../x/0123456789ff".parse::<Name>().is_err());
    }

    #[test]
    fn j1_an_answer_is_given_once_and_lies_where_the_container_cannot_write() {
        let (_folder, _state, dir) = bottle();
        let good = proposal("a.org");
        put(&dir, &good.id.proposal_file(), &good.to_json());
        // What the container writes beside it is no answer.
        let forged = Answer {
            id: good.id.clone(),
            verdict: AnswerVerdict::Approved,
            reason: String::new(),
            answered: 1,
            until: None,
            push: None,
            by: None,
        };
        put(&dir, &good.id.answer_file(), &forged.to_json());
        assert!(one(&dir, &good.id).unwrap().unwrap().is_open());
        write_answer(&dir, &answer_of(&good.id, &good.ask, AnswerVerdict::Denied, "no")).unwrap();
        let asked = one(&dir, &good.id).unwrap().unwrap();
        assert_eq!((asked.is_open(), asked.state()), (false, "denied"));
    }

    #[test]
    fn h9_a_push_is_the_gates_word_and_the_agents_are_quoted() {
        let (_folder, _state, dir) = bottle();
        dir.create_service(Role::GitGate, Owner::of_sidecars()).unwrap();
        let push = supervise::Push {
            upstream: "git.example.org/acme/widgets".to_owned(),
            reference: "refs/heads/agent/x".to_owned(),
            object: "0123456789012345678901234567890123456789".to_owned(),
        };
        let of = |reason: &str| {
            Proposal::new(Ask::Push(push.clone()), reason.to_owned(), 0, now()).unwrap()
        };
        let at = |role: Role, text: &str| {
            let path = dir.service(role).outbox.join(of("x").id.proposal_file());
            compose_run::replace(&path, text.as_bytes(), 0o644).unwrap();
        };
        let id = of("x").id;
        at(Role::Supervise, &of("let it pass").to_json());
        assert!(!one(&dir, &id).unwrap().unwrap().judged, "the gate has not seen it");
        let gates =
            Proposal { found: vec!["ci.yml (protected-file)".to_owned()], ..of("a person") };
        at(Role::GitGate, &gates.to_json());
        let both = one(&dir, &id).unwrap().unwrap();
        assert_eq!((both.judged, both.says.as_deref()), (true, Some("let it pass")));
        assert_eq!(both.proposal.found, gates.found);
        assert_eq!(of_bottle(&dir).unwrap().asked.len(), 1, "one, in two places");
        // What an agent says was found is no finding; what the gate asks for is a push.
        at(Role::Supervise, &gates.to_json());
        assert!(one(&dir, &id).is_err());
        at(Role::Supervise, &of("let it pass").to_json());
        let host = proposal("a.org");
        let path = dir.service(Role::GitGate).outbox.join(host.id.proposal_file());
        compose_run::replace(&path, host.to_json().as_bytes(), 0o644).unwrap();
        assert_eq!(of_bottle(&dir).unwrap().odd, 1);
        // The answer names what was allowed, where the gate reads it.
        let answer = |verdict| answer_of(&id, &Ask::Push(push.clone()), verdict, "");
        // A yes that could not be put in force is told to the gate as well, and whatever becomes of it
        // beside it.
        let odd = dir.service(Role::Supervise).inbox.join(id.answer_file());
        std::fs::create_dir(&odd).unwrap();
        write_answer(&dir, &answer(AnswerVerdict::Failed)).unwrap_err();
        std::fs::remove_dir(&odd).unwrap();
        assert_eq!(one(&dir, &id).unwrap().unwrap().state(), "failed");
        write_answer(&dir, &answer(AnswerVerdict::Approved)).unwrap();
        for role in ASK {
            assert!(dir.service(role).inbox.join(id.answer_file()).is_file(), "{role}");
        }
        assert_eq!(one(&dir, &id).unwrap().unwrap().state(), "approved");
        let used = dir.service(Role::GitGate).outbox.join(format!("used-{id}"));
        compose_run::replace(&used, b"", 0o644).unwrap();
        assert_eq!(one(&dir, &id).unwrap().unwrap().state(), "used");
    }
}

//! What the agents of this host ask for, read from their sidecars' outboxes: hostile files, each
//! checked as if it had just been asked. Answers are written here and nowhere else.

use std::fmt;
use std::path::Path;
use std::str::FromStr;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, anyhow, bail};
use compose_render::{Role, Slug};
use compose_run::{BottleDir, Owner, StateDir, read_plain, replace_owned};
use supervise::{Answer, AnswerVerdict, FILE_LIMIT, FILES, Proposal, ProposalId};

use crate::exit::{self, Hint as _};

/// A proposal of a bottle.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub slug: Slug,
    pub proposal: Proposal,
    pub answer: Option<Answer>,
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

/// The proposals of that bottle.
pub(crate) fn of_bottle(dir: &BottleDir) -> anyhow::Result<Found> {
    let mut found = Found::default();
    if !has_supervise(dir) {
        return Ok(found);
    }
    let mut ids = Vec::new();
    let entries = fs_err::read_dir(dir.service(Role::Supervise).outbox)?;
    // Two kinds of files of our own lie there too, and a name may be staged.
    for entry in entries.take(4 * FILES) {
        ids.extend(entry?.file_name().to_str().and_then(ProposalId::of_proposal_file));
    }
    ids.sort();
    found.odd = ids.len().saturating_sub(FILES);
    for id in ids.into_iter().take(FILES) {
        match one(dir, &id) {
            Ok(Some(asked)) => found.asked.push(asked),
            Ok(None) => {}
            Err(_) => found.odd += 1,
        }
    }
    found.asked.sort_by_key(|asked| asked.proposal.created);
    Ok(found)
}

/// One proposal, where it is there.
pub(crate) fn one(dir: &BottleDir, id: &ProposalId) -> anyhow::Result<Option<Asked>> {
    let below = Path::new(Role::Supervise.as_str());
    let file = below.join("outbox").join(id.proposal_file());
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
    let file = below.join("inbox").join(id.answer_file());
    let answer = match read_plain(dir.path(), &file, FILE_LIMIT) {
        Ok(bytes) => Some(Answer::read(&bytes, id)?),
        Err(error) if error.is_absent() => None,
        Err(error) => return Err(error.into()),
    };
    Ok(Some(Asked { slug: dir.slug().clone(), proposal, answer }))
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

/// Answers a proposal, once and for all.
pub(crate) fn answer(
    dir: &BottleDir,
    id: &ProposalId,
    verdict: AnswerVerdict,
    reason: &str,
) -> anyhow::Result<()> {
    let answer = Answer {
        id: id.clone(),
        verdict,
        reason: reason.to_owned(),
        answered: now(),
        until: None,
        push: None,
    };
    write(dir, &id.answer_file(), &answer.to_json())
}

/// Tells the agent which policy is in force.
pub(crate) fn tell(dir: &BottleDir, policy: &supervise::Policy) -> anyhow::Result<()> {
    write(dir, supervise::POLICY_FILE, &serde_json::to_string(policy)?)
}

fn write(dir: &BottleDir, name: &str, text: &str) -> anyhow::Result<()> {
    let path = dir.service(Role::Supervise).inbox.join(name);
    Ok(replace_owned(&path, text.as_bytes(), 0o600, Owner::of_sidecars())?)
}

/// Seconds since 1970.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bottle() -> (tempfile::TempDir, StateDir, BottleDir) {
        let folder = tempfile::tempdir().unwrap();
        let state = StateDir::open(folder.path().join("state")).unwrap();
        let dir = state.bottle(&"fix-login".parse().unwrap());
        drop(state.claim(dir.slug()).unwrap());
        dir.create_service(Role::Supervise, Owner::of_sidecars()).unwrap();
        (folder, state, dir)
    }

    fn proposal(host: &str) -> Proposal {
        let host = host.parse().unwrap();
        let ask = supervise::Requests { host, methods: Vec::new(), paths: Vec::new() };
        let ask = supervise::Ask::Egress(ask);
        Proposal::new(ask, "to read".to_owned(), 0, now()).unwrap()
    }

    fn put(dir: &BottleDir, name: &str, text: &str) {
        let path = dir.service(Role::Supervise).outbox.join(name);
        compose_run::replace(&path, text.as_bytes(), 0o644).unwrap();
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
        };
        put(&dir, &good.id.answer_file(), &forged.to_json());
        assert!(one(&dir, &good.id).unwrap().unwrap().is_open());
        answer(&dir, &good.id, AnswerVerdict::Denied, "no").unwrap();
        let asked = one(&dir, &good.id).unwrap().unwrap();
        assert_eq!((asked.is_open(), asked.state()), (false, "denied"));
    }
}

//! A push that a person has to allow: how the gate writes down what waits, and what an answer must
//! say. The files have the shape of every bottle's queue: one for a proposal, one for its answer.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::own_secrets::hex;

/// The length of an id, in bytes; it is written in hexadecimal digits.
const ID_LEN: usize = 6;
/// The most lines of what was found, and the most bytes of each: what the host reads.
const FOUND: usize = 20;
const FOUND_LINE: usize = 300;
/// What stands in the place of the lines that are left out.
const MORE: &str = "and more, which is not listed";

/// What one approval is good for: one object for one ref of one upstream, once.
#[derive(Clone, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Pushed {
    /// Its name at the gate: `git.example.org/acme/widgets`.
    pub upstream: String,
    /// By its full name.
    pub reference: String,
    /// By its full name.
    pub object: String,
}

/// A push as it waits for a person.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct PushProposal {
    pub id: String,
    /// How often the same was allowed and used before.
    pub attempt: u32,
    /// Seconds since 1970.
    pub created: u64,
    ask: Ask,
    pub reason: String,
    /// What the gate found in it that needs a person.
    #[serde(default)]
    pub found: Vec<String>,
}

/// The one kind of ask that the gate knows.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
enum Ask {
    Push(Pushed),
}

/// What a person said of a push.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum PushAnswer {
    /// By whom, where the host says so.
    Approved(Option<String>),
    /// With the person's reason.
    Denied(String),
    /// Approved, and taken back: it allows nothing, and the same may be asked for again.
    Revoked,
}

/// An answer as the host writes it. Keys that are of no use here are passed over.
#[derive(Debug, Deserialize)]
struct AnswerFile {
    id: String,
    verdict: String,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    by: Option<String>,
    #[serde(default)]
    push: Option<Pushed>,
}

impl Pushed {
    /// The id under which a person answers: the same that the agent's own proposal of it has.
    pub fn id(&self, attempt: u32) -> String {
        let attempt = attempt.to_string();
        let mut sha = Sha256::new();
        for part in ["push", &self.upstream, &self.reference, &self.object, &attempt] {
            sha.update((part.len() as u64).to_be_bytes());
            sha.update(part);
        }
        hex(sha.finalize().get(..ID_LEN).unwrap_or_default())
    }

    /// The proposal to let it pass.
    pub fn propose(&self, attempt: u32, created: u64, found: &[String]) -> PushProposal {
        let mut lines: Vec<String> = found.iter().take(FOUND - 1).map(|line| cut(line)).collect();
        // So many may have been cut already by whoever found them.
        if found.len() >= FOUND {
            lines.push(MORE.to_owned());
        }
        PushProposal {
            id: self.id(attempt),
            attempt,
            created,
            ask: Ask::Push(self.clone()),
            reason: "git-gate: a person has to allow what this push changes".to_owned(),
            found: lines,
        }
    }

    /// Reads an answer under that id. `None` where it is none, or the approval of something else:
    /// an id is short enough to be hit by whoever tries for long, so what was approved is compared.
    pub fn answer(&self, id: &str, bytes: &[u8]) -> Option<PushAnswer> {
        let answer: AnswerFile = serde_json::from_slice(bytes).ok()?;
        if answer.id != id {
            return None;
        }
        match answer.verdict.as_str() {
            "approved" => {
                (answer.push.as_ref() == Some(self)).then_some(PushAnswer::Approved(answer.by))
            }
            "denied" | "failed" => Some(PushAnswer::Denied(answer.reason)),
            "revoked" => Some(PushAnswer::Revoked),
            _ => None,
        }
    }
}

impl PushProposal {
    /// What it asks for.
    pub fn pushed(&self) -> &Pushed {
        let Ask::Push(pushed) = &self.ask;
        pushed
    }
}

fn cut(line: &str) -> String {
    let mut shown = String::new();
    for c in line.chars().filter(|c| !c.is_control()) {
        if shown.len() + c.len_utf8() > FOUND_LINE {
            break;
        }
        shown.push(c);
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pushed(object: &str) -> Pushed {
        Pushed {
            upstream: "git.example.org/acme/widgets".to_owned(),
            reference: "refs/heads/agent/b/work".to_owned(),
            object: object.to_owned(),
        }
    }

    fn answer(id: &str, verdict: &str, push: Option<&Pushed>) -> Vec<u8> {
        let push = push.map_or_else(String::new, |push| {
            format!(",\"push\":{}", serde_json::to_string(push).unwrap())
        });
        format!(
            "{{\"id\":\"{id}\",\"verdict\":\"{verdict}\",\"reason\":\"r\",\"answered\":1{push}}}"
        )
        .into_bytes()
    }

    #[test]
    fn j2_an_approval_is_good_for_what_it_names_alone() {
        let (one, other) = (pushed(&"a".repeat(40)), pushed(&"b".repeat(40)));
        let id = one.id(0);
        assert_eq!((id.len(), id == one.id(1), id == other.id(0)), (12, false, false));
        let good = one.answer(&id, &answer(&id, "approved", Some(&one)));
        assert_eq!(good, Some(PushAnswer::Approved(None)));
        for bad in [
            answer(&id, "approved", Some(&other)),
            answer(&id, "approved", None),
            answer(&other.id(0), "approved", Some(&one)),
            answer(&id, "yes", Some(&one)),
            b"{}".to_vec(),
        ] {
            assert_eq!(one.answer(&id, &bad), None, "{}", String::from_utf8_lossy(&bad));
        }
        let denied = one.answer(&id, &answer(&id, "denied", None));
        assert_eq!(denied, Some(PushAnswer::Denied("r".to_owned())));
        let revoked = one.answer(&id, &answer(&id, "revoked", Some(&one)));
        assert_eq!(revoked, Some(PushAnswer::Revoked));
    }

    #[test]
    fn an_id_is_the_one_that_the_agents_own_proposal_has() {
        // The queue computes it by the same words: it is part of the form.
        let one = Pushed {
            reference: "refs/heads/x".to_owned(),
            ..pushed("0123456789012345678901234567890123456789")
        };
        assert_eq!(one.id(0), "a8d7480807c1");
    }

    #[test]
    fn a_proposal_has_the_shape_of_the_queue_and_its_lines_are_bounded() {
        let found = vec!["`\u{1b}x` (protected-file)".to_owned(), "y".repeat(4000)];
        let text = serde_json::to_string(&pushed("aa").propose(1, 7, &found)).unwrap();
        assert!(text.contains(r#""ask":{"kind":"push","upstream":"git.example.org/acme/widgets""#));
        let read: PushProposal = serde_json::from_str(&text).unwrap();
        assert_eq!((read.pushed(), read.created), (&pushed("aa"), 7));
        assert_eq!(read.found[0], "`x` (protected-file)");
        assert_eq!(read.found[1].len(), FOUND_LINE);
        for (found, told) in [(19, 19), (20, 20), (60, 20)] {
            let lines: Vec<String> = (0..found).map(|n| format!("line {n}")).collect();
            let told_of = pushed("aa").propose(0, 7, &lines).found;
            assert_eq!((told_of.len(), &told_of[..19]), (told, &lines[..19]));
            assert_eq!(told_of.last().unwrap() == MORE, found >= FOUND, "{found}");
        }
    }
}

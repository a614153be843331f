//! A proposal: what the agent asks for, checked by the sidecar when it comes and again by the host
//! when it is read, since the file is the container's.

use std::fmt::{self, Write as _};
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{Ask, InvalidAsk};

/// The longest reason that is kept, in bytes.
pub(crate) const MAX_REASON: usize = 8 * 1024;
/// The most lines that a sidecar says it found, and the most bytes of each.
const MAX_FOUND: usize = 20;
const MAX_FOUND_LINE: usize = 300;
/// The length of an id, in hexadecimal digits.
const ID_LEN: usize = 12;

/// A proposal's name: of what is asked for, so that the same twice is one.
#[derive(Clone, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct ProposalId(String);

impl ProposalId {
    /// The id of the `attempt`th time that this is asked for: another one each time a person has
    /// said yes to the one before.
    pub fn of(ask: &Ask, attempt: u32) -> Self {
        let mut sha = Sha256::new();
        let mut part = |text: &str| {
            sha.update((text.len() as u64).to_be_bytes());
            sha.update(text);
        };
        for text in ask.parts() {
            part(&text);
        }
        part(&attempt.to_string());
        let mut digits = String::new();
        for byte in sha.finalize().iter().take(ID_LEN / 2) {
            // Writing to a text cannot fail.
            write!(digits, "{byte:02x}").ok();
        }
        Self(digits)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name of the proposal's file in the outbox.
    pub fn proposal_file(&self) -> String {
        format!("proposal-{self}.json")
    }

    /// The name of the answer's file in the inbox.
    pub fn answer_file(&self) -> String {
        format!("answer-{self}.json")
    }

    /// The id that a file of the outbox is named for.
    pub fn of_proposal_file(name: &str) -> Option<Self> {
        name.strip_prefix("proposal-")?.strip_suffix(".json")?.parse().ok()
    }
}

impl FromStr for ProposalId {
    type Err = InvalidAsk;

    fn from_str(text: &str) -> Result<Self, InvalidAsk> {
        let digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        let good = text.len() == ID_LEN && text.bytes().all(digit);
        if good { Ok(Self(text.to_owned())) } else { Err(InvalidAsk::ForeignId) }
    }
}

impl TryFrom<String> for ProposalId {
    type Error = InvalidAsk;

    fn try_from(text: String) -> Result<Self, InvalidAsk> {
        text.parse()
    }
}

impl From<ProposalId> for String {
    fn from(id: ProposalId) -> Self {
        id.0
    }
}

impl fmt::Display for ProposalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A proposal as it is written down.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Proposal {
    pub id: ProposalId,
    /// How often the same was granted before.
    pub attempt: u32,
    /// Seconds since 1970.
    pub created: u64,
    pub ask: Ask,
    /// The agent's words: to be quoted, never believed.
    pub reason: String,
    /// What the sidecar that wrote it found in it; always empty where an agent asked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub found: Vec<String>,
}

impl Proposal {
    /// What the agent asks for, checked.
    ///
    /// # Errors
    ///
    /// What cannot be asked for.
    pub fn new(ask: Ask, reason: String, attempt: u32, created: u64) -> Result<Self, InvalidAsk> {
        let ask = ask.canonical()?;
        if reason.trim().is_empty() {
            return Err(InvalidAsk::NoReason);
        }
        if reason.len() > MAX_REASON {
            return Err(InvalidAsk::LongReason);
        }
        let id = ProposalId::of(&ask, attempt);
        Ok(Self { id, attempt, created, ask, reason, found: Vec::new() })
    }

    /// Reads a proposal and checks it as if the agent had just asked.
    ///
    /// # Errors
    ///
    /// What is wrong with it; an id that is not that of its content above all.
    pub fn read(bytes: &[u8]) -> Result<Self, InvalidAsk> {
        let read: Self = serde_json::from_slice(bytes).map_err(|_| InvalidAsk::Form)?;
        let id = read.id;
        let long = |line: &String| line.len() > MAX_FOUND_LINE;
        if read.found.len() > MAX_FOUND || read.found.iter().any(long) {
            return Err(InvalidAsk::Form);
        }
        let checked = Self::new(read.ask, read.reason, read.attempt, read.created)?;
        if checked.id != id {
            return Err(InvalidAsk::ForeignId);
        }
        Ok(Self { found: read.found, ..checked })
    }

    /// The text of its file.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Whether nobody is going to answer it any more.
    pub fn is_expired(&self, now: u64) -> bool {
        now.saturating_sub(self.created) > crate::LIFETIME
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Requests;

    fn ask(methods: &[&str], paths: &[&str]) -> Ask {
        let texts = |list: &[&str]| list.iter().map(|&text| text.to_owned()).collect();
        let host = "docs.example.org".parse().unwrap();
        Ask::Egress(Requests { host, methods: texts(methods), paths: texts(paths) })
    }

    fn proposal() -> Proposal {
        Proposal::new(ask(&["GET"], &["/x/**"]), "to read".to_owned(), 0, 1).unwrap()
    }

    #[test]
    fn j3_the_same_in_another_order_is_one_proposal() {
        let id = |ask: Ask| ProposalId::of(&ask.canonical().unwrap(), 0);
        assert_eq!(id(ask(&["GET", "HEAD"], &[])), id(ask(&["HEAD", "GET", "GET"], &[])));
        assert_ne!(id(ask(&["GET"], &[])), id(ask(&[], &["/GET"])));
        assert_ne!(ProposalId::of(&ask(&[], &[]), 0), ProposalId::of(&ask(&[], &[]), 1));
    }

    #[test]
    fn j1_a_proposal_that_was_edited_is_another_one_or_none() {
        let good = proposal().to_json();
        assert_eq!(Proposal::read(good.as_bytes()).unwrap(), proposal());
        for (from, to) in [
            ("docs.example.org", "evil.example.org"),
            ("/x/**", "/**"),
            ("\"GET\"", "\"GET\",\"POST\""),
            ("\"attempt\":0", "\"attempt\":1"),
            ("\"created\":1", "\"created\":1,\"verdict\":\"approved\""),
            ("to read", ""),
        ] {
            let edited = good.replacen(from, to, 1);
            assert_ne!(edited, good, "{from}");
            assert!(Proposal::read(edited.as_bytes()).is_err(), "{edited}");
        }
        for name in ["proposal-../x.json", "proposal-0.json", "x", "proposal-GGGGGGGGGGGG.json"] {
            assert_eq!(ProposalId::of_proposal_file(name), None, "{name}");
        }
        let id = proposal().id;
        assert_eq!(ProposalId::of_proposal_file(&id.proposal_file()), Some(id));
    }

    #[test]
    fn an_id_is_made_as_it_is_written_down() {
        // Others compute it by the same words: it is part of the form.
        let push = crate::Push {
            upstream: "git.example.org/acme/widgets.git".to_owned(),
            reference: "refs/heads/x".to_owned(),
            object: "0123456789012345678901234567890123456789".to_owned(),
        };
        let ask = Ask::Push(push).canonical().unwrap();
        assert_eq!(ProposalId::of(&ask, 0).as_str(), "a8d7480807c1");
        let (one, other) = (ask.parts(), ["git.example.org/acme/widgets", "refs/heads/x"]);
        assert_eq!((one[0].as_str(), &one[1..3]), ("push", &other.map(str::to_owned)[..]));
    }

    #[test]
    fn a_proposal_ends_after_a_week() {
        assert!(!proposal().is_expired(crate::LIFETIME));
        assert!(proposal().is_expired(crate::LIFETIME + 2));
    }
}

//! A proposal: what the agent asks for, checked by the sidecar when it comes and again by the host
//! when it is read, since the file is the container's.

use std::fmt::{self, Write as _};
use std::str::FromStr;

use compose_render::HostPattern;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// The most methods or paths in one proposal.
const MAX_LIST: usize = 16;
/// The longest path.
const MAX_PATH: usize = 512;
/// The longest reason that is kept, in bytes.
const MAX_REASON: usize = 8 * 1024;
/// The length of an id, in hexadecimal digits.
const ID_LEN: usize = 12;

/// What is asked for: requests to one host.
///
/// Nothing else can be said, so nothing else can be asked for: no credential, no port, no change to
/// a sidecar.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Ask {
    pub host: HostPattern,
    /// Empty means each of them.
    #[serde(default)]
    pub methods: Vec<String>,
    /// Globs as in a route; empty means each path.
    #[serde(default)]
    pub paths: Vec<String>,
}

/// Why something cannot be asked for.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidAsk {
    #[error("more than {MAX_LIST} {0} in one proposal")]
    TooMany(&'static str),
    #[error("`{0}` is not an HTTP method that can be allowed, such as `GET`")]
    Method(String),
    #[error("`{0}` is not a path: it begins with `/`, has no query, and at most {MAX_PATH} bytes")]
    Path(String),
    #[error("the reason is empty: a person is going to read it")]
    NoReason,
    #[error("the reason has more than {MAX_REASON} bytes")]
    LongReason,
    #[error("the id does not belong to what is asked for")]
    ForeignId,
    #[error("it is not in the form of a proposal")]
    Form,
}

impl Ask {
    /// The same with its lists in one order, so that asking twice is asking once.
    ///
    /// # Errors
    ///
    /// What is no method, no path, or too much.
    pub fn canonical(mut self) -> Result<Self, InvalidAsk> {
        for (list, name) in [(&mut self.methods, "methods"), (&mut self.paths, "paths")] {
            if list.len() > MAX_LIST {
                return Err(InvalidAsk::TooMany(name));
            }
            list.sort();
            list.dedup();
        }
        let is_method = |text: &str| {
            (1..=16).contains(&text.len())
                && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'-')
                && !matches!(text, "TRACE" | "CONNECT")
        };
        let is_path = |text: &str| {
            text.starts_with('/')
                && text.len() <= MAX_PATH
                && text.bytes().all(|byte| byte.is_ascii_graphic())
                && !text.contains(['?', '#', '\\'])
        };
        let shown = |text: &String| text.chars().take(64).flat_map(char::escape_debug).collect();
        if let Some(bad) = self.methods.iter().find(|text| !is_method(text)) {
            return Err(InvalidAsk::Method(shown(bad)));
        }
        match self.paths.iter().find(|text| !is_path(text)) {
            Some(bad) => Err(InvalidAsk::Path(shown(bad))),
            None => Ok(self),
        }
    }
}

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
        part(&ask.host.to_string());
        for list in [&ask.methods, &ask.paths] {
            part(&list.len().to_string());
            for text in list {
                part(text);
            }
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
        Ok(Self { id: ProposalId::of(&ask, attempt), attempt, created, ask, reason })
    }

    /// Reads a proposal and checks it as if the agent had just asked.
    ///
    /// # Errors
    ///
    /// What is wrong with it; an id that is not that of its content above all.
    pub fn read(bytes: &[u8]) -> Result<Self, InvalidAsk> {
        let read: Self = serde_json::from_slice(bytes).map_err(|_| InvalidAsk::Form)?;
        let id = read.id;
        let checked = Self::new(read.ask, read.reason, read.attempt, read.created)?;
        if checked.id == id { Ok(checked) } else { Err(InvalidAsk::ForeignId) }
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

    fn ask(methods: &[&str], paths: &[&str]) -> Ask {
        let texts = |list: &[&str]| list.iter().map(|&text| text.to_owned()).collect();
        Ask {
            host: "docs.example.org".parse().unwrap(),
            methods: texts(methods),
            paths: texts(paths),
        }
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
    fn j8_nothing_but_requests_to_a_host_can_be_asked_for() {
        for bad in [
            r#"{"host":"a.org","methods":[],"paths":[],"remove":"pipelock"}"#,
            r#"{"host":"*","methods":[],"paths":[]}"#,
            r#"{"host":"*.com","methods":[],"paths":[]}"#,
            r#"{"host":"a.org","credential":"ANTHROPIC_API_KEY"}"#,
            r#"{"host":"a.org:22"}"#,
            r#"{"methods":["GET"]}"#,
        ] {
            assert!(serde_json::from_str::<Ask>(bad).is_err(), "{bad}");
        }
        for (methods, paths) in [
            (&["TRACE"][..], &[][..]),
            (&["get"], &[]),
            (&["GET\r\nX"], &[]),
            (&[], &["x"]),
            (&[], &["/a b"]),
            (&[], &["/a?q"]),
            (&[], &["/\u{202e}a"]),
        ] {
            assert!(ask(methods, paths).canonical().is_err(), "{methods:?} {paths:?}");
        }
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
    fn a_proposal_ends_after_a_week() {
        assert!(!proposal().is_expired(crate::LIFETIME));
        assert!(proposal().is_expired(crate::LIFETIME + 2));
    }
}

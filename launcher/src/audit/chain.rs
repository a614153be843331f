//! The lines of an audit, and whether each follows from the one before.

use std::collections::BTreeSet;

use compose_render::Slug;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use supervise::ProposalId;

use super::Event;
use crate::hex::hex;

/// A place in the chain.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Head {
    pub number: u64,
    /// Of the line, and by it of all before it.
    pub digest: String,
}

/// All lines, as far as they follow from each other.
#[derive(Clone, Debug)]
pub(crate) struct Chain {
    root: Head,
    /// A place for each good line.
    places: Vec<Head>,
    lines: Vec<String>,
    fault: Option<String>,
}

/// What every line has.
#[derive(Deserialize)]
struct Link {
    number: u64,
    before: String,
}

impl Chain {
    /// Reads and checks.
    pub(super) fn of(slug: &Slug, bytes: &[u8]) -> Self {
        let root = Head { number: 0, digest: root(slug) };
        let mut chain = Self { root, places: Vec::new(), lines: Vec::new(), fault: None };
        let mut rest = bytes;
        while !rest.is_empty() {
            let nth = chain.lines.len() + 1;
            let Some(end) = rest.iter().position(|&byte| byte == b'\n') else {
                chain.fault = Some(format!("line {nth} does not end"));
                break;
            };
            let (line, after) = rest.split_at(end);
            rest = after.get(1..).unwrap_or_default();
            if let Some(fault) = chain.broken_by(line) {
                chain.fault = Some(format!("line {nth} {fault}"));
                break;
            }
            let number = chain.head().number + 1;
            chain.places.push(Head { number, digest: hash(line) });
            chain.lines.push(String::from_utf8_lossy(line).into_owned());
        }
        chain
    }

    fn broken_by(&self, line: &[u8]) -> Option<&'static str> {
        let Ok(link) = serde_json::from_slice::<Link>(line) else { return Some("is none of ours") };
        let head = self.head();
        if link.before != head.digest {
            return Some(
                "does not follow from the one before: a line was removed, changed or moved",
            );
        }
        (link.number != head.number + 1).then_some("has another's number")
    }

    /// The first thing that is wrong.
    pub(crate) fn fault(&self) -> Option<&str> {
        self.fault.as_deref()
    }

    /// The last good line, or the root where there is none.
    pub(crate) fn head(&self) -> &Head {
        self.places.last().unwrap_or(&self.root)
    }

    /// Where the chain once ended.
    pub(crate) fn find(&self, digest: &str) -> Option<&Head> {
        std::iter::once(&self.root).chain(&self.places).find(|place| place.digest == digest)
    }

    /// The good lines since the bottle began. Those before are of an earlier bottle of this name,
    /// whose versions had the same numbers, and whose agent may have asked for the same.
    fn of_this_life(&self) -> &[String] {
        #[derive(Deserialize)]
        struct Happened {
            event: Event,
        }
        let begins = |line: &String| {
            serde_json::from_str::<Happened>(line).is_ok_and(|line| line.event == Event::Start)
        };
        let begin = self.lines.iter().rposition(begins).unwrap_or(0);
        self.lines.get(begin..).unwrap_or_default()
    }

    /// What it is written down of that it was asked for.
    pub(crate) fn proposals(&self) -> BTreeSet<ProposalId> {
        #[derive(Deserialize)]
        struct Asked {
            event: Event,
            id: ProposalId,
        }
        let of = |line: &String| serde_json::from_str::<Asked>(line).ok();
        let asked = |line: Asked| (line.event == Event::Proposal).then_some(line.id);
        self.of_this_life().iter().filter_map(of).filter_map(asked).collect()
    }

    /// Whether it is written down that this version came to be in force.
    pub(crate) fn has_version(&self, version: u64) -> bool {
        #[derive(Deserialize)]
        struct Versioned {
            version: u64,
        }
        let of = |line: &String| serde_json::from_str::<Versioned>(line).ok();
        self.of_this_life().iter().filter_map(of).any(|line| line.version == version)
    }

    /// The good lines.
    pub(crate) fn lines(&self) -> &[String] {
        &self.lines
    }
}

/// What the first line follows from.
pub(super) fn root(slug: &Slug) -> String {
    hash(format!("audit of bottle {slug}").as_bytes())
}

/// Of one line, without its end.
pub(super) fn hash(line: &[u8]) -> String {
    hex(&Sha256::digest(line))
}

/// The number of a line of ours.
pub(super) fn number(line: &[u8]) -> Option<u64> {
    Some(serde_json::from_slice::<Link>(line).ok()?.number)
}

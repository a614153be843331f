//! One line of the audit.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What happened.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Event {
    /// The bottle's policy at its start.
    Start,
    /// An agent, or the gate, asked.
    Proposal,
    /// A person said yes; the policy that came of it is a line of its own.
    Approve,
    Deny,
    /// A person said yes, and it could not be put in force.
    Failed,
    /// A person took a grant back.
    Revoke,
    /// Another policy came to be in force.
    Apply,
    Rollback,
    /// A policy that was begun to be put in force was not, and the old one is.
    PutBack,
    /// A grant was written into a manifest.
    Manifest,
    /// Denials are findings, for a time.
    Observe,
}

/// A line before it has its place.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Entry {
    /// RFC 3339, UTC.
    time: String,
    /// As in the sidecars' lines: who writes.
    service: &'static str,
    event: Event,
    who: String,
    /// Of the proposal.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    /// Of the change that a person saw.
    #[serde(skip_serializing_if = "Option::is_none")]
    change: Option<String>,
    /// Of the policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u64>,
    /// What each sidecar reports of the policy that is in force then.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    digests: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

/// A line at its place.
#[derive(Debug, Serialize)]
pub(super) struct Placed {
    number: u64,
    before: String,
    #[serde(flatten)]
    entry: Entry,
}

impl Entry {
    /// What happens now, by whoever runs this.
    pub(crate) fn new(event: Event) -> Self {
        let now = time::OffsetDateTime::now_utc();
        Self {
            time: now.format(&time::format_description::well_known::Rfc3339).unwrap_or_default(),
            service: "host",
            event,
            who: who(),
            id: None,
            change: None,
            version: None,
            digests: BTreeMap::new(),
            reason: None,
            detail: None,
        }
    }

    /// About that proposal.
    pub(crate) fn id(self, id: &impl ToString) -> Self {
        Self { id: Some(id.to_string()), ..self }
    }

    /// The change that was shown.
    pub(crate) fn change(self, change: &str) -> Self {
        Self { change: Some(change.to_owned()), ..self }
    }

    /// The policy's version.
    pub(crate) fn version(self, version: u64) -> Self {
        Self { version: Some(version), ..self }
    }

    /// What each sidecar reports.
    pub(crate) fn digests(self, digests: BTreeMap<String, String>) -> Self {
        Self { digests, ..self }
    }

    /// What an agent was told; nothing where that is empty.
    pub(crate) fn reason(self, reason: &str) -> Self {
        Self { reason: (!reason.is_empty()).then(|| reason.to_owned()), ..self }
    }

    /// In words.
    pub(crate) fn detail(self, detail: impl Into<String>) -> Self {
        Self { detail: Some(detail.into()), ..self }
    }

    pub(super) fn placed(self, number: u64, before: String) -> Placed {
        Placed { number, before, entry: self }
    }
}

/// The account that runs this, as the host names it.
pub(crate) fn who() -> String {
    let uid = nix::unistd::getuid();
    let name = nix::unistd::User::from_uid(uid).ok().flatten().map(|user| user.name);
    name.map_or_else(|| format!("uid {uid}"), |name| format!("{name} (uid {uid})"))
}

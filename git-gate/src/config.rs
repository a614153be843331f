//! The `git:` section of a bottle.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::{FilePattern, PushRef, UpstreamUrl};

/// Which repositories a bottle reads and pushes to, through the gate.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Git {
    #[serde(default)]
    pub upstreams: Vec<Upstream>,
}

/// One repository behind the gate.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Upstream {
    pub url: UpstreamUrl,
    /// The SSH key on the host that the gate, and never the agent, uses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<PathBuf>,
    /// The host keys the gate believes, on the host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known_hosts: Option<PathBuf>,
    /// What an https upstream asks for. `None`: what anybody may read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<Token>,
    /// The refs the bottle may push. Absent: its own branches. Empty: it only reads.
    #[serde(default = "own_branches")]
    pub push: Vec<PushRef>,
    /// Files that run elsewhere with more rights, and may be pushed all the same.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub protected: Vec<FilePattern>,
}

/// A token for an https upstream: sent by basic authentication, as git hosts take it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Token {
    /// The host's variable that holds it.
    pub env: String,
    /// The user it is sent for.
    #[serde(default = "token_user")]
    pub user: String,
}

impl Token {
    /// The token in that variable, sent for the user that the large git hosts take.
    pub fn of(variable: &str) -> Self {
        Self { env: variable.to_owned(), user: token_user() }
    }
}

/// What a bottle may push where its manifest does not say: branches that bear its name.
fn own_branches() -> Vec<PushRef> {
    vec![PushRef::own_branches()]
}

/// What the large git hosts take beside any token.
fn token_user() -> String {
    "x-access-token".to_owned()
}

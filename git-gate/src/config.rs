//! The `git:` section of a bottle.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::{PushRef, UpstreamUrl};

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
    /// The refs the bottle may push. Empty: it only reads.
    #[serde(default)]
    pub push: Vec<PushRef>,
}

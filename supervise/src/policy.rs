//! What the agent may read of the policy in force: written by the host into the inbox at a start and
//! after every change.

use serde::{Deserialize, Serialize};

/// The file's name in the inbox.
pub const POLICY_FILE: &str = "policy.json";

/// The policy in the agent's words. It names credentials' variables, never a value.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// Which version of this bottle's policy it is; 0 is that of the start.
    pub version: u64,
    /// A line for each route.
    pub routes: Vec<String>,
    /// Hosts allowed without a route.
    pub allow: Vec<String>,
}

//! What only some bottles have: a proxy on the way upstream, and budgets of single hosts.

use compose_render::{HostPattern, contract};
use serde::{Deserialize, Serialize};

/// `user:password` for the upstream proxy, as the environment's credential of this name.
pub const UPSTREAM_PROXY_CREDENTIAL: &str = "UPSTREAM_PROXY";

/// The variable of the environment that holds it.
pub fn upstream_proxy_variable() -> String {
    format!("{}{UPSTREAM_PROXY_CREDENTIAL}", contract::CREDENTIAL_PREFIX)
}

/// What a host may take in a minute. What is not named is not counted.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    pub host: HostPattern,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests: Option<u64>,
    /// Of bodies, both ways together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
}

//! The proxy of a company's network, which pipelock and git-gate go through alike.

use serde::{Deserialize, Serialize};

use crate::{HostPattern, contract};

/// `user:password` for that proxy, as the environment's credential of this name.
pub const UPSTREAM_PROXY_CREDENTIAL: &str = "UPSTREAM_PROXY";

/// The variable of the environment that holds it.
pub fn upstream_proxy_variable() -> String {
    format!("{}{UPSTREAM_PROXY_CREDENTIAL}", contract::CREDENTIAL_PREFIX)
}

/// A proxy that everything upstream goes through, and that connects to an address it is told (RFC
/// 9110, CONNECT). Its login is in the environment alone.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct UpstreamProxy {
    /// A name, which the engine's resolver is asked for, or an address.
    pub host: HostPattern,
    pub port: u16,
}

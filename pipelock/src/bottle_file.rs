//! `bottle.yaml` as written: what upstream's schema has no key for. Strict, and ours alone.

use crate::{Action, Budget, Fault, KnownSecret, Observe, PortRule, StandIn, Until};
use compose_render::{HostPattern, UpstreamProxy};
use serde::{Deserialize, Serialize};
use std::net::{IpAddr, Ipv4Addr};

/// The version this program writes and reads.
pub(crate) const VERSION: u32 = 1;

/// The file. Every key is written, so that the file shows the whole truth.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BottleFile {
    pub(crate) version: u32,
    /// The internal address that everything listens on; without it only the address of `--listen`.
    #[serde(default)]
    pub(crate) listen: Option<ListenFile>,
    #[serde(default)]
    pub(crate) egress: Option<Ipv4Addr>,
    #[serde(default)]
    pub(crate) routed: Vec<HostPattern>,
    #[serde(default)]
    pub(crate) ports: Vec<PortRule>,
    #[serde(default)]
    pub(crate) never_dial: Vec<IpAddr>,
    /// What a secret in a request does; upstream's own key knows fewer words and yields to this.
    #[serde(default)]
    pub(crate) requests: Option<Action>,
    #[serde(default)]
    pub(crate) secrets: Vec<KnownSecret>,
    #[serde(default)]
    pub(crate) stand_in: Option<StandIn>,
    #[serde(default)]
    pub(crate) upstream_ca: String,
    /// Written only where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) upstream_proxy: Option<UpstreamProxy>,
    /// Written only where there are any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) budgets: Vec<Budget>,
    /// Whether the agent has somebody to ask; written only then.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) supervised: bool,
    /// Hosts of the allowlist that end by themselves; written only where there are any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) until: Vec<Until>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) observe: Option<Observe>,
}

/// Where pipelock listens on the internal network besides its proxy port.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListenFile {
    pub(crate) address: Ipv4Addr,
    pub(crate) dns: u16,
    pub(crate) tls: u16,
    pub(crate) http: u16,
}

impl BottleFile {
    /// Reads the file; what serde says of the place is kept.
    pub(crate) fn parse(text: &str) -> Result<Self, Fault> {
        let fault =
            |message: String| Fault { file: crate::BOTTLE_FILE, path: String::new(), message };
        let file: Self = serde_yaml::from_str(text).map_err(|error| fault(error.to_string()))?;
        if file.version != VERSION {
            return Err(fault(format!("version {} is not one this program reads", file.version)));
        }
        Ok(file)
    }
}

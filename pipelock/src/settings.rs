//! What a bottle's pipelock is to do, as the launcher knows it.

use crate::{Action, Budget, KnownSecret, Observe, ResponseAction};
use compose_render::{Addresses, HostPattern, UpstreamProxy};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use std::net::{IpAddr, Ipv4Addr};

/// Everything the two files are rendered from. Plain data; [`Settings::new`] allows nothing.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The bottle's subnets: who listens where, and which addresses are never dialled.
    pub addresses: Addresses,
    /// Hosts the agent may reach.
    pub allow: Vec<HostPattern>,
    /// Hosts with a route in egress: allowed, but only when they come from there.
    pub routed: Vec<HostPattern>,
    /// Ports besides 443 and 80, each for its own hosts.
    pub ports: Vec<PortRule>,
    /// Networks exempted from the SSRF check.
    pub ssrf_allow: Vec<IpNet>,
    /// Addresses never dialled, besides the bottle's own: those of the host, say.
    pub never_dial: Vec<IpAddr>,
    /// PEM certificates trusted upstream besides the public roots.
    pub upstream_ca: Vec<String>,
    /// The one private address that a name may resolve to.
    pub stand_in: Option<StandIn>,
    /// What a secret found in a request does.
    pub requests: Action,
    /// What an injection found in a response does.
    pub responses: ResponseAction,
    /// The bottle's own secrets, which go to their routes' hosts and nowhere else.
    pub secrets: Vec<KnownSecret>,
    /// Hosts whose responses are not looked through.
    pub unscanned: Vec<HostPattern>,
    /// Hosts whose TLS passes unopened.
    pub passthrough: Vec<HostPattern>,
    /// The proxy that everything upstream goes through.
    pub upstream_proxy: Option<UpstreamProxy>,
    /// Whether the environment holds a credential for it.
    pub upstream_credential: bool,
    /// What single hosts may take in a minute.
    pub budgets: Vec<Budget>,
    /// Whether the agent has somebody to ask, so that a denial says how.
    pub supervised: bool,
    /// What no rule allows is written down instead of refused, for a time.
    pub observe: Option<Observe>,
}

/// A port an allowed host may be reached on besides 443 and 80.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct PortRule {
    pub host: HostPattern,
    pub port: u16,
}

/// What stands in for a service of the internet: exactly this address, for exactly this name.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct StandIn {
    pub host: HostPattern,
    pub address: Ipv4Addr,
}

impl Settings {
    /// The settings of a bottle that allows nothing yet.
    pub const fn new(addresses: Addresses) -> Self {
        Self {
            addresses,
            allow: Vec::new(),
            routed: Vec::new(),
            ports: Vec::new(),
            ssrf_allow: Vec::new(),
            never_dial: Vec::new(),
            upstream_ca: Vec::new(),
            stand_in: None,
            requests: Action::ByHost,
            responses: ResponseAction::Warn,
            secrets: Vec::new(),
            unscanned: Vec::new(),
            passthrough: Vec::new(),
            upstream_proxy: None,
            upstream_credential: false,
            budgets: Vec::new(),
            supervised: false,
            observe: None,
        }
    }
}

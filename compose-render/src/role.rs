//! The parts of a bottle and the two networks they stand on.

use crate::Slug;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A part of a bottle: one compose service.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    Pipelock,
    /// The name server of a bottle whose pipelock is another's; ours answers names itself.
    Resolver,
    Egress,
    GitGate,
    Supervise,
    /// A scripted stand-in for a service of the internet, on the uplink; demo and tests only.
    StandIn,
    Agent,
}

impl Role {
    /// Every role, sidecars before the agent that needs them.
    pub const ALL: [Self; 7] = [
        Self::Pipelock,
        Self::Resolver,
        Self::Egress,
        Self::GitGate,
        Self::Supervise,
        Self::StandIn,
        Self::Agent,
    ];

    /// The service's name in the compose file, on the networks and in the state folder.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pipelock => "pipelock",
            Self::Resolver => "resolver",
            Self::Egress => "egress",
            Self::GitGate => "git-gate",
            Self::Supervise => "supervise",
            Self::StandIn => "stand-in",
            Self::Agent => "agent",
        }
    }

    /// The role of that service name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == name)
    }

    /// The container's name: `bottle-<slug>-<service>`.
    pub fn container(self, slug: &Slug) -> String {
        format!("{}-{self}", slug.project())
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One of a bottle's two networks.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Network {
    /// Where the agent is: no way out, its gateway address is nobody's.
    Internal,
    /// Where pipelock and git-gate reach the outside.
    Uplink,
}

impl Network {
    /// Both of them.
    pub const ALL: [Self; 2] = [Self::Internal, Self::Uplink];

    /// The name used inside the compose file.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Internal => "internal",
            Self::Uplink => "uplink",
        }
    }

    /// The engine's network: `bottle-<slug>-internal` or `-uplink`.
    pub fn name(self, slug: &Slug) -> String {
        format!("{}-{}", slug.project(), self.as_str())
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

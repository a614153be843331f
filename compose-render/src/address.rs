//! Who stands where: fixed addresses by role, taken from a bottle's two small subnets.

use crate::{Network, Role};
use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};
use std::net::Ipv4Addr;

/// The prefix length of a bottle's subnets: sixteen addresses hold every role with room to spare.
const PREFIX: u8 = 28;

/// A bottle's two subnets. Every address in them follows from the role.
///
/// In the internal one `.1` is the gateway's address, which nobody owns.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Addresses {
    internal: Ipv4Net,
    uplink: Ipv4Net,
}

/// A subnet that cannot hold a bottle.
#[derive(Debug, thiserror::Error)]
#[error("subnet `{0}` is no /{PREFIX} of its own")]
pub struct InvalidSubnet(String);

impl Addresses {
    /// The prefix length both subnets have.
    pub const PREFIX: u8 = PREFIX;

    /// Takes the two subnets, both a /28 and apart from each other.
    pub fn new(internal: Ipv4Net, uplink: Ipv4Net) -> Result<Self, InvalidSubnet> {
        for net in [internal, uplink] {
            if net.prefix_len() != PREFIX || net.trunc() != net {
                return Err(InvalidSubnet(net.to_string()));
            }
        }
        if internal == uplink {
            return Err(InvalidSubnet(uplink.to_string()));
        }
        Ok(Self { internal, uplink })
    }

    /// The subnet of that network.
    pub fn subnet(&self, network: Network) -> Ipv4Net {
        match network {
            Network::Internal => self.internal,
            Network::Uplink => self.uplink,
        }
    }

    /// The gateway's address: nobody's on the internal network, the engine's on the uplink.
    pub fn gateway(&self, network: Network) -> Ipv4Addr {
        nth(self.subnet(network), 1)
    }

    /// The role's address on that network; `None` where it never stands on it.
    pub fn of(&self, role: Role, network: Network) -> Option<Ipv4Addr> {
        let host = match (network, role) {
            (Network::Internal, Role::Agent) | (Network::Uplink, Role::Pipelock) => 2,
            (Network::Internal, Role::Pipelock) | (Network::Uplink, Role::GitGate) => 3,
            (Network::Internal, Role::Egress) | (Network::Uplink, Role::StandIn) => 4,
            (Network::Internal, Role::GitGate) => 5,
            (Network::Internal, Role::Supervise) => 6,
            (Network::Internal, Role::Resolver) => 7,
            (Network::Internal, Role::StandIn)
            | (Network::Uplink, Role::Agent | Role::Egress | Role::Resolver | Role::Supervise) => {
                return None;
            }
        };
        Some(nth(self.subnet(network), host))
    }

    /// The role's address on the internal network. The stand-in, which is not on it, gets the
    /// network's own address, which nothing can be reached at.
    pub fn internal(&self, role: Role) -> Ipv4Addr {
        self.of(role, Network::Internal).unwrap_or(self.internal.network())
    }

    /// Every address of ours on both networks, gateways included.
    pub fn all(&self) -> Vec<Ipv4Addr> {
        let networks = Network::ALL.into_iter();
        networks
            .flat_map(|network| {
                let roles = Role::ALL.into_iter().filter_map(move |role| self.of(role, network));
                std::iter::once(self.gateway(network)).chain(roles)
            })
            .collect()
    }
}

fn nth(net: Ipv4Net, host: u32) -> Ipv4Addr {
    Ipv4Addr::from(u32::from(net.network()) | host)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn addresses() -> Addresses {
        Addresses::new("10.213.0.0/28".parse().unwrap(), "10.213.0.16/28".parse().unwrap()).unwrap()
    }

    #[test]
    fn no_two_parts_share_an_address_and_none_has_the_gateways() {
        let all = addresses().all();
        let distinct: BTreeSet<_> = all.iter().collect();
        assert_eq!(distinct.len(), all.len());
    }

    #[test]
    fn only_the_ways_out_stand_on_the_uplink() {
        let on_uplink: Vec<_> = Role::ALL
            .into_iter()
            .filter(|&role| addresses().of(role, Network::Uplink).is_some())
            .collect();
        assert_eq!(on_uplink, [Role::Pipelock, Role::GitGate, Role::StandIn]);
    }

    #[test]
    fn refuses_subnets_of_another_size_or_with_host_bits() {
        let good: Ipv4Net = "10.213.0.0/28".parse().unwrap();
        for bad in ["10.213.0.0/24", "10.213.0.1/28"] {
            assert!(Addresses::new(good, bad.parse().unwrap()).is_err(), "{bad}");
        }
        assert!(Addresses::new(good, good).is_err());
    }
}

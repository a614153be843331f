//! Whether a destination may be reached, from the policy alone: nothing is resolved for this.

use pipelock::Policy;
use std::net::IpAddr;

/// The ports every allowed host may be reached on.
const USUAL_PORTS: [u16; 2] = [443, 80];

/// Who asks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Asker {
    /// egress, by its address and the hop secret.
    Egress,
    /// Anybody else on the internal network.
    Agent,
}

/// A host, by a canonical name or by an address.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Target<'a> {
    Name(&'a str),
    Address(IpAddr),
}

/// Why a destination may not be reached.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Refused {
    /// No rule allows the host, or one blocks it (and is named).
    Host(Option<String>),
    /// No rule allows the address itself.
    Address,
    /// The host is allowed, on other ports.
    Port(String),
    /// The host has a route, and the request did not come from there.
    Route(String),
}

/// Lets a destination be reached, and names the rule. What no rule names is refused.
pub fn judge(
    policy: &Policy,
    target: Target<'_>,
    port: u16,
    asker: Asker,
) -> Result<String, Refused> {
    let covers = |host: &&compose_render::HostPattern| match target {
        Target::Name(name) => host.covers_name(name),
        Target::Address(address) => host.covers_address(address),
    };
    if let Some(blocked) = policy.blocked.iter().find(covers) {
        return Err(Refused::Host(Some(blocked.to_string())));
    }
    let matching = policy.allow.iter().filter(covers).max_by_key(|host| host.specificity());
    let Some(rule) = matching else {
        return Err(match target {
            Target::Name(name) if USUAL_PORTS.contains(&port) && policy.observes(name) => {
                return Ok(Policy::OBSERVED.to_owned());
            }
            Target::Name(_) => Refused::Host(None),
            Target::Address(_) => Refused::Address,
        });
    };
    let listed = policy.ports.iter().any(|listed| listed.port == port && covers(&&listed.host));
    if !USUAL_PORTS.contains(&port) && !listed {
        return Err(Refused::Port(rule.to_string()));
    }
    match policy.routed.iter().find(covers) {
        Some(route) if asker != Asker::Egress => Err(Refused::Route(route.to_string())),
        Some(_) | None => Ok(rule.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::policy;

    fn verdict(policy: &Policy, host: &str, port: u16) -> Result<String, Refused> {
        judge(policy, Target::Name(host), port, Asker::Agent)
    }

    #[test]
    fn c7_an_empty_allowlist_denies_everything() {
        for upstream in ["", "api_allowlist: []\n", "api_allowlist:\n", "enforce: false\n"] {
            let empty = policy(upstream, "");
            assert_eq!(verdict(&empty, "example.org", 443), Err(Refused::Host(None)));
            let address = Target::Address([1, 1, 1, 1].into());
            assert_eq!(judge(&empty, address, 443, Asker::Egress), Err(Refused::Address));
        }
    }

    #[test]
    fn c4_an_allowed_host_is_reached_on_its_ports_alone() {
        let policy =
            policy("api_allowlist: [a.org, b.org]\n", "ports: [{host: a.org, port: 8443}]\n");
        assert_eq!(verdict(&policy, "a.org", 443), Ok("a.org".to_owned()));
        assert_eq!(verdict(&policy, "a.org", 80), Ok("a.org".to_owned()));
        assert_eq!(verdict(&policy, "a.org", 8443), Ok("a.org".to_owned()));
        assert_eq!(verdict(&policy, "a.org", 22), Err(Refused::Port("a.org".to_owned())));
        assert_eq!(verdict(&policy, "b.org", 8443), Err(Refused::Port("b.org".to_owned())));
    }

    #[test]
    fn d12_a_routed_host_is_egresss_alone() {
        let policy = policy(
            "api_allowlist: [api.a.org, '*.a.org']\n",
            "egress: 10.0.0.4\nrouted: [api.a.org]\n",
        );
        let target = Target::Name("api.a.org");
        let refused = Err(Refused::Route("api.a.org".to_owned()));
        assert_eq!(judge(&policy, target, 443, Asker::Agent), refused);
        assert_eq!(judge(&policy, target, 443, Asker::Egress), Ok("api.a.org".to_owned()));
        assert_eq!(verdict(&policy, "other.a.org", 443), Ok("*.a.org".to_owned()));
    }

    #[test]
    fn c2_an_address_needs_a_rule_of_its_own() {
        let policy = policy("api_allowlist: ['*.a.org', 192.0.2.7]\n", "");
        let judged =
            |address: [u8; 4]| judge(&policy, Target::Address(address.into()), 443, Asker::Agent);
        assert_eq!(judged([192, 0, 2, 7]), Ok("192.0.2.7".to_owned()));
        assert_eq!(judged([192, 0, 2, 8]), Err(Refused::Address));
    }

    #[test]
    fn what_is_blocked_stays_blocked() {
        let text = "api_allowlist: ['*.a.org']\n\
                    fetch_proxy: {monitoring: {blocklist: ['*.x.a.org']}}\n";
        let policy = policy(text, "");
        let blocked = Err(Refused::Host(Some("*.x.a.org".to_owned())));
        assert_eq!(verdict(&policy, "1.x.a.org", 443), blocked);
        assert!(verdict(&policy, "y.a.org", 443).is_ok());
    }
}

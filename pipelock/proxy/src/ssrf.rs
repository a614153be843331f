//! Which addresses may be dialled: the public internet, what the policy exempts, nothing else.

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use pipelock::Policy;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// IPv4 networks that are no part of the public internet, or that hold what must not be reached
/// through a proxy.
const FORBIDDEN_V4: &[(Ipv4Addr, u8)] = &[
    (Ipv4Addr::UNSPECIFIED, 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    // A cloud's metadata is here.
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 31, 196, 0), 24),
    (Ipv4Addr::new(192, 52, 193, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(192, 175, 48, 0), 24),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
    // Azure's wire server, on an address that looks public.
    (Ipv4Addr::new(168, 63, 129, 16), 32),
];

/// The only IPv6 network that is public at all.
const GLOBAL_V6: (Ipv6Addr, u8) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);

/// What of it carries another address inside or is for special use: Teredo and its neighbours,
/// documentation, 6to4. NAT64, mapped, local and multicast addresses lie outside of it anyway.
const FORBIDDEN_V6: &[(Ipv6Addr, u8)] = &[
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];

/// Why an address is not dialled.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Forbidden {
    /// It is one of the bottle's own, or of those the launcher named.
    Own,
    /// It is a cloud's metadata service.
    Metadata,
    /// It is not on the public internet.
    Private,
}

/// Where clouds answer questions about the machine, its credentials among them.
const METADATA: &[IpAddr] = &[
    IpAddr::V4(Ipv4Addr::new(169, 254, 169, 254)),
    IpAddr::V4(Ipv4Addr::new(169, 254, 170, 2)),
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
];

/// Says whether `address` may be dialled for `host`, a canonical name or address.
///
/// The one exemption that beats an address never dialled is the stand-in: exactly its address for
/// exactly its name.
pub fn check(policy: &Policy, host: &str, address: IpAddr) -> Result<(), Forbidden> {
    let address = address.to_canonical();
    if let Some(stand_in) = &policy.stand_in
        && IpAddr::V4(stand_in.address) == address
        && stand_in.host.covers_name(host)
    {
        return Ok(());
    }
    if policy.never_dial.contains(&address) {
        return Err(Forbidden::Own);
    }
    if contains(&policy.ssrf_allow, address) {
        return Ok(());
    }
    if METADATA.contains(&address) {
        return Err(Forbidden::Metadata);
    }
    if contains(&policy.ssrf_deny, address) || !is_public(address) {
        return Err(Forbidden::Private);
    }
    Ok(())
}

fn contains(networks: &[IpNet], address: IpAddr) -> bool {
    networks.iter().any(|network| network.contains(&address))
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => !FORBIDDEN_V4.iter().any(|&(net, len)| within_v4(net, len, v4)),
        IpAddr::V6(v6) => {
            within_v6(GLOBAL_V6.0, GLOBAL_V6.1, v6)
                && !FORBIDDEN_V6.iter().any(|&(net, len)| within_v6(net, len, v6))
        }
    }
}

fn within_v4(network: Ipv4Addr, length: u8, address: Ipv4Addr) -> bool {
    Ipv4Net::new_assert(network, length).contains(&address)
}

fn within_v6(network: Ipv6Addr, length: u8, address: Ipv6Addr) -> bool {
    Ipv6Net::new_assert(network, length).contains(&address)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::policy;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn c1_no_private_address_is_dialled_in_any_notation_of_it() {
        let policy = policy("", "");
        for text in [
            "0.0.0.0",
            "0.1.2.3",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "169.254.1.1",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.0.2.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.51.100.7",
            "203.0.113.9",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::1",
            "2002:7f00:1::",
            "2001:0:7f00:1::",
            "2001:db8::1",
            "fe80::1",
            "fd00:ec2::1",
            "ff02::1",
            "100::1",
            "3fff::1",
        ] {
            assert_eq!(check(&policy, "a.org", address(text)), Err(Forbidden::Private), "{text}");
        }
    }

    #[test]
    fn c1_a_metadata_service_is_named_as_such() {
        let policy = policy("", "");
        for text in ["169.254.169.254", "::ffff:169.254.169.254", "fd00:ec2::254", "168.63.129.16"]
        {
            assert_eq!(check(&policy, "a.org", address(text)), Err(Forbidden::Metadata), "{text}");
        }
    }

    #[test]
    fn the_public_internet_is_dialled() {
        let policy = policy("", "");
        for text in ["1.1.1.1", "93.184.215.14", "172.32.0.1", "2606:4700::1111", "2a00::1"] {
            assert_eq!(check(&policy, "a.org", address(text)), Ok(()), "{text}");
        }
    }

    #[test]
    fn an_exemption_opens_its_network_and_never_an_address_of_our_own() {
        let exempt =
            policy("ssrf: {ip_allowlist: [10.213.0.0/28]}\n", "never_dial: [10.213.0.4]\n");
        assert_eq!(check(&exempt, "a.org", address("10.213.0.9")), Ok(()));
        for own in ["10.213.0.4", "::ffff:10.213.0.4"] {
            assert_eq!(check(&exempt, "a.org", address(own)), Err(Forbidden::Own), "{own}");
        }
        assert_eq!(check(&exempt, "a.org", address("10.213.0.16")), Err(Forbidden::Private));
    }

    #[test]
    fn an_exemption_of_ipv4_does_not_open_the_addresses_that_carry_it() {
        let exempt = policy("ssrf: {ip_allowlist: [127.0.0.0/8]}\n", "");
        assert_eq!(check(&exempt, "a.org", address("127.0.0.1")), Ok(()));
        let nat64 = address("64:ff9b::7f00:1");
        assert_eq!(check(&exempt, "a.org", nat64), Err(Forbidden::Private));
    }

    #[test]
    fn a_stand_in_is_one_address_for_one_name() {
        let bottle = "never_dial: [10.213.0.20, 10.213.0.18]\n\
                      stand_in: {host: api.example.org, address: 10.213.0.20}\n";
        let policy = policy("ssrf: {ip_allowlist: [10.213.0.16/28]}\n", bottle);
        let at = address("10.213.0.20");
        assert_eq!(check(&policy, "api.example.org", at), Ok(()));
        for other in ["x.api.example.org", "example.org", "10.213.0.20"] {
            assert_eq!(check(&policy, other, at), Err(Forbidden::Own), "{other}");
        }
        let neighbour = address("10.213.0.18");
        assert_eq!(check(&policy, "api.example.org", neighbour), Err(Forbidden::Own));
    }

    #[test]
    fn internal_adds_networks_and_an_empty_one_takes_none_away() {
        let more = policy("internal: [93.184.215.0/24]\n", "");
        assert_eq!(check(&more, "a.org", address("93.184.215.14")), Err(Forbidden::Private));
        let none = policy("internal: []\n", "");
        assert_eq!(check(&none, "a.org", address("127.0.0.1")), Err(Forbidden::Private));
    }
}

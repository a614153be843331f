//! What of the address space this host uses: its routes, in every table, and its addresses.
//!
//! The engine does not look: it takes a subnet inside a routed one, and where the host owns an
//! address in it, a container reaches the host.

use ipnet::Ipv4Net;
use nix::ifaddrs::getifaddrs;
use std::{
    fs, io,
    net::{IpAddr, Ipv4Addr},
};

/// A route shorter than this is a default route by another name (`0.0.0.0/1` of a VPN).
const SHORTEST: u8 = 8;

/// Every network that a subnet of ours must not meet.
pub(super) fn taken() -> io::Result<Vec<Ipv4Net>> {
    let trie = fs::read_to_string("/proc/net/fib_trie").unwrap_or_default();
    let routes = fs::read_to_string("/proc/net/route")?;
    let mut taken = from_trie(&trie);
    taken.extend(from_routes(&routes));
    taken.extend(addresses()?);
    taken.retain(|net| net.prefix_len() >= SHORTEST);
    taken.sort();
    taken.dedup();
    Ok(taken)
}

/// The addresses of all interfaces with their networks.
fn addresses() -> io::Result<Vec<Ipv4Net>> {
    let address = |storage: nix::sys::socket::SockaddrStorage| {
        storage.as_sockaddr_in().map(nix::sys::socket::SockaddrIn::ip)
    };
    let own = getifaddrs()?.filter_map(|interface| {
        let ip = interface.address.and_then(address)?;
        let mask = interface.netmask.and_then(address).unwrap_or(Ipv4Addr::BROADCAST);
        Ipv4Net::with_netmask(ip, mask).or_else(|_| Ipv4Net::new(ip, 32)).ok()
    });
    Ok(own.map(|net| net.trunc()).collect())
}

/// `/proc/net/fib_trie`: every table. A leaf's address line is followed by its `/len` lines.
fn from_trie(text: &str) -> Vec<Ipv4Net> {
    let mut found = Vec::new();
    let mut leaf = None;
    for line in text.lines().map(str::trim) {
        if let Some(address) = line.strip_prefix("|-- ") {
            leaf = address.parse::<Ipv4Addr>().ok();
        } else if line.starts_with("+-- ") {
            leaf = None;
        } else if let (Some(address), Some(rest)) = (leaf, line.strip_prefix('/')) {
            let length = rest.split_whitespace().next().and_then(|length| length.parse().ok());
            found.extend(length.and_then(|length| Ipv4Net::new(address, length).ok()));
        }
    }
    found
}

/// `/proc/net/route`: destination and mask in hexadecimal, in the host's byte order.
fn from_routes(text: &str) -> Vec<Ipv4Net> {
    let address =
        |hex: &str| u32::from_str_radix(hex, 16).ok().map(|raw| Ipv4Addr::from(raw.to_ne_bytes()));
    let read = |line: &str| {
        let mut fields = line.split_whitespace().skip(1);
        let destination = address(fields.next()?)?;
        let mask = IpAddr::V4(address(fields.nth(5)?)?);
        let length = ipnet::ip_mask_to_prefix(mask).ok()?;
        Ipv4Net::new(destination, length).ok()
    };
    text.lines().skip(1).filter_map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nets(texts: &[&str]) -> Vec<Ipv4Net> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn reads_every_leaf_of_every_table() {
        let text = "Main:\n  +-- 0.0.0.0/0 3 0 5\n     |-- 0.0.0.0\n        /0 universe UNICAST\n     \
            +-- 10.1.0.0/16 2 0 2\n        |-- 10.1.2.0\n           /24 link UNICAST\nLocal:\n  \
            +-- 0.0.0.0/0 3 0 5\n     |-- 10.1.2.3\n        /32 host LOCAL\n";
        assert_eq!(from_trie(text), nets(&["0.0.0.0/0", "10.1.2.0/24", "10.1.2.3/32"]));
    }

    #[cfg(target_endian = "little")]
    #[test]
    fn reads_the_route_table() {
        let text = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n\
            eth0\t00000000\t0101A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n\
            docker0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n";
        assert_eq!(from_routes(text), nets(&["0.0.0.0/0", "172.17.0.0/16"]));
    }

    #[test]
    fn knows_the_addresses_of_this_host() {
        let loopback: Ipv4Addr = "127.0.0.1".parse().unwrap();
        assert!(taken().unwrap().iter().any(|net| net.contains(&loopback)));
    }
}

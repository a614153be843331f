//! Where an upstream is: resolved once for each contact, and not dialled where it must not be.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use compose_render::UpstreamProxy;
use git_gate::{GateFile, Gated};
use hickory_resolver::TokioResolver;
use hickory_resolver::config::{LookupIpStrategy, ResolveHosts};

use crate::trouble::Trouble;

/// What one question may take.
const DEADLINE: Duration = Duration::from_secs(5);
/// So many addresses of a name are tried.
const TRIED: usize = 4;

/// The addresses at which that upstream is, each of them checked, best first; none for one that is a
/// folder.
pub(crate) async fn find(file: &GateFile, upstream: &Gated) -> Result<Vec<IpAddr>, Trouble> {
    if upstream.local.is_some() {
        return Ok(Vec::new());
    }
    let host = upstream.url.host();
    let mut found = resolve(host).await.ok_or_else(|| Trouble::Unresolved(host.to_owned()))?;
    // One bad answer among good ones is how a name is turned against us.
    if found.is_empty() || !found.iter().all(|address| may_dial(file, *address)) {
        return Err(Trouble::Address(host.to_owned()));
    }
    found.dedup();
    found.truncate(TRIED);
    Ok(found)
}

/// Where the proxy on the way upstream is. Named by a person, so it may stand on a private network; no
/// agent can name one.
pub(crate) async fn of_proxy(proxy: &UpstreamProxy) -> Result<SocketAddr, Trouble> {
    let found = resolve(&proxy.host.to_string()).await.unwrap_or_default();
    let at = found.first().ok_or(Trouble::ProxyUnreachable)?;
    Ok(SocketAddr::new(*at, proxy.port))
}

/// The addresses of a host, best first; an address is its own.
async fn resolve(host: &str) -> Option<Vec<IpAddr>> {
    if let Ok(address) = host.parse() {
        return Some(vec![address]);
    }
    let mut builder = TokioResolver::builder_tokio().ok()?;
    let options = builder.options_mut();
    options.ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
    options.use_hosts_file = ResolveHosts::Never;
    options.timeout = DEADLINE / 2;
    options.attempts = 2;
    let resolver = builder.build().ok()?;
    // The last dot makes it a full name: no search domain is tried.
    let asked = resolver.lookup_ip(format!("{host}."));
    let found = tokio::time::timeout(DEADLINE, asked).await.ok()?.ok()?;
    let mut found: Vec<IpAddr> = found.iter().collect();
    // Few containers have a way out by the newer kind.
    found.sort_by_key(IpAddr::is_ipv6);
    Some(found)
}

/// A company's git host may well be in a private network; what is never a git host: this container,
/// the machines' own link (with the clouds' metadata on it), and the bottle's own networks.
fn may_dial(file: &GateFile, address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            let odd = v4.is_loopback()
                || v4.is_link_local()
                || v4.is_multicast()
                || v4.is_broadcast()
                || v4.octets()[0] == 0
                || v4 == Ipv4Addr::new(100, 100, 100, 200);
            !odd && !file.never_dial.iter().any(|net| net.contains(&v4))
        }
        IpAddr::V6(v6) => {
            let odd = v6.is_loopback()
                || v6.is_unspecified()
                || v6.is_multicast()
                || v6.is_unicast_link_local();
            // Addresses that carry a v4 one are not looked through: no git host needs them.
            let carries = matches!(v6.segments(), [0x64, 0xff9b, ..] | [0x2002 | 0, ..]);
            !odd && !carries && v6.segments() != [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn h4_an_upstream_is_not_this_container_nor_its_neighbours() {
        let own = vec!["10.213.0.0/28".parse().unwrap()];
        let file = GateFile::new("b".parse().unwrap(), own, Vec::new());
        for bad in [
            "127.0.0.1",
            "0.0.0.0",
            "169.254.169.254",
            "100.100.100.200",
            "224.0.0.1",
            "10.213.0.3",
            "::1",
            "::",
            "fe80::1",
            "::ffff:127.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "fd00:ec2::254",
        ] {
            assert!(!may_dial(&file, bad.parse().unwrap()), "{bad}");
        }
        for good in ["10.0.0.7", "192.168.1.5", "140.82.121.3", "2606:50c0::1"] {
            assert!(may_dial(&file, good.parse().unwrap()), "{good}");
        }
    }
}

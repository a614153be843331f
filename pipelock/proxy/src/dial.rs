//! Resolves, checks every answer, and dials exactly an address that was checked.

use crate::{
    judge::Target,
    resolve::{Resolve, Unresolved},
    ssrf::{self, Forbidden},
};
use pipelock::Policy;
use std::{
    io,
    net::{IpAddr, SocketAddr},
    time::Duration,
};
use tokio::{net::TcpStream, time::timeout};

/// What connecting to one address may take.
const CONNECT: Duration = Duration::from_secs(10);
/// So many addresses of a name are tried.
const TRIED: usize = 4;

/// Why no connection came about.
#[derive(Debug)]
pub enum Undialled {
    /// An address of the host is forbidden, so none of them is dialled.
    Forbidden(Forbidden),
    /// The name has no address, or nobody says.
    Unresolved(Unresolved),
    /// No address answered; the last one and what it said.
    Unreachable(SocketAddr, io::Error),
}

/// The addresses of a target, each of them checked. One that is forbidden condemns them all: a
/// name that points outward and inward at once means no good.
pub async fn checked_addresses(
    policy: &Policy,
    resolver: &dyn Resolve,
    target: Target<'_>,
) -> Result<Vec<IpAddr>, Undialled> {
    let (host, mut addresses) = match target {
        Target::Address(address) => (address.to_string(), vec![address.to_canonical()]),
        Target::Name(name) => {
            let found = resolver.resolve(name).await.map_err(Undialled::Unresolved)?;
            (name.to_owned(), found.into_iter().map(|found| found.to_canonical()).collect())
        }
    };
    if addresses.is_empty() {
        return Err(Undialled::Unresolved(Unresolved::new(&host, "it has no address")));
    }
    for address in &addresses {
        ssrf::check(policy, &host, *address).map_err(Undialled::Forbidden)?;
    }
    // IPv4 first: few containers have a way out over IPv6.
    addresses.sort_by_key(IpAddr::is_ipv6);
    addresses.dedup();
    addresses.truncate(TRIED);
    Ok(addresses)
}

/// Connects to the first of the addresses that answers.
pub async fn connect(
    addresses: &[IpAddr],
    port: u16,
) -> Result<(TcpStream, SocketAddr), Undialled> {
    let mut last = None;
    for address in addresses {
        let at = SocketAddr::new(*address, port);
        let error = match timeout(CONNECT, TcpStream::connect(at)).await {
            Ok(Ok(stream)) => {
                // Without this, every small request waits for the peer's delayed acknowledgement.
                drop(stream.set_nodelay(true));
                return Ok((stream, at));
            }
            Ok(Err(error)) => error,
            Err(late) => late.into(),
        };
        last = Some((at, error));
    }
    let nowhere = || (SocketAddr::from(([0, 0, 0, 0], port)), io::ErrorKind::NotFound.into());
    let (at, error) = last.unwrap_or_else(nowhere);
    Err(Undialled::Unreachable(at, error))
}

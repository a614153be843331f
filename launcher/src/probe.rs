//! Proof, from inside the agent and before it begins, that there is no way out but the sidecars.
//!
//! A listener on every address of the host waits for what must not arrive. The agent's side tries
//! each address it could think of; that something arrived is the verdict, not what an error says.
//! A control from the uplink must arrive, or nothing was proven. What has neither arrived nor
//! failed after the grace time is watched on while the agent starts.

mod check;
mod guest;
mod listener;
mod watch;
mod way;

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use compose_render::{Addresses, Network, Role, contract};
use compose_run::Docker;

pub(crate) use self::listener::Listener;
pub(crate) use self::watch::Watch;
use self::way::passed;
pub(crate) use self::way::{Way, Went, ways};
use crate::exit;
use crate::plan::guest as guest_path;

/// A connection over a bridge takes well under a millisecond. With the two `docker exec`, which run
/// side by side, the probe stays under 0.3 s.
const GRACE: Duration = Duration::from_millis(150);

/// A connection to an address that nobody owns fails after 3.07 s.
const WATCH: Duration = Duration::from_millis(4500);

/// How long the engine may take to run a command in a container on a busy machine.
const DEADLINE: Duration = Duration::from_secs(30);

/// No more of the host's addresses are tried: with a hundred bottles it has as many bridges.
const MAX_ADDRESSES: usize = 16;

/// Where the probe happens and what is tried.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Targets<'a> {
    /// The agent's container.
    pub agent: &'a str,
    /// A container on the uplink in which the guest binary is mounted as in the agent.
    pub uplink: &'a str,
    pub addresses: &'a Addresses,
    pub host_addresses: &'a [IpAddr],
    /// The bottle's folder, in which pipelock's lines are.
    pub bottle: &'a Path,
    /// The ways that must be there, where the policy has one that can be tried.
    pub ways: &'a [Way],
}

/// Probes. Returns once the grace time is over and nothing speaks against the bottle.
pub(crate) fn run(
    docker: &Docker,
    listener: Listener,
    targets: &Targets<'_>,
) -> anyhow::Result<Watch> {
    let port = listener.port();
    let spec = guest::Spec {
        nonce: listener.nonce().to_owned(),
        tcp: tcp_targets(targets, port),
        udp: host_targets(targets, port),
        name: Some(format!("bottle-probe-{}.invalid", listener.nonce())),
        ways: targets.ways.iter().map(|way| way.for_guest(targets.addresses)).collect(),
        grace_ms: millis(GRACE),
        watch_ms: millis(WATCH),
    };
    let control = listener.control().to_owned();
    let gateway = SocketAddr::from((targets.addresses.gateway(Network::Uplink), port));
    let internal = targets.addresses.subnet(Network::Internal);
    let proof = targets.ways.first().map(|way| (targets.bottle.to_owned(), way.clone()));
    let watch = Watch::begin(docker, targets.agent, &spec, listener, internal, proof)?;
    let reach = [guest_path::BINARY, "reach", &control, &gateway.to_string()];
    let reached = docker.exec(targets.uplink, None, false, reach).timeout(DEADLINE).run();
    watch.first_report(DEADLINE)?;
    watch.check()?;
    if let Err(error) = reached {
        return Err(silent(error.into(), targets.addresses));
    }
    if !watch.control_arrived(DEADLINE) {
        return Err(silent(anyhow!("its connection did not arrive here"), targets.addresses));
    }
    Ok(watch)
}

/// The control came to nothing, so that the silence of the other attempts means nothing either.
fn silent(error: anyhow::Error, addresses: &Addresses) -> anyhow::Error {
    let error = error.context(
        "the probe proves nothing: even the uplink, from where it must work, did not reach this host",
    );
    let subnet = addresses.subnet(Network::Uplink);
    exit::advise(
        error,
        format!(
            "a firewall of this host seems to drop what containers send it: let `{subnet}` in \
             (pipelock lets no agent use that way), such as by `ufw allow from {subnet}`"
        ),
    )
}

/// Addresses of the host at which the listener would be reached.
fn host_targets(targets: &Targets<'_>, port: u16) -> Vec<SocketAddr> {
    let gateways = [Network::Internal, Network::Uplink]
        .map(|network| targets.addresses.gateway(network).into());
    let own = targets.host_addresses.iter().copied().filter(|address| !address.is_loopback());
    let distinct: BTreeSet<IpAddr> = gateways.into_iter().collect();
    let own: Vec<_> = own.filter(|address| !distinct.contains(address)).collect();
    let all = gateways.into_iter().chain(own).take(MAX_ADDRESSES);
    all.map(|address| SocketAddr::new(address, port)).collect()
}

/// The host, and the side of pipelock that faces the uplink.
fn tcp_targets(targets: &Targets<'_>, port: u16) -> Vec<SocketAddr> {
    let mut all = host_targets(targets, port);
    if let Some(pipelock) = targets.addresses.of(Role::Pipelock, Network::Uplink) {
        let ports = [contract::PIPELOCK_PORT, contract::ADMIN_PORT, contract::STEERED_TLS_PORT];
        all.extend(ports.map(|port| SocketAddr::from((pipelock, port))));
    }
    // The admin port answers on loopback alone.
    let roles = [Role::Pipelock, Role::Egress];
    let admin = roles.map(|role| (targets.addresses.internal(role), contract::ADMIN_PORT));
    all.extend(admin.map(SocketAddr::from));
    all
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// What one of the agent's attempts says against the bottle.
fn breach(attempt: &str) -> anyhow::Error {
    let error = anyhow!("the agent can reach what it must not: {attempt}");
    exit::advise(error, "`bottle doctor` looks for the cause; nothing was given to the agent yet")
}

/// Reads one line of the guest's.
fn read_report(line: &str) -> anyhow::Result<guest::Report> {
    let report: guest::Report =
        serde_json::from_str(line).context("cannot read the probe's report")?;
    if report.attempts.is_empty() {
        bail!("the probe tried nothing");
    }
    Ok(report)
}

#[cfg(test)]
mod tests;

//! `names`: a resolver for which no name exists, where pipelock is another's and answers none.

use crate::names::{self, Zone};
use anyhow::Context as _;
use compose_render::contract::DRAIN_DEADLINE;
use pipelock::Policy;
use sidecar::{Log, Running, Shutdown};
use std::{net::SocketAddr, sync::Arc};
use tokio::net::{TcpListener, UdpSocket};

/// A policy's least files: they allow nothing.
const LEAST: [&str; 2] = [
    "mode: strict\nforward_proxy: {enabled: true}\ntls_interception: {enabled: true}\n",
    "version: 1\n",
];

struct Nowhere {
    policy: Arc<Policy>,
    log: Log,
}

impl Zone for Nowhere {
    fn policy(&self) -> (Arc<Policy>, u64) {
        (Arc::clone(&self.policy), 0)
    }

    fn log(&self) -> &Log {
        &self.log
    }
}

/// Answers on UDP and TCP until the shutdown.
pub async fn run(running: Running, listen: SocketAddr) -> anyhow::Result<()> {
    let Running { shutdown, log, status, .. } = running;
    let failed = || format!("cannot listen on `{listen}`");
    let udp = UdpSocket::bind(listen).await.with_context(failed)?;
    let tcp = TcpListener::bind(listen).await.with_context(failed)?;
    serve(udp, tcp, log, &shutdown)?;
    status.set_ready();
    shutdown.requested().await;
    shutdown.drain(DRAIN_DEADLINE).await;
    Ok(())
}

/// The same on sockets that are there.
pub fn serve(
    udp: UdpSocket,
    tcp: TcpListener,
    log: Log,
    shutdown: &Shutdown,
) -> anyhow::Result<()> {
    let [upstream, bottle] = LEAST;
    let policy = Arc::new(Policy::read(upstream, bottle)?.policy);
    let zone = Arc::new(Nowhere { policy, log });
    shutdown.spawn(names::serve_udp(udp, Arc::clone(&zone), shutdown.clone()));
    shutdown.spawn(names::serve_tcp(tcp, zone, shutdown.clone()));
    Ok(())
}

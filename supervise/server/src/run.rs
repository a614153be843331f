//! What the binary does for `run` and `check`.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, ensure};
use compose_render::{Role, contract};
use sha2::{Digest as _, Sha256};
use sidecar::{Event, Line, Log, Running, Shutdown, chain};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::exchange::serve;
use crate::queue::Queue;

/// The most of a configuration that is read.
const CONFIG_LIMIT: usize = 64 * 1024;
/// How many calls may wait for a person at once.
const WAITS: usize = 16;

/// All that answers a call.
#[derive(Debug)]
pub struct Desk {
    pub queue: Queue,
    /// Below it lie other sidecars' outboxes.
    pub watched: PathBuf,
    pub log: Log,
    pub shutdown: Shutdown,
    pub(crate) waits: Semaphore,
}

impl Desk {
    /// A desk at those folders.
    pub fn new(outbox: &Path, inbox: &Path, watched: &Path, log: Log, shutdown: Shutdown) -> Self {
        Self {
            queue: Queue::new(outbox, inbox, &watched.join(Role::GitGate.as_str())),
            watched: watched.to_owned(),
            log,
            shutdown,
            waits: Semaphore::new(WAITS),
        }
    }
}

/// Reads a configuration; returns its digest.
///
/// # Errors
///
/// What is wrong with it.
pub fn check(config: &Path) -> anyhow::Result<String> {
    let shown = config.display();
    let text = std::fs::read_to_string(config).with_context(|| format!("cannot read `{shown}`"))?;
    ensure!(text.len() <= CONFIG_LIMIT, "`{shown}` is too large");
    let mut lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    ensure!(
        lines.next() == Some("version: 1") && lines.next().is_none(),
        "`{shown}` is not in the form of version 1"
    );
    let mut digest = String::new();
    for byte in Sha256::digest(&text) {
        // Writing to a text cannot fail.
        write!(digest, "{byte:02x}").ok();
    }
    Ok(digest)
}

/// Serves until the shutdown is requested.
///
/// # Errors
///
/// What cannot be read or bound at the start.
pub async fn run(config: &Path, listen: SocketAddr, running: Running) -> anyhow::Result<()> {
    let Running { shutdown, mut reload, log, status, environment: _ } = running;
    let mut generation = 1;
    let told = |digest: &str, generation: u64| {
        status.config_loaded(digest, generation);
        log.write(Line {
            digest: Some(digest.to_owned()),
            generation: Some(generation),
            ..Line::new(Event::Config)
        });
    };
    told(&check(config)?, generation);
    let listener =
        TcpListener::bind(listen).await.with_context(|| format!("cannot listen on `{listen}`"))?;
    let desk = Arc::new(Desk::new(
        Path::new(contract::OUTBOX_DIR),
        Path::new(contract::INBOX_DIR),
        Path::new(supervise::WATCHED_DIR),
        log.clone(),
        shutdown.clone(),
    ));
    shutdown.spawn(serve(listener, desk));
    status.set_ready();
    loop {
        tokio::select! {
            () = shutdown.requested() => break,
            () = reload.wished() => match check(config) {
                Ok(digest) => {
                    generation += 1;
                    told(&digest, generation);
                }
                Err(error) => status.config_refused("", &chain(error.as_ref())),
            },
        }
    }
    shutdown.drain(contract::DRAIN_DEADLINE).await;
    Ok(())
}

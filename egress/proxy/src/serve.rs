//! What the binary does for `run` and `check`.

use std::net::SocketAddr;
use std::path::Path;

use anyhow::Context as _;
use egress::RoutesFile;
use sidecar::Running;
use tokio::net::{TcpListener, UnixListener};

use crate::credentials::SOCKET;
use crate::plane::Plane;
use crate::policy::read;

/// Says whether a routes file could be loaded.
///
/// # Errors
///
/// What is wrong with it.
pub fn check(config: &Path) -> anyhow::Result<()> {
    RoutesFile::parse(&read(config)?)
        .map(drop)
        .with_context(|| format!("`{}` is refused", config.display()))
}

/// Serves until the shutdown is requested.
///
/// # Errors
///
/// What cannot be read or bound at the start.
pub async fn run(config: &Path, listen: SocketAddr, running: Running) -> anyhow::Result<()> {
    let Running { shutdown, mut reload, log, status, environment } = running;
    let cannot = || format!("cannot listen on `{listen}`");
    let listener = TcpListener::bind(listen).await.with_context(cannot)?;
    let plane = Plane::load(config, environment, &shutdown, &log, &status)?;
    let socket = Path::new(SOCKET);
    // Left by a process that was killed: the tmpfs outlives it when the engine restarts us.
    drop(std::fs::remove_file(socket));
    let credentials =
        UnixListener::bind(socket).with_context(|| format!("cannot listen on `{SOCKET}`"))?;
    shutdown.spawn({
        let plane = plane.clone();
        async move { plane.take_credentials(credentials).await }
    });
    let reloading = async {
        loop {
            reload.wished().await;
            plane.reload();
        }
    };
    tokio::select! {
        () = plane.serve(listener) => {}
        () = reloading => {}
    }
    Ok(())
}

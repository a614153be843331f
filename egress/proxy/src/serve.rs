//! What the binary does for `run` and `check`.

use std::net::SocketAddr;
use std::path::Path;

use anyhow::Context as _;
use compose_render::contract;
use egress::RoutesFile;
use sidecar::{Line, Running};
use tls_intercept::Mode;
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

/// Serves until the shutdown is requested. With `steering`, ports 443 and 80 of the same address
/// take what the bottle's resolver sends here.
///
/// # Errors
///
/// What cannot be read or bound at the start.
pub async fn run(
    config: &Path,
    listen: SocketAddr,
    steering: bool,
    running: Running,
) -> anyhow::Result<()> {
    let Running { shutdown, mut reload, log, status, environment } = running;
    let mut doors = vec![(bind(listen).await?, Mode::Proxy)];
    if steering {
        for (port, mode) in [
            (contract::STEERED_TLS_PORT, Mode::SteeredTls),
            (contract::STEERED_HTTP_PORT, Mode::SteeredHttp),
        ] {
            doors.push((bind(SocketAddr::new(listen.ip(), port)).await?, mode));
        }
    }
    let outbox = Path::new(contract::OUTBOX_DIR);
    let plane = Plane::load(config, environment, &shutdown, &log, &status, outbox)?;
    let credentials = bind_socket(Path::new(SOCKET))?;
    shutdown.spawn({
        let plane = plane.clone();
        async move { plane.take_credentials(credentials).await }
    });
    shutdown.spawn({
        let plane = plane.clone();
        async move { plane.keep_usage().await }
    });
    for (listener, mode) in doors {
        let plane = plane.clone();
        shutdown.spawn(async move { plane.serve(listener, mode).await });
    }
    loop {
        tokio::select! {
            () = reload.wished() => plane.reload(),
            () = plane.next_end() => plane.end(),
            () = shutdown.requested() => break,
        }
    }
    let open = shutdown.drain(contract::DRAIN_DEADLINE).await;
    if let Err(error) = plane.save_usage().await {
        log.write(Line::failure(format!("what was used cannot be written down: {error}")));
    }
    if open > 0 {
        log.write(Line::failure(format!("{open} connections were cut off at the end")));
    }
    Ok(())
}

async fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    let cannot = || format!("cannot listen on `{address}`");
    TcpListener::bind(address).await.with_context(cannot)
}

fn bind_socket(path: &Path) -> anyhow::Result<UnixListener> {
    // Left by a process that was killed: the tmpfs outlives it when the engine restarts us.
    drop(std::fs::remove_file(path));
    UnixListener::bind(path).with_context(|| format!("cannot listen on `{}`", path.display()))
}

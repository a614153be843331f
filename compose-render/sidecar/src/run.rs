//! The frame round a sidecar's `main`: hardened process, runtime, signals, admin server, exit code.

use crate::{ADMIN_ADDRESS, Environment, Event, Line, Log, Shutdown, Status};
use crate::{chain, harden, serve_admin};
use anyhow::Context as _;
use compose_render::{Role, contract};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// More than the drain, less than the engine's grace: we leave by ourselves, with a code.
const LEAVE: Duration = Duration::from_secs(12);

/// What a sidecar's own part is given.
#[derive(Debug)]
pub struct Running {
    /// When to stop, and where to spawn.
    pub shutdown: Shutdown,
    /// SIGHUP, as a stream of wishes.
    pub reload: Reload,
    /// Where decisions are written.
    pub log: Log,
    /// What `status` shows; say `set_ready` when requests are answered.
    pub status: Arc<Status>,
    /// The environment, read once.
    pub environment: Environment,
}

/// SIGHUP: a wish to read the configuration again. Wishes that come while one is served are one.
#[derive(Debug)]
pub struct Reload(Signal);

impl Reload {
    /// Resolves at the next wish.
    pub async fn wished(&mut self) {
        if self.0.recv().await.is_none() {
            std::future::pending::<()>().await;
        }
    }
}

/// Runs a sidecar until its own part ends: SIGTERM and SIGINT request the shutdown it watches.
///
/// Handlers stand before `main` is called, so that an early SIGHUP does not kill the process. An
/// error is one line of the log with its whole chain, and exit code 1.
pub fn run<F, Fut>(service: Role, main: F) -> ExitCode
where
    F: FnOnce(Running) -> Fut,
    Fut: Future<Output = anyhow::Result<()>>,
{
    let hardened = harden().context("cannot give up core dumps");
    run_in(service, hardened, &Environment::read(), main)
}

fn run_in<F, Fut>(
    service: Role,
    hardened: anyhow::Result<()>,
    environment: &Environment,
    main: F,
) -> ExitCode
where
    F: FnOnce(Running) -> Fut,
    Fut: Future<Output = anyhow::Result<()>>,
{
    let status = Arc::new(Status::new(service.as_str(), env!("CARGO_PKG_VERSION")));
    let outbox = Path::new(contract::OUTBOX_DIR);
    let log = Log::new(service, environment.slug.as_ref(), Arc::clone(&status), Some(outbox));
    let outcome = hardened.and_then(|()| inside(&status, environment, &log, main));
    let code = match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            log.write(Line::failure(chain(error.as_ref())));
            ExitCode::FAILURE
        }
    };
    log.flush();
    code
}

fn inside<F, Fut>(
    status: &Arc<Status>,
    environment: &Environment,
    log: &Log,
    main: F,
) -> anyhow::Result<()>
where
    F: FnOnce(Running) -> Fut,
    Fut: Future<Output = anyhow::Result<()>>,
{
    let mut admin = ADMIN_ADDRESS;
    if let Some(port) = environment.admin_port {
        admin.set_port(port);
    }
    // A sidecar has one processor (`ServiceSpec::hardened`): a second worker would take turns with the
    // first, and wake it for every other message.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    let outcome = runtime.block_on(async {
        let shutdown = Shutdown::new();
        let reload = Reload(signal(SignalKind::hangup()).context("cannot listen for SIGHUP")?);
        watch_for_stop(&shutdown)?;
        let admin = TcpListener::bind(admin)
            .await
            .with_context(|| format!("cannot listen on `{admin}`"))?;
        shutdown.spawn(serve_admin(admin, Arc::clone(status), shutdown.clone()));
        shutdown.spawn(settle(log.clone(), shutdown.clone()));
        let running = Running {
            shutdown: shutdown.clone(),
            reload,
            log: log.clone(),
            status: Arc::clone(status),
            environment: environment.clone(),
        };
        let late = async {
            shutdown.requested().await;
            tokio::time::sleep(LEAVE).await;
        };
        let outcome = tokio::select! {
            outcome = main(running) => outcome,
            () = late => Err(anyhow::anyhow!("did not stop within {LEAVE:?}")),
        };
        shutdown.request();
        let open = shutdown.drain(contract::DRAIN_DEADLINE.min(Duration::from_secs(2))).await;
        if open > 0 {
            log.write(Line {
                detail: Some(format!("{open} tasks cut off")),
                ..Line::new(Event::Error)
            });
        }
        outcome
    });
    runtime.shutdown_timeout(Duration::from_millis(200));
    outcome
}

async fn settle(log: Log, shutdown: Shutdown) {
    const EVERY: Duration = Duration::from_secs(5);
    while tokio::time::timeout(EVERY, shutdown.requested()).await.is_err() {
        log.settle();
    }
}

fn watch_for_stop(shutdown: &Shutdown) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for SIGINT")?;
    let stop = shutdown.clone();
    shutdown.spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            () = stop.requested() => {}
        }
        stop.request();
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::sys::signal::{Signal, raise};

    fn code<F, Fut>(main: F) -> String
    where
        F: FnOnce(Running) -> Fut,
        Fut: Future<Output = anyhow::Result<()>>,
    {
        let anywhere = Environment { admin_port: Some(0), ..Environment::default() };
        format!("{:?}", run_in(Role::Pipelock, harden().map_err(Into::into), &anywhere, main))
    }

    #[test]
    fn sighup_is_a_wish_and_sigterm_ends_it_with_success() {
        let code = code(|mut running| async move {
            raise(Signal::SIGHUP)?;
            running.reload.wished().await;
            let finishing = running.shutdown.clone();
            running.shutdown.spawn(async move { finishing.requested().await });
            raise(Signal::SIGTERM)?;
            running.shutdown.requested().await;
            Ok(())
        });
        assert_eq!(code, format!("{:?}", ExitCode::SUCCESS));
    }

    #[test]
    fn an_error_is_a_code() {
        let code = code(|_| async { anyhow::bail!("no config") });
        assert_eq!(code, format!("{:?}", ExitCode::FAILURE));
    }
}

//! The gate from its file to its last connection.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use compose_render::Secret;
use git_gate::Gated;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use sidecar::{Environment, Log, Shutdown, Status};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use crate::ground::Ground;
use crate::policy::Policy;

/// What a client may take to say what it wants.
const HEAD_DEADLINE: Duration = Duration::from_secs(30);
/// So many connections at once; the next waits to be accepted.
const CONNECTIONS: usize = 64;
/// So many of git's processes serve at once: each may take tens of megabytes.
const EXCHANGES: usize = 8;
/// Out of descriptors, most likely: a moment for others to close theirs.
const BREATH: Duration = Duration::from_millis(50);

/// A data plane that is ready to serve.
#[derive(Debug)]
pub struct Gate {
    pub(crate) ground: Ground,
    policy: ArcSwap<Policy>,
    /// git's server for HTTP.
    pub(crate) backend: PathBuf,
    pub(crate) log: Log,
    pub(crate) shutdown: Shutdown,
    pub(crate) exchanges: Arc<Semaphore>,
    credentials: BTreeMap<String, Secret>,
    pub(crate) status: Arc<Status>,
    /// What a push is judged against is at most so old.
    pub(crate) known_for: Duration,
    pushes: AtomicU64,
}

impl Gate {
    /// Reads the gate file and lays out the hook, which is `program` under another name.
    ///
    /// # Errors
    ///
    /// What cannot be read or is wrong.
    pub fn load(
        ground: Ground,
        program: &Path,
        environment: Environment,
        shutdown: &Shutdown,
        log: &Log,
        status: &Arc<Status>,
    ) -> anyhow::Result<Self> {
        ground.lay_out(program)?;
        let policy = Policy::of(&ground, &ground.text()?, None)?;
        let gate = Self {
            policy: ArcSwap::from_pointee(policy),
            backend: crate::program::http_backend(&ground)?,
            ground,
            log: log.clone(),
            shutdown: shutdown.clone(),
            exchanges: Arc::new(Semaphore::new(EXCHANGES)),
            credentials: environment.credentials,
            status: Arc::clone(status),
            known_for: crate::mirror::KNOWN_FOR,
            pushes: AtomicU64::new(0),
        };
        gate.tell_policy();
        Ok(gate)
    }

    /// The same, where an upstream's refs count as known for so long, to the second.
    #[must_use]
    pub fn knowing_for(self, known_for: Duration) -> Self {
        Self { known_for, ..self }
    }

    /// The policy in force.
    pub(crate) fn policy(&self) -> Arc<Policy> {
        self.policy.load_full()
    }

    /// Puts another in force. What began under the old one goes on under it.
    pub(crate) fn replace(&self, policy: Policy) {
        self.policy.store(Arc::new(policy));
    }

    /// The token of that upstream.
    pub(crate) fn token(&self, upstream: &Gated) -> Option<&Secret> {
        self.credential(&upstream.credential.as_ref()?.env)
    }

    /// What the environment holds under that name.
    pub(crate) fn credential(&self, name: &str) -> Option<&Secret> {
        self.credentials.get(name)
    }

    /// A number that no other push has.
    pub(crate) fn next_push(&self) -> u64 {
        self.pushes.fetch_add(1, Ordering::Relaxed)
    }

    /// Serves until the shutdown is requested; what is open then finishes.
    pub async fn serve(self: Arc<Self>, listener: TcpListener) {
        self.status.set_ready();
        let places = Arc::new(Semaphore::new(CONNECTIONS));
        loop {
            let accepted = async {
                let place = Arc::clone(&places).acquire_owned().await.ok();
                (place, listener.accept().await)
            };
            let (place, accepted) = tokio::select! {
                accepted = accepted => accepted,
                () = self.shutdown.requested() => return,
            };
            match accepted.and_then(|(stream, _)| stream.set_nodelay(true).map(|()| stream)) {
                Ok(stream) => {
                    let gate = Arc::clone(&self);
                    self.shutdown.spawn(async move {
                        gate.connection(stream).await;
                        drop(place);
                    });
                }
                Err(_) => tokio::time::sleep(BREATH).await,
            }
        }
    }

    async fn connection(self: Arc<Self>, stream: TcpStream) {
        let shutdown = self.shutdown.clone();
        let service = service_fn(move |request| {
            let gate = Arc::clone(&self);
            async move { Ok::<_, std::convert::Infallible>(crate::serve::answer(gate, request).await) }
        });
        let served = hyper::server::conn::http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_DEADLINE)
            .max_headers(64)
            .serve_connection(TokioIo::new(stream), service);
        let mut served = std::pin::pin!(served);
        tokio::select! {
            // A client that goes away is no fault of the gate's.
            _ = served.as_mut() => {}
            () = shutdown.requested() => {
                served.as_mut().graceful_shutdown();
                tokio::select! {
                    _ = served => {}
                    () = shutdown.aborted() => {}
                }
            }
        }
    }
}

//! egress from its files and its environment to its last connection.

use std::path::Path;
use std::sync::{Arc, Mutex};

use anyhow::Context as _;
use sidecar::{Environment, Line, Log, Shutdown, Status, clock};
use tls_intercept::client::{Client, ClientLimits};
use tls_intercept::{Interceptor, Limits, Mode};
use tokio::net::{TcpListener, UnixListener};

use crate::credentials;
use crate::in_flight::InFlight;
use crate::jar::Jar;
use crate::policy::{Policies, read};
use crate::proxy::Egress;
use crate::renew::Renewer;
use crate::usage::Ledger;
use crate::vault::Vault;

/// A data plane that is ready to serve.
#[derive(Clone, Debug)]
pub struct Plane {
    egress: Arc<Egress>,
    interceptor: Arc<Interceptor>,
    status: Arc<Status>,
    shutdown: Shutdown,
}

impl Plane {
    /// Reads the routes file, and the authority that lies beside it.
    ///
    /// In `outbox` lies what was renewed and what was used. A credential that is missing is told and stops nothing: its route answers 503.
    ///
    /// # Errors
    ///
    /// What cannot be read or is wrong.
    pub fn load(
        config: &Path,
        environment: Environment,
        shutdown: &Shutdown,
        log: &Log,
        status: &Arc<Status>,
        outbox: &Path,
    ) -> anyhow::Result<Self> {
        let folder = config.parent().unwrap_or(Path::new("."));
        let authority = ca::Authority::load(
            &read(&folder.join(ca::CERTIFICATE_FILE))?,
            &read(&folder.join(ca::KEY_FILE))?,
        )
        .context("cannot use egress's own authority")?;
        let vault = Arc::new(Vault::new(environment.credentials));
        let policies = Policies::load(config, status, log)?;
        for sentence in vault.missing(&policies.current().routes) {
            log.write(Line::failure(sentence));
        }
        let ledger = Ledger::open(outbox)?;
        let client = Client::new(ClientLimits::default(), shutdown.clone());
        let hop = environment.hop_secret;
        let renewer = Arc::new(Renewer {
            client: client.clone(),
            hop: hop.clone(),
            vault: Arc::clone(&vault),
            log: log.clone(),
            shutdown: shutdown.clone(),
            outbox: outbox.to_owned(),
            slots: Mutex::default(),
        });
        Ok(Self {
            egress: Arc::new(Egress {
                policies,
                vault,
                renewer,
                client,
                hop,
                in_flight: InFlight::default(),
                ledger,
                jar: Jar::default(),
                log: log.clone(),
                status: Arc::clone(status),
                passed: Arc::default(),
            }),
            interceptor: Arc::new(Interceptor::new(authority, Limits::default())),
            status: Arc::clone(status),
            shutdown: shutdown.clone(),
        })
    }

    /// Serves until the shutdown is requested.
    pub async fn serve(&self, listener: TcpListener, mode: Mode) {
        let (interceptor, egress) = (Arc::clone(&self.interceptor), Arc::clone(&self.egress));
        self.status.set_ready();
        let shutdown = self.shutdown.clone();
        tls_intercept::serve(listener, mode, interceptor, egress, shutdown).await;
    }

    /// Takes new values of credentials from a socket, until the shutdown is requested.
    pub async fn take_credentials(&self, listener: UnixListener) {
        credentials::take(listener, Arc::clone(&self.egress), self.shutdown.clone()).await;
    }

    /// Writes down what is used, until the shutdown is requested.
    pub async fn keep_usage(&self) {
        let Egress { ledger, status, log, .. } = &*self.egress;
        ledger.keep(status, log, self.shutdown.clone()).await;
    }

    /// Writes down what was used, once nothing is under way any more.
    ///
    /// # Errors
    ///
    /// When the outbox cannot be written to.
    pub async fn save_usage(&self) -> std::io::Result<()> {
        self.egress.ledger.save().await
    }

    /// Comes back when a route has ended by itself.
    pub async fn next_end(&self) {
        clock::reached(self.egress.policies.current().routes.next_end()).await;
    }

    /// Takes routes out of force that have ended, and closes their connections.
    pub fn end(&self) {
        self.egress.end();
    }

    /// Reads the routes again. What is wrong with them is told, and those in force stay.
    pub fn reload(&self) {
        self.egress.reload();
    }
}

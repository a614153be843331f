//! A data plane that relays what its short list allows, and the listener it stands behind.

use super::origin::Origin;
use ca::Authority;
use compose_render::Role;
use http::{Request, Response};
use rustls::RootCertStore;
use sidecar::Shutdown;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use time::OffsetDateTime;
use tls_intercept::client::{Client, ClientLimits, Form, Trust, Upstream, dial};
use tls_intercept::{
    Body, Connection, Denial, Host, Interceptor, Limits, Mode, Proxy, Reason, RequestId, serve,
};
use tokio::net::TcpListener;

pub(crate) const ALLOWED: &str = "allowed.test";

/// What was refused before there was a request.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Refused {
    pub(crate) reason: Reason,
    pub(crate) host: Option<String>,
}

pub(crate) struct Relay {
    client: Client,
    upstream: SocketAddr,
    trust: Trust,
    pub(crate) refused: Mutex<Vec<Refused>>,
    pub(crate) answered: Mutex<Vec<(Arc<Connection>, String)>>,
}

impl Proxy for Relay {
    fn layer(&self) -> &'static str {
        "relay"
    }

    fn generation(&self) -> u64 {
        7
    }

    fn admit(&self, connection: &Connection) -> Result<(), Denial> {
        match connection.destination.host {
            Host::Name(_) => Ok(()),
            Host::Address(_) => Err(Denial::new("relay", Reason::AddressNotAllowed, "use a name")),
        }
    }

    async fn answer(
        self: Arc<Self>,
        connection: Arc<Connection>,
        _id: RequestId,
        request: Request<Body>,
    ) -> Response<Body> {
        let asked = format!("{} {}", request.method(), request.uri());
        self.answered.lock().unwrap().push((Arc::clone(&connection), asked));
        if connection.destination.host.to_string() != ALLOWED {
            let denial = Denial::new("relay", Reason::HostNotAllowed, "ask").request(&request);
            return denial.host(connection.destination.host.to_string()).response();
        }
        let upstream = Upstream {
            destination: connection.destination.clone(),
            address: self.upstream,
            trust: self.trust.clone(),
            form: Form::Origin,
        };
        let connect = || dial(self.upstream, Duration::from_secs(30));
        match self.client.send(&upstream, request, connect).await {
            Ok(response) => response,
            Err(error) => Denial::new("relay", error.reason(), error.next_step()).response(),
        }
    }

    fn refused(
        &self,
        _id: RequestId,
        connection: Option<&Connection>,
        _peer: SocketAddr,
        denial: &Denial,
    ) {
        let host = connection.map(|connection| connection.destination.host.to_string());
        self.refused.lock().unwrap().push(Refused { reason: denial.reason, host });
    }
}

/// The proxy with its listener.
pub(crate) struct Bench {
    pub(crate) address: SocketAddr,
    pub(crate) relay: Arc<Relay>,
    pub(crate) roots: RootCertStore,
    pub(crate) shutdown: Shutdown,
}

impl Bench {
    pub(crate) async fn new(origin: &Origin) -> Self {
        Self::with(origin.address, origin.roots.clone(), Mode::Proxy, Limits::default()).await
    }

    pub(crate) async fn in_mode(origin: &Origin, mode: Mode) -> Self {
        Self::with(origin.address, origin.roots.clone(), mode, Limits::default()).await
    }

    pub(crate) async fn with(
        upstream: SocketAddr,
        trusted: RootCertStore,
        mode: Mode,
        limits: Limits,
    ) -> Self {
        let slug = "fix-login".parse().unwrap();
        let authority = Authority::mint(&slug, Role::Pipelock, OffsetDateTime::now_utc()).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(authority.certificate().clone()).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shutdown = Shutdown::new();
        let relay = Arc::new(Relay {
            client: Client::new(ClientLimits::default(), shutdown.clone()),
            upstream,
            trust: Trust::new(trusted).unwrap(),
            refused: Mutex::default(),
            answered: Mutex::default(),
        });
        let interceptor = Arc::new(Interceptor::new(authority, limits));
        let serving = serve(listener, mode, interceptor, Arc::clone(&relay), shutdown.clone());
        tokio::task::spawn(serving);
        Self { address, relay, roots, shutdown }
    }

    pub(crate) fn refused(&self) -> Vec<Reason> {
        self.relay.refused.lock().unwrap().iter().map(|refused| refused.reason).collect()
    }

    pub(crate) fn answered(&self) -> usize {
        self.relay.answered.lock().unwrap().len()
    }
}

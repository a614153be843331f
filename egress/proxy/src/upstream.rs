//! The one way on: through pipelock, which alone decides whether and where the bytes go.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context as _;
use compose_render::Secret;
use http::{Request, Response};
use rustls::RootCertStore;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use tls_intercept::client::{Client, Form, SendError, Trust, Upstream, dial, tunnel};
use tls_intercept::{Body, Destination, HopSecret, Scheme};

/// pipelock is one hop away on the same host: it answers at once, or it is down.
const REACH: Duration = Duration::from_secs(5);
/// pipelock may resolve and dial before it answers a CONNECT.
const ANSWER: Duration = Duration::from_secs(30);

/// Where pipelock is, and the proof that it is pipelock.
#[derive(Debug)]
pub(crate) struct WayOn {
    pub(crate) address: SocketAddr,
    /// Requests of a route and others never share a connection: a `Trust` of their own keeps the
    /// connections that the hop secret opened apart.
    routed: Trust,
    unrouted: Trust,
    own: Trust,
}

/// Whether a request is a route's, for which egress vouches to pipelock.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Standing<'a> {
    Routed {
        hop: Option<&'a Secret>,
    },
    Unrouted,
    /// egress's own, whose body pipelock does not read.
    Own {
        hop: Option<&'a Secret>,
    },
}

impl WayOn {
    /// Trusts pipelock's authority and no other root.
    pub(crate) fn new(address: SocketAddr, authority_pem: &str) -> anyhow::Result<Self> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(authority_pem.as_bytes()) {
            let certificate = certificate.context("pipelock's authority is no certificate")?;
            roots.add(certificate).context("pipelock's authority cannot be a root")?;
        }
        anyhow::ensure!(!roots.is_empty(), "pipelock's authority holds no certificate");
        let trust = || Trust::new(roots.clone()).context("cannot set up TLS to pipelock");
        Ok(Self { address, routed: trust()?, unrouted: trust()?, own: trust()? })
    }

    /// Sends a request on. TLS goes through a tunnel, plain HTTP in absolute form.
    pub(crate) async fn send(
        &self,
        client: &Client,
        destination: &Destination,
        standing: Standing<'_>,
        request: Request<Body>,
    ) -> Result<Response<Body>, SendError> {
        let (trust, hop) = match standing {
            Standing::Routed { hop } => {
                (&self.routed, hop.map(|secret| HopSecret::new(secret.expose())))
            }
            Standing::Unrouted => (&self.unrouted, None),
            Standing::Own { hop } => {
                let own = |secret: &Secret| HopSecret::of_own_requests(secret.expose().as_bytes());
                (&self.own, hop.map(own))
            }
        };
        let form = match destination.scheme {
            Scheme::Https => Form::Origin,
            Scheme::Http => Form::Absolute { hop: hop.clone() },
        };
        let upstream = Upstream {
            destination: destination.clone(),
            address: self.address,
            trust: trust.clone(),
            form,
        };
        let connect = || async {
            let stream = dial(self.address, REACH).await?;
            match destination.scheme {
                Scheme::Https => tunnel(stream, destination, hop.as_ref(), ANSWER).await,
                Scheme::Http => Ok(stream),
            }
        };
        client.send(&upstream, request, connect).await
    }
}

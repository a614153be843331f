//! Where what was let through goes: the addresses of its host, checked, and a stream to one of them.

use super::{Door, InForce, Refusal, target};
use crate::{
    dial::{self, Undialled},
    record::Record,
    refusal::{self, LAYER},
};
use http::{Request, Response};
use sidecar::chain;
use std::{
    net::{IpAddr, SocketAddr},
    sync::OnceLock,
};
use tls_intercept::{
    Body, Denial, Destination,
    client::{Form, SendError, Upstream},
    headers,
};
use tokio::net::TcpStream;

impl Door {
    /// Sends a request that was judged.
    pub(super) async fn send(
        &self,
        rules: &InForce,
        record: &mut Record,
        destination: &Destination,
        mut request: Request<Body>,
    ) -> Result<Response<Body>, Refusal> {
        let addresses = self.checked(rules, destination).await?;
        let Some(first) = addresses.first() else { return Err((refusal::unresolved(), None)) };
        headers::strip_method_overrides(request.headers_mut());
        let upstream = Upstream {
            destination: destination.clone(),
            address: SocketAddr::new(*first, destination.port),
            trust: rules.trust.clone(),
            form: Form::Origin,
        };
        let dialled = OnceLock::new();
        let connect = || self.connect(rules, &addresses, destination.port, &dialled);
        let sent = self.client.send(&upstream, request, connect).await;
        record.dialled(*dialled.get().unwrap_or(&upstream.address));
        sent.map_err(|error| unsent(&error))
    }

    /// A stream to one of the checked addresses, through the upstream proxy where there is one.
    async fn connect(
        &self,
        rules: &InForce,
        addresses: &[IpAddr],
        port: u16,
        dialled: &OnceLock<SocketAddr>,
    ) -> Result<TcpStream, SendError> {
        let Some(proxy) = &rules.policy.upstream_proxy else {
            return dial::connect(addresses, port, dialled).await;
        };
        let shown = self.authorization.as_ref();
        dial::connect_through(proxy, shown, self.resolver.as_ref(), (addresses, port)).await
    }

    /// A stream to a destination, and the address that was dialled where that was one.
    pub(super) async fn upstream(
        &self,
        rules: &InForce,
        destination: &Destination,
    ) -> Result<(TcpStream, Option<SocketAddr>), Refusal> {
        let addresses = self.checked(rules, destination).await?;
        let dialled = OnceLock::new();
        let stream = self.connect(rules, &addresses, destination.port, &dialled).await;
        Ok((stream.map_err(|error| unsent(&error))?, dialled.get().copied()))
    }

    /// Resolves, checks, and says which addresses may be dialled.
    async fn checked(
        &self,
        rules: &InForce,
        destination: &Destination,
    ) -> Result<Vec<IpAddr>, Refusal> {
        let target = target(destination);
        match dial::checked_addresses(&rules.policy, self.resolver.as_ref(), target).await {
            Ok(addresses) => Ok(addresses),
            Err(Undialled::Forbidden(why)) => Err((refusal::forbidden(why), None)),
            Err(Undialled::Unresolved(error)) => Err((refusal::unresolved(), Some(chain(&error)))),
        }
    }
}

/// Why nothing was sent.
fn unsent(error: &SendError) -> Refusal {
    (Denial::new(LAYER, error.reason(), error.next_step()), Some(chain(error)))
}

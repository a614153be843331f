//! One contact with an upstream: where it is, found and checked once, and the way there where a
//! company's proxy stands between.

use std::net::{IpAddr, SocketAddr};

use compose_render::Secret;
use compose_render::UPSTREAM_PROXY_CREDENTIAL;
use git_gate::Gated;

use crate::address;
use crate::gate::Gate;
use crate::relay::Relay;
use crate::trouble::Trouble;
use crate::way::Way;

/// What the gate knows of one contact. It lasts as long as this does.
#[derive(Debug)]
pub(crate) struct Contact {
    /// The checked address that is dialled where no proxy does; `None` for a folder.
    address: Option<IpAddr>,
    relay: Option<Relay>,
    token: Option<Secret>,
}

impl Contact {
    pub(crate) async fn find(gate: &Gate, upstream: &Gated) -> Result<Self, Trouble> {
        let policy = gate.policy();
        let found = address::find(&policy.file, upstream).await?;
        let address = found.first().copied();
        let relay = match (address, &policy.file.upstream_proxy) {
            (Some(_), Some(proxy)) => {
                let port = upstream.url.port();
                let targets = found.iter().map(|address| SocketAddr::new(*address, port)).collect();
                let at = address::of_proxy(proxy).await?;
                let login = gate.credential(UPSTREAM_PROXY_CREDENTIAL).cloned();
                Some(Relay::open(upstream.url.transport(), at, login, targets).await?)
            }
            _ => None,
        };
        let token = gate.token(upstream).cloned();
        Ok(Self { address, relay, token })
    }

    /// The way of that contact.
    pub(crate) fn way<'a>(&'a self, gate: &'a Gate, upstream: &'a Gated) -> Way<'a> {
        Way {
            ground: &gate.ground,
            upstream,
            address: self.address,
            relay: self.relay.as_ref().map(Relay::port),
            token: self.token.as_ref(),
        }
    }

    /// What went wrong before the upstream was reached, where that is known better than by git.
    pub(crate) fn trouble(&self, said: Trouble) -> Trouble {
        let known = self.relay.as_ref().and_then(Relay::trouble);
        match said {
            Trouble::Unreachable | Trouble::Git(_) => known.unwrap_or(said),
            said => said,
        }
    }
}

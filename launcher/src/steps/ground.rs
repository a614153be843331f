//! What a start stands on that only this host knows: the authorities, the host's own addresses.

use std::net::IpAddr;

use anyhow::Context as _;
use ca::Authority;
use compose_render::{RenderedFile, Role, Secret, Slug};
use nix::ifaddrs::getifaddrs;
use nix::sys::socket::SockaddrStorage;
use time::OffsetDateTime;

/// The authorities of one bottle: one for each sidecar that intercepts.
#[derive(Debug)]
pub(crate) struct Authorities {
    pub pipelock: Minted,
    pub egress: Option<Minted>,
}

/// An authority as files for its sidecar's folder.
#[derive(Debug)]
pub(crate) struct Minted {
    pub certificate: String,
    pub files: [RenderedFile; 2],
}

impl Authorities {
    /// Mints what this bottle needs.
    pub(super) fn mint(slug: &Slug, with_egress: bool) -> anyhow::Result<Self> {
        let now = OffsetDateTime::now_utc();
        let egress = with_egress.then(|| mint(slug, Role::Egress, now)).transpose()?;
        Ok(Self { pipelock: mint(slug, Role::Pipelock, now)?, egress })
    }

    /// The private keys, by whose fingerprints the sidecars look for them.
    pub(super) fn keys(&self) -> Vec<Secret> {
        let minted = std::iter::once(&self.pipelock).chain(&self.egress);
        let files = minted.flat_map(|minted| &minted.files).filter(|file| file.is_secret());
        files.map(|file| Secret::new(file.contents().to_owned())).collect()
    }

    /// The certificates, which the agent trusts.
    pub(crate) fn certificates(&self) -> Vec<&str> {
        let egress = self.egress.as_ref().map(|minted| minted.certificate.as_str());
        std::iter::once(self.pipelock.certificate.as_str()).chain(egress).collect()
    }
}

fn mint(slug: &Slug, role: Role, now: OffsetDateTime) -> anyhow::Result<Minted> {
    let authority = Authority::mint(slug, role, now)
        .with_context(|| format!("cannot mint the authority of `{role}`"))?;
    Ok(Minted { certificate: authority.certificate_pem().to_owned(), files: authority.files()? })
}

/// Every address this host owns: pipelock dials none of them, and the probe tries them all.
pub(crate) fn host_addresses() -> anyhow::Result<Vec<IpAddr>> {
    let address = |storage: SockaddrStorage| {
        let v4 = storage.as_sockaddr_in().map(|v4| IpAddr::V4(v4.ip()));
        v4.or_else(|| storage.as_sockaddr_in6().map(|v6| IpAddr::V6(v6.ip())))
    };
    let interfaces = getifaddrs().context("cannot read the addresses of this host")?;
    let mut found: Vec<_> = interfaces.filter_map(|at| at.address.and_then(address)).collect();
    found.sort();
    found.dedup();
    Ok(found)
}

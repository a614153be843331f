//! Joins services into one project.

use crate::{Network, Role, ServiceSpec, Slug};
use std::collections::BTreeSet;

/// What compose is to run: a bottle's services on its networks, which exist beforehand.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Project {
    slug: Slug,
    services: Vec<ServiceSpec>,
}

/// Services that make no project.
#[derive(Debug, thiserror::Error)]
pub enum StitchError {
    #[error("two services are named `{0}`")]
    DuplicateService(Role),
    #[error("a project needs at least one service")]
    Empty,
    #[error("`{0}` stands on no network")]
    NoNetwork(Role),
    #[error("`{0}` is on the internal network alone and has no resolver of the bottle")]
    NoResolver(Role),
    #[error("`{0}` must not stand on the uplink")]
    NotOnUplink(Role),
    #[error("`{role}` mounts `{host}`, which is not absolute")]
    RelativeMount { role: Role, host: String },
}

impl Project {
    /// The bottle this is.
    pub fn slug(&self) -> &Slug {
        &self.slug
    }

    /// Its services, in the order they were given.
    pub fn services(&self) -> &[ServiceSpec] {
        &self.services
    }

    /// The networks any of them stands on.
    pub fn networks(&self) -> BTreeSet<Network> {
        self.services.iter().flat_map(ServiceSpec::networks).collect()
    }
}

/// Joins services into one project. Order in is order out, so a diff shows what changed.
///
/// # Errors
///
/// Refuses what would open a bottle: an agent, egress, supervise or a resolver on the uplink, or a
/// service of the internal network alone that would ask the engine's resolver.
pub fn stitch(
    slug: &Slug,
    services: impl IntoIterator<Item = ServiceSpec>,
) -> Result<Project, StitchError> {
    let services: Vec<_> = services.into_iter().collect();
    let mut seen = BTreeSet::new();
    for service in &services {
        if !seen.insert(service.role) {
            return Err(StitchError::DuplicateService(service.role));
        }
        check(service)?;
    }
    if services.is_empty() {
        return Err(StitchError::Empty);
    }
    Ok(Project { slug: slug.clone(), services })
}

fn check(service: &ServiceSpec) -> Result<(), StitchError> {
    let role = service.role;
    let on_uplink = service.networks.contains_key(&Network::Uplink);
    if service.networks.is_empty() {
        return Err(StitchError::NoNetwork(role));
    }
    if on_uplink && matches!(role, Role::Agent | Role::Egress | Role::Resolver | Role::Supervise) {
        return Err(StitchError::NotOnUplink(role));
    }
    if !on_uplink && service.dns.is_none() {
        return Err(StitchError::NoResolver(role));
    }
    match service.mounts.iter().find(|mount| !mount.host.is_absolute()) {
        Some(mount) => {
            Err(StitchError::RelativeMount { role, host: mount.host.display().to_string() })
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ImageRef;

    fn service(role: Role) -> ServiceSpec {
        ServiceSpec::hardened(role, ImageRef::local("x", "0"))
    }

    fn slug() -> Slug {
        "fix-login".parse().unwrap()
    }

    #[test]
    fn a_name_is_taken_once() {
        let at = "10.0.0.2".parse().unwrap();
        let one = service(Role::Pipelock).network(Network::Uplink, at);
        let error = stitch(&slug(), [one.clone(), one]).unwrap_err();
        insta::assert_snapshot!(error, @"two services are named `pipelock`");
    }

    #[test]
    fn a1_the_agent_cannot_be_put_on_the_uplink() {
        let at = "10.0.0.2".parse().unwrap();
        let agent = service(Role::Agent).network(Network::Uplink, at).dns(at);
        assert!(matches!(stitch(&slug(), [agent]), Err(StitchError::NotOnUplink(Role::Agent))));
    }

    #[test]
    fn b1_an_internal_service_without_the_bottles_resolver_is_refused() {
        let at = "10.0.0.2".parse().unwrap();
        let egress = service(Role::Egress).network(Network::Internal, at);
        assert!(matches!(stitch(&slug(), [egress]), Err(StitchError::NoResolver(Role::Egress))));
    }

    #[test]
    fn a_service_without_a_network_or_with_a_mount_that_is_not_absolute_is_refused() {
        let at = "10.0.0.2".parse().unwrap();
        let alone = service(Role::Egress).dns(at);
        assert!(matches!(stitch(&slug(), [alone]), Err(StitchError::NoNetwork(Role::Egress))));
        let mount = service(Role::Pipelock).network(Network::Uplink, at);
        let mount = mount.mount_read_only("state".as_ref(), "/config");
        assert!(matches!(stitch(&slug(), [mount]), Err(StitchError::RelativeMount { .. })));
    }
}

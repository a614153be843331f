//! The services that no sidecar's crate describes: the agent, and the demo's stand-in.

use std::time::Duration;

use compose_render::{Network, Role, ServiceSpec, contract};

use super::{Ground, Plan, StandIn, guest};
use crate::manifest::Runtime;

/// The agent's container only idles: nothing in it needs longer to end.
const AGENT_GRACE: Duration = Duration::from_secs(2);

impl Plan {
    /// The agent's service: hardened, on the internal network alone, its root writable since an
    /// agent installs things, and nothing of the host in it but what is mounted read-only.
    pub(super) fn agent_service(&self, ground: &Ground) -> ServiceSpec {
        let Ground { addresses, places, .. } = ground;
        let (uid, gid) = places.agent;
        let provision = places.bottle.join("provision");
        let mut spec = ServiceSpec::hardened(Role::Agent, ground.images.agent.clone())
            .entrypoint([guest::BINARY, "idle"])
            .init()
            .user(uid, gid)
            .writable_root()
            .working_dir(contract::WORKSPACE_DIR)
            .network(Network::Internal, addresses.internal(Role::Agent))
            .dns(addresses.internal(self.resolver()))
            .mount_read_only(&provision, guest::FOLDER)
            .mount_read_only(&provision.join(guest::CERTS), guest::SYSTEM_CERTS)
            .memory_mb(self.resources.memory >> 20)
            .milli_cpus(milli(self.resources.cpus))
            .pids(self.resources.pids)
            .seccomp(&places.seccomp())
            .stop_grace(AGENT_GRACE);
        for mount in &self.workspace.mounts {
            spec = if mount.writable {
                spec.mount_writable(&mount.host, &mount.guest)
            } else {
                spec.mount_read_only(&mount.host, &mount.guest)
            };
        }
        if uid != contract::AGENT_UID {
            // A mounted folder's owner, to whom nothing in the image belongs, not even the home.
            let home = format!("exec,uid={uid},gid={gid},mode=0700");
            spec = spec.tmpfs(contract::AGENT_HOME, &home);
        }
        if self.runtime == Runtime::Runsc {
            spec = spec.runtime("runsc");
        }
        for (name, value) in self.agent_environment(addresses) {
            spec = spec.environment(&name, value);
        }
        self.forward_env.iter().fold(spec, ServiceSpec::secret_environment)
    }

    /// Who answers the agent's questions of DNS.
    fn resolver(&self) -> Role {
        if self.pipelock.image.is_some() { Role::Resolver } else { Role::Pipelock }
    }

    /// What stands for the outside in a demo: on the uplink alone, under the name it answers for.
    pub(super) fn stand_in_service(&self, stand_in: &StandIn, ground: &Ground) -> ServiceSpec {
        let (uid, gid) = ground.places.owner;
        let address = ground.addresses.of(Role::StandIn, Network::Uplink);
        let spec = ServiceSpec::hardened(Role::StandIn, stand_in.image.clone())
            .user(uid, gid)
            .environment(contract::SLUG_VARIABLE, self.slug.as_str())
            .seccomp(&ground.places.seccomp());
        match address {
            Some(at) => spec.network_as(Network::Uplink, at, [stand_in.host.to_string()]),
            None => spec,
        }
    }
}

/// Thousandths of a core; at least ten, since the engine takes none for all there are.
fn milli(cpus: f64) -> u32 {
    let thousandths = (cpus * 1000.0).round().clamp(10.0, 1_024_000.0);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to a range that fits, on the line above"
    )]
    let whole = thousandths as u32;
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cores_become_thousandths() {
        for (cpus, thousandths) in [(2.0, 2000), (0.5, 500), (0.0001, 10), (1e9, 1_024_000)] {
            assert_eq!(milli(cpus), thousandths, "{cpus}");
        }
    }
}

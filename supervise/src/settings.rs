//! supervise as a service of the bottle: on the internal network alone, without a secret, its inbox
//! and the other sidecars' outboxes read-only.

use std::net::SocketAddr;
use std::path::PathBuf;

use compose_render::{
    Addresses, ImageRef, Network, RenderedFile, Role, ServiceSpec, Sidecar, Slug, contract,
};

/// What the sidecar's image is built from, beside the static binary of this name.
pub const BINARY: &str = "supervise-server";
/// The image holds the binary and nothing else.
pub const DOCKERFILE: &str =
    "FROM scratch\nCOPY supervise-server /supervise\nENTRYPOINT [\"/supervise\"]\n";
/// Below it lie the outboxes of the sidecars whose denials are shown to the agent.
pub const WATCHED_DIR: &str = "/watched";

/// The file's name in the sidecar's folder.
const NAME: &str = "supervise.yaml";
/// It has nothing to set yet; its version says which form it has.
const CONFIG: &str = "# Written by bottle. Changes by hand are replaced.\nversion: 1\n";

/// Everything supervise needs to be described.
#[derive(Clone, Debug)]
pub struct Settings {
    pub slug: Slug,
    pub image: ImageRef,
    /// The host's folder of this sidecar: its files, and in it `inbox` and `outbox`.
    pub folder: PathBuf,
    pub seccomp: PathBuf,
    /// Who the process is: the owner of `folder`.
    pub user: (u32, u32),
    pub addresses: Addresses,
    /// Outboxes of other sidecars, on the host.
    pub watched: Vec<(Role, PathBuf)>,
}

/// The sidecar.
#[derive(Clone, Debug)]
pub struct Supervisor(pub Settings);

impl Sidecar for Supervisor {
    fn role(&self) -> Role {
        Role::Supervise
    }

    fn service(&self) -> ServiceSpec {
        let Settings { slug, image, folder, seccomp, user, addresses, watched } = &self.0;
        let listen = SocketAddr::from(([0, 0, 0, 0], contract::SUPERVISE_PORT)).to_string();
        let config = format!("{}/{NAME}", contract::CONFIG_DIR);
        let spec = ServiceSpec::hardened(Role::Supervise, image.clone())
            .command(["run", "--config", &config, "--listen", &listen])
            .user(user.0, user.1)
            .network(Network::Internal, addresses.internal(Role::Supervise))
            .dns(addresses.internal(Role::Pipelock))
            .mount_read_only(folder, contract::CONFIG_DIR)
            .mount_read_only(&folder.join("inbox"), contract::INBOX_DIR)
            .mount_writable(&folder.join("outbox"), contract::OUTBOX_DIR)
            .environment(contract::SLUG_VARIABLE, slug.as_str())
            .restart_on_failure()
            .seccomp(seccomp);
        watched.iter().fold(spec, |spec, (role, outbox)| {
            spec.mount_read_only(outbox, &format!("{WATCHED_DIR}/{role}"))
        })
    }

    fn files(&self) -> Vec<RenderedFile> {
        vec![RenderedFile::plain(NAME, CONFIG)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn j1_it_can_write_its_outbox_alone_and_holds_no_secret() {
        let supervisor = Supervisor(Settings {
            slug: "fix-login".parse().unwrap(),
            image: ImageRef::local("supervise", "0123456789abcdef"),
            folder: "/state/fix-login/supervise".into(),
            seccomp: "/state/fix-login/seccomp.json".into(),
            user: (1000, 1000),
            addresses: Addresses::new(
                "10.213.0.0/28".parse().unwrap(),
                "10.213.0.16/28".parse().unwrap(),
            )
            .unwrap(),
            watched: vec![(Role::Pipelock, "/state/fix-login/pipelock/outbox".into())],
        });
        let service = supervisor.service();
        let writable: Vec<_> = service
            .mounts()
            .iter()
            .filter(|mount| mount.writable)
            .map(|mount| &mount.guest)
            .collect();
        assert_eq!(writable, [contract::OUTBOX_DIR]);
        assert!(service.secret_variables().is_empty());
        assert_eq!(service.networks().collect::<Vec<_>>(), [Network::Internal]);
    }
}

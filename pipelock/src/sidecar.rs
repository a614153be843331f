//! pipelock as a service of the bottle: what it mounts, where it stands, which files it reads.

use crate::{BOTTLE_FILE, Settings, UPSTREAM_FILE};
use compose_render::{ImageRef, Network, RenderedFile, Role, ServiceSpec, Sidecar, Slug, contract};
use std::path::{Path, PathBuf};

/// The static binary that the image is built from.
pub const BINARY: &str = "pipelock-proxy";
/// The image holds the binary and nothing else: no shell, no library, no user list.
pub const DOCKERFILE: &str =
    "FROM scratch\nCOPY pipelock-proxy /pipelock\nENTRYPOINT [\"/pipelock\"]\n";

/// The sidecar. It is told its folder and its owner, and computes no path.
#[derive(Clone, Debug)]
pub struct Pipelock {
    pub slug: Slug,
    pub image: ImageRef,
    /// The host's folder of this sidecar: its files, and in it `inbox` and `outbox`.
    pub folder: PathBuf,
    /// Our system call profile, on the host.
    pub seccomp: PathBuf,
    /// Who the process is: the owner of `folder`.
    pub user: (u32, u32),
    pub settings: Settings,
    /// The authority's files, where it was minted just now; they are kept when a policy changes.
    pub authority: Vec<RenderedFile>,
}

impl Sidecar for Pipelock {
    fn role(&self) -> Role {
        Role::Pipelock
    }

    fn service(&self) -> ServiceSpec {
        let settings = &self.settings;
        let spec = proxy(&self.image, (&self.folder, &self.seccomp), self.user, settings)
            .mount_read_only(&self.folder.join("inbox"), contract::INBOX_DIR)
            .mount_writable(&self.folder.join("outbox"), contract::OUTBOX_DIR)
            .environment(contract::SLUG_VARIABLE, self.slug.as_str());
        let spec = if self.settings.upstream_credential {
            spec.secret_environment(compose_render::upstream_proxy_variable())
        } else {
            spec
        };
        // It is the key of the fingerprints as well.
        if self.settings.routed.is_empty() && self.settings.secrets.is_empty() {
            spec
        } else {
            spec.secret_environment(contract::HOP_SECRET_VARIABLE)
        }
    }

    fn files(&self) -> Vec<RenderedFile> {
        let mut files = vec![
            RenderedFile::plain(UPSTREAM_FILE, self.settings.upstream_yaml()),
            RenderedFile::plain(BOTTLE_FILE, self.settings.bottle_yaml()),
        ];
        files.extend(self.authority.iter().cloned());
        files
    }
}

/// What stands in pipelock's place, whoever's it is: it reads upstream's file in its folder.
pub(crate) fn proxy(
    image: &ImageRef,
    (folder, seccomp): (&Path, &Path),
    user: (u32, u32),
    settings: &Settings,
) -> ServiceSpec {
    let addresses = &settings.addresses;
    let config = format!("{}/{UPSTREAM_FILE}", contract::CONFIG_DIR);
    // In argv as well: upstream's image would listen on its own default without it.
    let listen = settings.proxy_address().to_string();
    let spec = ServiceSpec::hardened(Role::Pipelock, image.clone())
        .command(["run", "--config", &config, "--listen", &listen])
        .user(user.0, user.1)
        .network(Network::Internal, addresses.internal(Role::Pipelock))
        .mount_read_only(folder, contract::CONFIG_DIR)
        .restart_on_failure()
        .seccomp(seccomp);
    match addresses.of(Role::Pipelock, Network::Uplink) {
        Some(address) => spec.network(Network::Uplink, address),
        None => spec,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::tests::settings;
    use compose_render::{stitch, to_yaml};

    fn pipelock() -> Pipelock {
        Pipelock {
            slug: "fix-login".parse().unwrap(),
            image: ImageRef::local("pipelock", "0123456789abcdef"),
            folder: "/state/fix-login/pipelock".into(),
            seccomp: "/state/fix-login/seccomp.json".into(),
            user: (contract::SIDECAR_UID, contract::SIDECAR_UID),
            settings: settings(),
            authority: Vec::new(),
        }
    }

    #[test]
    fn one_sidecar() {
        let pipelock = pipelock();
        let project = stitch(&pipelock.slug, [pipelock.service()]).unwrap();
        insta::assert_snapshot!(to_yaml(&project));
    }

    #[test]
    fn a_pipelock_without_routes_and_fingerprints_is_given_no_secret() {
        let mut pipelock = pipelock();
        assert_eq!(pipelock.service().secret_variables(), [contract::HOP_SECRET_VARIABLE]);
        pipelock.settings.routed.clear();
        pipelock.settings.secrets = vec![crate::KnownSecret {
            length: 16,
            rolling: String::new(),
            mac: String::new(),
            hosts: Vec::new(),
            names: Vec::new(),
        }];
        assert_eq!(pipelock.service().secret_variables(), [contract::HOP_SECRET_VARIABLE]);
        pipelock.settings.secrets.clear();
        assert!(pipelock.service().secret_variables().is_empty());
    }

    #[test]
    fn the_files_are_private_and_the_key_is_not_shown() {
        let mut pipelock = pipelock();
        let now = time::OffsetDateTime::from_unix_timestamp(1_790_000_000).unwrap();
        let authority = ca::Authority::mint(&pipelock.slug, Role::Pipelock, now).unwrap();
        pipelock.authority = authority.files().unwrap().to_vec();
        let files = pipelock.files();
        let names: Vec<_> = files.iter().map(|file| file.path.to_string_lossy()).collect();
        assert_eq!(names, ["pipelock.yaml", "bottle.yaml", crate::CA_FILE, crate::CA_KEY_FILE]);
        assert!(files.iter().all(|file| file.mode == 0o600));
        assert!(files[3].is_secret());
        assert!(!format!("{pipelock:?}").contains("EC PRIVATE KEY"));
    }
}

//! git-gate as a service of the bottle: what it mounts, where it stands, which files it reads.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use compose_render::{
    Addresses, ImageRef, Network, RenderedFile, Role, Secret, ServiceSpec, Sidecar, Slug,
    UPSTREAM_PROXY_CREDENTIAL, UpstreamProxy, contract,
};
use ipnet::Ipv4Net;

use crate::gate_file::{GateFile, Gated, NAME};
use crate::own_secrets::OWN_SECRETS;
use crate::{FilePattern, PushRef, Token, UpstreamUrl};

/// The static binary that is added to an image with git, ssh and gitleaks.
pub const BINARY: &str = "git-gate-server";
/// Where the keys' copies lie, below the sidecar's folder. Removed at a stop.
pub const KEYS_DIR: &str = "keys";
/// Where the mirrors lie, below the sidecar's folder and in the container. A folder of the host: a
/// fresh volume is root's.
pub const MIRRORS_DIR: &str = "mirrors";
/// What the gate writes and forgets, in memory.
pub const RUN_DIR: &str = "/run/git-gate";
/// The mirrors inside.
const GUEST_MIRRORS: &str = "/mirrors";

/// One repository with what the host had to read for it.
#[derive(Clone, Debug)]
pub struct Repository {
    pub url: UpstreamUrl,
    pub key: Option<Secret>,
    /// The text of the file.
    pub known_hosts: Option<String>,
    pub credential: Option<Token>,
    pub push: Vec<PushRef>,
    /// Files that run elsewhere with more rights, and may be pushed all the same.
    pub protected: Vec<FilePattern>,
}

/// Everything git-gate needs to be described. It computes no path and reads no environment.
#[derive(Clone, Debug)]
pub struct Settings {
    pub slug: Slug,
    pub image: ImageRef,
    /// The host's folder of this sidecar: its files, and in it `inbox`, `outbox` and `mirrors`.
    pub folder: PathBuf,
    /// Our system call profile, on the host.
    pub seccomp: PathBuf,
    /// Who the process is: the owner of `folder`.
    pub user: (u32, u32),
    pub addresses: Addresses,
    pub repositories: Vec<Repository>,
    /// Fingerprints of the bottle's own secrets: what [`crate::fingerprints`] makes.
    pub own_secrets: Option<Secret>,
    /// Certificates that https upstreams may be signed by, besides the public roots, in PEM.
    pub upstream_ca: Vec<String>,
}

/// The sidecar.
#[derive(Clone, Debug)]
pub struct GitGate {
    settings: Settings,
    proxy: Option<UpstreamProxy>,
    /// Whether that proxy wants a login.
    login: bool,
}

impl GitGate {
    pub fn new(settings: Settings) -> Self {
        Self { settings, proxy: None, login: false }
    }

    /// The same behind a proxy that everything upstream goes through, with a login or without.
    #[must_use]
    pub fn behind(self, proxy: Option<UpstreamProxy>, login: bool) -> Self {
        let login = login && proxy.is_some();
        Self { proxy, login, ..self }
    }

    /// The name under which the container asks for that variable's value.
    pub fn variable_inside(variable: &str) -> String {
        format!("{}{variable}", contract::CREDENTIAL_PREFIX)
    }

    /// What `gate.yaml` says.
    pub fn gate_file(&self) -> GateFile {
        let Settings { slug, addresses, repositories, .. } = &self.settings;
        let gateway = Ipv4Net::from(addresses.gateway(Network::Uplink));
        let never_dial = vec![addresses.subnet(Network::Internal), gateway];
        let gated = repositories.iter().enumerate().map(|(index, repository)| Gated {
            url: repository.url.clone(),
            local: None,
            key: repository.key.as_ref().map(|_| key_file(index)),
            known_hosts: repository.known_hosts.as_ref().map(|_| known_hosts_file(index)),
            credential: repository.credential.clone(),
            push: repository.push.clone(),
            protected: repository.protected.clone(),
        });
        let mut file = GateFile::new(slug.clone(), never_dial, gated.collect());
        file.upstream_proxy.clone_from(&self.proxy);
        file
    }
}

fn key_file(index: usize) -> PathBuf {
    Path::new(KEYS_DIR).join(index.to_string())
}

fn known_hosts_file(index: usize) -> PathBuf {
    Path::new(KEYS_DIR).join(format!("{index}.known_hosts"))
}

/// The file of further certificates, where there are any.
pub(crate) const UPSTREAM_CA_FILE: &str = "upstream-ca.pem";

impl Sidecar for GitGate {
    fn role(&self) -> Role {
        Role::GitGate
    }

    fn service(&self) -> ServiceSpec {
        let Settings { slug, image, folder, seccomp, user, addresses, .. } = &self.settings;
        let own = addresses.internal(Role::GitGate);
        // Its internal address alone: nobody on the uplink has business here.
        let listen = SocketAddr::from((own, contract::GIT_GATE_PORT)).to_string();
        let config = format!("{}/{NAME}", contract::CONFIG_DIR);
        let spec = ServiceSpec::hardened(Role::GitGate, image.clone())
            .command(["run", "--config", &config, "--listen", &listen])
            .user(user.0, user.1)
            .init()
            .network(Network::Internal, own)
            .mount_read_only(folder, contract::CONFIG_DIR)
            .mount_read_only(&folder.join("inbox"), contract::INBOX_DIR)
            .mount_writable(&folder.join("outbox"), contract::OUTBOX_DIR)
            .mount_writable(&folder.join(MIRRORS_DIR), GUEST_MIRRORS)
            .tmpfs("/run", &format!("size=64m,mode=0700,uid={},gid={}", user.0, user.1))
            .tmpfs("/tmp", &format!("size=64m,mode=0700,uid={},gid={}", user.0, user.1))
            .environment(contract::SLUG_VARIABLE, slug.as_str())
            // git's own processes index packs; what we hold ourselves is a small part of it.
            .memory_mb(1024)
            .milli_cpus(2000)
            .restart_on_failure()
            .seccomp(seccomp);
        let spec = match addresses.of(Role::GitGate, Network::Uplink) {
            Some(address) => spec.network(Network::Uplink, address),
            None => spec,
        };
        let tokens = self.settings.repositories.iter().filter_map(|one| one.credential.as_ref());
        let mut names: Vec<String> =
            tokens.map(|token| Self::variable_inside(&token.env)).collect();
        names.extend(self.login.then(|| Self::variable_inside(UPSTREAM_PROXY_CREDENTIAL)));
        names.sort();
        names.dedup();
        names.into_iter().fold(spec, ServiceSpec::secret_environment)
    }

    fn files(&self) -> Vec<RenderedFile> {
        let mut files = vec![RenderedFile::plain(NAME, self.gate_file().render())];
        for (index, repository) in self.settings.repositories.iter().enumerate() {
            if let Some(key) = &repository.key {
                files.push(RenderedFile::secret(key_file(index), key.clone()));
            }
            if let Some(text) = &repository.known_hosts {
                files.push(RenderedFile::plain(known_hosts_file(index), text.clone()));
            }
        }
        if let Some(text) = &self.settings.own_secrets {
            let path = Path::new(KEYS_DIR).join(OWN_SECRETS);
            files.push(RenderedFile::secret(path, text.clone()));
        }
        if !self.settings.upstream_ca.is_empty() {
            let text = self.settings.upstream_ca.concat();
            files.push(RenderedFile::plain(UPSTREAM_CA_FILE, text));
        }
        files
    }
}

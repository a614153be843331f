//! One container as compose is told of it: hardened first, each widening a visible line.
//!
//! There is no way to say `privileged`, a host namespace, a published port, an added capability or
//! the engine's socket: what cannot be expressed cannot be rendered.

use crate::{ImageRef, Network, Role, contract};
use indexmap::IndexMap;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A service of the project. Made by [`ServiceSpec::hardened`], widened by its methods.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ServiceSpec {
    pub(crate) role: Role,
    pub(crate) image: ImageRef,
    pub(crate) entrypoint: Option<Vec<String>>,
    pub(crate) command: Vec<String>,
    pub(crate) user: (u32, u32),
    pub(crate) read_only_root: bool,
    pub(crate) init: bool,
    pub(crate) restart: bool,
    pub(crate) runtime: Option<String>,
    pub(crate) working_dir: Option<String>,
    pub(crate) networks: IndexMap<Network, Attachment>,
    pub(crate) dns: Option<Ipv4Addr>,
    pub(crate) mounts: Vec<Mount>,
    pub(crate) tmpfs: Vec<Tmpfs>,
    pub(crate) environment: IndexMap<String, String>,
    pub(crate) secret_environment: Vec<String>,
    pub(crate) seccomp: Option<PathBuf>,
    pub(crate) memory_mb: u64,
    pub(crate) milli_cpus: u32,
    pub(crate) pids: u32,
    pub(crate) stop_grace: Duration,
}

/// How a service stands on a network.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Attachment {
    pub(crate) address: Ipv4Addr,
    pub(crate) aliases: Vec<String>,
}

/// A folder of the host in the container. Folders only: a rename does not reach a mounted file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Mount {
    /// The folder on the host.
    pub host: PathBuf,
    /// Where it appears inside.
    pub guest: String,
    /// Whether the container may write it.
    pub writable: bool,
}

/// A folder in memory.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Tmpfs {
    /// Where it appears inside.
    pub guest: String,
    /// Its mount options, such as `size=16m,mode=1777`.
    pub options: String,
}

impl ServiceSpec {
    /// A service with nothing: no capability, no new privileges, a read-only root, no network, no
    /// mount, 256 MiB, one core, 128 processes, bounded logs, our seccomp profile where given.
    pub fn hardened(role: Role, image: ImageRef) -> Self {
        Self {
            role,
            image,
            entrypoint: None,
            command: Vec::new(),
            user: (contract::SIDECAR_UID, contract::SIDECAR_UID),
            read_only_root: true,
            init: false,
            restart: false,
            runtime: None,
            working_dir: None,
            networks: IndexMap::new(),
            dns: None,
            mounts: Vec::new(),
            tmpfs: Vec::new(),
            environment: IndexMap::new(),
            secret_environment: Vec::new(),
            seccomp: None,
            memory_mb: 256,
            milli_cpus: 1000,
            pids: 128,
            stop_grace: contract::STOP_GRACE,
        }
    }

    /// Which part of the bottle this is.
    pub fn role(&self) -> Role {
        self.role
    }

    /// The image it runs.
    pub fn image(&self) -> &ImageRef {
        &self.image
    }

    /// The networks it stands on.
    pub fn networks(&self) -> impl Iterator<Item = Network> {
        self.networks.keys().copied()
    }

    /// The names of the variables whose values only the compose child's environment holds.
    pub fn secret_variables(&self) -> &[String] {
        &self.secret_environment
    }

    /// The folders of the host it sees.
    pub fn mounts(&self) -> &[Mount] {
        &self.mounts
    }

    /// Replaces the image's entry point.
    #[must_use]
    pub fn entrypoint(mut self, argv: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.entrypoint = Some(argv.into_iter().map(Into::into).collect());
        self
    }

    /// The arguments of the entry point.
    #[must_use]
    pub fn command(mut self, argv: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.command = argv.into_iter().map(Into::into).collect();
        self
    }

    /// Who the process is. Never root.
    #[must_use]
    pub fn user(mut self, uid: u32, gid: u32) -> Self {
        debug_assert!(uid != 0, "no service runs as root");
        self.user = (uid, gid);
        self
    }

    /// Stands on a network at a fixed address.
    #[must_use]
    pub fn network(self, network: Network, address: Ipv4Addr) -> Self {
        self.network_as(network, address, std::iter::empty::<String>())
    }

    /// Stands on a network at a fixed address, under further names.
    #[must_use]
    pub fn network_as(
        mut self,
        network: Network,
        address: Ipv4Addr,
        aliases: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        let aliases = aliases.into_iter().map(Into::into).collect();
        self.networks.insert(network, Attachment { address, aliases });
        self
    }

    /// Asks this resolver alone, with no search domain.
    #[must_use]
    pub fn dns(mut self, resolver: Ipv4Addr) -> Self {
        self.dns = Some(resolver);
        self
    }

    /// Sees a folder of the host, read-only.
    #[must_use]
    pub fn mount_read_only(mut self, host: &Path, guest: &str) -> Self {
        self.mounts.push(Mount { host: host.into(), guest: guest.into(), writable: false });
        self
    }

    /// Sees a folder of the host and may write it.
    #[must_use]
    pub fn mount_writable(mut self, host: &Path, guest: &str) -> Self {
        self.mounts.push(Mount { host: host.into(), guest: guest.into(), writable: true });
        self
    }

    /// Has a folder in memory.
    #[must_use]
    pub fn tmpfs(mut self, guest: &str, options: &str) -> Self {
        self.tmpfs.push(Tmpfs { guest: guest.into(), options: options.into() });
        self
    }

    /// Has a variable whose value anybody may see.
    #[must_use]
    pub fn environment(mut self, name: &str, value: impl Into<String>) -> Self {
        self.environment.insert(name.into(), value.into());
        self
    }

    /// Has a variable whose value only the compose child's environment holds: a bare name here.
    #[must_use]
    pub fn secret_environment(mut self, name: impl Into<String>) -> Self {
        self.secret_environment.push(name.into());
        self
    }

    /// Writes its own root: the agent installs things.
    #[must_use]
    pub fn writable_root(mut self) -> Self {
        self.read_only_root = false;
        self
    }

    /// Has an init that reaps children.
    #[must_use]
    pub fn init(mut self) -> Self {
        self.init = true;
        self
    }

    /// Comes back when it fails.
    #[must_use]
    pub fn restart_on_failure(mut self) -> Self {
        self.restart = true;
        self
    }

    /// Runs under another runtime of the engine, such as `runsc`.
    #[must_use]
    pub fn runtime(mut self, name: impl Into<String>) -> Self {
        self.runtime = Some(name.into());
        self
    }

    /// Begins in that folder.
    #[must_use]
    pub fn working_dir(mut self, guest: &str) -> Self {
        self.working_dir = Some(guest.into());
        self
    }

    /// Confines its system calls by the profile in that file on the host.
    #[must_use]
    pub fn seccomp(mut self, profile: &Path) -> Self {
        self.seccomp = Some(profile.into());
        self
    }

    /// At most this much memory, in MiB; swap is not added to it.
    #[must_use]
    pub fn memory_mb(mut self, mebibytes: u64) -> Self {
        self.memory_mb = mebibytes;
        self
    }

    /// At most this share of the cores, in thousandths of one.
    #[must_use]
    pub fn milli_cpus(mut self, thousandths: u32) -> Self {
        self.milli_cpus = thousandths;
        self
    }

    /// At most this many processes and threads.
    #[must_use]
    pub fn pids(mut self, count: u32) -> Self {
        self.pids = count;
        self
    }

    /// How long the engine waits between SIGTERM and SIGKILL.
    #[must_use]
    pub fn stop_grace(mut self, grace: Duration) -> Self {
        self.stop_grace = grace;
        self
    }
}

//! egress as a service of the bottle: what it mounts, where it stands, which files it reads.

use std::net::SocketAddr;
use std::path::PathBuf;

use compose_render::{
    Addresses, ImageRef, Network, RenderedFile, Role, ServiceSpec, Sidecar, Slug, contract,
};

use crate::check::{Fault, check_routes};
use crate::credential::VariableName;
use crate::renewal::Renewal;
use crate::route::{Route, Routes};
use crate::routes_file::{NAME, Pipelock, RoutesFile};

/// What the sidecar's image is built from, beside the static binary of this name.
pub const BINARY: &str = "egress-proxy";
/// The image holds the binary and nothing else: no shell, no library, no user list.
pub const DOCKERFILE: &str = "FROM scratch\nCOPY egress-proxy /egress\nENTRYPOINT [\"/egress\"]\n";

/// Everything egress needs to be described. It computes no path and reads no environment.
#[derive(Clone, Debug)]
pub struct Settings {
    pub slug: Slug,
    pub image: ImageRef,
    /// The host's folder of this sidecar: its files, and in it `inbox` and `outbox`.
    pub folder: PathBuf,
    /// Our system call profile, on the host.
    pub seccomp: PathBuf,
    /// Who the process is: the owner of `folder`.
    pub user: (u32, u32),
    pub addresses: Addresses,
    pub routes: Vec<Route>,
    /// Whether the agent has somebody to ask.
    pub supervised: bool,
    /// Where the way on is. `None`: pipelock at its address in this bottle.
    pub pipelock: Option<SocketAddr>,
    /// The certificate of pipelock's authority, in PEM.
    pub pipelock_authority: String,
}

/// Mints the root of this bottle's egress, which its agent alone trusts.
///
/// # Errors
///
/// When it cannot be signed.
pub fn mint(slug: &Slug, now: time::OffsetDateTime) -> Result<ca::Authority, ca::CaError> {
    ca::Authority::mint(slug, Role::Egress, now)
}

/// The sidecar, with routes that do not contradict each other.
#[derive(Clone, Debug)]
pub struct Egress {
    settings: Settings,
    routes: Routes,
    authority: Vec<RenderedFile>,
}

impl Egress {
    /// Takes settings whose routes are free of faults.
    ///
    /// # Errors
    ///
    /// Every fault of the routes.
    pub fn new(settings: Settings) -> Result<Self, Vec<Fault>> {
        match check_routes(&settings.routes) {
            faults if faults.is_empty() => {
                let routes = Routes::new(settings.routes.clone());
                Ok(Self { settings, routes, authority: Vec::new() })
            }
            faults => Err(faults),
        }
    }

    /// Adds the files of the sidecar's own root, where nobody else writes them: started alone.
    #[must_use]
    pub fn with_authority(mut self, files: impl IntoIterator<Item = RenderedFile>) -> Self {
        self.authority.extend(files);
        self
    }

    /// Has egress renew credentials of its routes.
    #[must_use]
    pub fn with_renewals(mut self, renewals: Vec<Renewal>) -> Self {
        self.routes = self.routes.with_renewals(renewals);
        self
    }

    /// The routes in the order in which they are asked.
    pub fn routes(&self) -> &Routes {
        &self.routes
    }

    /// The host's variables whose values egress must be given, each once, under the name
    /// [`VariableName::in_egress`].
    pub fn variables(&self) -> Vec<&VariableName> {
        let mut names: Vec<_> = self
            .routes
            .iter()
            .flat_map(|route| route.credentials.iter().map(|credential| &credential.variable))
            .collect();
        for renewal in self.routes.renewals() {
            names.push(&renewal.refresh);
            names.extend(&renewal.client_secret);
        }
        names.sort();
        names.dedup();
        names
    }

    /// The text of `routes.yaml`; [`RoutesFile::digest`] of it is what `status` reports.
    pub fn routes_file(&self) -> String {
        let own = self.settings.addresses.internal(Role::Pipelock);
        let address = SocketAddr::from((own, contract::PIPELOCK_PORT));
        let pipelock = Pipelock {
            address: self.settings.pipelock.unwrap_or(address),
            authority: self.settings.pipelock_authority.clone(),
        };
        let supervised = self.settings.supervised;
        RoutesFile { pipelock, supervised, routes: self.routes.clone() }.render()
    }
}

impl Sidecar for Egress {
    fn role(&self) -> Role {
        Role::Egress
    }

    fn service(&self) -> ServiceSpec {
        let Settings { slug, image, folder, seccomp, user, addresses, .. } = &self.settings;
        let listen = SocketAddr::from(([0, 0, 0, 0], contract::EGRESS_PORT)).to_string();
        let config = format!("{}/{NAME}", contract::CONFIG_DIR);
        let spec = ServiceSpec::hardened(Role::Egress, image.clone())
            .command(["run", "--config", &config, "--listen", &listen])
            .user(user.0, user.1)
            .network(Network::Internal, addresses.internal(Role::Egress))
            .dns(addresses.internal(Role::Pipelock))
            .mount_read_only(folder, contract::CONFIG_DIR)
            .mount_read_only(&folder.join("inbox"), contract::INBOX_DIR)
            .mount_writable(&folder.join("outbox"), contract::OUTBOX_DIR)
            .tmpfs("/run", &format!("size=1m,mode=0700,uid={},gid={}", user.0, user.1))
            .environment(contract::SLUG_VARIABLE, slug.as_str())
            .secret_environment(contract::HOP_SECRET_VARIABLE)
            .restart_on_failure()
            .seccomp(seccomp);
        self.variables().iter().fold(spec, |spec, name| spec.secret_environment(name.in_egress()))
    }

    fn files(&self) -> Vec<RenderedFile> {
        let mut files = vec![RenderedFile::plain(NAME, self.routes_file())];
        files.extend(self.authority.iter().cloned());
        files
    }
}

//! From the plan to what Docker Compose runs: pure, so that its snapshot is the review.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Context as _;
use compose_render::{
    HostPattern, ImageRef, Network, RenderedFile, Role, ServiceSpec, Sidecar, seccomp_profile,
    stitch, to_yaml,
};

use super::{Ground, Places, Plan, Rendered, fingerprints, guest};

/// The profile's file in the bottle's folder.
const SECCOMP_FILE: &str = "seccomp.json";

impl Places {
    /// Where the profile of every container lies.
    pub(super) fn seccomp(&self) -> PathBuf {
        self.bottle.join(SECCOMP_FILE)
    }

    /// The folder of one sidecar.
    fn of(&self, role: Role) -> PathBuf {
        self.bottle.join(role.as_str())
    }
}

impl Plan {
    /// Renders everything. It writes nothing.
    ///
    /// # Errors
    ///
    /// Only for a plan that no manifest can make: services that would open the bottle.
    pub(crate) fn render(&self, ground: &Ground) -> anyhow::Result<Rendered> {
        let mut services = Vec::new();
        let mut files = BTreeMap::new();
        let mut healthchecks = BTreeMap::new();
        for sidecar in self.sidecars(ground)? {
            services.push(reachable(sidecar.as_ref(), ground));
            files.insert(sidecar.role(), sidecar.files());
            healthchecks.insert(sidecar.role(), sidecar.healthcheck());
        }
        if let Some(stand_in) = &self.stand_in {
            services.push(self.stand_in_service(stand_in, ground));
            let argv = ["/stand-in", "healthcheck"].map(str::to_owned).to_vec();
            healthchecks.insert(Role::StandIn, argv);
        }
        services.push(self.agent_service(ground));
        Ok(Rendered {
            compose: self.compose(services)?,
            files,
            own: vec![RenderedFile::plain(SECCOMP_FILE, seccomp_profile())],
            healthchecks,
        })
    }

    /// The compose file of these services.
    fn compose(&self, services: Vec<ServiceSpec>) -> anyhow::Result<String> {
        let project = stitch(&self.slug, services).context("these services make no bottle")?;
        Ok(to_yaml(&project))
    }

    /// The sidecars of this bottle, as their crates describe them.
    fn sidecars(&self, ground: &Ground) -> anyhow::Result<Vec<Box<dyn Sidecar>>> {
        let mut sidecars: Vec<Box<dyn Sidecar>> = match &self.pipelock.image {
            Some(image) => {
                let (stock, resolver) = self.stock(image, ground);
                vec![Box::new(stock), Box::new(resolver)]
            }
            None => vec![Box::new(self.pipelock(ground))],
        };
        if let Some(egress) = self.egress(ground)? {
            sidecars.push(Box::new(egress));
        }
        if let Some(git_gate) = self.git_gate(ground)? {
            sidecars.push(Box::new(git_gate));
        }
        if self.supervise {
            sidecars.push(Box::new(self.supervisor(ground)?));
        }
        Ok(sidecars)
    }

    /// pipelock, which every bottle has. Its authority's files are minted and written apart.
    pub(crate) fn pipelock(&self, ground: &Ground) -> pipelock::Pipelock {
        let places = &ground.places;
        pipelock::Pipelock {
            slug: self.slug.clone(),
            image: ground.images.pipelock.clone(),
            folder: places.of(Role::Pipelock),
            seccomp: places.seccomp(),
            user: places.owner,
            settings: self.pipelock_settings(ground),
            authority: Vec::new(),
        }
    }

    /// Another's pipelock, and ours beside it for the names alone.
    fn stock(&self, image: &ImageRef, ground: &Ground) -> (pipelock::Stock, pipelock::Resolver) {
        let places = &ground.places;
        let stock = pipelock::Stock {
            image: image.clone(),
            folder: places.of(Role::Pipelock),
            seccomp: places.seccomp(),
            user: places.owner,
            settings: self.pipelock_settings(ground),
        };
        let resolver = pipelock::Resolver {
            slug: self.slug.clone(),
            image: ground.images.pipelock.clone(),
            seccomp: places.seccomp(),
            user: places.owner,
            settings: stock.settings.clone(),
        };
        (stock, resolver)
    }

    /// egress, where there are routes.
    pub(crate) fn egress(&self, ground: &Ground) -> anyhow::Result<Option<egress::Egress>> {
        if !self.has_egress() {
            return Ok(None);
        }
        let places = &ground.places;
        let settings = egress::Settings {
            slug: self.slug.clone(),
            image: ground.images.egress.clone().context("egress has no image")?,
            folder: places.of(Role::Egress),
            seccomp: places.seccomp(),
            user: places.owner,
            addresses: ground.addresses,
            routes: self.routes.clone(),
            supervised: self.supervise,
            pipelock: None,
            pipelock_authority: ground.pipelock_authority.clone(),
        };
        let refuse = |faults: Vec<egress::Fault>| {
            let sentences: Vec<String> = faults.iter().map(ToString::to_string).collect();
            crate::exit::refused(format!(
                "the routes contradict each other: {}",
                sentences.join("; ")
            ))
        };
        let egress = egress::Egress::new(settings).map_err(refuse)?;
        Ok(Some(egress.with_renewals(self.renewals.clone())))
    }

    /// git-gate, where there are git upstreams.
    pub(crate) fn git_gate(&self, ground: &Ground) -> anyhow::Result<Option<git_gate::GitGate>> {
        if !self.has_git_gate() {
            return Ok(None);
        }
        let places = &ground.places;
        let proxy = self.pipelock.upstream_proxy.clone();
        let gate = git_gate::GitGate::new(git_gate::Settings {
            slug: self.slug.clone(),
            image: ground.images.git_gate.clone().context("git-gate has no image")?,
            folder: places.of(Role::GitGate),
            seccomp: places.seccomp(),
            user: places.owner,
            addresses: ground.addresses,
            repositories: self.git.clone(),
            own_secrets: fingerprints::for_git_gate(self, &ground.authority_keys),
            upstream_ca: self.upstream_ca.clone(),
        });
        Ok(Some(gate.behind(proxy, self.pipelock.upstream_credential.is_some())))
    }

    /// supervise, which sees the denials of the proxies and can change nothing of them.
    fn supervisor(&self, ground: &Ground) -> anyhow::Result<supervise::Supervisor> {
        let places = &ground.places;
        let watched = [
            Some(Role::Pipelock),
            self.has_egress().then_some(Role::Egress),
            self.has_git_gate().then_some(Role::GitGate),
        ];
        let outbox = |role: Role| (role, places.of(role).join("outbox"));
        Ok(supervise::Supervisor(supervise::Settings {
            slug: self.slug.clone(),
            image: ground.images.supervise.clone().context("supervise has no image")?,
            folder: places.of(Role::Supervise),
            seccomp: places.seccomp(),
            user: places.owner,
            addresses: ground.addresses,
            watched: watched.into_iter().flatten().map(outbox).collect(),
        }))
    }

    /// What pipelock is to do: the manifest's policy, the routes' hosts, and the stand-in.
    pub(crate) fn pipelock_settings(&self, ground: &Ground) -> pipelock::Settings {
        let mut settings = pipelock::Settings::new(ground.addresses);
        settings.allow.clone_from(&self.pipelock.allow);
        settings.routed = self.routed();
        settings.ports.clone_from(&self.pipelock.ports);
        settings.ports.extend(
            self.routes
                .iter()
                .filter(|route| ![80, 443].contains(&route.port))
                .map(|route| pipelock::PortRule { host: route.host.clone(), port: route.port }),
        );
        settings.ssrf_allow.clone_from(&self.pipelock.ssrf_allow);
        settings.never_dial.clone_from(&ground.host_addresses);
        settings.upstream_ca.clone_from(&self.upstream_ca);
        settings.requests = self.pipelock.dlp;
        settings.responses = self.pipelock.responses;
        settings.unscanned.clone_from(&self.pipelock.unscanned);
        settings.passthrough.clone_from(&self.pipelock.passthrough);
        settings.budgets.clone_from(&self.pipelock.budgets);
        settings.upstream_proxy.clone_from(&self.pipelock.upstream_proxy);
        settings.upstream_credential = self.pipelock.upstream_credential.is_some();
        if self.pipelock.image.is_none() {
            settings.secrets = fingerprints::of(self, &ground.authority_keys);
        }
        settings.supervised = self.supervise;
        settings.observe.clone_from(&self.observe);
        if let Some(stand_in) = &self.stand_in {
            settings.upstream_ca.push(stand_in.authority.clone());
            settings.stand_in = ground
                .addresses
                .of(Role::StandIn, Network::Uplink)
                .map(|address| pipelock::StandIn { host: stand_in.host.clone(), address });
        }
        settings
    }

    /// The hosts that pipelock takes from egress alone.
    fn routed(&self) -> Vec<HostPattern> {
        let mut hosts: Vec<HostPattern> =
            self.routes.iter().map(|route| route.host.clone()).collect();
        hosts.sort();
        hosts.dedup();
        hosts
    }
}

/// A sidecar's service; pipelock's with our guest binary as well, which has no shell to say from
/// where on the uplink the probe's control is to arrive.
fn reachable(sidecar: &dyn Sidecar, ground: &Ground) -> ServiceSpec {
    let service = sidecar.service();
    if sidecar.role() == Role::Pipelock {
        service.mount_read_only(&ground.places.bottle.join("provision"), guest::FOLDER)
    } else {
        service
    }
}

//! Step 5: every sidecar's config and the compose file, now that all addresses are known.

use std::thread;

use anyhow::Context as _;
use compose_render::{ImageRef, RenderedFile, Role};
use compose_run::{Owner, owned_folder, write_files};

use super::ground::Authorities;
use super::{Prepared, Start};
use crate::agent_image;
use crate::apply::{Config, Started, told};
use crate::audit::{self, Entry, Event};
use crate::plan::Rendered;
use crate::policy_view::observed;
use crate::{proposals, provision, sidecar_images};

/// The compose file's name in the bottle's folder.
const COMPOSE_FILE: &str = "docker-compose.yml";

impl Start<'_> {
    /// Renders, and writes everything that containers are going to see.
    pub(super) fn render(&self, prepared: &Prepared) -> anyhow::Result<Rendered> {
        let rendered = self.plan.render(&prepared.ground)?;
        let dir = self.claim.dir();
        // Every file is synced; side by side, one sync of the disk serves several.
        thread::scope(|scope| {
            let sidecars: Vec<_> = rendered
                .files
                .iter()
                .map(|(&role, files)| {
                    scope.spawn(move || self.write_sidecar(role, files, prepared))
                })
                .collect();
            let compose = scope.spawn(|| dir.write(COMPOSE_FILE, rendered.compose.as_bytes()));
            write_files(dir.path(), &rendered.own, Owner::host())?;
            Started::of(self.plan).write(dir)?;
            compose.join().ok().context("a thread of ours ended")??;
            for sidecar in sidecars {
                sidecar.join().ok().context("a thread of ours ended")??;
            }
            anyhow::Ok(())
        })?;
        if self.plan.supervise {
            proposals::tell(dir, &told(&Config::read(dir)?, 0)?)?;
        }
        self.note_start()?;
        Ok(rendered)
    }

    /// What the bottle begins with, as the first line of what people decide about it.
    fn note_start(&self) -> anyhow::Result<()> {
        let dir = self.claim.dir();
        // Of a data plane that is not ours no digest is known.
        let digests = Config::read(dir).map(|config| config.digests()).unwrap_or_default();
        let manifest = &self.plan.manifest;
        let start = Entry::new(Event::Start).digests(digests).change(&manifest.digest);
        audit::append(dir, start.detail(format!("from {}", manifest.origin)))?;
        let Some(observe) = &self.plan.observe else { return Ok(()) };
        audit::append(dir, Entry::new(Event::Observe).detail(observed(observe.until)))
    }

    /// One sidecar's folders, its configs and its authority.
    fn write_sidecar(
        &self,
        role: Role,
        files: &[RenderedFile],
        prepared: &Prepared,
    ) -> anyhow::Result<()> {
        let owner = Owner::of_sidecars();
        let folders = self.claim.dir().create_service(role, owner)?;
        write_files(&folders.config, files, owner)?;
        if role == Role::GitGate {
            owned_folder(&folders.config.join(git_gate::MIRRORS_DIR), owner)?;
        }
        let minted = match role {
            Role::Pipelock => Some(&prepared.authorities.pipelock),
            Role::Egress => prepared.authorities.egress.as_ref(),
            Role::Resolver | Role::GitGate | Role::Supervise | Role::StandIn | Role::Agent => None,
        };
        if let Some(minted) = minted {
            write_files(&folders.config, &minted.files, owner)?;
        }
        Ok(())
    }

    /// What the agent's container sees of the host: the trust bundle and the guest binary. It
    /// depends on no address, so it is written while the networks are made.
    pub(super) fn write_provision(
        &self,
        image: &ImageRef,
        authorities: &Authorities,
    ) -> anyhow::Result<()> {
        let cache = agent_image::cache_folder(self.environment)?;
        let roots = agent_image::system_roots(&self.host.docker, &cache, image)
            .context("cannot read the agent image's own roots")?;
        let guest = sidecar_images::guest(&self.sidecars)?;
        let contents = provision::Contents {
            roots: &roots,
            authorities: &authorities.certificates(),
            guest: &guest,
            git: &self.plan.git,
        };
        provision::write(&self.claim.dir().provision(), &contents)
    }
}

//! Step 5: every sidecar's config and the compose file, now that all addresses are known.

use anyhow::Context as _;
use compose_render::Role;
use compose_run::{Owner, write_files};

use super::{Prepared, Start};
use crate::agent_image;
use crate::plan::Rendered;
use crate::{provision, sidecar_images};

/// The compose file's name in the bottle's folder.
const COMPOSE_FILE: &str = "docker-compose.yml";

impl Start<'_> {
    /// Renders, and writes everything that containers are going to see.
    pub(super) fn render(&self, prepared: &Prepared) -> anyhow::Result<Rendered> {
        let rendered = self.plan.render(&prepared.ground)?;
        let dir = self.claim.dir();
        let owner = Owner::of_sidecars();
        for (&role, files) in &rendered.files {
            let folders = dir.create_service(role, owner)?;
            write_files(&folders.config, files, owner)?;
            let minted = match role {
                Role::Pipelock => Some(&prepared.authorities.pipelock),
                Role::Egress => prepared.authorities.egress.as_ref(),
                Role::GitGate | Role::Supervise | Role::StandIn | Role::Agent => None,
            };
            if let Some(minted) = minted {
                write_files(&folders.config, &minted.files, owner)?;
            }
        }
        write_files(dir.path(), &rendered.own, Owner::host())?;
        self.write_provision(prepared)?;
        dir.write(COMPOSE_FILE, rendered.compose.as_bytes())?;
        Ok(rendered)
    }

    /// What the agent's container sees of the host: the trust bundle and the guest binary.
    fn write_provision(&self, prepared: &Prepared) -> anyhow::Result<()> {
        let cache = agent_image::cache_folder(self.environment)?;
        let image = &prepared.ground.images.agent;
        let roots = agent_image::system_roots(&self.host.docker, &cache, image)
            .context("cannot read the agent image's own roots")?;
        let guest = sidecar_images::guest(&self.sidecars)?;
        let contents = provision::Contents {
            roots: &roots,
            authorities: &prepared.authorities.certificates(),
            guest: &guest,
        };
        provision::write(&self.claim.dir().provision(), &contents)
    }
}

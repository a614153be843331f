//! pipelock started and stopped alone: a project of one service.

use crate::{BINARY, DOCKERFILE, Pipelock, Settings};
use compose_render::{Role, Slug};
use compose_run::{
    Secrets,
    images::{BuildFile, Sidecars},
    standalone::{self, Host, KeepState, Recipe, Site, Standing},
};
use time::OffsetDateTime;

/// What its image is made from: one static binary.
pub fn recipe(sidecars: &Sidecars) -> anyhow::Result<Recipe> {
    Ok(Recipe {
        part: Role::Pipelock.as_str().to_owned(),
        dockerfile: DOCKERFILE.to_owned(),
        files: vec![BuildFile::path(BINARY, 0o755, sidecars.binary(BINARY)?)],
    })
}

/// Starts it alone, with an authority minted for it. `settings` is asked once its place is known.
pub fn start(
    host: &Host<'_>,
    sidecars: &Sidecars,
    slug: &Slug,
    secrets: &Secrets,
    settings: impl FnOnce(&Site) -> Settings,
) -> anyhow::Result<Standing> {
    standalone::start(host, slug, Role::Pipelock, &recipe(sidecars)?, secrets, |site| {
        let now = OffsetDateTime::now_utc();
        Ok(Pipelock {
            slug: site.slug.clone(),
            image: site.image.clone(),
            folder: site.dirs.config.clone(),
            seccomp: site.seccomp.clone(),
            user: (site.owner.uid, site.owner.gid),
            settings: settings(site),
            authority: ca::Authority::mint(&site.slug, Role::Pipelock, now)?.files()?.to_vec(),
        })
    })
}

/// Stops it and removes everything of it.
pub fn stop(host: &Host<'_>, slug: &Slug) -> anyhow::Result<()> {
    standalone::stop(host, slug, KeepState::No)
}

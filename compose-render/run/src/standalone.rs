//! One sidecar alone: a project of one service, with its networks, and nothing left of it after.

use crate::{
    Claim, Compose, ComposeProject, Docker, Leftover, Metadata, Owner, Phase, Secrets, ServiceDirs,
    StateDir, Undo, containers,
    images::{self, BuildFile},
    networks::{self, Pool, Uplink},
    ready, replace_with, write_files,
};
use compose_render::{
    Addresses, ImageRef, Role, Sidecar, Slug, contract, seccomp_profile, stitch, to_yaml,
};
use std::{path::PathBuf, time::Duration};

/// How long one sidecar may take until it serves.
const READY_LIMIT: Duration = Duration::from_mins(1);

/// What starting and stopping needs of this host.
#[derive(Clone, Debug)]
pub struct Host<'a> {
    pub docker: &'a Docker,
    pub compose: &'a Compose,
    pub state: &'a StateDir,
    pub pool: &'a Pool,
    pub uplink: Uplink,
}

/// What a sidecar's image is made from.
#[derive(Clone, Debug)]
pub struct Recipe {
    pub part: String,
    pub dockerfile: String,
    pub files: Vec<BuildFile>,
}

/// Where a sidecar is going to stand; known before it is described.
#[derive(Clone, Debug)]
pub struct Site {
    pub slug: Slug,
    pub dirs: ServiceDirs,
    pub addresses: Addresses,
    pub owner: Owner,
    pub image: ImageRef,
    /// The seccomp profile, written already.
    pub seccomp: PathBuf,
}

/// A sidecar that serves.
#[derive(Clone, Debug)]
pub struct Standing {
    pub site: Site,
    pub role: Role,
    pub container: String,
}

/// Starts one sidecar alone. `describe` makes its control half once its place is known. A failure
/// undoes what was done; the state folder with the log of it stays.
pub fn start<S: Sidecar>(
    host: &Host<'_>,
    slug: &Slug,
    role: Role,
    recipe: &Recipe,
    secrets: &Secrets,
    describe: impl FnOnce(&Site) -> anyhow::Result<S>,
) -> anyhow::Result<Standing> {
    let claim = host.state.claim(slug)?;
    let running = containers::list(host.docker, Some(slug))?;
    anyhow::ensure!(running.is_empty(), "bottle `{slug}` has containers already");
    let mut undo = Undo::new();
    match bring_up(host, &claim, role, recipe, secrets, describe, &mut undo) {
        Ok(standing) => {
            undo.disarm();
            Ok(standing)
        }
        Err(error) => {
            let leftovers = undo.run();
            drop(undo);
            let failed = format!("cannot start `{role}` alone");
            Err(error.context(match told(&leftovers) {
                Some(told) => format!("{failed}, and {told}"),
                None => failed,
            }))
        }
    }
}

#[expect(clippy::too_many_arguments, reason = "the host, the place, and what is to stand there")]
fn bring_up<'a, S: Sidecar>(
    host: &'a Host<'a>,
    claim: &'a Claim,
    role: Role,
    recipe: &Recipe,
    secrets: &Secrets,
    describe: impl FnOnce(&Site) -> anyhow::Result<S>,
    undo: &mut Undo<'a>,
) -> anyhow::Result<Standing> {
    let dir = claim.dir();
    let slug = dir.slug();
    let image =
        images::ensure(host.docker, &recipe.part, &recipe.dockerfile, &recipe.files, || ())?;
    undo.register("remove the networks", || Ok(networks::remove(host.docker, slug)?));
    let addresses = networks::create(host.docker, slug, host.state.path(), host.pool, host.uplink)?;

    let owner = Owner::of_sidecars();
    let dirs = dir.create_service(role, owner)?;
    let seccomp = dir.write("seccomp.json", seccomp_profile().as_bytes())?;
    let site = Site { slug: slug.clone(), dirs, addresses, owner, image, seccomp };
    let sidecar = describe(&site)?;
    write_files(&site.dirs.config, &sidecar.files(), owner)?;
    let file =
        dir.write("docker-compose.yml", to_yaml(&stitch(slug, [sidecar.service()])?).as_bytes())?;
    let mut metadata = Metadata::new(slug, "");
    metadata.images.insert(role, site.image.clone());
    metadata.addresses = Some(addresses);
    metadata.detached = true;
    metadata.standalone = Some(role);
    dir.set_metadata(&metadata)?;

    let project = ComposeProject::new(slug, file);
    register_down(undo, host, claim);
    host.compose.up(&project, secrets, Some(claim.hold()?))?;
    let container = role.container(slug);
    ready::wait(host.docker, &container, &sidecar.healthcheck(), READY_LIMIT)?;
    metadata.phase = Phase::Running;
    dir.set_metadata(&metadata)?;
    Ok(Standing { site, role, container })
}

/// Stops a sidecar that was started alone: logs saved, containers and networks removed, and its
/// state folder with them unless it is kept. One failure never hides the next.
pub fn stop(host: &Host<'_>, slug: &Slug, keep: KeepState) -> anyhow::Result<()> {
    let claim = host.state.claim_existing(slug)?;
    let mut undo = Undo::new();
    undo.register("remove the networks", || Ok(networks::remove(host.docker, slug)?));
    register_down(&mut undo, host, &claim);
    let leftovers = undo.run();
    drop(undo);
    if let Some(told) = told(&leftovers) {
        anyhow::bail!("cannot stop `{slug}`: {told}");
    }
    match keep {
        KeepState::No => claim.remove()?,
        KeepState::Yes => {
            if let Some(mut metadata) = claim.dir().metadata()? {
                metadata.phase = Phase::Stopped;
                claim.dir().set_metadata(&metadata)?;
            }
        }
    }
    Ok(())
}

/// Whether the state folder outlives the sidecar.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum KeepState {
    Yes,
    No,
}

/// Registers what takes the containers down: run, it saves the logs first.
fn register_down<'a>(undo: &mut Undo<'a>, host: &'a Host<'a>, claim: &'a Claim) {
    let dir = claim.dir();
    let project = move || ComposeProject::new(dir.slug(), dir.compose_file());
    undo.register("remove the volumes", || {
        Ok(containers::remove_volumes(host.docker, dir.slug())?)
    });
    undo.register("remove the containers", move || {
        // Politely, then by label whatever is left: compose may have failed, or not know of it.
        let polite = host.compose.down(&project(), contract::STOP_GRACE, Some(claim.hold()?));
        containers::remove(host.docker, dir.slug()).or(polite)?;
        Ok(())
    });
    undo.register("save the logs", move || {
        if containers::list(host.docker, Some(dir.slug()))?.is_empty() {
            return Ok(());
        }
        replace_with(&dir.compose_log(), 0o600, |log| Ok(host.compose.logs(&project(), log)?))
    });
}

fn told(leftovers: &[Leftover]) -> Option<String> {
    let told: Vec<_> = leftovers.iter().map(ToString::to_string).collect();
    (!told.is_empty()).then(|| told.join("; "))
}

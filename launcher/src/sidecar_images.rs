//! The images of the sidecars: one static binary each, found or built.

use std::path::PathBuf;

use anyhow::bail;
use compose_render::{ImageRef, Role};
use compose_run::images::{self, BuildFile, ImageError, Sidecars};
use compose_run::{Docker, standalone::Recipe};

use crate::environment::Environment;
use crate::exit::Hint as _;

/// The binary that is mounted into agents.
const GUEST: &str = "bottle-guest";

/// What to do when the static binaries are not where they must be.
const ADVICE: &str = "`cargo xtask install` puts them beside `bottle`; from a checkout, `cargo xtask \
                      start` builds them, and `BOTTLE_SIDECARS` names another folder";

/// Where the static binaries lie.
pub(crate) fn folder(environment: &Environment) -> Sidecars {
    let program = std::env::current_exe().unwrap_or_default();
    Sidecars::find(environment.path("BOTTLE_SIDECARS"), &program)
}

/// The guest binary.
pub(crate) fn guest(sidecars: &Sidecars) -> anyhow::Result<PathBuf> {
    sidecars.binary(GUEST).hint(ADVICE)
}

/// git-gate's binary, whose image holds more than that.
pub(crate) fn git_gate(sidecars: &Sidecars) -> anyhow::Result<PathBuf> {
    sidecars.binary(git_gate::BINARY).hint(ADVICE)
}

/// What that sidecar's image is made from.
pub(crate) fn recipe(role: Role, sidecars: &Sidecars) -> anyhow::Result<Recipe> {
    let (binary, dockerfile) = match role {
        Role::Pipelock => (pipelock::BINARY, pipelock::DOCKERFILE),
        Role::Egress => (egress::BINARY, egress::DOCKERFILE),
        Role::Supervise => (supervise::BINARY, supervise::DOCKERFILE),
        Role::Resolver | Role::GitGate | Role::StandIn | Role::Agent => {
            bail!("`{role}` has no image of ours")
        }
    };
    let path = sidecars.binary(binary).hint(ADVICE)?;
    Ok(Recipe {
        part: role.to_string(),
        dockerfile: dockerfile.to_owned(),
        files: vec![BuildFile::path(binary, 0o755, path)],
    })
}

/// The sidecar's image, there for sure. `building` is called before a build begins.
pub(crate) fn ensure(
    docker: &Docker,
    sidecars: &Sidecars,
    role: Role,
    building: impl FnOnce(),
) -> anyhow::Result<ImageRef> {
    let Recipe { part, dockerfile, files } = recipe(role, sidecars)?;
    let found: Result<ImageRef, ImageError> =
        images::ensure(docker, &part, &dockerfile, &files, building);
    Ok(found?)
}

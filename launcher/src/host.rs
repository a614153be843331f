//! What of this host a command works with: the state folder, Docker, Compose.

use std::path::PathBuf;

use anyhow::Context as _;
use compose_run::{Compose, ComposeProject, Docker, StateDir};

use crate::environment::Environment;
use crate::exit::Hint as _;

/// The state folder, Docker and Compose, found once for each command.
#[derive(Clone, Debug)]
pub(crate) struct Host {
    pub state: StateDir,
    pub docker: Docker,
    pub compose: Compose,
}

impl Host {
    /// Finds all three. Whether a daemon answers shows with the first call.
    pub(crate) fn find(environment: &Environment) -> anyhow::Result<Self> {
        let state = state(environment)?;
        let docker = Docker::find()?;
        let compose = Compose::find(&docker, environment.get("BOTTLE_COMPOSE")).hint(
            "install Docker Compose: the package `docker-compose-plugin` or `docker-compose`",
        )?;
        Ok(Self { state, docker, compose })
    }

    /// The bottle's project, by the compose file in its folder.
    pub(crate) fn project(&self, slug: &compose_render::Slug) -> ComposeProject {
        ComposeProject::new(slug, self.state.bottle(slug).compose_file())
    }
}

/// The state folder alone: what was written there can be read without Docker.
pub(crate) fn state(environment: &Environment) -> anyhow::Result<StateDir> {
    let path = |name| environment.path(name).map(PathBuf::into_os_string);
    let [own, xdg, home] = [path("BOTTLE_STATE_DIR"), path("XDG_STATE_HOME"), path("HOME")];
    let root = StateDir::choose(own.as_deref(), xdg.as_deref(), home.as_deref())
        .context("there is no folder for the state")
        .hint("set `HOME`, or `BOTTLE_STATE_DIR` to an absolute path")?;
    StateDir::open(root)
        .hint("make it a folder of your own with mode 0700, or name another in `BOTTLE_STATE_DIR`")
}

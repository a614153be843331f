//! The plan: one pure value that holds all that will happen, and says nothing of Docker.
//!
//! It is made from a manifest, the environment and what was typed, before anything is created.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::PathBuf;

use compose_render::{ImageRef, RenderedFile, Role, Secret, Slug};

use crate::manifest::{Image, Resources, Runtime, WorkspaceMode};

/// All that will happen in one start.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub slug: Slug,
    pub agent: AgentPlan,
    pub image: Image,
    pub workspace: WorkspacePlan,
    pub resources: Resources,
    pub runtime: Runtime,
    /// What the agent sees, placeholders in the place of credentials.
    pub env: BTreeMap<String, String>,
    /// Names alone: the engine takes the values from the compose child's environment.
    pub forward_env: Vec<String>,
    pub stand_in: Option<StandIn>,
    /// The manifest as a person would name it, and the digest of its content.
    pub manifest: ManifestNote,
    /// Values for the compose child's environment by the names the compose file asks for.
    pub secrets: BTreeMap<String, Secret>,
}

/// The program in the bottle.
#[derive(Clone, Debug)]
pub(crate) struct AgentPlan {
    /// Its name in the manifest.
    pub name: String,
    /// The command and its arguments, those typed after `--` included.
    pub command: Vec<String>,
    /// Whether it is Claude Code, which gets its settings seeded.
    pub is_claude: bool,
    /// Appended to its system prompt.
    pub prompt: Option<PathBuf>,
    pub skills: Vec<PathBuf>,
    /// The last twenty characters of the API key's placeholder, which Claude asks about once.
    pub approved_key: Option<String>,
}

/// The user's folder.
#[derive(Clone, Debug)]
pub(crate) struct WorkspacePlan {
    pub mode: WorkspaceMode,
    /// Absolute.
    pub source: PathBuf,
    /// Files that look like credentials and are taken all the same.
    pub include: Vec<PathBuf>,
}

/// A container of the demo's that answers for one host, on the uplink.
#[derive(Clone, Debug)]
pub(crate) struct StandIn {
    pub image: ImageRef,
    /// PEM of the authority that only this bottle's pipelock trusts for it.
    pub authority: String,
    pub host: String,
}

/// Where the plan came from, for the state folder.
#[derive(Clone, Debug, serde::Serialize)]
pub(crate) struct ManifestNote {
    pub origin: String,
    pub digest: String,
}

/// The images a plan runs, known once they were found or built.
#[derive(Clone, Debug)]
pub(crate) struct Images {
    pub agent: ImageRef,
    pub pipelock: ImageRef,
    /// There when [`Plan::has_egress`].
    pub egress: Option<ImageRef>,
}

/// Where a bottle lies on the host, and whose its files are.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    /// `state/<slug>`, absolute. `pipelock/`, `egress/`, `provision/` lie below it.
    pub bottle: PathBuf,
    /// The uid and gid the sidecars run as.
    pub owner: (u32, u32),
    /// The uid and gid the agent runs as.
    pub agent: (u32, u32),
}

/// What a plan becomes for Docker Compose.
#[derive(Clone, Debug)]
pub(crate) struct Rendered {
    /// `docker-compose.yml`, byte for byte.
    pub compose: String,
    /// Files below the bottle's folder, by the sidecar whose folder holds them.
    pub files: BTreeMap<Role, Vec<RenderedFile>>,
    /// Files of the bottle's folder itself.
    pub own: Vec<RenderedFile>,
    /// The agent's address, for the probe.
    pub agent_address: Ipv4Addr,
}

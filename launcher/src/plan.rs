//! The plan: one pure value that holds all that will happen, and says nothing of Docker.
//!
//! It is made from a manifest, the environment and what was typed, before anything is created.

mod agent_environment;
mod credentials;
mod entropy;
pub(crate) mod fingerprints;
mod git;
pub(crate) mod guest;
mod make;
mod render;
mod services;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;

use compose_render::{Addresses, ImageRef, RenderedFile, Role, Secret, Slug};

pub(crate) use self::entropy::Entropy;
pub(crate) use self::make::{Purpose, Wish, cores};
use crate::manifest::{Image, Pipelock, Resources, Runtime, WorkspaceMode};

/// All that will happen in one start.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub slug: Slug,
    pub agent: AgentPlan,
    pub image: Image,
    pub workspace: WorkspacePlan,
    pub resources: Resources,
    pub runtime: Runtime,
    /// What the manifest sets and the placeholders, which stand where credentials would.
    pub env: BTreeMap<String, String>,
    /// Names alone, of those that are set: the values are in [`Plan::secrets`].
    pub forward_env: Vec<String>,
    /// The same as the manifest has them, set or not.
    pub forwarding: Vec<String>,
    /// egress's policy, its credentials with the agent's placeholders. Empty: no egress.
    pub routes: Vec<egress::Route>,
    /// The credentials of them that egress renews.
    pub renewals: Vec<egress::Renewal>,
    pub pipelock: Pipelock,
    /// What git-gate stands before, with its keys. Empty: no git-gate.
    pub git: Vec<git_gate::Repository>,
    /// Whether the agent may ask a person for more.
    pub supervise: bool,
    /// Denials are findings, for a time.
    pub observe: Option<pipelock::Observe>,
    /// PEM certificates that upstream may be signed by, besides the public roots.
    pub upstream_ca: Vec<String>,
    pub stand_in: Option<StandIn>,
    pub manifest: ManifestNote,
    /// Values for the compose child's environment, by the names the compose file asks for.
    pub secrets: BTreeMap<String, Secret>,
}

/// The program in the bottle.
#[derive(Clone, Debug)]
pub(crate) struct AgentPlan {
    /// Its name in the manifest.
    pub name: String,
    /// The command and its arguments, those typed after `--` included.
    pub command: Vec<String>,
    /// The same as the manifest has it.
    pub written: Vec<String>,
    /// Whether it is Claude Code, which gets its settings seeded.
    pub is_claude: bool,
    /// Codex CLI is started: it gets the settings it needs.
    pub is_codex: bool,
    /// Gemini CLI is.
    pub is_gemini: bool,
    /// How Codex is logged in, in its own file.
    pub codex: Option<CodexLogin>,
    /// The placeholder of a Google account's token, in Gemini CLI's.
    pub gemini_token: Option<String>,
    /// Appended to its system prompt.
    pub prompt: Option<PathBuf>,
    pub skills: Vec<PathBuf>,
    /// The last twenty characters of the API key's placeholder, which Claude asks about once.
    pub approved_key: Option<String>,
}

/// How Codex is logged in: by placeholders.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum CodexLogin {
    Key(String),
    Account {
        token: String,
        account: String,
        /// What the account may do, in `ChatGPT`'s word: Codex shows models by it.
        plan: Option<String>,
    },
}

/// The user's folder.
#[derive(Clone, Debug)]
pub(crate) struct WorkspacePlan {
    pub mode: WorkspaceMode,
    /// Absolute.
    pub source: PathBuf,
    /// Files that look like credentials and are taken all the same.
    pub include: Vec<PathBuf>,
    /// For `mount`: the folder, and what of its `.git` is read-only.
    pub mounts: Vec<compose_render::Mount>,
}

/// A container of the demo's that answers for one host, on the uplink.
#[derive(Clone, Debug)]
pub(crate) struct StandIn {
    pub image: ImageRef,
    /// PEM of the authority that only this bottle's pipelock trusts for it.
    pub authority: String,
    pub host: compose_render::HostPattern,
}

/// Where the plan came from, for the state folder.
#[derive(Clone, Debug, serde::Serialize)]
pub(crate) struct ManifestNote {
    pub origin: String,
    pub digest: String,
}

/// The images a plan runs, known once they were found or built.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Images {
    pub agent: ImageRef,
    pub pipelock: ImageRef,
    /// There when [`Plan::has_egress`].
    pub egress: Option<ImageRef>,
    /// There when [`Plan::has_git_gate`].
    pub git_gate: Option<ImageRef>,
    /// There when [`Plan::supervise`].
    pub supervise: Option<ImageRef>,
}

impl Images {
    /// Each of them.
    pub(crate) fn all(&self) -> impl Iterator<Item = &ImageRef> {
        let there = [&self.egress, &self.git_gate, &self.supervise].into_iter().flatten();
        [&self.agent, &self.pipelock].into_iter().chain(there)
    }
}

/// Where a bottle lies on the host, and whose its processes are.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    /// `state/<slug>`, absolute. `pipelock/`, `egress/`, `provision/` lie below it.
    pub bottle: PathBuf,
    /// The uid and gid the sidecars run as.
    pub owner: (u32, u32),
    /// The uid and gid the agent runs as.
    pub agent: (u32, u32),
}

/// What only the host knows, and only once a start has come that far.
#[derive(Clone, Debug)]
pub(crate) struct Ground {
    pub addresses: Addresses,
    pub images: Images,
    pub places: Places,
    /// The certificate of pipelock's authority, in PEM: the only one egress trusts.
    pub pipelock_authority: String,
    /// The private keys of both authorities, in PEM: only their fingerprints are rendered.
    pub authority_keys: Vec<Secret>,
    /// The host's own addresses, which pipelock never dials.
    pub host_addresses: Vec<IpAddr>,
}

/// What a plan becomes for Docker Compose.
#[derive(Clone, Debug)]
pub(crate) struct Rendered {
    /// `docker-compose.yml`, byte for byte.
    pub compose: String,
    /// What each sidecar's folder is to hold, beside its authority.
    pub files: BTreeMap<Role, Vec<RenderedFile>>,
    /// Files of the bottle's folder itself.
    pub own: Vec<RenderedFile>,
    /// The argv that answers 0 inside each container that has to be waited for.
    pub healthchecks: BTreeMap<Role, Vec<String>>,
}

impl Plan {
    /// Whether egress is part of the bottle: it is where there are routes.
    pub(crate) fn has_egress(&self) -> bool {
        !self.routes.is_empty()
    }

    /// The secrets that are too short or too long to be known by a fingerprint, in words.
    pub(crate) fn not_searched_for(&self) -> Vec<String> {
        fingerprints::without(self)
    }

    /// Whether git-gate is part of the bottle: it is where there are git upstreams.
    pub(crate) fn has_git_gate(&self) -> bool {
        !self.git.is_empty()
    }
}

#[cfg(test)]
pub(crate) mod tests;

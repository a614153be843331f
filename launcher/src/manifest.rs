//! The manifest, `bottle.yaml`: what a person wrote, read strictly into types that cannot be
//! wrong. Every fault is reported at once, with its line and column, and nothing is created.

mod agent;
mod bottle;
mod built_in;
mod check;
mod fault;
pub(crate) mod flow;
mod git;
mod image;
pub(crate) mod lookup;
mod node;
mod policy;
mod preset;
mod reader;
pub(crate) mod rewrite;
mod route;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use compose_render::{HostPattern, ImageRef};
use ipnet::IpNet;
use sha2::{Digest as _, Sha256};

pub(crate) use self::check::leaves;
pub(crate) use self::fault::{Fault, Faults, Position};
use self::node::{Node, Value};
pub(crate) use self::preset::{CHATGPT_LOGIN, GEMINI_LOGIN, Preset};
use self::reader::Reader;
pub(crate) use self::reader::list;
use crate::environment::Environment;
use crate::hex::hex;
use crate::login::Login;

/// The keys of every section, for the schema to be held against.
#[cfg(test)]
pub(crate) mod keys {
    pub(crate) use super::KEYS as MANIFEST;
    pub(crate) use super::agent::KEYS as AGENT;
    pub(crate) use super::bottle::{KEYS as BOTTLE, RESOURCE_KEYS as RESOURCES};
    pub(crate) use super::git::{CREDENTIAL_KEYS as TOKEN, KEYS as UPSTREAM};
    pub(crate) use super::image::KEYS as IMAGE;
    pub(crate) use super::policy::KEYS as PIPELOCK;
    pub(crate) use super::route::{
        BUDGET_KEYS as BUDGET, CREDENTIAL_KEYS as CREDENTIAL, KEYS as ROUTE,
    };
}

/// The keys of a manifest.
pub(crate) const KEYS: &[&str] = &["version", "agents", "bottles"];
/// The version of the manifest's shape that is read.
const VERSION: &str = "1";
/// An agent's name begins a bottle's: `<agent>-<4 letters>` is a slug of at most 40 bytes.
const MAX_AGENT: usize = 35;
const MAX_BOTTLE: usize = 40;

/// A manifest that was read without a fault.
#[derive(Clone, Debug)]
pub(crate) struct Manifest {
    /// Where it came from, as a person would say it: a path, or `the built-in manifest`.
    pub origin: Origin,
    /// SHA-256 of its text, in hexadecimal.
    pub digest: String,
    pub agents: BTreeMap<String, Agent>,
    pub bottles: BTreeMap<String, Bottle>,
}

impl Manifest {
    /// Reads a manifest: all of it, or every fault of it.
    ///
    /// Touches the disk only to see that the files it names are there.
    pub(crate) fn read(text: &str, origin: Origin, home: Option<PathBuf>) -> Result<Self, Faults> {
        let file = origin.to_string();
        let folder = match &origin {
            Origin::BuiltIn => PathBuf::new(),
            Origin::File(path) => std::path::absolute(path).unwrap_or_else(|_| path.clone()),
        };
        let folder = folder.parent().map(Path::to_owned).unwrap_or_default();
        let mut reader = Reader { folder, home, faults: Vec::new() };
        let mut manifest = Self {
            origin,
            digest: digest(text),
            agents: BTreeMap::new(),
            bottles: BTreeMap::new(),
        };
        match node::parse(text) {
            Ok(Some(root)) => manifest.take(&mut reader, &root),
            Ok(None) => reader.fault(
                Position { line: 1, column: 1 },
                "nothing is written here; `bottle init` writes a manifest to begin with",
            ),
            Err(fault) => reader.faults.push(fault),
        }
        if reader.faults.is_empty() {
            return Ok(manifest);
        }
        let mut faults = reader.faults;
        faults.sort();
        faults.dedup();
        Err(Faults { file, faults })
    }

    /// The text of the manifest that is used where there is no other.
    pub(crate) fn built_in_text(environment: &Environment) -> &'static str {
        built_in::text(environment)
    }

    /// The manifest that makes the first command work with no file.
    pub(crate) fn built_in(environment: &Environment) -> Result<Self, Faults> {
        Self::read(built_in::text(environment), Origin::BuiltIn, None)
    }

    fn take(&mut self, reader: &mut Reader, root: &Node) {
        let Some(fields) = reader.fields(root, "a manifest", KEYS) else { return };
        if let Some(node) = reader.required(&fields, "version") {
            reader.word(node, "the manifest's `version`", &[(VERSION, ())]);
        }
        if let Some(node) = fields.get("bottles") {
            for (name, at, node) in reader.pairs(node, "`bottles`").unwrap_or_default() {
                check::name(reader, name, at, "a bottle", MAX_BOTTLE);
                let bottle = bottle::read(reader, node);
                self.bottles.extend(bottle.map(|bottle| (name.to_owned(), bottle)));
            }
        }
        let bottles: Vec<&str> = match fields.get("bottles").map(|node| &node.value) {
            Some(Value::Map(pairs)) => pairs.iter().filter_map(|(key, _)| key.as_str()).collect(),
            _ => Vec::new(),
        };
        let Some(node) = reader.required(&fields, "agents") else { return };
        for (name, at, node) in reader.pairs(node, "`agents`").unwrap_or_default() {
            check::name(reader, name, at, "an agent", MAX_AGENT);
            let agent = agent::read(reader, node, &bottles);
            self.agents.extend(agent.map(|agent| (name.to_owned(), agent)));
        }
    }
}

/// SHA-256 of a text, in hexadecimal.
fn digest(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes()))
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BuiltIn => f.write_str("the built-in manifest"),
            Self::File(path) => path.display().fmt(f),
        }
    }
}

/// Where a manifest came from. Paths in it are relative to its folder.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Origin {
    BuiltIn,
    File(PathBuf),
}

/// An agent: the program in the bottle, and how it is set up.
#[derive(Clone, Debug)]
pub(crate) struct Agent {
    /// The bottle it runs in, a key of [`Manifest::bottles`].
    pub bottle: String,
    pub command: Vec<String>,
    /// A file appended to the agent's system prompt; absolute.
    pub prompt: Option<PathBuf>,
    /// Folders with a `SKILL.md`; absolute.
    pub skills: Vec<PathBuf>,
}

/// A bottle: what surrounds an agent.
#[derive(Clone, Debug)]
pub(crate) struct Bottle {
    pub image: Image,
    pub workspace: WorkspaceMode,
    pub resources: Resources,
    pub env: BTreeMap<String, String>,
    /// Names of variables of the host that the agent sees; values never reach a file.
    pub forward_env: Vec<String>,
    pub routes: Vec<Route>,
    pub pipelock: Pipelock,
    pub git: Vec<GitUpstream>,
    /// Whether the agent may ask a person for more.
    pub supervise: bool,
    pub runtime: Runtime,
}

/// What the agent's container is made of.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) enum Image {
    /// The agent image of ours.
    #[default]
    Standard,
    /// The same with Codex CLI instead of Claude Code.
    Codex,
    /// An image that is there, used as it is.
    Named(ImageRef),
    /// The standard image on another base, with more in it.
    Layered { base: Option<ImageRef>, apt: Vec<String>, run: Vec<String> },
    /// A Dockerfile of the user's; absolute. Its folder is the context.
    Dockerfile(PathBuf),
}

/// How the user's folder gets into the bottle.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum WorkspaceMode {
    /// Streamed into the running agent: what the agent does stays in the bottle.
    #[default]
    Copy,
    /// Held by a derived image: one tree, many bottles.
    Image,
    /// The folder itself, writable.
    Mount,
    /// No folder of the host: the first of the git upstreams, from the gate.
    Clone,
}

impl WorkspaceMode {
    /// The word of the manifest.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Copy => "copy",
            Self::Image => "image",
            Self::Mount => "mount",
            Self::Clone => "clone",
        }
    }
}

/// What the agent may use of the host. Defaults are values, so that a rendered file shows them.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub(crate) struct Resources {
    pub cpus: f64,
    /// In bytes.
    pub memory: u64,
    pub pids: u32,
}

/// Which container runtime the engine is asked for, for every container of the bottle's agent.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Runtime {
    /// The engine's own.
    #[default]
    Engine,
    /// gVisor.
    Runsc,
}

/// One line of egress's policy, with its places in the file for what is found wrong later.
#[derive(Clone, Debug)]
#[expect(clippy::struct_field_names, reason = "it is egress's route, and what the manifest adds")]
pub(crate) struct Route {
    pub position: Position,
    /// Its credentials carry no placeholder yet: that is the plan's to give.
    pub route: egress::Route,
    /// Where values come from, by their credential's variable; from that variable where it is not
    /// here.
    pub sources: BTreeMap<String, Source>,
}

/// Where the value of a credential is read at a start, if not from the environment.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Source {
    /// A file that nobody else may read.
    File(PathBuf),
    /// What a program prints; it is run without a shell.
    Command(Vec<String>),
    /// A login that another program made, and egress renews.
    Login(Login),
}

/// A repository behind the gate, with its place in the file for what is found wrong later.
#[derive(Clone, Debug)]
pub(crate) struct GitUpstream {
    pub position: Position,
    pub upstream: git_gate::Upstream,
}

/// pipelock's part of a bottle.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pipelock {
    pub allow: Vec<HostPattern>,
    /// Ports besides 443 and 80, as in `docs.example.org:8443`.
    pub ports: Vec<pipelock::PortRule>,
    pub dlp: pipelock::Action,
    pub responses: pipelock::ResponseAction,
    /// Hosts whose responses are not looked through.
    pub unscanned: Vec<HostPattern>,
    /// Private ranges that may be dialled all the same.
    pub ssrf_allow: Vec<IpNet>,
    pub upstream_ca: Vec<UpstreamCa>,
    /// The proxy that everything upstream goes through, and the variable with its credential.
    pub upstream_proxy: Option<compose_render::UpstreamProxy>,
    pub upstream_credential: Option<String>,
    /// Hosts whose TLS passes unopened.
    pub passthrough: Vec<HostPattern>,
    /// What single hosts may take in a minute.
    pub budgets: Vec<pipelock::Budget>,
    /// Another data plane that reads upstream's schema.
    pub image: Option<ImageRef>,
}

/// A root that upstream certificates may be signed by, besides the well-known ones.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum UpstreamCa {
    /// The host's own roots.
    System,
    /// A PEM file; absolute.
    File(PathBuf),
}

#[cfg(test)]
mod tests;

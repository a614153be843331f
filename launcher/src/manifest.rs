//! The manifest, `bottle.yaml`: what a person wrote, read strictly into types that cannot be
//! wrong. Every fault is reported at once, with its line and column, and nothing is created.

mod fault;

use std::collections::BTreeMap;
use std::path::PathBuf;

use compose_render::{HostPattern, ImageRef};
use ipnet::IpNet;

pub(crate) use self::fault::{Fault, Faults, Position};

/// A manifest that was read without a fault.
#[derive(Clone, Debug)]
pub(crate) struct Manifest {
    /// Where it came from, as a person would say it: a path, or `the built-in manifest`.
    pub origin: Origin,
    pub agents: BTreeMap<String, Agent>,
    pub bottles: BTreeMap<String, Bottle>,
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
    pub runtime: Runtime,
}

/// What the agent's container is made of.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) enum Image {
    /// The agent image of ours.
    #[default]
    Standard,
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

/// One line of egress's policy: which requests to a host pass, and with which credential.
#[derive(Clone, Debug)]
pub(crate) struct Route {
    pub position: Position,
    pub host: HostPattern,
    /// Upper case; empty means every method.
    pub methods: Vec<String>,
    /// Globs; empty means every path.
    pub paths: Vec<String>,
    pub credential: Option<Credential>,
}

/// A credential by the name of the variable that holds it: the value is in no manifest.
#[derive(Clone, Debug)]
pub(crate) struct Credential {
    pub position: Position,
    pub variable: String,
    pub form: CredentialForm,
}

/// Where in a request the credential stands.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum CredentialForm {
    /// `<name>: <value>`; lower case.
    Header(String),
    /// `authorization: Bearer <value>`.
    Bearer,
    /// `authorization: Basic base64(<user>:<value>)`.
    Basic { user: String },
}

/// pipelock's part of a bottle.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pipelock {
    pub allow: Vec<HostPattern>,
    pub dlp: Action,
    pub responses: ResponseAction,
    /// Private ranges that may be dialled all the same.
    pub ssrf_allow: Vec<IpNet>,
    pub upstream_ca: Vec<UpstreamCa>,
    /// Another data plane that reads upstream's schema.
    pub image: Option<ImageRef>,
}

/// What happens to a request in which a secret was found.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum Action {
    #[default]
    Block,
    Warn,
}

/// What happens to a response in which an injection was found.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum ResponseAction {
    Block,
    Strip,
    #[default]
    Warn,
}

/// A root that upstream certificates may be signed by, besides the well-known ones.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum UpstreamCa {
    /// The host's own roots.
    System,
    /// A PEM file; absolute.
    File(PathBuf),
}

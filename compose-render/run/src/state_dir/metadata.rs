//! What a bottle is, for every later command: `metadata.json`.

use compose_render::{Addresses, ImageRef, Role, Slug};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What is known of a bottle. Fields an older file lacks take their defaults.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Metadata {
    pub slug: Slug,
    /// The agent's name in the manifest; empty where one sidecar runs alone.
    #[serde(default)]
    pub agent: String,
    pub compose_project: String,
    /// RFC 3339, UTC.
    pub created: String,
    /// The launcher that started it.
    #[serde(default)]
    pub pid: u32,
    pub phase: Phase,
    /// Whether it goes on without a launcher.
    #[serde(default)]
    pub detached: bool,
    /// Whether its containers stay until `stop`, whatever happens to the launcher.
    #[serde(default)]
    pub keep: bool,
    #[serde(default)]
    pub manifest_digest: String,
    #[serde(default)]
    pub images: BTreeMap<Role, ImageRef>,
    /// The two subnets, and by them every address.
    #[serde(default)]
    pub addresses: Option<Addresses>,
    /// `copy`, `image`, `mount` or `clone`, with the host's folder.
    #[serde(default)]
    pub workspace: Option<String>,
    #[serde(default)]
    pub workspace_dir: Option<String>,
    /// The name for which a stand-in answers on the uplink.
    #[serde(default)]
    pub stand_in: Option<String>,
    /// The one sidecar that runs alone, where this is no whole bottle.
    #[serde(default)]
    pub standalone: Option<Role>,
    /// The command the agent runs, as typed or from the manifest; no secret is ever in it.
    #[serde(default)]
    pub command: Vec<String>,
    /// How often the policy was applied since the start.
    #[serde(default)]
    pub generation: u64,
    /// How the agent ended.
    #[serde(default)]
    pub exit_code: Option<i32>,
    /// Until when denials were findings, in seconds since 1970.
    #[serde(default)]
    pub observed_until: Option<u64>,
}

/// How far a bottle has come.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Between the claim and the probe.
    Starting,
    /// Up, and proven to hold.
    Running,
    /// Being taken down.
    Stopping,
    /// Gone; what is kept of it lies in its folder.
    Stopped,
}

impl Metadata {
    /// A bottle that begins now.
    pub fn new(slug: &Slug, agent: &str) -> Self {
        Self {
            slug: slug.clone(),
            agent: agent.to_owned(),
            compose_project: slug.project(),
            created: now(),
            pid: std::process::id(),
            phase: Phase::Starting,
            detached: false,
            keep: false,
            manifest_digest: String::new(),
            images: BTreeMap::new(),
            addresses: None,
            workspace: None,
            workspace_dir: None,
            stand_in: None,
            standalone: None,
            command: Vec::new(),
            generation: 0,
            exit_code: None,
            observed_until: None,
        }
    }
}

fn now() -> String {
    let now = time::OffsetDateTime::now_utc();
    // Nothing a clock says in this age is out of this format's range.
    now.format(&time::format_description::well_known::Rfc3339).unwrap_or_default()
}

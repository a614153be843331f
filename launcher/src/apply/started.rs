//! What a bottle was started with and keeps until it ends: where its manifest is, and a digest of
//! each part that no change reaches, so that a person is told which of their edits must wait.

use std::collections::BTreeMap;
use std::path::Path;

use compose_run::{BottleDir, read_plain};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::hex::hex;
use crate::plan::Plan;

/// The file's name in the bottle's folder.
const FILE: &str = "started.json";
const MAX_FILE: u64 = 1 << 20;

/// The parts of a start that stay.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct Started {
    /// Where the manifest came from: an absolute path, or words.
    pub origin: String,
    /// A digest for each part, by the manifest's word for it.
    parts: BTreeMap<String, String>,
}

impl Started {
    /// The part that says which login both the sidecars that go upstream have.
    pub(super) const PROXY_LOGIN: &str = "pipelock.upstream_proxy";
    /// git-gate reads its authorities once; pipelock's follow an edit.
    pub(super) const GATE_CA: &str = "pipelock.upstream_ca for git-gate";

    /// The parts of that plan.
    pub(crate) fn of(plan: &Plan) -> Self {
        let held: Vec<&str> = plan
            .routes
            .iter()
            .flat_map(|route| &route.credentials)
            .map(|credential| credential.variable.as_str())
            .collect();
        let env: Vec<_> =
            plan.env.iter().filter(|(name, _)| !held.contains(&name.as_str())).collect();
        let parts = [
            ("image", format!("{:?}", plan.image)),
            ("resources", format!("{:?}", plan.resources)),
            ("runtime", format!("{:?}", plan.runtime)),
            ("workspace", plan.workspace.mode.as_str().to_owned()),
            // The rules of a repository follow an edit, which ones there are does not.
            ("git", format!("{:?}", plan.git.iter().map(repository).collect::<Vec<_>>())),
            ("env", format!("{env:?}")),
            ("forward_env", format!("{:?}", plan.forwarding)),
            ("pipelock.image", format!("{:?}", plan.pipelock.image)),
            (Self::PROXY_LOGIN, format!("{:?}", plan.pipelock.upstream_credential)),
            (Self::GATE_CA, format!("{:?}", plan.upstream_ca)),
            ("supervise", plan.supervise.to_string()),
            ("command", format!("{:?}", plan.agent.written)),
            ("prompt", format!("{:?}", plan.agent.prompt)),
            ("skills", format!("{:?}", plan.agent.skills)),
        ];
        let digest = |text: String| hex(&Sha256::digest(text.as_bytes()));
        Self {
            origin: absolute(&plan.manifest.origin),
            parts: parts.map(|(name, text)| (name.to_owned(), digest(text))).into(),
        }
    }

    /// Writes it into the bottle's folder.
    pub(crate) fn write(&self, dir: &BottleDir) -> anyhow::Result<()> {
        dir.write(FILE, &serde_json::to_vec(self)?)?;
        Ok(())
    }

    /// What was written at the start; nothing where an older version started it.
    pub(crate) fn read(dir: &BottleDir) -> Option<Self> {
        let bytes = read_plain(dir.path(), Path::new(FILE), MAX_FILE).ok()?;
        serde_json::from_slice(&bytes).ok()
    }

    /// Whether that part is known, and the same in a plan made now.
    pub(super) fn has_same(&self, now: &Self, part: &str) -> bool {
        self.parts.get(part).is_some_and(|then| now.parts.get(part) == Some(then))
    }

    /// The parts in which a plan made now differs.
    pub(crate) fn differing(&self, now: &Self) -> Vec<&str> {
        let differs = |name: &&String| !self.has_same(now, name);
        self.parts.keys().filter(differs).map(String::as_str).collect()
    }
}

fn repository(of: &git_gate::Repository) -> (String, Option<git_gate::Token>) {
    (of.url.to_string(), of.credential.clone())
}

/// A path in full; words stay what they are.
pub(crate) fn absolute(origin: &str) -> String {
    let path = Path::new(origin);
    match path.canonicalize() {
        Ok(full) if path.is_file() => full.display().to_string(),
        Ok(_) | Err(_) => origin.to_owned(),
    }
}

//! What is about to be changed, written down first.

use std::path::Path;

use compose_run::{BottleDir, read_plain};
use serde::{Deserialize, Serialize};

use supervise::Answer;

use super::Config;
use crate::audit::Event;

/// The file's name in the bottle's folder.
const FILE: &str = "apply.json";
/// Larger than two configs.
const MAX_FILE: u64 = 32 << 20;

/// A change that was begun.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Intent {
    pub before: Config,
    pub after: Config,
    pub why: Why,
}

/// Why a policy changes: for the history, the audit and the agent that asked.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Why {
    pub event: Event,
    /// In words.
    pub text: String,
    /// The proposal that is answered by it, with what its agent is told.
    pub answers: Option<Answer>,
}

impl Why {
    /// A change that answers nobody.
    pub(crate) fn new(event: Event, text: impl Into<String>) -> Self {
        Self { event, text: text.into(), answers: None }
    }
}

impl Intent {
    /// Writes it down.
    pub(super) fn write(&self, dir: &BottleDir) -> anyhow::Result<()> {
        dir.write(FILE, &serde_json::to_vec(self)?)?;
        Ok(())
    }

    /// The change that was begun and not ended, where there is one.
    pub(super) fn read(dir: &BottleDir) -> anyhow::Result<Option<Self>> {
        match read_plain(dir.path(), Path::new(FILE), MAX_FILE) {
            Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
            Err(error) if error.is_absent() => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether one was begun and not ended.
    pub(super) fn is_there(dir: &BottleDir) -> bool {
        std::fs::symlink_metadata(dir.path().join(FILE)).is_ok()
    }

    /// It is over.
    pub(super) fn remove(dir: &BottleDir) -> anyhow::Result<()> {
        Ok(dir.remove(&[FILE])?)
    }
}

//! Which refs of an upstream this bottle made: those alone it may force or delete.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use sidecar::replace;

use super::updates::Update;

/// The record, beside its mirror: it outlives the gate's process.
#[derive(Debug)]
pub(super) struct Made {
    path: PathBuf,
    names: BTreeSet<String>,
}

impl Made {
    /// The record of that mirror; none is an empty one.
    pub(super) fn of(mirror: &Path) -> Self {
        let path = mirror.with_extension("made");
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        Self { names: text.lines().map(str::to_owned).collect(), path }
    }

    pub(super) fn holds(&self, name: &str) -> bool {
        self.names.contains(name)
    }

    /// Notes what the upstream took.
    pub(super) fn note(&mut self, updates: &[Update]) -> anyhow::Result<()> {
        let mut changed = false;
        for update in updates {
            changed |= match (update.old_object(), update.new_object()) {
                (None, _) => self.names.insert(update.name.clone()),
                (Some(_), None) => self.names.remove(&update.name),
                (Some(_), Some(_)) => false,
            };
        }
        if !changed {
            return Ok(());
        }
        self.write().context("cannot note which branches this bottle made")
    }

    fn write(&self) -> io::Result<()> {
        let names: Vec<_> = self.names.iter().map(String::as_str).collect();
        replace(&self.path, names.join("\n").as_bytes(), 0o644)
    }
}

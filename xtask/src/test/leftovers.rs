//! Whether a run left containers or networks of ours behind.

use std::collections::BTreeSet;

use anyhow::bail;

use crate::program::Program;

/// What Docker holds of ours: another run on this host may be at work at the same time, so a
/// comparison names only what is new and whose owner has ended.
#[derive(Debug)]
pub(super) struct Leftovers(BTreeSet<String>);

const LABEL: &str = "label=bottle.slug";

impl Leftovers {
    pub(super) fn of_now() -> anyhow::Result<Self> {
        let containers = Program::docker()
            .args(["ps", "--all", "--filter", LABEL, "--format", "container {{.Names}}"])
            .read()?;
        let networks = Program::docker()
            .args(["network", "ls", "--filter", LABEL, "--format", "network {{.Name}}"])
            .read()?;
        Ok(Self(containers.lines().chain(networks.lines()).map(str::to_owned).collect()))
    }

    /// Fails when something is here that was not.
    pub(super) fn compare(&self) -> anyhow::Result<()> {
        let now = Self::of_now()?;
        let new: Vec<_> = now.0.difference(&self.0).cloned().collect();
        if !new.is_empty() {
            bail!("the run left behind: {}", new.join(", "));
        }
        Ok(())
    }
}

//! Whether a run left containers, networks or volumes of ours behind.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::bail;

use crate::program::Program;

const LABEL: &str = "bottle.slug";
/// Another run on this host may be at work at the same time. What is its own goes away with it;
/// what stays this long was left behind.
const PATIENCE: Duration = Duration::from_mins(3);
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The containers, networks and volumes with that label, each with what it is.
pub(crate) fn labelled(label: &str) -> anyhow::Result<Vec<(&'static str, String)>> {
    let filter = format!("label={label}");
    let mut found = Vec::new();
    for (what, list, name) in [
        ("container", ["ps", "--all"].as_slice(), "{{.Names}}"),
        ("network", ["network", "ls"].as_slice(), "{{.Name}}"),
        ("volume", ["volume", "ls"].as_slice(), "{{.Name}}"),
    ] {
        let listed = Program::docker()
            .args(list.iter().copied())
            .args(["--filter", &filter, "--format", name])
            .read()?;
        found.extend(listed.lines().map(|name| (what, name.to_owned())));
    }
    Ok(found)
}

/// What Docker holds of ours.
#[derive(Debug)]
pub(crate) struct Leftovers(BTreeSet<String>);

impl Leftovers {
    /// Of every bottle on this host.
    pub(crate) fn of_now() -> anyhow::Result<Self> {
        Self::of_bottles("")
    }

    /// Of the bottles whose names begin so.
    pub(crate) fn of_bottles(stem: &str) -> anyhow::Result<Self> {
        let found = labelled(LABEL)?.into_iter().filter(|(_, name)| {
            stem.is_empty() || name.strip_prefix("bottle-").is_some_and(|at| at.starts_with(stem))
        });
        Ok(Self(found.map(|(what, name)| format!("{what} {name}")).collect()))
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    /// Fails when something stays that was not here before.
    pub(crate) fn compare(&self) -> anyhow::Result<()> {
        let began = Instant::now();
        let mut new = Self::of_now()?.0;
        new.retain(|name| !self.0.contains(name));
        while !new.is_empty() && began.elapsed() < PATIENCE {
            std::thread::park_timeout(LOOK_EVERY);
            let now = Self::of_now()?.0;
            new.retain(|name| now.contains(name));
        }
        if !new.is_empty() {
            bail!("the run left behind: {}", new.into_iter().collect::<Vec<_>>().join(", "));
        }
        Ok(())
    }

    /// Fails when there is anything at all.
    pub(crate) fn none(&self) -> anyhow::Result<()> {
        if !self.0.is_empty() {
            let names = self.0.iter().map(String::as_str).collect::<Vec<_>>();
            bail!("left behind: {}", names.join(", "));
        }
        Ok(())
    }
}

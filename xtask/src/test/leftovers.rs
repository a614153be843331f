//! Whether a run left containers, networks or volumes of ours behind.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::bail;

use crate::program::Program;

const LABEL: &str = "label=bottle.slug";
/// Another run on this host may be at work at the same time. What is its own goes away with it;
/// what stays this long was left behind.
const PATIENCE: Duration = Duration::from_mins(3);
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What Docker holds of ours.
#[derive(Debug)]
pub(super) struct Leftovers(BTreeSet<String>);

impl Leftovers {
    pub(super) fn of_now() -> anyhow::Result<Self> {
        let mut found = BTreeSet::new();
        for (what, list, name) in [
            ("container", ["ps", "--all"].as_slice(), "{{.Names}}"),
            ("network", ["network", "ls"].as_slice(), "{{.Name}}"),
            ("volume", ["volume", "ls"].as_slice(), "{{.Name}}"),
        ] {
            let listed = Program::docker()
                .args(list.iter().copied())
                .args(["--filter", LABEL, "--format", name])
                .read()?;
            found.extend(listed.lines().map(|name| format!("{what} {name}")));
        }
        Ok(Self(found))
    }

    /// Fails when something stays that was not here before.
    pub(super) fn compare(&self) -> anyhow::Result<()> {
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
}

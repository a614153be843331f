//! The most memory that the gate's processes hold while something runs: ours, git's and gitleaks'.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::program::Program;

const EVERY: Duration = Duration::from_millis(20);

/// What was seen at most, in KiB.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Watched {
    /// The server and its hook together.
    pub(super) own: u64,
    /// All of git's processes together.
    pub(super) git: u64,
    pub(super) gitleaks: u64,
}

impl Watched {
    pub(super) fn add(&mut self, other: &Self) {
        self.own = self.own.max(other.own);
        self.git = self.git.max(other.git);
        self.gitleaks = self.gitleaks.max(other.gitleaks);
    }
}

/// Does it, and looks at the container's processes meanwhile.
#[expect(clippy::disallowed_methods, reason = "memory is looked at again and again")]
pub(super) fn while_<T>(container: &str, work: impl FnOnce() -> T) -> anyhow::Result<(T, Watched)> {
    let format = "{{.State.Pid}}";
    let first = Program::docker().args(["inspect", "--format", format, container]).read()?;
    let namespace = fs_err::read_link(format!("/proc/{first}/ns/pid"))?;
    let over = AtomicBool::new(false);
    Ok(std::thread::scope(|scope| {
        let watching = scope.spawn(|| {
            let mut seen = Watched::default();
            while !over.load(Ordering::Relaxed) {
                seen.add(&now(&namespace));
                std::thread::sleep(EVERY);
            }
            seen
        });
        let done = work();
        over.store(true, Ordering::Relaxed);
        (done, watching.join().unwrap_or_default())
    }))
}

/// The resident memory of that namespace's processes, by program.
fn now(namespace: &std::path::Path) -> Watched {
    let mut by_name: BTreeMap<String, u64> = BTreeMap::new();
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let folder = entry.path();
        if std::fs::read_link(folder.join("ns/pid")).is_ok_and(|at| at == namespace)
            && let Ok(text) = std::fs::read_to_string(folder.join("status"))
        {
            let field = |name: &str| {
                let line = text.lines().find_map(|line| line.strip_prefix(name))?;
                Some(line.trim().to_owned())
            };
            let name = field("Name:").unwrap_or_default();
            // It lives for a moment, and may be seen at its beginning alone or at its end.
            let which = if name == "gitleaks" { "VmHWM:" } else { "VmRSS:" };
            let resident = field(which).and_then(|text| text.split(' ').next()?.parse().ok());
            *by_name.entry(name).or_default() += resident.unwrap_or(0);
        }
    }
    let of = |names: &[&str]| -> u64 {
        let ours = by_name.iter().filter(|(name, _)| names.iter().any(|one| name.starts_with(one)));
        ours.map(|(_, kib)| kib).sum()
    };
    Watched {
        own: of(&["git-gate", "pre-receive"]),
        git: of(&["git"]).saturating_sub(of(&["git-gate", "gitleaks"])),
        gitleaks: of(&["gitleaks"]),
    }
}

//! What bottles take of this host's memory, in bytes, read from the kernel.

use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::program::Program;

/// The engine's own processes.
const ENGINE: [&str; 2] = ["dockerd", "containerd"];

/// What the containers of some bottles take.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Memory {
    pub(super) containers: usize,
    /// Their control groups' use, without file pages that the kernel may drop at any time.
    pub(super) inside: u64,
    /// The proportional share of the processes on the host that hold them.
    pub(super) holders: u64,
}

impl Memory {
    /// Of the containers whose bottles' names begin so.
    pub(super) fn of_bottles(stem: &str) -> anyhow::Result<Self> {
        let name = format!("name=^/bottle-{stem}");
        let listed = Program::docker().args(["ps", "--quiet", "--filter", &name]).read()?;
        let mut memory = Self::default();
        if listed.is_empty() {
            return Ok(memory);
        }
        let pids = Program::docker()
            .args(["inspect", "--format", "{{.State.Pid}}"])
            .args(listed.lines())
            .read()?;
        for pid in pids.lines() {
            let process = Path::new("/proc").join(pid);
            memory.containers += 1;
            memory.inside += of_control_group(&process)?;
            memory.holders += proportional(&parent(&process)?);
        }
        Ok(memory)
    }
}

/// The proportional share of the engine's own processes, wherever they are on this host.
pub(super) fn of_engine() -> u64 {
    let all = fs_err::read_dir("/proc").into_iter().flatten().flatten();
    all.map(|entry| entry.path())
        .filter(|process| {
            let name = fs_err::read_to_string(process.join("comm")).unwrap_or_default();
            ENGINE.contains(&name.trim())
        })
        .map(|process| proportional(&process))
        .sum()
}

fn parent(process: &Path) -> anyhow::Result<PathBuf> {
    let status = fs_err::read_to_string(process.join("status"))?;
    let parent = status.lines().find_map(|line| line.strip_prefix("PPid:"));
    Ok(Path::new("/proc").join(parent.context("a process without a parent")?.trim()))
}

/// One that has ended, or is another's, takes nothing that could be told.
fn proportional(process: &Path) -> u64 {
    let rollup = fs_err::read_to_string(process.join("smaps_rollup")).unwrap_or_default();
    let kilobytes = rollup.lines().find_map(|line| line.strip_prefix("Pss:"));
    kilobytes.and_then(|text| text.trim().strip_suffix(" kB")?.parse().ok()).unwrap_or(0) * 1024
}

/// Both kinds of control groups tell the same under different names.
fn of_control_group(process: &Path) -> anyhow::Result<u64> {
    let groups = fs_err::read_to_string(process.join("cgroup"))?;
    let (folder, used, droppable) = places(&groups).context("a container without a group")?;
    let used: u64 = fs_err::read_to_string(folder.join(used))?.trim().parse()?;
    let stat = fs_err::read_to_string(folder.join("memory.stat"))?;
    let line = stat.lines().find_map(|line| line.strip_prefix(droppable)?.strip_prefix(' '));
    let droppable: u64 = line.and_then(|line| line.parse().ok()).unwrap_or(0);
    Ok(used.saturating_sub(droppable))
}

/// The group's folder, its file that tells the use, and the line of what can be dropped.
fn places(groups: &str) -> Option<(PathBuf, &'static str, &'static str)> {
    let root = Path::new("/sys/fs/cgroup");
    let of = |controller: &str| {
        groups.lines().find_map(|line| {
            let (_, rest) = line.split_once(':')?;
            let (controllers, path) = rest.split_once(':')?;
            (controllers == controller).then(|| path.trim_start_matches('/').to_owned())
        })
    };
    let first = of("memory").map(|path| {
        (root.join("memory").join(path), "memory.usage_in_bytes", "total_inactive_file")
    });
    first.or_else(|| of("").map(|path| (root.join(path), "memory.current", "inactive_file")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_group_of_either_kind() {
        let first = "9:pids:/docker/a\n8:memory:/docker/a\n0::/system.slice";
        let (folder, used, _) = places(first).unwrap();
        assert_eq!(folder, Path::new("/sys/fs/cgroup/memory/docker/a"));
        assert_eq!(used, "memory.usage_in_bytes");
        let (folder, used, _) = places("0::/system.slice/docker-a.scope\n").unwrap();
        assert_eq!(folder, Path::new("/sys/fs/cgroup/system.slice/docker-a.scope"));
        assert_eq!(used, "memory.current");
        assert!(places("").is_none());
    }

    #[test]
    fn a_process_of_ones_own_takes_something() {
        assert!(proportional(Path::new("/proc/self")) > 0);
        assert!(parent(Path::new("/proc/self")).is_ok());
    }
}

//! The files of a mounted folder that the host acts on by itself: how they were before the agent
//! came, so that a person hears afterwards which of them are others.

use std::collections::BTreeMap;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Component, Path, PathBuf};

use anyhow::Context as _;
use compose_run::{read_plain, replace};
use ignore::WalkBuilder;
use serde::{Deserialize, Serialize};

use super::executed;

/// The record's file, in a bottle's folder.
const FILE: &str = "watched.json";

/// A folder of more than this is not looked through: the look would take longer than the start.
const MOST: usize = 300_000;

const LIMIT: u64 = 256 << 20;

/// Those files, by their path in the folder.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct Watched {
    files: BTreeMap<String, Mark>,
    /// Whether all of the folder was looked through.
    whole: bool,
}

/// What is another one after every change: nobody in a bottle can set the time of it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
struct Mark {
    inode: u64,
    size: u64,
    changed: (i64, i64),
    why: String,
}

/// A file that is not as it was, and what acts on it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Altered {
    pub path: PathBuf,
    pub why: String,
}

impl Watched {
    /// Looks through the folder. Links are not followed.
    pub(crate) fn look(folder: &Path) -> Self {
        let mut watched = Self { files: BTreeMap::new(), whole: true };
        let mut walk = WalkBuilder::new(folder);
        walk.standard_filters(false).follow_links(false);
        let inner = |entry: &ignore::DirEntry| !is_history(entry.path());
        for (seen, entry) in walk.filter_entry(inner).build().flatten().enumerate() {
            if seen > MOST {
                watched.whole = false;
                break;
            }
            let Ok(path) = entry.path().strip_prefix(folder) else { continue };
            let Ok(metadata) = std::fs::symlink_metadata(entry.path()) else { continue };
            if metadata.is_dir() {
                continue;
            }
            let executable = metadata.is_file() && metadata.permissions().mode() & 0o111 != 0;
            let Some(why) = executed::by(path, executable) else { continue };
            let mark = Mark {
                inode: metadata.ino(),
                size: metadata.size(),
                changed: (metadata.ctime(), metadata.ctime_nsec()),
                why: why.to_owned(),
            };
            watched.files.insert(path.to_string_lossy().into_owned(), mark);
        }
        watched
    }

    /// Writes it into the bottle's folder.
    pub(crate) fn save(&self, bottle: &Path) -> anyhow::Result<()> {
        let text = serde_json::to_vec(self).context("cannot describe the workspace")?;
        let path = bottle.join(FILE);
        replace(&path, &text, 0o600).with_context(|| format!("cannot write `{}`", path.display()))
    }

    /// Reads it; `None` where there is none.
    pub(crate) fn load(bottle: &Path) -> anyhow::Result<Option<Self>> {
        match read_plain(bottle, Path::new(FILE), LIMIT) {
            Ok(bytes) => {
                serde_json::from_slice(&bytes).with_context(|| format!("cannot read `{FILE}`"))
            }
            Err(error) if error.is_absent() => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether all of the folder was looked through.
    pub(crate) fn is_whole(&self) -> bool {
        self.whole
    }

    /// What is there now and was not, or was another.
    pub(crate) fn altered(&self, now: &Self) -> Vec<Altered> {
        let other = now.files.iter().filter(|(path, mark)| self.files.get(*path) != Some(*mark));
        other
            .map(|(path, mark)| Altered { path: PathBuf::from(path), why: mark.why.clone() })
            .collect()
    }
}

/// What of a `.git` names programs, or says where something that does is.
const NAMES_PROGRAMS: &[&str] = &[
    "config",
    "config.worktree",
    "hooks",
    "commondir",
    "gitdir",
    "modules",
    "worktrees",
    "rebase-merge",
    "rebase-apply",
    "sequencer",
    "info",
];

/// Whether it lies in a `.git` and git on the host takes no orders from it: commits are the
/// agent's work.
fn is_history(path: &Path) -> bool {
    let mut parts = path.components().map(Component::as_os_str);
    if !parts.any(|part| part.eq_ignore_ascii_case(".git")) {
        return false;
    }
    parts.next().is_some_and(|part| !NAMES_PROGRAMS.iter().any(|name| part == *name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(folder: &Path, name: &str, mode: u32) {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        replace(&path, b"x", mode).unwrap();
    }

    #[test]
    fn i3_tells_what_the_host_acts_on_and_is_another_than_before() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        for name in ["Makefile", "src/lib.rs", "package.json", ".git/config", ".git/HEAD"] {
            write(at, name, 0o644);
        }
        let bottle = tempfile::tempdir().unwrap();
        assert_eq!(Watched::load(bottle.path()).unwrap(), None);
        Watched::look(at).save(bottle.path()).unwrap();
        let before = Watched::load(bottle.path()).unwrap().unwrap();
        assert!(before.is_whole());
        assert_eq!(before.altered(&Watched::look(at)), []);

        for (name, mode) in [
            ("Makefile", 0o644),
            ("src/lib.rs", 0o644),
            (".vscode/tasks.json", 0o644),
            ("tool", 0o755),
            (".git/HEAD", 0o644),
            ("sub/.git/hooks/pre-push", 0o755),
            ("sub/.git/commondir", 0o644),
            ("sub/.git/objects/aa", 0o644),
        ] {
            write(at, name, mode);
        }
        let altered = before.altered(&Watched::look(at));
        let paths: Vec<_> = altered.iter().map(|at| at.path.to_str().unwrap()).collect();
        assert_eq!(
            paths,
            [
                ".vscode/tasks.json",
                "Makefile",
                "sub/.git/commondir",
                "sub/.git/hooks/pre-push",
                "tool"
            ]
        );
        assert_eq!(altered[1].why, "make runs it");
    }
}

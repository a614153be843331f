//! `.git/commondir`: whoever can make this file says where the host's git finds hooks and settings.
//!
//! A repository has none, so nothing that is there could be made read-only. While the folder is
//! mounted there is one that says "here", which changes nothing for git; it is mounted read-only and
//! taken away with the last bottle that works on that repository.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Read};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use compose_run::{StateDir, read_plain, replace};
use serde::{Deserialize, Serialize};

use crate::plan::WorkspacePlan;

/// The file that git reads.
pub(super) const NAME: &str = "commondir";
/// The repository itself.
const HERE: &[u8] = b".\n";
/// The record's file, in a bottle's folder.
const RECORD: &str = "seal.json";
const LIMIT: u64 = 64 << 10;

/// Which file it is, and whether a bottle made it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
struct Seal {
    path: PathBuf,
    made: bool,
}

/// Sees to it that the file is there before it is mounted.
pub(crate) fn seal(plan: &WorkspacePlan, bottle: &Path, state: &StateDir) -> anyhow::Result<()> {
    let named = |path: &&PathBuf| path.file_name().is_some_and(|name| name == NAME);
    let Some(path) = plan.mounts.iter().map(|mount| &mount.host).find(named) else {
        return Ok(());
    };
    let others = others(bottle, state);
    let made = !path.exists() || others.iter().any(|other| other.path == *path && other.made);
    let seal = Seal { path: path.clone(), made };
    // Written down first: what is made is found again, whatever happens in between.
    let record = bottle.join(RECORD);
    let text = serde_json::to_vec(&seal).context("cannot describe the seal")?;
    replace(&record, &text, 0o600)
        .with_context(|| format!("cannot write `{}`", record.display()))?;
    make(path).with_context(|| format!("cannot write `{}`", path.display()))
}

/// Takes it away where a bottle made it and no other needs it.
pub(crate) fn unseal(bottle: &Path, state: &StateDir) -> anyhow::Result<()> {
    let Some(seal) = load(bottle) else { return Ok(()) };
    let needed = others(bottle, state).iter().any(|other| other.path == seal.path);
    if seal.made && !needed && is_ours(&seal.path) {
        std::fs::remove_file(&seal.path)
            .with_context(|| format!("cannot remove `{}`", seal.path.display()))?;
    }
    std::fs::remove_file(bottle.join(RECORD)).context("cannot remove the seal's record")
}

/// A regular file, never through a link, of whoever the repository is of. One that could not be
/// finished goes again: to git an empty one is an error.
fn make(path: &Path) -> std::io::Result<()> {
    make_with(path, HERE)
}

fn make_with(path: &Path, mut text: impl Read) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o644).custom_flags(nix::libc::O_NOFOLLOW);
    let mut file = match options.open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => return Ok(()),
        Err(error) => return Err(error),
    };
    let mut finish = || {
        std::io::copy(&mut text, &mut file)?;
        let folder = std::fs::metadata(path.parent().unwrap_or(path))?;
        if folder.uid() != file.metadata()?.uid() {
            std::os::unix::fs::fchown(&file, Some(folder.uid()), Some(folder.gid()))?;
        }
        Ok(())
    };
    finish().inspect_err(|_| {
        // The disk's first error is the one to tell.
        drop(std::fs::remove_file(path));
    })
}

/// Whether it says what ours says.
pub(super) fn is_ours(path: &Path) -> bool {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else { return false };
    read_plain(folder, Path::new(name), LIMIT).is_ok_and(|bytes| bytes == HERE)
}

fn load(bottle: &Path) -> Option<Seal> {
    serde_json::from_slice(&read_plain(bottle, Path::new(RECORD), LIMIT).ok()?).ok()
}

/// The seals of the other bottles.
fn others(bottle: &Path, state: &StateDir) -> Vec<Seal> {
    let bottles = state.bottles().unwrap_or_default();
    let folders = bottles.iter().map(|other| other.dir.path());
    folders.filter(|folder| *folder != bottle).filter_map(load).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use compose_render::Mount;

    use super::*;
    use crate::bottles::tests::{folder_of, state};
    use crate::manifest::WorkspaceMode;

    #[test]
    fn h6_the_last_bottle_takes_its_own_seal_away_and_nobody_elses() {
        let (root, state) = state();
        let [one, two] = ["one", "two"].map(|name| folder_of(&state, name).path().to_owned());
        let path = root.path().join(NAME);
        let mount = Mount { host: path.clone(), guest: format!("/x/{NAME}"), writable: false };
        let plan = WorkspacePlan {
            mode: WorkspaceMode::Mount,
            source: root.path().to_owned(),
            include: Vec::new(),
            mounts: vec![mount],
        };
        seal(&plan, &one, &state).unwrap();
        seal(&plan, &two, &state).unwrap();
        assert_eq!(fs::read(&path).unwrap(), HERE);
        unseal(&one, &state).unwrap();
        assert!(path.is_file(), "the other bottle works there still");
        unseal(&one, &state).unwrap();
        unseal(&two, &state).unwrap();
        assert!(!path.exists());

        replace(&path, HERE, 0o644).unwrap();
        seal(&plan, &one, &state).unwrap();
        unseal(&one, &state).unwrap();
        assert!(path.is_file(), "it was there before");
    }

    #[test]
    fn h6_what_could_not_be_written_whole_is_not_left_in_the_repository() {
        struct Full;
        impl Read for Full {
            fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
                Err(ErrorKind::StorageFull.into())
            }
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(NAME);
        let error = make_with(&path, Full).unwrap_err();
        assert_eq!((error.kind(), path.exists()), (ErrorKind::StorageFull, false));
        // What somebody else has there stays.
        replace(&path, b"elsewhere", 0o644).unwrap();
        make_with(&path, Full).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"elsewhere");
    }
}

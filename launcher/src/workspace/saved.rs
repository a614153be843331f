//! Reads a saved workspace, which an agent made: every name and size is taken for hostile.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Component, Path, PathBuf};

use anyhow::{Context as _, bail};
use compose_render::contract;
use tar::EntryType;

/// More entries than this no workspace has.
const MAX_ENTRIES: usize = 2_000_000;

/// The longest name, and the most that is said of one entry besides: it is read into memory.
const MAX_SAID: u64 = 1 << 20;

/// What an entry is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    Folder,
    File {
        executable: bool,
        size: u64,
    },
    Link(PathBuf),
    /// A device, a hard link, a pipe: nothing that is packed by us, and never taken.
    Odd,
}

/// One entry of the workspace.
#[derive(Debug)]
pub(super) struct Saved {
    /// Relative to the workspace, of plain parts alone.
    pub path: PathBuf,
    pub kind: Kind,
}

/// Calls `each` for every entry of the workspace in the archive, with its contents.
///
/// Returns how many were passed over because their names leave the workspace.
pub(super) fn read(
    archive: &Path,
    mut each: impl FnMut(Saved, &mut dyn Read) -> anyhow::Result<()>,
) -> anyhow::Result<usize> {
    let open =
        || File::open(archive).with_context(|| format!("cannot open `{}`", archive.display()));
    check_names(open()?).with_context(|| format!("`{}` is no whole archive", archive.display()))?;
    let file = open()?;
    let mut tar = tar::Archive::new(BufReader::with_capacity(256 << 10, file));
    let broken = || format!("`{}` is no whole archive", archive.display());
    let mut odd_names = 0;
    for (count, entry) in tar.entries().with_context(broken)?.enumerate() {
        if count == MAX_ENTRIES {
            bail!("`{}` has more than {MAX_ENTRIES} entries", archive.display());
        }
        let mut entry = entry.with_context(broken)?;
        let name = entry.path().with_context(broken)?.into_owned();
        let Ok(path) = name.strip_prefix(contract::WORKSPACE_DIR.trim_start_matches('/')) else {
            // The agent's conversation.
            continue;
        };
        if !path.components().all(|part| matches!(part, Component::Normal(_))) {
            odd_names += 1;
            continue;
        }
        let header = entry.header();
        let mode = header.mode().unwrap_or(0);
        let kind = match header.entry_type() {
            EntryType::Directory => Kind::Folder,
            EntryType::Regular | EntryType::Continuous => {
                Kind::File { executable: mode & 0o111 != 0, size: entry.size() }
            }
            EntryType::Symlink => {
                let target = entry.link_name().with_context(broken)?.with_context(broken)?;
                Kind::Link(target.into_owned())
            }
            _ => Kind::Odd,
        };
        each(Saved { path: path.to_owned(), kind }, &mut entry)?;
    }
    Ok(odd_names)
}

/// Names and whatever else describes an entry lie in the archive as entries of their own, which the
/// reader takes into memory whole: an agent must not say how much that is.
fn check_names(file: File) -> anyhow::Result<()> {
    let mut tar = tar::Archive::new(file);
    for entry in tar.entries_with_seek()?.raw(true) {
        let entry = entry?;
        let describes = matches!(
            entry.header().entry_type(),
            EntryType::GNULongName
                | EntryType::GNULongLink
                | EntryType::XHeader
                | EntryType::XGlobalHeader
        );
        if describes && entry.size() > MAX_SAID {
            bail!("a name in it has {} bytes", entry.size());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn i2_a_name_that_never_ends_is_not_read() {
        for kind in [EntryType::GNULongName, EntryType::GNULongLink, EntryType::XHeader] {
            let mut header = tar::Header::new_gnu();
            header.set_entry_type(kind);
            header.set_path("workspace/x").unwrap();
            header.set_size(MAX_SAID + 1);
            header.set_cksum();
            let mut file = tempfile::NamedTempFile::new().unwrap();
            let rest = vec![b'a'; usize::try_from(MAX_SAID).unwrap() + 512];
            std::io::Write::write_all(&mut file, header.as_bytes()).unwrap();
            std::io::Write::write_all(&mut file, &rest).unwrap();
            let refused = read(file.path(), |_, _| Ok(())).unwrap_err();
            assert!(format!("{refused:#}").contains("a name in it has"), "{refused:#}");
        }
        compose_testkit::told("a name of more than a MiB in workspace.tar", "refused unread");
    }
}

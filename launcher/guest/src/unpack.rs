//! Takes what the launcher brings into a new bottle: a tar stream of the workspace and the home.

use std::io::{self, Read};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use anyhow::{Context as _, bail};

/// Unpacks the stream on stdin below `/`. Names are relative; whatever leaves `/workspace` and the
/// agent's home would meet the permissions of a process without rights.
pub(crate) fn from_stdin() -> anyhow::Result<()> {
    unpack(io::stdin().lock(), Path::new("/"))
}

fn unpack(stream: impl Read, root: &Path) -> anyhow::Result<()> {
    let mut archive = tar::Archive::new(stream);
    archive.set_preserve_permissions(true);
    archive.set_preserve_mtime(true);
    archive.set_overwrite(true);
    // A saved workspace is an archive of its own, and the settings come after it.
    archive.set_ignore_zeros(true);
    for entry in archive.entries().context("cannot read the stream")? {
        let mut entry = entry.context("cannot read the stream")?;
        let name = entry.path().context("an entry has no name")?.into_owned();
        if entry.header().entry_type().is_dir() && is_of_others(&root.join(&name)) {
            continue;
        }
        let written = entry
            .unpack_in(root)
            .with_context(|| format!("cannot write `{}`", root.join(&name).display()))?;
        if !written {
            bail!("`{}` would lie outside", name.display());
        }
    }
    Ok(())
}

/// Whether that folder is there and another's, as the workspace is in an image that does not know
/// the agent: it was made fit for us, and only its owner could do that again.
fn is_of_others(folder: &Path) -> bool {
    std::fs::symlink_metadata(folder)
        .is_ok_and(|meta| meta.is_dir() && meta.uid() != nix::unistd::geteuid().as_raw())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn archive(name: &[u8], contents: &[u8]) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        // By hand: the builder would refuse a name that leaves.
        header.as_gnu_mut().unwrap().name[..name.len()].copy_from_slice(name);
        header.set_size(contents.len() as u64);
        header.set_mode(0o640);
        header.set_cksum();
        builder.append(&header, contents).unwrap();
        builder.into_inner().unwrap()
    }

    #[test]
    fn writes_what_the_stream_holds() {
        let dir = tempfile::tempdir().unwrap();
        unpack(archive(b"workspace/a", b"hello").as_slice(), dir.path()).unwrap();
        assert_eq!(std::fs::read(dir.path().join("workspace/a")).unwrap(), b"hello");
    }

    #[test]
    fn a_folder_of_ones_own_is_none_of_others() {
        let dir = tempfile::tempdir().unwrap();
        assert!(!is_of_others(dir.path()));
        assert!(!is_of_others(&dir.path().join("absent")));
    }

    #[test]
    fn refuses_a_name_that_leaves() {
        let dir = tempfile::tempdir().unwrap();
        let error = unpack(archive(b"../a", b"x").as_slice(), dir.path()).unwrap_err();
        assert_eq!(error.to_string(), "`../a` would lie outside");
    }
}

//! A Dockerfile of the user's: built from exactly the files that are in its image's name.

use std::fs::{self, File};
use std::io::{self, Read as _, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::thread;

use anyhow::{Context as _, bail};
use compose_render::{ImageRef, content_hash};
use sha2::{Digest as _, Sha256};
use tar::{EntryType, Header};

use super::Builder;

/// A larger context is most likely not meant.
const LIMIT: u64 = 1 << 30;

/// The image's name: the hash of the files in the Dockerfile's folder, `.git` aside.
pub(super) fn name(dockerfile: &Path) -> anyhow::Result<ImageRef> {
    let mut sha = HashingSink(Sha256::new());
    pack(folder(dockerfile)?, &mut sha)?;
    let digest = sha.0.finalize();
    let file = file_name(dockerfile)?;
    Ok(ImageRef::local("custom", &content_hash([file.as_bytes(), digest.as_slice()])))
}

/// Builds it. The files go as one stream, symlinks as symlinks: nothing outside the folder is read.
pub(super) fn build(
    builder: &Builder<'_>,
    dockerfile: &Path,
    name: &ImageRef,
) -> anyhow::Result<()> {
    (builder.tell)(&format!("building `{}`", dockerfile.display()));
    let (reader, writer) = io::pipe().context("no pipe")?;
    let folder = folder(dockerfile)?.to_owned();
    let packing = thread::spawn(move || pack(&folder, writer));
    let file = file_name(dockerfile)?;
    let built = builder.docker_build(name, &["--file", file]).input_from(reader).run();
    let packed = packing.join().unwrap_or_else(|_| bail!("packing the folder panicked"));
    built.with_context(|| format!("cannot build `{}`", dockerfile.display()))?;
    packed
}

fn folder(dockerfile: &Path) -> anyhow::Result<&Path> {
    dockerfile.parent().with_context(|| format!("`{}` has no folder", dockerfile.display()))
}

fn file_name(dockerfile: &Path) -> anyhow::Result<&str> {
    let name = dockerfile.file_name().and_then(|name| name.to_str());
    name.with_context(|| format!("`{}` is no file name", dockerfile.display()))
}

/// The folder as a tar stream whose bytes follow from names, modes and contents alone.
fn pack(folder: &Path, out: impl Write) -> anyhow::Result<()> {
    let mut archive = tar::Builder::new(out);
    let mut room = LIMIT;
    let mut open: Vec<PathBuf> = vec![folder.to_owned()];
    while let Some(path) = open.pop() {
        let meta = fs::symlink_metadata(&path)
            .with_context(|| format!("cannot read `{}`", path.display()))?;
        let relative = path.strip_prefix(folder).unwrap_or(&path);
        let mut header = Header::new_gnu();
        header.set_mode(meta.permissions().mode() & 0o777);
        header.set_size(0);
        if meta.is_dir() {
            let mut below = fs::read_dir(&path)?
                .map(|entry| entry.map(|entry| entry.path()))
                .collect::<Result<Vec<_>, _>>()?;
            below.retain(|path| path.file_name().is_none_or(|name| name != ".git"));
            below.sort_unstable_by(|a, b| b.cmp(a));
            open.extend(below);
            if !relative.as_os_str().is_empty() {
                header.set_entry_type(EntryType::Directory);
                archive.append_data(&mut header, relative, io::empty())?;
            }
        } else if meta.is_symlink() {
            header.set_entry_type(EntryType::Symlink);
            archive.append_link(&mut header, relative, fs::read_link(&path)?)?;
        } else if meta.is_file() {
            let Some(left) = room.checked_sub(meta.len()) else {
                bail!("the folder `{}` holds more than {LIMIT} bytes", folder.display());
            };
            room = left;
            header.set_size(meta.len());
            let contents = File::open(&path)?.take(meta.len());
            archive.append_data(&mut header, relative, contents)?;
        }
    }
    archive.into_inner()?.flush()?;
    Ok(())
}

struct HashingSink(Sha256);

impl Write for HashingSink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use compose_run::replace;

    #[test]
    fn the_name_follows_every_file_of_the_folder() {
        let dir = tempfile::tempdir().unwrap();
        let dockerfile = dir.path().join("Dockerfile");
        replace(&dockerfile, b"FROM scratch\n", 0o644).unwrap();
        let before = name(&dockerfile).unwrap();
        assert_eq!(name(&dockerfile).unwrap(), before);
        replace(&dir.path().join("tool"), b"x", 0o755).unwrap();
        let after = name(&dockerfile).unwrap();
        assert_ne!(after, before);
        fs::create_dir(dir.path().join(".git")).unwrap();
        replace(&dir.path().join(".git/HEAD"), b"x", 0o644).unwrap();
        assert_eq!(name(&dockerfile).unwrap(), after);
    }
}

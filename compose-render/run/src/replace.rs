//! Atomic replacement of a file: the one place that writes files others may read.

use crate::Owner;
use nix::unistd::{Gid, Uid, fchown};
use std::{
    fs::{File, Permissions},
    io::{self, Write as _},
    os::unix::fs::PermissionsExt as _,
    path::Path,
};
use tempfile::Builder;

/// Replaces `path` in one step: a reader sees the old file or the new one, never half of each.
///
/// Mode and owner are set before the first byte, so a key is never readable on the way; file and
/// folder are synced, so that it is there after a crash. A link in place of the file is replaced,
/// never followed.
pub fn replace(path: &Path, contents: &[u8], mode: u32) -> io::Result<()> {
    replace_owned(path, contents, mode, Owner::host())
}

/// The same for a file that belongs to somebody else, a sidecar's uid where we are root.
pub fn replace_owned(path: &Path, contents: &[u8], mode: u32, owner: Owner) -> io::Result<()> {
    let failed = |source: io::Error| {
        io::Error::new(source.kind(), format!("cannot write `{}`: {source}", path.display()))
    };
    stage(path, mode, owner, |file| file.write_all(contents)).map_err(failed)
}

/// The same for contents that come as a stream: nothing has the name until all of it is there.
pub fn replace_with<E: From<io::Error>>(
    path: &Path,
    mode: u32,
    write: impl FnOnce(&mut File) -> Result<(), E>,
) -> Result<(), E> {
    stage(path, mode, Owner::host(), write)
}

fn stage<E: From<io::Error>>(
    path: &Path,
    mode: u32,
    owner: Owner,
    write: impl FnOnce(&mut File) -> Result<(), E>,
) -> Result<(), E> {
    let dir = path.parent().ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
    // Made with 0600; a drop before the rename removes it, so a full disk leaves the old file.
    let mut staged = Builder::new().prefix(".staged-").tempfile_in(dir)?;
    if owner != Owner::host() {
        let (uid, gid) = (Uid::from_raw(owner.uid), Gid::from_raw(owner.gid));
        fchown(staged.as_file(), Some(uid), Some(gid)).map_err(io::Error::from)?;
    }
    staged.as_file().set_permissions(Permissions::from_mode(mode))?;
    write(staged.as_file_mut())?;
    staged.as_file().sync_all()?;
    staged.persist(path).map_err(|error| error.error)?;
    Ok(File::open(dir)?.sync_all()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        fs, os::unix::fs::symlink, sync::atomic::AtomicBool, sync::atomic::Ordering, thread,
    };

    #[test]
    fn a_reader_sees_the_old_file_or_the_new_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("policy");
        let versions = ["a".repeat(200_000), "b".repeat(100_000)];
        replace(&path, versions[0].as_bytes(), 0o600).unwrap();
        let done = AtomicBool::new(false);
        thread::scope(|scope| {
            let reader = scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    let seen = fs::read_to_string(&path).unwrap();
                    assert!(versions.contains(&seen), "{} bytes", seen.len());
                }
            });
            for turn in 0..40 {
                replace(&path, versions[turn % 2].as_bytes(), 0o600).unwrap();
            }
            done.store(true, Ordering::Relaxed);
            reader.join().unwrap();
        });
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing staged is left");
    }

    #[test]
    fn the_mode_is_exact_and_a_link_is_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let (path, other) = (dir.path().join("key"), dir.path().join("other"));
        replace(&other, b"other", 0o644).unwrap();
        symlink(&other, &path).unwrap();
        replace(&path, b"key", 0o600).unwrap();
        let metadata = fs::symlink_metadata(&path).unwrap();
        assert!(metadata.is_file());
        assert_eq!(metadata.permissions().mode() & 0o7777, 0o600);
        assert_eq!(fs::read(&other).unwrap(), b"other");
    }

    #[test]
    fn the_mode_stands_before_the_first_byte() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("certificate");
        let mode = |file: &File| file.metadata().unwrap().permissions().mode() & 0o7777;
        replace_with::<io::Error>(&path, 0o640, |file| {
            assert_eq!(mode(file), 0o640);
            file.write_all(b"certificate")
        })
        .unwrap();
        assert_eq!(mode(&File::open(&path).unwrap()), 0o640);
    }

    #[test]
    fn a_disk_that_fills_up_leaves_the_old_file_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("policy");
        replace(&path, b"old", 0o600).unwrap();
        let full = replace_with::<io::Error>(&path, 0o600, |file| {
            file.write_all(b"half")?;
            Err(io::ErrorKind::StorageFull.into())
        });
        assert_eq!(full.unwrap_err().kind(), io::ErrorKind::StorageFull);
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn names_the_path_it_could_not_write() {
        let error = replace(Path::new("/proc/no-such/key"), b"", 0o600).unwrap_err();
        assert!(error.to_string().contains("/proc/no-such/key"), "{error}");
    }
}

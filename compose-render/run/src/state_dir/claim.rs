//! The lock by which a bottle lives.

use super::{BottleDir, StateError, guard};
use crate::wait;
use nix::fcntl::OFlag;
use std::{
    fs::{File, OpenOptions, TryLockError},
    io,
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::Path,
    time::Duration,
};

/// `list` and `show` take the lock for an instant to see whether it is free: a start that meets
/// them asks again for this long before it says that the bottle runs.
const PATIENCE: Duration = Duration::from_millis(300);

/// A bottle's folder and its lock, held until this is dropped and every child that was given
/// [`Claim::hold`] has ended.
#[derive(Debug)]
pub struct Claim {
    dir: BottleDir,
    lock: File,
}

#[derive(Clone, Copy)]
pub(super) enum Missing {
    Make,
    Refuse,
}

impl Claim {
    /// The bottle's folder.
    pub fn dir(&self) -> &BottleDir {
        &self.dir
    }

    /// The same lock once more, for a compose child's stdin: after a `kill -9` of the launcher,
    /// the bottle counts as held until that child has ended too.
    pub fn hold(&self) -> io::Result<File> {
        self.lock.try_clone()
    }

    /// Takes over a lock that another process of ours holds and handed on as this open file.
    pub fn adopt(dir: BottleDir, lock: File) -> Result<Self, StateError> {
        guard::check_dir(dir.path())?;
        let path = dir.lock_file();
        // A lock of our own on the same open file is the same lock; on any other it is refused.
        let held = is_still(&lock, &path)? && lock.try_lock().is_ok();
        if held { Ok(Self { dir, lock }) } else { Err(StateError::Taken(dir.slug().clone())) }
    }

    /// Removes the folder with everything in it, the lock last.
    pub fn remove(self) -> Result<(), StateError> {
        let lock = self.dir.lock_file();
        for entry in fs_err::read_dir(self.dir.path())? {
            let path = entry?.path();
            if path == lock {
                continue;
            }
            if fs_err::symlink_metadata(&path)?.is_dir() {
                fs_err::remove_dir_all(&path)?;
            } else {
                fs_err::remove_file(&path)?;
            }
        }
        fs_err::remove_file(&lock)?;
        Ok(fs_err::remove_dir(self.dir.path())?)
    }
}

pub(super) fn claim(dir: BottleDir, missing: Missing) -> Result<Claim, StateError> {
    match missing {
        Missing::Make => guard::private_dir(dir.path())?,
        Missing::Refuse if !dir.exists() => {
            return Err(StateError::NoSuchBottle(dir.slug().clone()));
        }
        Missing::Refuse => guard::check_dir(dir.path())?,
    }
    let path = dir.lock_file();
    let taken = wait::until("the lock", PATIENCE, || try_lock(&path).transpose());
    match taken {
        Ok(lock) => Ok(Claim { lock: lock?, dir }),
        Err(_) => Err(StateError::Taken(dir.slug().clone())),
    }
}

/// Whether somebody holds the lock in that file. Where it cannot be told, it counts as held: a
/// living bottle is never cleaned up.
pub(super) fn is_locked(path: &Path) -> bool {
    match open(path, OpenOptions::new().read(true)) {
        Ok(file) => file.try_lock_shared().is_err(),
        Err(error) => error.kind() != io::ErrorKind::NotFound,
    }
}

fn try_lock(path: &Path) -> Result<Option<File>, StateError> {
    let file = open(path, OpenOptions::new().read(true).write(true).create(true).mode(0o600));
    let file = match file {
        Ok(file) => file,
        Err(error) if error.raw_os_error() == Some(nix::Error::ELOOP as i32) => {
            return Err(StateError::Link(path.to_owned()));
        }
        Err(error) => return Err(guard::named(path, "open", &error).into()),
    };
    guard::check_file(path)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(None),
        Err(TryLockError::Error(error)) => return Err(guard::named(path, "lock", &error).into()),
    }
    // A cleanup may have removed the file between the open and the lock: then this lock is nobody's.
    Ok(is_still(&file, path)?.then_some(file))
}

/// Whether the open file is the one that has the name now.
fn is_still(file: &File, path: &Path) -> io::Result<bool> {
    let ours = file.metadata()?.ino();
    Ok(std::fs::symlink_metadata(path).is_ok_and(|there| there.ino() == ours))
}

fn open(path: &Path, options: &OpenOptions) -> io::Result<File> {
    let flags = OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK;
    options.clone().custom_flags(flags.bits()).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_on_a_file_that_lost_its_name_is_nobodys() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        crate::replace(&path, b"", 0o600).unwrap();
        let file = File::open(&path).unwrap();
        assert!(is_still(&file, &path).unwrap());
        crate::replace(&path, b"", 0o600).unwrap();
        assert!(!is_still(&file, &path).unwrap());
        std::fs::remove_file(&path).unwrap();
        assert!(!is_still(&file, &path).unwrap());
    }
}

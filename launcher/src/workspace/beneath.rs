//! Opens files beneath a folder by the kernel's own rule: no link is followed, nothing leaves.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use nix::fcntl::{OFlag, OpenHow, ResolveFlag, openat2};
use nix::sys::stat::Mode;

/// A folder that was opened once; all else is looked for from there.
#[derive(Debug)]
pub(super) struct Folder(OwnedFd);

impl Folder {
    /// Opens the folder itself, which may be reached over links.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let flags = OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        OpenOptions::new().read(true).custom_flags(flags.bits()).open(path).map(|f| Self(f.into()))
    }

    /// Opens a regular file for reading. `None` where it is something else by now.
    pub(super) fn file(&self, path: &Path) -> io::Result<Option<File>> {
        let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK;
        let file = File::from(self.resolve(path, flags, Mode::empty())?);
        Ok(file.metadata()?.is_file().then_some(file))
    }

    /// Opens a folder below it.
    pub(super) fn folder(&self, path: &Path) -> io::Result<Self> {
        self.resolve(path, OFlag::O_RDONLY | OFlag::O_DIRECTORY, Mode::empty()).map(Self)
    }

    /// Makes a file that is not there yet.
    pub(super) fn create(&self, path: &Path, mode: u32) -> io::Result<File> {
        let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW;
        self.resolve(path, flags, Mode::from_bits_truncate(mode)).map(File::from)
    }

    pub(super) fn fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.0.as_fd()
    }

    fn resolve(&self, path: &Path, flags: OFlag, mode: Mode) -> io::Result<OwnedFd> {
        let resolve = ResolveFlag::RESOLVE_BENEATH
            | ResolveFlag::RESOLVE_NO_SYMLINKS
            | ResolveFlag::RESOLVE_NO_MAGICLINKS;
        let how = OpenHow::new().flags(flags | OFlag::O_CLOEXEC).mode(mode).resolve(resolve);
        Ok(openat2(&self.0, path, how)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn i1_follows_no_link_and_leaves_in_no_way() {
        let dir = tempfile::tempdir().unwrap();
        let inner = dir.path().join("inner");
        std::fs::create_dir(&inner).unwrap();
        compose_run::replace(&dir.path().join("outside"), b"x", 0o600).unwrap();
        compose_run::replace(&inner.join("file"), b"x", 0o600).unwrap();
        symlink("../outside", inner.join("link")).unwrap();
        symlink("..", inner.join("up")).unwrap();
        // One that stays beneath is followed no more than another.
        symlink(".", inner.join("here")).unwrap();
        let folder = Folder::open(&inner).unwrap();
        assert!(folder.file(Path::new("file")).unwrap().is_some());
        for path in ["../outside", "link", "up/outside", "here/file", "/etc/passwd"] {
            assert!(folder.file(Path::new(path)).is_err(), "{path}");
        }
        assert!(folder.folder(Path::new("here")).is_err());
        assert!(folder.create(Path::new("up/new"), 0o600).is_err());
        assert!(folder.create(Path::new("file"), 0o600).is_err());
    }
}

//! Reads what a container may have written: regular files only, beneath their folder, bounded.

use nix::{
    dir::Dir,
    fcntl::{OFlag, openat},
    sys::stat::Mode,
};
use std::{
    fs::File,
    io::{self, Read as _, Seek as _, SeekFrom},
    os::fd::{AsFd, OwnedFd},
    os::unix::fs::MetadataExt as _,
    path::{Component, Path},
};

/// A file that is not read.
#[derive(Debug, thiserror::Error)]
pub enum ReadPlainError {
    #[error("`{path}` is not a path beneath its folder")]
    Escapes { path: String },
    #[error("`{path}` is not a regular file in folders that are no links")]
    NotPlain { path: String },
    #[error("`{path}` is larger than {limit} bytes")]
    TooLarge { path: String, limit: u64 },
    #[error("cannot read `{path}`")]
    Io { path: String, source: io::Error },
}

impl ReadPlainError {
    /// Whether the file is simply not there.
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Io { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }
}

/// Reads the regular file `name` beneath `dir`, at most `limit` bytes.
///
/// Opened without following a link at any step, and judged by what was opened, so nothing can be
/// swapped between the check and the read. A FIFO or a device is never waited for.
pub fn read_plain(dir: &Path, name: &Path, limit: u64) -> Result<Vec<u8>, ReadPlainError> {
    let path = || dir.join(name).display().to_string();
    let file = open_plain(dir, name)?;
    let mut bytes = Vec::new();
    let read = file.take(limit.saturating_add(1)).read_to_end(&mut bytes);
    read.map_err(|source| ReadPlainError::Io { path: path(), source })?;
    if bytes.len() as u64 > limit {
        return Err(ReadPlainError::TooLarge { path: path(), limit });
    }
    Ok(bytes)
}

/// A piece of a file that grows.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Piece {
    pub bytes: Vec<u8>,
    /// Where the next piece begins.
    pub end: u64,
    /// Another one means another file under the same name, to be read from its start.
    pub inode: u64,
}

/// Reads what the regular file `name` beneath `dir` has from `from` on, at most `limit` bytes. A file
/// that is another one than `inode`, or shorter than before, is read from its start.
pub fn read_plain_from(
    dir: &Path,
    name: &Path,
    (inode, from): (u64, u64),
    limit: u64,
) -> Result<Piece, ReadPlainError> {
    let failed = |source| ReadPlainError::Io { path: dir.join(name).display().to_string(), source };
    let mut file = open_plain(dir, name)?;
    let metadata = file.metadata().map_err(failed)?;
    let same = metadata.ino() == inode && metadata.len() >= from;
    let start = if same { from } else { 0 };
    file.seek(SeekFrom::Start(start)).map_err(failed)?;
    let mut bytes = Vec::new();
    file.take(limit).read_to_end(&mut bytes).map_err(failed)?;
    let end = start + bytes.len() as u64;
    Ok(Piece { bytes, end, inode: metadata.ino() })
}

/// Opens the regular file `name` beneath `dir` for reading, following no link.
pub(crate) fn open_plain(dir: &Path, name: &Path) -> Result<File, ReadPlainError> {
    let path = || dir.join(name).display().to_string();
    let mut parts = Vec::new();
    for component in name.components() {
        match component {
            Component::Normal(part) => parts.push(part),
            Component::Prefix(_)
            | Component::RootDir
            | Component::CurDir
            | Component::ParentDir => return Err(ReadPlainError::Escapes { path: path() }),
        }
    }
    let Some((file_name, folders)) = parts.split_last() else {
        return Err(ReadPlainError::Escapes { path: path() });
    };
    let failed = |errno: nix::Error| match errno {
        nix::Error::ELOOP | nix::Error::ENOTDIR | nix::Error::ENXIO => {
            ReadPlainError::NotPlain { path: path() }
        }
        _ => ReadPlainError::Io { path: path(), source: errno.into() },
    };
    let folder_flags = OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC | OFlag::O_RDONLY;
    let mut folder: OwnedFd = Dir::open(dir, folder_flags, Mode::empty())
        .and_then(|dir| dir.as_fd().try_clone_to_owned().map_err(|_| nix::Error::EMFILE))
        .map_err(failed)?;
    for part in folders {
        folder = openat(&folder, *part, folder_flags, Mode::empty()).map_err(failed)?;
    }
    let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
    let opened = openat(&folder, *file_name, flags, Mode::empty()).map_err(failed)?;
    let file = File::from(opened);
    let is_file = file.metadata().is_ok_and(|metadata| metadata.is_file());
    if is_file { Ok(file) } else { Err(ReadPlainError::NotPlain { path: path() }) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::unistd::mkfifo;
    use std::os::unix::fs::symlink;

    fn folder() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("inner")).unwrap();
        crate::replace(&dir.path().join("inner/plain"), b"12345", 0o600).unwrap();
        dir
    }

    #[test]
    fn reads_a_plain_file_up_to_its_limit() {
        let dir = folder();
        let read = |limit| read_plain(dir.path(), Path::new("inner/plain"), limit);
        assert_eq!(read(5).unwrap(), b"12345");
        assert!(matches!(read(4), Err(ReadPlainError::TooLarge { .. })));
        let absent = read_plain(dir.path(), Path::new("inner/none"), 5).unwrap_err();
        assert!(absent.is_absent());
    }

    #[test]
    fn a_file_that_grows_is_read_on_and_another_from_its_start() {
        let dir = folder();
        let read = |at| read_plain_from(dir.path(), Path::new("inner/plain"), at, 3).unwrap();
        let first = read((0, 0));
        assert_eq!(first.bytes, b"123");
        let rest = read((first.inode, first.end));
        assert_eq!((rest.bytes.as_slice(), rest.end), (&b"45"[..], 5));
        assert!(read((first.inode, rest.end)).bytes.is_empty());
        crate::replace(&dir.path().join("inner/plain"), b"new", 0o600).unwrap();
        assert_eq!(read((first.inode, rest.end)).bytes, b"new");
    }

    #[test]
    fn i1_refuses_links_fifos_folders_devices_and_paths_that_leave() {
        let dir = folder();
        symlink("plain", dir.path().join("inner/link")).unwrap();
        symlink("inner", dir.path().join("folder-link")).unwrap();
        mkfifo(&dir.path().join("fifo"), Mode::S_IRWXU).unwrap();
        for name in ["inner/link", "folder-link/plain", "fifo", "inner", "inner/plain/x"] {
            let error = read_plain(dir.path(), Path::new(name), 100).unwrap_err();
            assert!(matches!(error, ReadPlainError::NotPlain { .. }), "{name}: {error}");
        }
        for name in ["../x", "inner/../../x", "/etc/passwd", "", "."] {
            let error = read_plain(dir.path(), Path::new(name), 100).unwrap_err();
            assert!(matches!(error, ReadPlainError::Escapes { .. }), "{name}: {error}");
        }
        let error = read_plain(Path::new("/dev"), Path::new("zero"), 100).unwrap_err();
        assert!(matches!(error, ReadPlainError::NotPlain { .. }), "{error}");
    }
}

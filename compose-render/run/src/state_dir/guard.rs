//! Looks at what is already there before it is used.

use super::StateError;
use crate::Owner;
use std::{
    fs::Metadata,
    io,
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _},
    path::Path,
};

const DIR_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;

/// Makes a folder that only we can enter, or finds it so.
pub(super) fn private_dir(path: &Path) -> Result<(), StateError> {
    let mut builder = std::fs::DirBuilder::new();
    match builder.mode(DIR_MODE).create(path) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => check_dir(path),
        Err(error) => Err(named(path, "make", &error).into()),
    }
}

/// A folder of ours, or of the sidecars where we are root, that nobody else can enter.
pub(super) fn check_dir(path: &Path) -> Result<(), StateError> {
    let metadata = look(path)?;
    if !metadata.is_dir() {
        return Err(StateError::Kind { path: path.to_owned(), expected: "folder" });
    }
    check(path, &metadata, DIR_MODE)
}

/// A file of ours that nobody else can open.
pub(super) fn check_file(path: &Path) -> Result<(), StateError> {
    let metadata = look(path)?;
    if !metadata.is_file() {
        return Err(StateError::Kind { path: path.to_owned(), expected: "plain file" });
    }
    check(path, &metadata, FILE_MODE)
}

fn look(path: &Path) -> Result<Metadata, StateError> {
    let metadata = fs_err::symlink_metadata(path)?;
    if metadata.is_symlink() { Err(StateError::Link(path.to_owned())) } else { Ok(metadata) }
}

fn check(path: &Path, metadata: &Metadata, expected: u32) -> Result<(), StateError> {
    let us = Owner::host().uid;
    if ![us, Owner::of_sidecars().uid].contains(&metadata.uid()) {
        return Err(StateError::Owner { path: path.to_owned(), owner: metadata.uid(), us });
    }
    let mode = metadata.mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(StateError::Mode { path: path.to_owned(), mode, expected });
    }
    Ok(())
}

pub(super) fn named(path: &Path, verb: &str, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("cannot {verb} `{}`: {error}", path.display()))
}

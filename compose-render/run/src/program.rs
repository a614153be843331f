//! Other programs of the host than Docker: found in `PATH`, run through the same door.

use crate::process::Call;
use nix::unistd::{AccessFlags, access};
use std::{
    env,
    path::{Path, PathBuf},
};

/// Where `PATH` has that program. A name with a slash is a path and taken as it is.
pub fn found(name: &str) -> Option<PathBuf> {
    if name.contains('/') {
        return is_executable(Path::new(name)).then(|| PathBuf::from(name));
    }
    let path = env::var_os("PATH")?;
    // An empty or relative entry would find a program in whatever folder we happen to be in.
    let mut folders = env::split_paths(&path).filter(|folder| folder.is_absolute());
    folders.find_map(|folder| Some(folder.join(name)).filter(|program| is_executable(program)))
}

/// A call of that program. Absent, it fails with [`crate::RunError::Absent`] when run.
pub fn call<'a>(name: &str) -> Call<'a> {
    Call::new(found(name).unwrap_or_else(|| PathBuf::from(name)))
}

pub(crate) fn is_executable(path: &Path) -> bool {
    path.is_file() && access(path, AccessFlags::X_OK).is_ok()
}

//! The folder that holds downloads between builds, and the lock that keeps two builds apart.

use std::fs::{DirBuilder, File, OpenOptions};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use nix::fcntl::{Flock, FlockArg};

use crate::environment::Environment;

/// `$XDG_CACHE_HOME/bottle`, else `~/.cache/bottle`.
pub(crate) fn folder(environment: &Environment) -> anyhow::Result<PathBuf> {
    let base = environment.path("XDG_CACHE_HOME").filter(|path| path.is_absolute());
    let base = base.or_else(|| Some(environment.path("HOME")?.join(".cache")));
    Ok(base.context("neither `XDG_CACHE_HOME` nor `HOME` is set")?.join("bottle"))
}

/// Makes a folder below the cache, private to us.
pub(super) fn make(folder: &Path) -> anyhow::Result<()> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.with_context(|| format!("cannot make the folder `{}`", folder.display()))
}

/// Waits until nobody else builds what has that name. Held until dropped, and by nobody once we died.
pub(super) fn lock(cache: &Path, name: &str, tell: &dyn Fn(&str)) -> anyhow::Result<Flock<File>> {
    let locks = cache.join("locks");
    make(&locks)?;
    let path = locks.join(name.replace(['/', ':'], "_"));
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags(nix::libc::O_NOFOLLOW)
        .open(&path)
        .with_context(|| format!("cannot open `{}`", path.display()))?;
    match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
        Ok(lock) => Ok(lock),
        Err((file, nix::errno::Errno::EWOULDBLOCK)) => {
            tell(&format!("waiting for another start, which builds `{name}`"));
            match Flock::lock(file, FlockArg::LockExclusive) {
                Ok(lock) => Ok(lock),
                Err((_, error)) => bail!("cannot lock `{}`: {error}", path.display()),
            }
        }
        Err((_, error)) => bail!("cannot lock `{}`: {error}", path.display()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cache_lies_where_the_user_wants_it() {
        let at = |pairs| folder(&Environment::from(pairs)).unwrap();
        let both = [("XDG_CACHE_HOME", "/c"), ("HOME", "/h")];
        assert_eq!(at(both), PathBuf::from("/c/bottle"));
        let relative = [("XDG_CACHE_HOME", "c"), ("HOME", "/h")];
        assert_eq!(at(relative), PathBuf::from("/h/.cache/bottle"));
        assert!(folder(&Environment::from([])).is_err());
    }

    #[test]
    fn a_second_lock_waits_for_the_first() {
        let dir = tempfile::tempdir().unwrap();
        let first = lock(dir.path(), "a/b:c", &|_| ()).unwrap();
        let (told, waits) = std::sync::mpsc::channel();
        std::thread::scope(|scope| {
            let second = scope.spawn(|| {
                let told = told;
                lock(dir.path(), "a/b:c", &move |text| told.send(text.to_owned()).unwrap())
                    .map(drop)
            });
            assert!(waits.recv().unwrap().contains("waiting for another start"));
            drop(first);
            second.join().unwrap().unwrap();
        });
    }
}

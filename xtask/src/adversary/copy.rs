//! A copy of the sources in which a mechanism can be switched off, with a target folder of its own.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use walkdir::WalkDir;

use super::ground::{Sources, copy_of, put};
use super::mechanisms::Mechanism;
use crate::checkout::Checkout;

/// The copy under `target/adversary`, kept between runs so that little is built again.
#[derive(Debug)]
pub(super) struct Copy {
    checkout: Checkout,
    /// Held as long as this: two at once would switch off each other's mechanisms.
    _lock: File,
}

impl Copy {
    /// Brings the copy to the state of the checkout, or of that commit: changed files only, so
    /// cargo sees no more.
    pub(super) fn refreshed(checkout: &Checkout, commit: Option<&str>) -> Result<Self> {
        let copy = copy_of(checkout);
        fs_err::create_dir_all(&copy.target)?;
        let mut lock = File::options();
        let lock = lock.write(true).create(true).truncate(false).open(copy.target.join("lock"))?;
        lock.lock()?;
        let Sources { root, files } = match commit {
            Some(commit) => Sources::of_commit(checkout, commit)?,
            None => Sources::of_checkout(checkout)?,
        };
        for file in &files {
            let (from, to) = (root.join(file), copy.root.join(file));
            let contents = fs_err::read(&from)?;
            if fs_err::read(&to).ok().as_ref() != Some(&contents) {
                fs_err::create_dir_all(to.parent().unwrap_or(&copy.root))?;
                fs_err::copy(&from, &to)?;
            }
        }
        forget(&copy.root, &files.into_iter().collect())?;
        Ok(Self { checkout: copy, _lock: lock })
    }

    pub(super) fn checkout(&self) -> &Checkout {
        &self.checkout
    }

    /// Switches the mechanism off until the guard is dropped.
    pub(super) fn without(&self, mechanism: &Mechanism) -> Result<Restored> {
        let path = self.checkout.root.join(mechanism.file);
        let before = fs_err::read_to_string(&path)?;
        let after = switched_off(&before, mechanism)?;
        put(&path, &after)?;
        Ok(Restored { path, before })
    }
}

/// Removes from the copy what is no longer there: cargo would find it.
fn forget(root: &Path, kept: &BTreeSet<PathBuf>) -> Result<()> {
    for entry in WalkDir::new(root) {
        let entry = entry?;
        let is_gone = || entry.path().strip_prefix(root).is_ok_and(|file| !kept.contains(file));
        if entry.file_type().is_file() && is_gone() {
            fs_err::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// The source without the mechanism; an error when its text does not stand there exactly once.
pub(super) fn switched_off(source: &str, mechanism: &Mechanism) -> Result<String> {
    match source.matches(mechanism.on).count() {
        1 => Ok(source.replacen(mechanism.on, mechanism.off, 1)),
        found => bail!("`{}` stands {found} times in {}", mechanism.on, mechanism.file),
    }
}

/// Puts the source back.
#[derive(Debug)]
pub(super) struct Restored {
    path: PathBuf,
    before: String,
}

impl Drop for Restored {
    fn drop(&mut self) {
        // The next run refreshes the copy, so a failure here costs a build, no more.
        drop(put(&self.path, &self.before));
    }
}

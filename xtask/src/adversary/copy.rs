//! A copy of the sources in which a mechanism can be switched off, with a target folder of its own.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use super::mechanisms::Mechanism;
use crate::run::{root, tracked_files};

/// The copy under `target/adversary`, kept between runs so that little is built again.
pub(super) struct Copy {
    dir: PathBuf,
}

impl Copy {
    /// Brings the copy to the state of the checkout: changed files only, so cargo sees no more.
    pub(super) fn refreshed() -> Result<Self> {
        let dir = root().join("target/adversary/source");
        for file in tracked_files()? {
            let (from, to) = (root().join(&file), dir.join(&file));
            let contents = fs_err::read(&from)?;
            if fs_err::read(&to).ok().as_ref() != Some(&contents) {
                fs_err::create_dir_all(to.parent().unwrap_or(&dir))?;
                fs_err::copy(&from, &to)?;
            }
        }
        Ok(Self { dir })
    }

    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Switches the mechanism off until the guard is dropped.
    pub(super) fn without(&self, mechanism: &Mechanism) -> Result<Restored> {
        let path = self.dir.join(mechanism.file);
        let before = fs_err::read_to_string(&path)?;
        let after = switched_off(&before, mechanism)?;
        put(&path, &after)?;
        Ok(Restored { path, before })
    }
}

/// The source without the mechanism; an error when its text does not stand there exactly once.
pub(super) fn switched_off(source: &str, mechanism: &Mechanism) -> Result<String> {
    match source.matches(mechanism.on).count() {
        1 => Ok(source.replacen(mechanism.on, mechanism.off, 1)),
        found => bail!("`{}` stands {found} times in {}", mechanism.on, mechanism.file),
    }
}

#[expect(clippy::disallowed_methods, reason = "a scratch copy that nobody else reads")]
fn put(path: &Path, text: &str) -> Result<()> {
    std::fs::write(path, text).with_context(|| format!("cannot write `{}`", path.display()))
}

/// Puts the source back.
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

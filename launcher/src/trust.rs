//! Whether a manifest found in a repository counts: by its content and that of every file it
//! names, once a person said so. Nothing in a repository decides that for itself.

mod fingerprint;
mod seen;

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use compose_run::StateDir;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

pub(crate) use self::fingerprint::{fingerprint, named_files};
pub(crate) use self::seen::Seen;
use crate::environment::Environment;
use crate::exit::Hint as _;
use crate::hex::hex;

/// The folder in the state folder. It begins with a dot, which no bottle's name does.
const FOLDER: &str = ".trust";
/// A record is a policy's lines and a digest for each file.
const MAX_RECORD: u64 = 4 << 20;

/// What is known of a manifest.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Standing {
    /// A person has seen it as it is now.
    Trusted,
    /// A person has seen it as it was.
    Changed,
    /// Nobody was asked.
    Unknown,
}

/// The manifests a person has said yes to.
#[derive(Debug)]
pub(crate) struct Trust {
    folder: PathBuf,
}

/// One of them.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Record {
    manifest: PathBuf,
    fingerprint: String,
    /// What was shown then; a record of an older version has none.
    #[serde(default)]
    seen: Option<Seen>,
}

/// What is written of a manifest.
#[derive(Debug)]
enum Known {
    Absent,
    Record(Record),
    Unreadable,
}

impl Trust {
    /// The records in the state folder. Reads and makes nothing yet.
    pub(crate) fn of(environment: &Environment) -> anyhow::Result<Self> {
        Ok(Self { folder: state_root(environment)?.join(FOLDER) })
    }

    /// Whether a person was ever asked about a manifest at this place.
    pub(crate) fn knows(&self, manifest: &Path) -> bool {
        self.record(manifest).is_ok_and(|path| path.is_file())
    }

    /// What is known of the manifest with this content.
    pub(crate) fn standing(&self, manifest: &Path, fingerprint: &str) -> anyhow::Result<Standing> {
        Ok(match self.known(manifest)? {
            Known::Absent => Standing::Unknown,
            Known::Record(known) if known.fingerprint == fingerprint => Standing::Trusted,
            // A record that cannot be read trusts nothing.
            Known::Record(_) | Known::Unreadable => Standing::Changed,
        })
    }

    /// What a person saw when they trusted it last.
    pub(crate) fn seen(&self, manifest: &Path) -> anyhow::Result<Option<Seen>> {
        Ok(match self.known(manifest)? {
            Known::Record(record) => record.seen,
            Known::Absent | Known::Unreadable => None,
        })
    }

    fn known(&self, manifest: &Path) -> anyhow::Result<Known> {
        let record = self.record(manifest)?;
        let name = record.file_name().map(PathBuf::from).unwrap_or_default();
        match compose_run::read_plain(&self.folder, &name, MAX_RECORD) {
            Ok(bytes) => {
                Ok(serde_json::from_slice(&bytes).map_or(Known::Unreadable, Known::Record))
            }
            Err(error) if error.is_absent() => Ok(Known::Absent),
            Err(error) => Err(error.into()),
        }
    }

    /// Trusts the manifest with this content from now on.
    pub(crate) fn remember(
        &self,
        manifest: &Path,
        fingerprint: &str,
        seen: Seen,
    ) -> anyhow::Result<()> {
        if let Some(root) = self.folder.parent() {
            StateDir::open(root)?;
        }
        make_private(&self.folder)?;
        let path = self.record(manifest)?;
        let (manifest, fingerprint) = (place(manifest)?, fingerprint.to_owned());
        let record = Record { manifest, fingerprint, seen: Some(seen) };
        let text = serde_json::to_string_pretty(&record)?;
        compose_run::replace(&path, text.as_bytes(), 0o600)
            .with_context(|| format!("cannot write `{}`", path.display()))
    }

    /// Takes the trust back. Says whether there was any.
    pub(crate) fn forget(&self, manifest: &Path) -> anyhow::Result<bool> {
        let path = self.record(manifest)?;
        if !path.exists() {
            return Ok(false);
        }
        fs_err::remove_file(path)?;
        Ok(true)
    }

    /// The file that says it: named for the place, so that one repository has one record.
    fn record(&self, manifest: &Path) -> anyhow::Result<PathBuf> {
        use std::os::unix::ffi::OsStrExt as _;
        let place = place(manifest)?;
        let name = hex(&Sha256::digest(place.as_os_str().as_bytes()));
        Ok(self.folder.join(format!("{name}.json")))
    }
}

/// Where a manifest really lies: a link to it is no second one.
fn place(manifest: &Path) -> anyhow::Result<PathBuf> {
    let found = manifest.canonicalize();
    found.with_context(|| format!("cannot find `{}`", manifest.display()))
}

/// The root of the state folder.
pub(crate) fn state_root(environment: &Environment) -> anyhow::Result<PathBuf> {
    let [own, xdg, home] =
        ["BOTTLE_STATE_DIR", "XDG_STATE_HOME", "HOME"].map(|name| environment.path(name));
    let text = |path: &Option<PathBuf>| path.as_ref().map(|path| path.as_os_str().to_owned());
    StateDir::choose(text(&own).as_deref(), text(&xdg).as_deref(), text(&home).as_deref())
        .context("there is no place for the state of bottles")
        .hint("set `HOME`, or `BOTTLE_STATE_DIR` to an absolute path")
}

fn make_private(folder: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    let shown = folder.display();
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.with_context(|| format!("cannot make the folder `{shown}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store(folder: &Path) -> Trust {
        let state = folder.join("state");
        Trust::of(&Environment::from([("BOTTLE_STATE_DIR", state.to_str().unwrap())])).unwrap()
    }

    #[test]
    fn i4_a_manifest_counts_only_as_it_was_seen() {
        let folder = tempfile::tempdir().unwrap();
        let manifest = folder.path().join("bottle.yaml");
        compose_run::replace(&manifest, b"version: 1\n", 0o644).unwrap();
        let trust = store(folder.path());
        assert!(!trust.knows(&manifest));
        assert_eq!(trust.standing(&manifest, "one").unwrap(), Standing::Unknown);
        trust.remember(&manifest, "one", Seen::default()).unwrap();
        assert!(trust.knows(&manifest));
        assert_eq!(trust.standing(&manifest, "one").unwrap(), Standing::Trusted);
        assert_eq!(trust.standing(&manifest, "two").unwrap(), Standing::Changed);
        assert!(trust.forget(&manifest).unwrap());
        assert!(!trust.forget(&manifest).unwrap());
        assert_eq!(trust.standing(&manifest, "one").unwrap(), Standing::Unknown);
    }

    #[test]
    fn i4_a_record_that_cannot_be_read_trusts_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let manifest = folder.path().join("bottle.yaml");
        compose_run::replace(&manifest, b"version: 1\n", 0o644).unwrap();
        let trust = store(folder.path());
        trust.remember(&manifest, "one", Seen::default()).unwrap();
        compose_run::replace(&trust.record(&manifest).unwrap(), b"{", 0o600).unwrap();
        assert_eq!(trust.standing(&manifest, "one").unwrap(), Standing::Changed);
    }
}

//! What went into a bottle, file by file, so that what came out of it can be compared.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use compose_run::{read_plain, replace};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::saved::{self, Kind};
use crate::hex::hex;

/// The record's file, in a bottle's folder.
pub(super) const FILE: &str = "workspace.json";

/// A million files are described in less.
const LIMIT: u64 = 512 << 20;

/// What went in. Of `.git` only its configuration, which hosts act on.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct Record {
    pub(super) files: BTreeMap<PathBuf, Item>,
}

/// A file or a link.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Item {
    File {
        /// SHA-256, in hexadecimal.
        digest: String,
        executable: bool,
    },
    Link(PathBuf),
}

impl Record {
    /// Writes it into the bottle's folder.
    pub(crate) fn save(&self, bottle: &Path) -> anyhow::Result<()> {
        let text = serde_json::to_vec(self).context("cannot describe the workspace")?;
        let path = bottle.join(FILE);
        replace(&path, &text, 0o600).with_context(|| format!("cannot write `{}`", path.display()))
    }

    /// Reads it; empty where there is none, so that everything counts as new.
    pub(crate) fn load(bottle: &Path) -> anyhow::Result<Self> {
        match read_plain(bottle, Path::new(FILE), LIMIT) {
            Ok(bytes) => {
                serde_json::from_slice(&bytes).with_context(|| format!("cannot read `{FILE}`"))
            }
            Err(error) if error.is_absent() => Ok(Self::default()),
            Err(error) => Err(error.into()),
        }
    }
}

impl Record {
    /// What a saved workspace holds.
    pub(super) fn of_saved(archive: &Path) -> anyhow::Result<Self> {
        let mut record = Self::default();
        saved::read(archive, |entry, contents| {
            if !is_compared(&entry.path) {
                return Ok(());
            }
            let item = match entry.kind {
                Kind::File { executable, .. } => {
                    let mut digesting = Digesting::new(contents);
                    io::copy(&mut digesting, &mut io::sink())?;
                    Item::File { digest: digesting.hex(), executable }
                }
                Kind::Link(target) => Item::Link(target),
                Kind::Folder | Kind::Odd => return Ok(()),
            };
            record.files.insert(entry.path, item);
            Ok(())
        })?;
        Ok(record)
    }
}

/// Whether a path is compared at all: history is not, its configuration is.
pub(super) fn is_compared(path: &Path) -> bool {
    !path.starts_with(".git") || path == Path::new(".git/config")
}

/// Reads through to the end, and knows the hash.
pub(super) struct Digesting<R> {
    inner: R,
    sha: Sha256,
}

impl<R: Read> Digesting<R> {
    pub(super) fn new(inner: R) -> Self {
        Self { inner, sha: Sha256::new() }
    }

    /// The SHA-256 of what was read so far.
    pub(super) fn hex(&self) -> String {
        hex(&self.sha.clone().finalize())
    }
}

impl<R: Read> Read for Digesting<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.sha.update(buffer.get(..read).unwrap_or_default());
        Ok(read)
    }
}

/// The hash of these bytes.
pub(super) fn digest_of(bytes: &[u8]) -> String {
    let mut digesting = Digesting::new(bytes);
    // Reading from memory into nothing does not fail.
    drop(io::copy(&mut digesting, &mut io::sink()));
    digesting.hex()
}

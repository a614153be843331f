//! What was seen red is written down with what it was seen on, so a run can be broken off and
//! continued, and nothing is proven twice on the same sources.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use cargo_metadata::{Metadata, MetadataCommand, PackageId};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use walkdir::WalkDir;

use super::ground::put;
use super::mechanisms::{Mechanism, Needs};
use crate::checkout::Checkout;
use crate::sidecars;

/// That a mechanism's test went red without it.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Receipt {
    /// Of the mechanism, and of every source its tests are built from.
    key: String,
    pub(super) test: String,
    pub(super) said: String,
    pub(super) seconds: u64,
}

/// The receipts of a copy.
#[derive(Debug)]
pub(super) struct Receipts {
    folder: PathBuf,
    sources: Sources,
}

impl Receipts {
    pub(super) fn of(copy: &Checkout) -> Result<Self> {
        let folder = copy.target.with_file_name("receipts");
        fs_err::create_dir_all(&folder)?;
        Ok(Self { folder, sources: Sources::of(copy)? })
    }

    /// The receipt, when nothing changed since.
    pub(super) fn find(&self, mechanism: &Mechanism) -> Option<Receipt> {
        let text = fs_err::read(self.path(mechanism)).ok()?;
        let receipt: Receipt = serde_json::from_slice(&text).ok()?;
        (receipt.key == self.key(mechanism)).then_some(receipt)
    }

    pub(super) fn keep(
        &self,
        mechanism: &Mechanism,
        test: &str,
        said: &str,
        seconds: u64,
    ) -> Result<()> {
        let (key, test, said) = (self.key(mechanism), test.to_owned(), said.to_owned());
        let receipt = serde_json::to_string(&Receipt { key, test, said, seconds })?;
        put(&self.path(mechanism), &receipt)
    }

    fn path(&self, mechanism: &Mechanism) -> PathBuf {
        self.folder.join(format!("{}.json", mechanism.name))
    }

    fn key(&self, mechanism: &Mechanism) -> String {
        let mut sha = Sha256::new();
        sha.update(format!("{mechanism:?}"));
        let sidecars = match mechanism.needs {
            Needs::Nothing => &[][..],
            Needs::Engine | Needs::OwnSidecars => &sidecars::SHIPPED,
        };
        for package in self.sources.behind(sidecars.iter().copied().chain([mechanism.package])) {
            sha.update(package);
            sha.update(self.sources.digests.get(package).map_or("", String::as_str));
        }
        hex(&sha.finalize())
    }
}

/// The workspace's packages: what each is built from, and a digest of its own files.
#[derive(Debug)]
struct Sources {
    needs: BTreeMap<String, BTreeSet<String>>,
    digests: BTreeMap<String, String>,
}

impl Sources {
    fn of(copy: &Checkout) -> Result<Self> {
        let metadata = MetadataCommand::new()
            .manifest_path(copy.root.join("Cargo.toml"))
            .exec()
            .context("cannot read the copy's packages")?;
        let packages = metadata.workspace_packages();
        let folders: Vec<&Path> = packages
            .iter()
            .filter_map(|package| Some(package.manifest_path.parent()?.as_std_path()))
            .collect();
        let lock = fs_err::read(copy.root.join("Cargo.lock"))?;
        let mut digests = BTreeMap::new();
        for (package, folder) in packages.iter().zip(&folders) {
            digests.insert(package.name.to_string(), digest(folder, &folders, &lock)?);
        }
        Ok(Self { needs: needs(&metadata), digests })
    }

    /// These packages and all that they are built from.
    fn behind<'a>(&'a self, packages: impl Iterator<Item = &'a str>) -> BTreeSet<&'a str> {
        let mut waiting: Vec<&str> = packages.collect();
        let mut found = BTreeSet::new();
        while let Some(package) = waiting.pop() {
            if found.insert(package) {
                let needs = self.needs.get(package).into_iter().flatten();
                waiting.extend(needs.map(String::as_str));
            }
        }
        found
    }
}

fn needs(metadata: &Metadata) -> BTreeMap<String, BTreeSet<String>> {
    let members: BTreeMap<&PackageId, String> =
        metadata.workspace_packages().iter().map(|one| (&one.id, one.name.to_string())).collect();
    let nodes = metadata.resolve.iter().flat_map(|resolve| &resolve.nodes);
    nodes
        .filter_map(|node| {
            let needs = node.dependencies.iter().filter_map(|one| members.get(one).cloned());
            Some((members.get(&node.id)?.clone(), needs.collect()))
        })
        .collect()
}

/// Of every file below the folder that is of no package further down.
fn digest(folder: &Path, packages: &[&Path], lock: &[u8]) -> Result<String> {
    let mut sha = Sha256::new();
    sha.update(lock);
    let ours = |path: &Path| !packages.iter().any(|other| *other == path && *other != folder);
    let walk = WalkDir::new(folder).sort_by_file_name().into_iter();
    for entry in walk.filter_entry(|entry| ours(entry.path())) {
        let entry = entry?;
        if entry.file_type().is_file() {
            sha.update(entry.path().strip_prefix(folder)?.as_os_str().as_encoded_bytes());
            sha.update(Sha256::digest(fs_err::read(entry.path())?));
        }
    }
    Ok(hex(&sha.finalize()))
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a text cannot fail.
        write!(text, "{byte:02x}").ok();
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_counts_its_own_files_and_those_it_is_built_from() {
        let folder = tempfile::tempdir().unwrap();
        let (outer, inner) = (folder.path(), folder.path().join("inner"));
        fs_err::create_dir(&inner).unwrap();
        let of = |text: &str| {
            put(&inner.join("a.rs"), text).unwrap();
            let packages = [outer, inner.as_path()];
            [outer, &inner].map(|one| digest(one, &packages, b"").unwrap())
        };
        let (before, after) = (of("1"), of("2"));
        assert_eq!(before[0], after[0]);
        assert_ne!(before[1], after[1]);

        let needs = BTreeMap::from([("a".into(), BTreeSet::from(["b".into()]))]);
        let sources = Sources { needs, digests: BTreeMap::new() };
        assert_eq!(sources.behind(["a"].into_iter()), BTreeSet::from(["a", "b"]));
    }
}

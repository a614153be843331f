//! Chooses what of a folder goes into a bottle: tracked and unignored files, and a cleaned `.git`.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read as _, Write};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use ignore::WalkBuilder;

use super::beneath::Folder;
use super::credentials::{self, Verdict};
use super::entry::{Entry, Source};
use super::git_folder::GitFolder;
use super::record::{Record, is_compared};
use crate::plan::WorkspacePlan;

/// What goes in, and what looks like a credential and does not.
#[derive(Debug)]
pub(crate) struct Selection {
    entries: Vec<Entry>,
    left_out: Vec<PathBuf>,
}

/// Chooses. Reads names and a few first bytes; contents only when they are written.
pub(crate) fn select(plan: &WorkspacePlan) -> anyhow::Result<Selection> {
    let root = plan.source.as_path();
    let folder = Folder::open(root).with_context(|| format!("cannot open `{}`", root.display()))?;
    let mut choice = Choice {
        root,
        folder: Arc::new(folder),
        include: named(plan),
        seen: BTreeSet::new(),
        left_out: Vec::new(),
        entries: Vec::new(),
    };
    let git = GitFolder::of(root)?;
    choice.walk()?;
    if let Some(git) = &git {
        for path in git.tracked()? {
            choice.add_tracked(path)?;
        }
        choice.entries.extend(git.entries()?);
    }
    let Choice { entries, mut left_out, .. } = choice;
    left_out.sort_unstable();
    Ok(Selection { entries, left_out })
}

impl Selection {
    /// Files that look like credentials and were not named, relative to the workspace.
    pub(crate) fn left_out(&self) -> &[PathBuf] {
        &self.left_out
    }

    /// Appends everything, its names below `prefix`, and returns the record of it.
    pub(crate) fn write(
        &self,
        prefix: &str,
        out: &mut tar::Builder<impl Write>,
    ) -> anyhow::Result<Record> {
        let mut record = Record::default();
        for entry in &self.entries {
            let item = entry.write(prefix.as_ref(), out)?;
            if let Some(item) = item.filter(|_| is_compared(&entry.name)) {
                record.files.insert(entry.name.clone(), item);
            }
        }
        Ok(record)
    }
}

/// The paths a person named, relative to the workspace.
fn named(plan: &WorkspacePlan) -> BTreeSet<PathBuf> {
    let relative = |path: &PathBuf| path.strip_prefix(&plan.source).unwrap_or(path).to_owned();
    plan.include.iter().map(relative).collect()
}

struct Choice<'a> {
    root: &'a Path,
    folder: Arc<Folder>,
    include: BTreeSet<PathBuf>,
    seen: BTreeSet<PathBuf>,
    left_out: Vec<PathBuf>,
    entries: Vec<Entry>,
}

impl Choice<'_> {
    /// All that no rule ignores. Outside a repository there are no rules.
    fn walk(&mut self) -> anyhow::Result<()> {
        let walk = WalkBuilder::new(self.root)
            .hidden(false)
            .ignore(false)
            .follow_links(false)
            .sort_by_file_name(Ord::cmp)
            .filter_entry(|entry| entry.file_name() != ".git" || entry.depth() == 0)
            .build();
        for entry in walk {
            let entry = entry.context("cannot read the workspace")?;
            if let Ok(path) = entry.path().strip_prefix(self.root)
                && !path.as_os_str().is_empty()
            {
                self.add(path.to_owned())?;
            }
        }
        let include: Vec<_> = self.include.iter().cloned().collect();
        include.into_iter().try_for_each(|path| self.add_tracked(path))?;
        self.submodule_files()
    }

    /// A submodule's `.git` is a file that names its folder below ours: the walk passes it over.
    fn submodule_files(&mut self) -> anyhow::Result<()> {
        let folders: Vec<_> = self
            .entries
            .iter()
            .filter(|entry| matches!(entry.source, Source::Folder))
            .map(|entry| entry.name.join(".git"))
            .collect();
        for path in folders {
            if fs::symlink_metadata(self.root.join(&path)).is_ok_and(|meta| meta.is_file()) {
                self.add(path)?;
            }
        }
        Ok(())
    }

    /// Adds a path that did not come from the walk, which is why it is looked at first.
    fn add_tracked(&mut self, path: PathBuf) -> anyhow::Result<()> {
        let plain = path.components().all(|part| match part {
            Component::Normal(name) => !name.eq_ignore_ascii_case(".git"),
            Component::Prefix(_)
            | Component::RootDir
            | Component::CurDir
            | Component::ParentDir => false,
        });
        let parents_are_folders = path.ancestors().skip(1).all(|above| {
            fs::symlink_metadata(self.root.join(above)).is_ok_and(|meta| meta.is_dir())
        });
        if plain && parents_are_folders { self.add(path) } else { Ok(()) }
    }

    fn add(&mut self, path: PathBuf) -> anyhow::Result<()> {
        if self.seen.contains(&path) {
            return Ok(());
        }
        let host = self.root.join(&path);
        // What vanished meanwhile, or is a pipe, a socket or a device, is not taken.
        let Ok(meta) = fs::symlink_metadata(&host) else { return Ok(()) };
        let entry = if meta.is_dir() {
            Entry::folder(&path)
        } else if meta.is_symlink() {
            let target = fs::read_link(&host)
                .with_context(|| format!("cannot read `{}`", host.display()))?;
            Entry { source: Source::Link(target), ..Entry::folder(&path) }
        } else if meta.is_file() {
            if self.is_credential(&path) && !self.include.contains(&path) {
                self.seen.insert(path.clone());
                self.left_out.push(path);
                return Ok(());
            }
            Entry::file(&path, &self.folder, &path, &meta)
        } else {
            return Ok(());
        };
        self.seen.insert(path);
        self.entries.push(entry);
        Ok(())
    }

    fn is_credential(&self, path: &Path) -> bool {
        match credentials::judge(path) {
            Verdict::Plain => false,
            Verdict::Credential => true,
            Verdict::Look => {
                let Ok(Some(file)) = self.folder.file(path) else { return true };
                let mut beginning = Vec::new();
                // What cannot be read cannot be judged, and so stays here.
                let read = file.take(credentials::LOOK as u64).read_to_end(&mut beginning);
                read.is_err() || credentials::is_private_key(&beginning)
            }
        }
    }
}

#[cfg(test)]
mod tests;

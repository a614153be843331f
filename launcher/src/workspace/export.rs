//! Brings a saved workspace out: beneath one new folder, plain files and links that stay in it, and
//! nothing of git's that would run.

use std::collections::BTreeSet;
use std::fs::DirBuilder;
use std::io::{self, Read};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context as _, bail};
use nix::sys::stat::{Mode, mkdirat};
use nix::unistd::symlinkat;

use super::beneath::Folder;
use super::saved::{self, Kind};
use super::{SAVE_LIMIT, git_config};
use crate::exit::{self, Hint as _};

/// A configuration is shorter than this.
const CONFIG_LIMIT: u64 = 1 << 20;

/// Files that point git elsewhere.
const POINTERS: &[&str] =
    &["config.worktree", "commondir", "gitdir", "alternates", "http-alternates"];

/// What was brought out, and what stayed behind.
#[derive(Debug, Default)]
pub(crate) struct Exported {
    pub files: usize,
    /// What was not taken, and why.
    pub left: Vec<(PathBuf, &'static str)>,
}

/// Writes the workspace of the archive into a folder that is not there yet, or empty.
pub(crate) fn export(archive: &Path, to: &Path) -> anyhow::Result<Exported> {
    make(to)?;
    let root = Folder::open(to).with_context(|| format!("cannot open `{}`", to.display()))?;
    let bare = repositories(archive)?;
    let mut export = Export { root, bare, room: SAVE_LIMIT, done: Exported::default() };
    let odd = saved::read(archive, |entry, contents| {
        let path = entry.path.clone();
        export.take(entry, contents).with_context(|| format!("cannot write `{}`", path.display()))
    })?;
    let mut done = export.done;
    if odd > 0 {
        done.left.push((PathBuf::from(".."), "names that leave the workspace"));
    }
    Ok(done)
}

fn make(to: &Path) -> anyhow::Result<()> {
    match DirBuilder::new().mode(0o755).create(to) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let is_empty =
                std::fs::symlink_metadata(to)?.is_dir() && std::fs::read_dir(to)?.next().is_none();
            if is_empty {
                return Ok(());
            }
            Err(exit::usage(format!("`{}` is there already", to.display())))
                .hint("name a folder that is not there yet, or is empty")
        }
        Err(error) => Err(error).with_context(|| format!("cannot make `{}`", to.display())),
    }
}

/// Folders that git takes for a repository whatever they are called.
fn repositories(archive: &Path) -> anyhow::Result<BTreeSet<PathBuf>> {
    let mut heads = BTreeSet::new();
    saved::read(archive, |entry, _| {
        if entry.path.file_name().is_some_and(|name| name == "HEAD")
            && let Some(parent) = entry.path.parent()
        {
            heads.insert(parent.to_owned());
        }
        Ok(())
    })?;
    Ok(heads)
}

struct Export {
    root: Folder,
    bare: BTreeSet<PathBuf>,
    room: u64,
    done: Exported,
}

/// What is done with a file.
enum Rule {
    Take,
    /// Only what describes is kept of it.
    Clean,
    Leave(&'static str),
}

impl Export {
    fn take(&mut self, entry: saved::Saved, contents: &mut dyn Read) -> anyhow::Result<()> {
        let path = entry.path;
        if path.as_os_str().is_empty() {
            return Ok(());
        }
        let rule = self.rule(&path, &entry.kind);
        if let Rule::Leave(why) = rule {
            // One line for all of a repository's hooks is enough.
            self.done.left.push((path, why));
            return Ok(());
        }
        match entry.kind {
            Kind::Folder => self.folders(&path),
            Kind::Odd => {
                self.done.left.push((path, "neither file, folder nor link"));
                Ok(())
            }
            Kind::Link(target) => self.link(path, &target),
            Kind::File { executable, size } => {
                let Some(room) = self.room.checked_sub(size) else {
                    bail!("it holds more than {SAVE_LIMIT} bytes");
                };
                self.room = room;
                let parent = path.parent().unwrap_or(Path::new(""));
                self.folders(parent)?;
                // Neither setuid nor writable for others, whatever the archive says.
                let mode = if executable { 0o755 } else { 0o644 };
                let mut file = self.root.create(&path, mode)?;
                if matches!(rule, Rule::Clean) {
                    let mut text = String::new();
                    contents.take(CONFIG_LIMIT).read_to_string(&mut text)?;
                    io::Write::write_all(&mut file, git_config::cleaned(&text).as_bytes())?;
                } else {
                    io::copy(contents, &mut file)?;
                }
                self.done.files += 1;
                Ok(())
            }
        }
    }

    /// git's files are judged by where they lie; all else is taken.
    fn rule(&self, path: &Path, kind: &Kind) -> Rule {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let is_git = |part: &std::ffi::OsStr| part.eq_ignore_ascii_case(".git");
        let mut parts = path.components().map(Component::as_os_str);
        let in_git = parts.clone().any(is_git);
        if is_git(path.file_name().unwrap_or_default()) && !matches!(kind, Kind::Folder) {
            return Rule::Leave("it points git elsewhere");
        }
        if in_git && matches!(kind, Kind::Link(_)) {
            return Rule::Leave("a link in a repository");
        }
        // A folder is a repository to git whatever it is called, if it looks like one.
        let below_bare = path.ancestors().skip(1).filter(|above| self.bare.contains(*above));
        let firsts: Vec<_> = below_bare
            .filter_map(|above| path.strip_prefix(above).ok()?.components().next())
            .map(Component::as_os_str)
            .collect();
        let hooks = |part: &std::ffi::OsStr| part.eq_ignore_ascii_case("hooks");
        if (in_git && parts.any(hooks)) || firsts.iter().any(|first| hooks(first)) {
            return Rule::Leave("git runs it");
        }
        if in_git && POINTERS.contains(&name) {
            return Rule::Leave("it points git elsewhere");
        }
        let is_direct = path.parent().is_some_and(|parent| self.bare.contains(parent));
        if (in_git || is_direct) && name.eq_ignore_ascii_case("config") {
            return Rule::Clean;
        }
        Rule::Take
    }

    fn folders(&self, path: &Path) -> anyhow::Result<()> {
        let mut parent = PathBuf::new();
        for part in path.components() {
            let folder = self.root.folder(if parent.as_os_str().is_empty() {
                Path::new(".")
            } else {
                &parent
            })?;
            match mkdirat(folder.fd(), part.as_os_str(), Mode::from_bits_truncate(0o755)) {
                Ok(()) | Err(nix::Error::EEXIST) => parent.push(part),
                Err(error) => return Err(error.into()),
            }
        }
        // A link in the place of a folder is found out here at the latest.
        if !path.as_os_str().is_empty() {
            self.root.folder(path)?;
        }
        Ok(())
    }

    fn link(&mut self, path: PathBuf, target: &Path) -> anyhow::Result<()> {
        let parent = path.parent().unwrap_or(Path::new("")).to_owned();
        if !stays(&parent, target) {
            self.done.left.push((path, "a link that leaves the folder"));
            return Ok(());
        }
        self.folders(&parent)?;
        let folder = self.root.folder(if parent.as_os_str().is_empty() {
            Path::new(".")
        } else {
            &parent
        })?;
        symlinkat(target, folder.fd(), path.file_name().unwrap_or_default())?;
        self.done.files += 1;
        Ok(())
    }
}

/// Whether a link in that folder leads to something beneath the root, read as text: a link over a
/// link could lead elsewhere, so `..` may stand only at its beginning.
fn stays(parent: &Path, target: &Path) -> bool {
    let mut depth = parent.components().count();
    let mut descended = false;
    for part in target.components() {
        match part {
            Component::Normal(name) => {
                if name.eq_ignore_ascii_case(".git") {
                    return false;
                }
                descended = true;
            }
            Component::ParentDir if !descended && depth > 0 => depth -= 1,
            Component::CurDir => {}
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests;

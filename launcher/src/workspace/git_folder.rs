//! The `.git` a bottle gets: history and state by list, without hooks, without what runs or tells.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, bail};

use super::beneath::Folder;
use super::entry::Entry;
use super::{git_config, git_index};

/// Files and folders of a worktree's own.
const OWN: &[&str] = &[
    "HEAD",
    "index",
    "ORIG_HEAD",
    "MERGE_HEAD",
    "MERGE_MSG",
    "MERGE_MODE",
    "CHERRY_PICK_HEAD",
    "REVERT_HEAD",
];

/// What all worktrees of a repository share. Of `logs` only the stash's, which lives in it.
const SHARED: &[&str] =
    &["packed-refs", "shallow", "refs", "objects", "info", "lfs", "logs/refs/stash"];

/// Folders of submodules' own `.git` folders.
const MODULES: &str = "modules";

/// What no text of git's is longer than.
const TEXT_LIMIT: u64 = 1 << 20;
const INDEX_LIMIT: u64 = 512 << 20;

/// How deep a chain of borrowed object folders, or of submodules in submodules, may go.
const DEPTH: u32 = 5;

/// A repository's `.git` on the host.
#[derive(Debug)]
pub(super) struct GitFolder {
    /// Where `HEAD` and `index` lie.
    own: PathBuf,
    /// Where objects and refs lie: the same, but for a worktree.
    shared: PathBuf,
}

impl GitFolder {
    /// Finds the `.git` of a workspace. A worktree's is followed, but only to a repository that
    /// knows this worktree: the file could name anybody's.
    pub(super) fn of(workspace: &Path) -> anyhow::Result<Option<Self>> {
        let path = workspace.join(".git");
        let Ok(meta) = fs::symlink_metadata(&path) else { return Ok(None) };
        if meta.is_dir() {
            return Ok(Some(Self { own: path.clone(), shared: path }));
        }
        if !meta.is_file() {
            bail!("`{}` is neither a folder nor a file", path.display());
        }
        let text = text(workspace, ".git")?;
        let target = text.trim().strip_prefix("gitdir:").context("`.git` names no folder")?.trim();
        let own = workspace.join(target).canonicalize();
        let own = own.with_context(|| format!("cannot find `{target}`, which `.git` names"))?;
        if let Ok(common) = self::text(&own, "commondir") {
            let back = self::text(&own, "gitdir")?;
            let knows_us = Path::new(back.trim()).canonicalize().is_ok_and(|back| back == path);
            if knows_us {
                let shared = own.join(common.trim()).canonicalize()?;
                return Ok(Some(Self { own, shared }));
            }
        } else if workspace
            .ancestors()
            .skip(1)
            .any(|above| own.starts_with(above.join(".git/modules")))
        {
            return Ok(Some(Self { shared: own.clone(), own }));
        }
        bail!("`.git` names `{}`, which does not know this folder", own.display())
    }

    /// Where `HEAD` and `index` lie.
    pub(super) fn own(&self) -> &Path {
        &self.own
    }

    /// Where objects, refs and settings lie: the same, but for a worktree.
    pub(super) fn shared(&self) -> &Path {
        &self.shared
    }

    /// The names in the index.
    pub(super) fn tracked(&self) -> anyhow::Result<Vec<PathBuf>> {
        let config = text(&self.shared, "config").unwrap_or_default().to_ascii_lowercase();
        let id_length = if config.contains("sha256") { 32 } else { 20 };
        let Some(bytes) = bytes(&self.own, "index")? else { return Ok(Vec::new()) };
        let mut index = git_index::read(&bytes, id_length).context("cannot read `.git/index`")?;
        if index.is_split {
            for name in names(&self.own)?.iter().filter(|name| name.starts_with("sharedindex.")) {
                let Some(bytes) = self::bytes(&self.own, name)? else { continue };
                index.paths.extend(git_index::read(&bytes, id_length)?.paths);
            }
        }
        Ok(index.paths)
    }

    /// Every entry of the `.git` folder that goes along, named below `.git`.
    pub(super) fn entries(&self) -> anyhow::Result<Vec<Entry>> {
        let mut entries = Vec::new();
        self.collect(Path::new(".git"), &mut entries, DEPTH)?;
        Ok(entries)
    }

    fn collect(&self, at: &Path, to: &mut Vec<Entry>, depth: u32) -> anyhow::Result<()> {
        let config = text(&self.shared, "config").unwrap_or_default();
        to.push(Entry::folder(at));
        for empty in ["objects", "refs/heads", "info"] {
            to.push(Entry::folder(at.join(empty)));
        }
        to.push(Entry::bytes(at.join("config"), git_config::cleaned(&config).into_bytes()));
        let own = Arc::new(Folder::open(&self.own)?);
        for name in OWN {
            take(&self.own, &own, Path::new(name), at, to)?;
        }
        for name in names(&self.own)?.iter().filter(|name| name.starts_with("sharedindex.")) {
            take(&self.own, &own, Path::new(name), at, to)?;
        }
        let shared = Arc::new(Folder::open(&self.shared)?);
        for name in SHARED {
            take(&self.shared, &shared, Path::new(name), at, to)?;
        }
        borrowed(&self.shared.join("objects"), &at.join("objects"), to, DEPTH)?;
        if depth > 0 {
            self.submodules(at, to, depth - 1)?;
        }
        Ok(())
    }

    /// The `.git` folders of submodules, which may be nested: a name can hold slashes.
    fn submodules(&self, at: &Path, to: &mut Vec<Entry>, depth: u32) -> anyhow::Result<()> {
        let top = self.shared.join(MODULES);
        let mut open = vec![top.clone()];
        while let Some(folder) = open.pop() {
            if folder.join("HEAD").is_file() {
                let name = folder.strip_prefix(&self.shared).unwrap_or(&folder);
                let module = Self { own: folder.clone(), shared: folder.clone() };
                module.collect(&at.join(name), to, depth)?;
                continue;
            }
            let Ok(below) = fs::read_dir(&folder) else { continue };
            let folders = below.flatten().filter(|e| e.file_type().is_ok_and(|kind| kind.is_dir()));
            open.extend(folders.map(|entry| entry.path()));
        }
        Ok(())
    }
}

/// Takes a file, or a folder with all below it, links and half-written files aside.
fn take(
    root: &Path,
    folder: &Arc<Folder>,
    path: &Path,
    at: &Path,
    to: &mut Vec<Entry>,
) -> anyhow::Result<()> {
    let host = root.join(path);
    let Ok(meta) = fs::symlink_metadata(&host) else { return Ok(()) };
    if meta.is_dir() {
        to.push(Entry::folder(at.join(path)));
        for name in names(&host)? {
            take(root, folder, &path.join(name), at, to)?;
        }
    } else if meta.is_file() && !is_left_out(path) {
        to.push(Entry::file(at.join(path), folder, path, &meta));
    }
    Ok(())
}

fn is_left_out(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    // `alternates` name folders of the host; what lies there was taken instead.
    let alternates = path.parent().is_some_and(|parent| parent.ends_with("objects/info"));
    name.ends_with(".lock")
        || name.starts_with("tmp_")
        || (alternates && name.contains("alternates"))
}

/// Objects that this repository borrows from others on the host.
fn borrowed(objects: &Path, at: &Path, to: &mut Vec<Entry>, depth: u32) -> anyhow::Result<()> {
    let Ok(list) = text(objects, "info/alternates") else { return Ok(()) };
    if depth == 0 {
        bail!("`{}` borrows objects over too many steps", objects.display());
    }
    for line in list.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let lender = objects.join(line);
        // A path that a repository names could be any folder: only an object store is taken.
        if lender.file_name().is_none_or(|name| name != "objects") || !lender.join("pack").is_dir()
        {
            bail!("`{}` is no object store, and `info/alternates` names it", lender.display());
        }
        let folder = Arc::new(Folder::open(&lender)?);
        for name in names(&lender)? {
            let is_store =
                name == "pack" || (name.len() == 2 && u8::from_str_radix(&name, 16).is_ok());
            if is_store {
                take(&lender, &folder, Path::new(&name), at, to)?;
            }
        }
        borrowed(&lender, at, to, depth - 1)?;
    }
    Ok(())
}

fn names(folder: &Path) -> anyhow::Result<Vec<String>> {
    let entries =
        fs::read_dir(folder).with_context(|| format!("cannot list `{}`", folder.display()))?;
    let mut names: Vec<_> =
        entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort_unstable();
    Ok(names)
}

fn text(folder: &Path, name: &str) -> anyhow::Result<String> {
    let bytes = compose_run::read_plain(folder, Path::new(name), TEXT_LIMIT)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// `None` where there is no such file.
fn bytes(folder: &Path, name: &str) -> anyhow::Result<Option<Vec<u8>>> {
    match compose_run::read_plain(folder, Path::new(name), INDEX_LIMIT) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.is_absent() => Ok(None),
        Err(error) => Err(error.into()),
    }
}

//! Mode `mount`: the user's folder in the bottle, without the parts of `.git` that run on the host.
//!
//! `.git` is a mount of its own, since a folder that is one cannot be renamed away and replaced;
//! in it what names programs is read-only. The agent commits, and changes no hook and no setting, nor
//! where git looks for them.

use std::path::{Path, PathBuf};

use anyhow::bail;
use compose_render::{Mount, contract};

use super::git_folder::GitFolder;
use super::{git_config, seal};
use crate::exit;

/// In `.git`, read-only where they are there: each names programs, or is another's to write.
const FROZEN: &[&str] = &["config", "config.worktree", "hooks", "modules", "worktrees"];
/// In a worktree's own folder, read-only: they say where the rest is.
const SIGNPOSTS: &[&str] = &["commondir", "gitdir", "config.worktree"];

/// The mounts of a workspace, the outer ones first.
pub(crate) fn mounts(source: &Path) -> anyhow::Result<Vec<Mount>> {
    let mut mounts = vec![mount(source, contract::WORKSPACE_DIR.to_owned(), true)];
    let Some(git) = GitFolder::of(source)? else { return Ok(mounts) };
    let (own, shared) = (git.own(), git.shared());
    let inside = format!("{}/.git", contract::WORKSPACE_DIR);
    if own == source.join(".git") {
        complete(shared)?;
        mounts.push(mount(shared, inside.clone(), true));
        mounts.extend(frozen(shared, &inside, FROZEN));
        mounts.push(sealed(shared, &inside));
        return Ok(mounts);
    }
    // A worktree's `.git` names its repository by a path of the host, so it stands at that path.
    complete(shared)?;
    let (Some(at), Some(own_at)) = (shared.to_str(), own.to_str()) else {
        bail!("`{}` is not UTF-8", shared.display());
    };
    mounts.push(mount(&source.join(".git"), inside, false));
    mounts.push(mount(shared, at.to_owned(), true));
    mounts.extend(frozen(shared, at, FROZEN));
    mounts.push(sealed(shared, at));
    if own != shared {
        mounts.push(mount(own, own_at.to_owned(), true));
        mounts.extend(frozen(own, own_at, SIGNPOSTS));
    }
    Ok(mounts)
}

/// Whether all that has to be read-only is there: what is not, the agent could make.
fn complete(shared: &Path) -> anyhow::Result<()> {
    let extended = || {
        let config = std::fs::read_to_string(shared.join("config")).unwrap_or_default();
        git_config::value(&config, "extensions", "worktreeconfig").is_some()
    };
    let missing = |name: &str| !shared.join(name).exists();
    let mut names = FROZEN.iter().chain([&seal::NAME]).map(|name| shared.join(name));
    if let Some(link) = names.find(|path| path.is_symlink()) {
        let sentence = format!("`{}` is a link, which could lead anywhere", link.display());
        return Err(exit::advise(exit::refused(sentence), "use `workspace: copy`"));
    }
    let elsewhere = shared.join(seal::NAME);
    if elsewhere.exists() && !seal::is_ours(&elsewhere) {
        let sentence = format!(
            "`{}` sends git elsewhere for its hooks and settings, where the agent could write",
            elsewhere.display()
        );
        return Err(exit::advise(exit::refused(sentence), "look at it and remove it"));
    }
    for (name, remedy) in [("hooks", "mkdir"), ("config", "touch"), ("config.worktree", "touch")] {
        if missing(name) && (name != "config.worktree" || extended()) {
            let path = shared.join(name);
            let sentence = format!("`{}` is not there, so the agent could make it", path.display());
            let hint = format!("`{remedy} {}`, or use `workspace: copy`", path.display());
            return Err(exit::advise(exit::refused(sentence), hint));
        }
    }
    Ok(())
}

fn frozen<'a>(
    host: &'a Path,
    guest: &'a str,
    names: &'a [&str],
) -> impl Iterator<Item = Mount> + use<'a> {
    let there = names.iter().filter(move |name| host.join(name).exists());
    there.map(move |name| mount(&host.join(name), format!("{guest}/{name}"), false))
}

/// The file by which git would look elsewhere. It is there before the mount is.
fn sealed(host: &Path, guest: &str) -> Mount {
    mount(&host.join(seal::NAME), format!("{guest}/{}", seal::NAME), false)
}

fn mount(host: &Path, guest: String, writable: bool) -> Mount {
    Mount { host: PathBuf::from(host), guest, writable }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn repository(at: &Path) {
        for folder in [".git/hooks", ".git/objects", ".git/worktrees/w"] {
            fs::create_dir_all(at.join(folder)).unwrap();
        }
        for file in [".git/config", ".git/HEAD"] {
            compose_run::replace(&at.join(file), b"", 0o644).unwrap();
        }
    }

    fn said(root: &Path, mounts: &[Mount]) -> Vec<String> {
        let root = root.display().to_string();
        let line = |mount: &Mount| {
            let mode = if mount.writable { "rw" } else { "ro" };
            let host = mount.host.display().to_string();
            format!("{} {} {mode}", host.replace(&root, "~"), mount.guest.replace(&root, "~"))
        };
        mounts.iter().map(line).collect()
    }

    #[test]
    fn h6_what_runs_on_the_host_is_read_only_and_git_cannot_be_moved_away() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        repository(&root);
        assert_eq!(
            said(&root, &mounts(&root).unwrap()),
            [
                "~ /workspace rw",
                "~/.git /workspace/.git rw",
                "~/.git/config /workspace/.git/config ro",
                "~/.git/hooks /workspace/.git/hooks ro",
                "~/.git/worktrees /workspace/.git/worktrees ro",
                "~/.git/commondir /workspace/.git/commondir ro",
            ]
        );
    }

    #[test]
    fn h6_hooks_that_could_be_made_are_a_refusal() {
        let root = tempfile::tempdir().unwrap();
        repository(root.path());
        fs::remove_dir(root.path().join(".git/hooks")).unwrap();
        let error = mounts(root.path()).unwrap_err();
        assert_eq!(exit::Exit::of(&error), exit::Exit::Refused);
        assert!(exit::hint_of(&error).unwrap().starts_with("`mkdir "), "{error:#}");
    }

    #[test]
    fn h6_a_repository_that_sends_git_elsewhere_is_a_refusal() {
        let root = tempfile::tempdir().unwrap();
        repository(root.path());
        let elsewhere = root.path().join(".git/commondir");
        compose_run::replace(&elsewhere, b"../evil\n", 0o644).unwrap();
        let error = mounts(root.path()).unwrap_err();
        assert_eq!(exit::Exit::of(&error), exit::Exit::Refused);
        fs::remove_file(&elsewhere).unwrap();
        std::os::unix::fs::symlink("/etc/hostname", &elsewhere).unwrap();
        assert!(mounts(root.path()).is_err());
    }

    #[test]
    fn h7_a_worktree_stands_where_its_repository_says() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        repository(&root.join("main"));
        let tree = root.join("tree");
        fs::create_dir(&tree).unwrap();
        let own = root.join("main/.git/worktrees/w");
        let write = |path: PathBuf, text: String| {
            compose_run::replace(&path, text.as_bytes(), 0o644).unwrap();
        };
        write(tree.join(".git"), format!("gitdir: {}\n", own.display()));
        write(own.join("commondir"), "../..\n".to_owned());
        write(own.join("gitdir"), format!("{}\n", tree.join(".git").display()));
        assert_eq!(
            said(&root, &mounts(&tree).unwrap()),
            [
                "~/tree /workspace rw",
                "~/tree/.git /workspace/.git ro",
                "~/main/.git ~/main/.git rw",
                "~/main/.git/config ~/main/.git/config ro",
                "~/main/.git/hooks ~/main/.git/hooks ro",
                "~/main/.git/worktrees ~/main/.git/worktrees ro",
                "~/main/.git/commondir ~/main/.git/commondir ro",
                "~/main/.git/worktrees/w ~/main/.git/worktrees/w rw",
                "~/main/.git/worktrees/w/commondir ~/main/.git/worktrees/w/commondir ro",
                "~/main/.git/worktrees/w/gitdir ~/main/.git/worktrees/w/gitdir ro",
            ]
        );
    }
}

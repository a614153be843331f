//! Folders that no agent gets: those that hold more than a project.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use anyhow::Context as _;

use crate::exit::{self, Hint as _};
use crate::manifest::WorkspaceMode;
use crate::plan::WorkspacePlan;

/// Refuses `/`, the home folder, and whatever holds it, `.ssh` or our state.
pub(crate) fn check(plan: &WorkspacePlan, home: Option<&Path>, state: &Path) -> anyhow::Result<()> {
    let source = plan.source.canonicalize();
    let source = source.with_context(|| format!("cannot find `{}`", plan.source.display()))?;
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let reason = if source.parent().is_none() {
        Some("it is the whole file system".to_owned())
    } else if home.is_some_and(|home| real(home).starts_with(&source)) {
        Some("it holds your home folder".to_owned())
    } else if fs::symlink_metadata(source.join(".ssh")).is_ok() {
        Some("it holds `.ssh`".to_owned())
    } else if real(state).starts_with(&source) {
        Some("it holds the state of all bottles".to_owned())
    } else if source.starts_with(real(state)) {
        Some("it lies in the state of all bottles".to_owned())
    } else if let Some(home) = home
        && [".ssh", ".gnupg", ".aws", ".docker", ".kube", ".config"]
            .iter()
            .any(|name| source.starts_with(real(home).join(name)))
    {
        Some("it lies where credentials are kept".to_owned())
    } else {
        None
    };
    if let Some(reason) = reason {
        let sentence = format!("`{}` cannot be a workspace: {reason}", source.display());
        return Err(exit::refused(sentence))
            .hint("name the folder of one project by `--workspace`");
    }
    if plan.mode == WorkspaceMode::Mount {
        mount_owner(&source)?;
    }
    Ok(())
}

/// Who the agent runs as where the folder itself is mounted: its owner, who must not be root.
pub(crate) fn mount_owner(source: &Path) -> anyhow::Result<(u32, u32)> {
    let meta =
        fs::metadata(source).with_context(|| format!("cannot look at `{}`", source.display()))?;
    if meta.uid() == 0 {
        let sentence = format!("`{}` belongs to root, and no agent runs as root", source.display());
        return Err(exit::refused(sentence))
            .hint("take `workspace: copy`, or give the folder to a user");
    }
    Ok((meta.uid(), meta.gid()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    fn refusal(source: &Path, home: &Path, state: &Path) -> Option<String> {
        let plan = WorkspacePlan {
            mode: WorkspaceMode::Copy,
            source: source.to_owned(),
            include: Vec::new(),
            mounts: Vec::new(),
        };
        check(&plan, Some(home), state).err().map(|error| format!("{error:#}"))
    }

    #[test]
    fn refuses_what_holds_more_than_a_project() {
        let dir = tempfile::tempdir().unwrap();
        let at = |path: &str| {
            let path = dir.path().join(path);
            fs::create_dir_all(&path).unwrap();
            path
        };
        let (home, state) = (at("home"), at("home/.local/state/bottle"));
        at("keys/.ssh");
        for (source, reason) in [
            (PathBuf::from("/"), "the whole file system"),
            (at("home"), "your home folder"),
            (at(""), "your home folder"),
            (at("keys"), "`.ssh`"),
            (at("home/.local/state"), "the state of all bottles"),
            (at("home/.local/state/bottle/x"), "lies in the state"),
            (at("home/.ssh/x"), "credentials are kept"),
        ] {
            let text = refusal(&source, &home, &state);
            assert!(
                text.as_deref().is_some_and(|text| text.contains(reason)),
                "{source:?}: {text:?}"
            );
        }
        assert_eq!(refusal(&at("home/project"), &home, &state), None);
    }

    #[test]
    fn a_link_to_a_refused_folder_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let link = dir.path().join("link");
        std::os::unix::fs::symlink("/", &link).unwrap();
        assert!(refusal(&link, Path::new("/nowhere"), Path::new("/nowhere/state")).is_some());
    }
}

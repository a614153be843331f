//! Finds a bottle's workspace: as it is now where the bottle runs, as it was saved where not.

use std::path::PathBuf;

use anyhow::anyhow;
use compose_render::{Role, Slug};
use compose_run::{Metadata, containers};

use super::{SAVE_LIMIT, SAVE_PATIENCE, save};
use crate::bottles;
use crate::exit::Hint as _;
use crate::host::Host;

/// A workspace as a tar archive of an agent's making.
#[derive(Debug)]
pub(crate) struct Archive {
    pub path: PathBuf,
    /// The bottle's folder in the state folder.
    pub bottle: PathBuf,
    /// The user's folder, as the bottle's metadata name it.
    pub source: Option<PathBuf>,
    /// Made for this look alone; removed with it.
    _taken: Option<tempfile::TempDir>,
}

/// The workspace of the bottle of that name.
pub(crate) fn archive(host: &Host, slug: &Slug) -> anyhow::Result<Archive> {
    let dir = host.state.bottle(slug);
    if !dir.exists() {
        return Err(bottles::no_such(slug));
    }
    let Some(metadata) = dir.metadata()? else { return Err(bottles::no_such(slug)) };
    if metadata.workspace.as_deref() == Some("mount") {
        let folder = metadata.workspace_dir.unwrap_or_default();
        let sentence =
            format!("bottle `{slug}` works on `{folder}` itself: there is nothing to compare");
        return Err(anyhow!(sentence)).hint("look at that folder with the tools you know");
    }
    let agent = Role::Agent.container(slug);
    let bottle = dir.path().to_owned();
    let source = source(&metadata);
    if containers::is_running(&host.docker, &agent)? {
        let taken = tempfile::tempdir_in(&bottle)?;
        let path = taken.path().join(super::SAVED);
        save(&host.docker, &agent, &path, SAVE_LIMIT, SAVE_PATIENCE)?;
        return Ok(Archive { path, bottle, source, _taken: Some(taken) });
    }
    let path = dir.workspace_tar();
    if std::fs::symlink_metadata(&path).is_ok_and(|meta| meta.is_file()) {
        return Ok(Archive { path, bottle, source, _taken: None });
    }
    Err(anyhow!("bottle `{slug}` has no saved workspace")).hint("`bottle list` shows what there is")
}

fn source(metadata: &Metadata) -> Option<PathBuf> {
    metadata.workspace_dir.as_ref().map(PathBuf::from)
}

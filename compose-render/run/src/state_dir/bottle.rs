//! One bottle's folder.

use super::{Metadata, StateError, claim, guard};
use crate::{Owner, read_plain, replace, replace_owned};
use compose_render::{RenderedFile, Role, Slug};
use std::{
    io,
    path::{Component, Path, PathBuf},
};

/// More than this in `metadata.json` was not written by us.
const METADATA_LIMIT: u64 = 1 << 20;

/// The folder of one bottle. Knowing it says nothing of whether it is there, or whose.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BottleDir {
    path: PathBuf,
    slug: Slug,
}

/// A sidecar's folders on the host.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ServiceDirs {
    /// Its rendered files: `/config`.
    pub config: PathBuf,
    /// What the host tells it: `/inbox`.
    pub inbox: PathBuf,
    /// What it tells the host: `/outbox`.
    pub outbox: PathBuf,
}

impl BottleDir {
    pub(super) fn new(state: &Path, slug: &Slug) -> Self {
        Self { path: state.join(slug.as_str()), slug: slug.clone() }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn slug(&self) -> &Slug {
        &self.slug
    }

    /// Whether there is such a folder.
    pub fn exists(&self) -> bool {
        std::fs::symlink_metadata(&self.path).is_ok()
    }

    pub fn lock_file(&self) -> PathBuf {
        self.path.join("lock")
    }

    pub fn compose_file(&self) -> PathBuf {
        self.path.join("docker-compose.yml")
    }

    pub fn compose_log(&self) -> PathBuf {
        self.path.join("compose.log")
    }

    pub fn metadata_file(&self) -> PathBuf {
        self.path.join("metadata.json")
    }

    pub fn seccomp_file(&self) -> PathBuf {
        self.path.join("seccomp.json")
    }

    pub fn workspace_tar(&self) -> PathBuf {
        self.path.join("workspace.tar")
    }

    pub fn provision(&self) -> PathBuf {
        self.path.join("provision")
    }

    /// The sidecar's folders, whether they are there or not.
    pub fn service(&self, role: Role) -> ServiceDirs {
        let config = self.path.join(role.as_str());
        ServiceDirs { inbox: config.join("inbox"), outbox: config.join("outbox"), config }
    }

    /// Makes the sidecar's folders, 0700 and its own, or finds them so.
    pub fn create_service(&self, role: Role, owner: Owner) -> Result<ServiceDirs, StateError> {
        let dirs = self.service(role);
        for dir in [&dirs.config, &dirs.inbox, &dirs.outbox] {
            create_owned(dir, owner)?;
        }
        Ok(dirs)
    }

    /// Makes a folder directly in this one, 0700.
    pub fn create_dir(&self, name: &str) -> Result<PathBuf, StateError> {
        let path = self.path.join(checked(Path::new(name))?);
        guard::private_dir(&path)?;
        Ok(path)
    }

    /// Replaces a file of ours, 0600.
    pub fn write(&self, name: &str, contents: &[u8]) -> Result<PathBuf, StateError> {
        let path = self.path.join(checked(Path::new(name))?);
        refuse_link(&path)?;
        replace(&path, contents, 0o600)?;
        Ok(path)
    }

    /// Removes files and whole folders beneath this one; what is absent is well.
    pub fn remove(&self, names: &[&str]) -> Result<(), StateError> {
        for name in names {
            let path = self.path.join(checked(Path::new(name))?);
            let removed = match std::fs::symlink_metadata(&path) {
                Ok(metadata) if metadata.is_dir() => fs_err::remove_dir_all(&path),
                Ok(_) => fs_err::remove_file(&path),
                Err(error) => Err(error),
            };
            match removed {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
                Ok(()) | Err(_) => {}
            }
        }
        Ok(())
    }

    /// What the bottle is, once it was written.
    pub fn metadata(&self) -> Result<Option<Metadata>, StateError> {
        guard::check_dir(&self.path)?;
        let path = self.metadata_file();
        let bytes = match read_plain(&self.path, Path::new("metadata.json"), METADATA_LIMIT) {
            Ok(bytes) => bytes,
            Err(error) if error.is_absent() => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        guard::check_file(&path)?;
        let parsed = serde_json::from_slice(&bytes);
        parsed.map(Some).map_err(|source| StateError::Metadata { path, source })
    }

    /// Replaces `metadata.json`.
    pub fn set_metadata(&self, metadata: &Metadata) -> Result<(), StateError> {
        let path = self.metadata_file();
        let json = serde_json::to_vec_pretty(metadata)
            .map_err(|source| StateError::Metadata { path, source })?;
        self.write("metadata.json", &json).map(drop)
    }

    /// Whether some command, or a compose child of one, holds this bottle.
    pub fn is_locked(&self) -> bool {
        claim::is_locked(&self.lock_file())
    }
}

/// Writes rendered files beneath a sidecar's folder, for that owner, with their modes from the
/// first byte. Folders on the way are made 0700.
pub fn write_files(dir: &Path, files: &[RenderedFile], owner: Owner) -> Result<(), StateError> {
    for file in files {
        let name = checked(&file.path)?;
        let mut folder = dir.to_owned();
        for part in name.parent().into_iter().flat_map(Path::components) {
            folder.push(part);
            create_owned(&folder, owner)?;
        }
        let path = dir.join(name);
        refuse_link(&path)?;
        replace_owned(&path, file.contents().as_bytes(), file.mode, owner)?;
    }
    Ok(())
}

/// Makes a folder of a sidecar's, private to its owner.
pub fn owned_folder(dir: &Path, owner: Owner) -> Result<(), StateError> {
    create_owned(dir, owner)
}

fn create_owned(dir: &Path, owner: Owner) -> Result<(), StateError> {
    guard::private_dir(dir)?;
    owner.take(dir).map_err(|error| guard::named(dir, "give away", &error).into())
}

/// A link in place of a file of ours was put there by somebody: refuse, although the replacement
/// would not follow it.
fn refuse_link(path: &Path) -> Result<(), StateError> {
    match std::fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_symlink() => Err(StateError::Link(path.to_owned())),
        Ok(metadata) if !metadata.is_file() => {
            Err(StateError::Kind { path: path.to_owned(), expected: "plain file" })
        }
        Ok(_) | Err(_) => Ok(()),
    }
}

fn checked(name: &Path) -> Result<&Path, StateError> {
    let normal = |part| matches!(part, Component::Normal(_));
    let good = name.components().next().is_some() && name.components().all(normal);
    if good { Ok(name) } else { Err(StateError::BadName(name.to_owned())) }
}

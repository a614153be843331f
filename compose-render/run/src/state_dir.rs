//! The state folder, and who may stand in it.
//!
//! ```text
//! <state>/                       0700, ours
//!   <slug>/                      0700, ours; one bottle
//!     lock                       held (flock) while the bottle starts, works or stops
//!     metadata.json              what the bottle is: `Metadata`
//!     docker-compose.yml         what compose ran, byte for byte
//!     seccomp.json               the profile its containers run under
//!     compose.log                merged logs, written at teardown, control characters escaped
//!     workspace.tar              a copied workspace, saved at teardown
//!     provision/                 what was copied into the agent
//!     pipelock/ egress/ …        0700, the sidecar's; its rendered files, mounted at /config
//!       history/                 versions of its config that were applied
//!       inbox/                   the host writes, the container reads: /inbox
//!       outbox/                  the container writes, the host reads by `read_plain`: /outbox
//! ```
//!
//! Whatever of this is there already is looked at before it is used: a link, another's file or a
//! mode that lets others in is refused with a sentence, never repaired behind anybody's back.

mod bottle;
mod claim;
mod guard;
mod metadata;

use compose_render::Slug;
use std::{
    ffi::OsStr,
    io,
    path::{Path, PathBuf},
};

pub use self::bottle::{BottleDir, ServiceDirs, owned_folder, write_files};
pub use self::claim::Claim;
pub use self::metadata::{Metadata, Phase};

/// The folder that holds every bottle's state.
#[derive(Clone, Debug)]
pub struct StateDir {
    root: PathBuf,
}

/// Something about the state folder that is not as it must be.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    #[error("`{}` is a link; nothing of a bottle's state may be one", .0.display())]
    Link(PathBuf),
    #[error("`{}` is not a {expected}", .path.display())]
    Kind { path: PathBuf, expected: &'static str },
    #[error("`{}` belongs to uid {owner}, not to {us}", .path.display())]
    Owner { path: PathBuf, owner: u32, us: u32 },
    #[error("`{}` has mode {mode:04o} and lets others in; it must be {expected:04o}", .path.display())]
    Mode { path: PathBuf, mode: u32, expected: u32 },
    #[error("bottle `{0}` is running, or another command is at work on it")]
    Taken(Slug),
    #[error("there is no bottle `{0}`")]
    NoSuchBottle(Slug),
    #[error("`{}` cannot be understood", .path.display())]
    Metadata { path: PathBuf, source: serde_json::Error },
    #[error("`{}` may not be a file of a bottle's state", .0.display())]
    BadName(PathBuf),
    #[error(transparent)]
    Read(#[from] crate::ReadPlainError),
    /// The message names the path.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// A bottle that the state folder knows of, in whatever condition.
#[derive(Debug)]
pub struct Found {
    pub dir: BottleDir,
    /// `None` where there is none yet; an error where it cannot be read: the bottle is broken.
    pub metadata: Result<Option<Metadata>, StateError>,
    /// Whether some command holds it.
    pub locked: bool,
}

impl StateDir {
    /// Where the state lies: `$BOTTLE_STATE_DIR`, else below `$XDG_STATE_HOME`, else below `$HOME`.
    /// Relative values are not taken.
    pub fn choose(
        own: Option<&OsStr>,
        xdg_state_home: Option<&OsStr>,
        home: Option<&OsStr>,
    ) -> Option<PathBuf> {
        let absolute = |path: Option<&OsStr>| path.map(PathBuf::from).filter(|p| p.is_absolute());
        absolute(own)
            .or_else(|| Some(absolute(xdg_state_home)?.join("bottle")))
            .or_else(|| Some(absolute(home)?.join(".local/state/bottle")))
    }

    /// Opens the folder, making it where it is not there.
    pub fn open(root: impl Into<PathBuf>) -> Result<Self, StateError> {
        let root = root.into();
        if let Some(parent) = root.parent() {
            fs_err::create_dir_all(parent)?;
        }
        guard::private_dir(&root)?;
        Ok(Self { root })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.root
    }

    /// The bottle's folder, whether it is there or not.
    pub fn bottle(&self, slug: &Slug) -> BottleDir {
        BottleDir::new(&self.root, slug)
    }

    /// Makes the bottle's folder where it is not there, and takes its lock.
    pub fn claim(&self, slug: &Slug) -> Result<Claim, StateError> {
        claim::claim(self.bottle(slug), claim::Missing::Make)
    }

    /// Takes the lock of a bottle that is there.
    pub fn claim_existing(&self, slug: &Slug) -> Result<Claim, StateError> {
        claim::claim(self.bottle(slug), claim::Missing::Refuse)
    }

    /// Every bottle there is a folder of, by name; broken ones too.
    pub fn bottles(&self) -> Result<Vec<Found>, StateError> {
        let mut found = Vec::new();
        for entry in fs_err::read_dir(&self.root)? {
            let name = entry?.file_name();
            // What is not named like a bottle was not made by us and is left alone.
            let Some(slug) = name.to_str().and_then(|name| name.parse::<Slug>().ok()) else {
                continue;
            };
            let dir = self.bottle(&slug);
            let (metadata, locked) = (dir.metadata(), dir.is_locked());
            found.push(Found { dir, metadata, locked });
        }
        found.sort_by(|a, b| a.dir.slug().cmp(b.dir.slug()));
        Ok(found)
    }
}

#[cfg(test)]
mod tests;

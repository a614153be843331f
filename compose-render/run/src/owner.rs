//! Whose the sidecars' files are: sidecars run as the host user, or as a fixed uid where that is
//! root, so that no key is ever wider than 0600.

use compose_render::contract::SIDECAR_UID;
use nix::unistd::{getegid, geteuid};
use std::{io, os::unix::fs::lchown, path::Path};

/// A uid and a gid.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Owner {
    pub uid: u32,
    pub gid: u32,
}

impl Owner {
    /// Us.
    pub fn host() -> Self {
        Self { uid: geteuid().as_raw(), gid: getegid().as_raw() }
    }

    /// Whoever the sidecars run as.
    pub fn of_sidecars() -> Self {
        let host = Self::host();
        if host.uid == 0 { Self { uid: SIDECAR_UID, gid: SIDECAR_UID } } else { host }
    }

    /// Gives the file or folder, or a link itself and never its target, to this owner.
    pub fn take(self, path: &Path) -> io::Result<()> {
        if self != Self::host() {
            lchown(path, Some(self.uid), Some(self.gid))?;
        }
        Ok(())
    }
}

//! One change at a time: the bottle's own lock is held by whoever runs it, so changes have another.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt as _;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use compose_run::{BottleDir, wait};

use crate::exit::Hint as _;

/// How long another change is waited for: it may be waiting for sidecars itself.
const PATIENCE: Duration = Duration::from_mins(2);

/// Held until it is dropped, or the process ends.
#[derive(Debug)]
pub(super) struct Lock(#[expect(dead_code, reason = "held, never read")] File);

impl Lock {
    /// Takes it.
    pub(super) fn take(dir: &BottleDir) -> anyhow::Result<Self> {
        let path = dir.path().join("apply.lock");
        let shown = path.display().to_string();
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags(nix::fcntl::OFlag::O_NOFOLLOW.bits())
            .open(&path)
            .with_context(|| format!("cannot open `{shown}`"))?;
        wait::until("the end of another change", PATIENCE, || file.try_lock().ok())
            .map_err(|_| anyhow!("another change of `{}` is under way", dir.slug()))
            .hint("try again when it is over")?;
        Ok(Self(file))
    }
}

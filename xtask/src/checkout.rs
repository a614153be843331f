//! Where things are in this checkout.

use std::path::{Path, PathBuf};

use anyhow::Context;

/// The folders that every task works in.
#[derive(Debug, Clone)]
pub(crate) struct Checkout {
    pub(crate) root: PathBuf,
    pub(crate) target: PathBuf,
}

impl Checkout {
    /// This checkout: cargo says where this package was built from.
    pub(crate) fn here() -> anyhow::Result<Self> {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = manifest.parent().context("this package lies in no workspace")?.to_owned();
        let executable = std::env::current_exe().context("cannot tell where this program is")?;
        // `target/debug/xtask`: wherever cargo was told to build, its neighbours are there too.
        let target =
            executable.ancestors().nth(2).context("this program lies in no target folder")?;
        Ok(Self { root, target: target.to_owned() })
    }

    /// The static binaries of the sidecars.
    pub(crate) fn sidecars(&self) -> PathBuf {
        self.target.join("sidecars")
    }

    /// The launcher, as a debug build leaves it.
    pub(crate) fn bottle(&self) -> PathBuf {
        self.target.join("debug/bottle")
    }

    /// What this host lacks and these tasks fetched.
    pub(crate) fn tools(&self) -> PathBuf {
        self.target.join("tools")
    }
}

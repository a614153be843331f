//! The versions of a bottle's policy that were in force: `<sidecar>/history/<number>/`.

use std::path::Path;

use anyhow::{Context as _, anyhow};
use compose_render::{RenderedFile, Role};
use compose_run::{BottleDir, Owner, write_files};
use serde::Serialize;

use super::Config;
use crate::exit::Hint as _;

/// The folder in each sidecar's.
const FOLDER: &str = "history";
/// Beside pipelock's files of a version.
const ABOUT: &str = "about.json";

/// The versions of one bottle.
#[derive(Clone, Copy, Debug)]
pub(crate) struct History<'a>(pub &'a BottleDir);

/// When a version came to be in force, and why.
#[derive(Clone, Debug, Serialize)]
struct About {
    /// RFC 3339, UTC.
    time: String,
    why: String,
}

impl History<'_> {
    /// The version in force. A bottle whose policy never changed is at that of its start, 0.
    pub(crate) fn latest(self) -> anyhow::Result<Option<u64>> {
        let folder = self.0.service(Role::Pipelock).config.join(FOLDER);
        let entries = match std::fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                return Err(error).with_context(|| format!("cannot read `{}`", folder.display()));
            }
        };
        let number = |entry: std::fs::DirEntry| entry.file_name().to_str()?.parse().ok();
        Ok(entries.flatten().filter_map(number).max())
    }

    /// A version.
    pub(crate) fn version(self, number: u64) -> anyhow::Result<Config> {
        let below = Path::new(FOLDER).join(number.to_string());
        Config::read_beneath(self.0, &below)
            .map_err(|_| anyhow!("`{}` has no version {number} of its policy", self.0.slug()))
            .hint(format!("`bottle rollback {}` without a number goes one back", self.0.slug()))
    }

    /// Keeps a config as the next version, and says which that is. The first one kept is 0.
    pub(super) fn keep(self, config: &Config, why: &str) -> anyhow::Result<u64> {
        let number = self.latest()?.map_or(0, |latest| latest + 1);
        let below = format!("{FOLDER}/{number}");
        // pipelock's last: a version that is there by half has no number yet.
        let mut roles = config.roles();
        roles.reverse();
        for role in roles {
            config.write(self.0, role, &below)?;
        }
        let now = time::OffsetDateTime::now_utc();
        let time = now.format(&time::format_description::well_known::Rfc3339)?;
        let about = serde_json::to_string(&About { time, why: why.to_owned() })?;
        let file = RenderedFile::plain(Path::new(&below).join(ABOUT), about);
        let pipelock = self.0.service(Role::Pipelock).config;
        write_files(&pipelock, &[file], Owner::of_sidecars())?;
        Ok(number)
    }
}

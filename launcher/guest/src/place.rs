//! Which file each path is, so that the launcher can hold it against the host's.

use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;

use anyhow::Context as _;

/// A line for each path: its device and its number. Links are not followed.
pub(crate) fn tell(paths: &[&str]) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    for path in paths {
        let there =
            std::fs::symlink_metadata(path).with_context(|| format!("cannot look at `{path}`"))?;
        writeln!(out, "{}:{}", there.dev(), there.ino())?;
    }
    Ok(())
}

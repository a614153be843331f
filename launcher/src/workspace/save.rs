//! Saves what the agent made: a tar stream out of the running container, kept and never unpacked unasked.

use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use compose_render::contract;
use compose_run::Docker;
use tempfile::NamedTempFile;

use crate::plan::guest;

/// What the agent's conversation is: Claude Code's folder and its file beside it.
const CONVERSATION: [&str; 2] = ["/home/agent/.claude", "/home/agent/.claude.json"];

/// Packs the workspace and the conversation inside the container and writes the stream to `to`,
/// private to us from its first byte. The old file stays until the new one is whole. Returns its size.
///
/// The guest leaves out what would go over the limit. It runs where the agent runs, so the limit
/// is kept here as well: a stream that goes over it is an error, and nothing is saved. So is one that
/// takes longer than `patience`: whatever runs beside the guest can stop it.
pub(crate) fn save(
    docker: &Docker,
    container: &str,
    to: &Path,
    limit: u64,
    patience: Duration,
) -> anyhow::Result<u64> {
    let folder = to.parent().with_context(|| format!("`{}` has no folder", to.display()))?;
    let file = NamedTempFile::new_in(folder)
        .with_context(|| format!("cannot write in `{}`", folder.display()))?;
    let mut out = Limited { out: file, written: 0, limit: limit.saturating_add(SLACK) };
    let command = [guest::BINARY, "pack", &limit.to_string(), contract::WORKSPACE_DIR];
    docker
        .exec(container, None, false, command.into_iter().chain(CONVERSATION))
        .timeout(patience)
        .stream(&mut out)
        .context("cannot save the workspace")?;
    let Limited { out: file, written, .. } = out;
    file.as_file().sync_all().context("cannot save the workspace")?;
    file.persist(to).with_context(|| format!("cannot write `{}`", to.display()))?;
    Ok(written)
}

/// What the archive's own end may take beyond the limit that the guest counts.
const SLACK: u64 = 64 << 10;

struct Limited<W> {
    out: W,
    written: u64,
    limit: u64,
}

impl<W: Write> Write for Limited<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.written + bytes.len() as u64 > self.limit {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "over the size limit"));
        }
        let written = self.out.write(bytes)?;
        self.written += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn i2_a_stream_over_the_limit_is_an_error() {
        let mut out = Limited { out: Vec::new(), written: 0, limit: 4 };
        out.write_all(b"1234").unwrap();
        assert_eq!(out.write_all(b"5").unwrap_err().kind(), io::ErrorKind::FileTooLarge);
    }
}

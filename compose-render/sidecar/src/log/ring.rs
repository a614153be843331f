//! A file of lines that never outgrows its bound: the older half goes when it is full.

use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// The bound of the file, in bytes: some twenty thousand decisions.
const LIMIT: u64 = 4 * 1024 * 1024;

/// Appends lines. A reader that opens the path sees whole lines; one that holds the old file open
/// has to open the path again when its inode changes.
#[derive(Debug)]
pub(super) struct Ring {
    path: PathBuf,
    file: File,
    size: u64,
    limit: u64,
}

impl Ring {
    pub(super) fn open(path: PathBuf) -> io::Result<Self> {
        Self::with_limit(path, LIMIT)
    }

    fn with_limit(path: PathBuf, limit: u64) -> io::Result<Self> {
        let file = OpenOptions::new().append(true).create(true).open(&path)?;
        let size = file.metadata()?.len();
        Ok(Self { path, file, size, limit })
    }

    pub(super) fn append(&mut self, line: &[u8]) -> io::Result<()> {
        let more = line.len() as u64;
        if self.size + more > self.limit {
            self.halve()?;
        }
        self.file.write_all(line)?;
        self.size += more;
        Ok(())
    }

    /// Keeps the newer half, from a whole line on, in a new file under the same name.
    fn halve(&mut self) -> io::Result<()> {
        let mut newer = Vec::new();
        let mut old = File::open(&self.path)?;
        old.seek(SeekFrom::Start(self.size.saturating_sub(self.limit / 2)))?;
        old.take(self.limit).read_to_end(&mut newer)?;
        let first = newer.iter().position(|byte| *byte == b'\n').map_or(newer.len(), |at| at + 1);
        newer.drain(..first);
        let staged = self.path.with_extension("jsonl.new");
        self.size = newer.len() as u64;
        replace(&staged, &self.path, &newer)?;
        self.file = OpenOptions::new().append(true).open(&self.path)?;
        Ok(())
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "inside the container; `compose_run::replace` is the host's, and a ring needs no fsync"
)]
fn replace(staged: &Path, path: &Path, contents: &[u8]) -> io::Result<()> {
    let mut file = File::create(staged)?;
    file.set_permissions(Permissions::from_mode(0o644))?;
    file.write_all(contents)?;
    std::fs::rename(staged, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stays_within_its_bound_and_keeps_whole_newer_lines() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("decisions.jsonl");
        let mut ring = Ring::with_limit(path.clone(), 1000).unwrap();
        for n in 0..500 {
            ring.append(format!("line {n}\n").as_bytes()).unwrap();
            assert!(std::fs::metadata(&path).unwrap().len() <= 1000);
        }
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.ends_with("line 499\n"));
        assert!(text.lines().all(|line| line.starts_with("line ")));
        assert!(text.lines().count() > 30);
    }

    #[test]
    fn goes_on_after_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("decisions.jsonl");
        Ring::open(path.clone()).unwrap().append(b"one\n").unwrap();
        Ring::open(path.clone()).unwrap().append(b"two\n").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "one\ntwo\n");
    }
}

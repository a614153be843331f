//! Claude Code's binary: from npm where npm is reachable, else from the Python wheel that carries it.
//!
//! The pinned SHA-256 of the binary decides in the end: what has another is never in an image.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use compose_run::program;

use super::pins::ClaudePin;
use super::{Builder, wheel};

/// npm without retries: a registry that cannot be reached shows at once.
const NPM_TIMEOUT: Duration = Duration::from_mins(5);

/// Smaller files of that name in the npm package are stubs.
const SMALLEST: u64 = 50 << 20;

/// The binary, ready to be read, and where it came from.
pub(super) struct Binary {
    pub source: String,
    pub size: u64,
    pub contents: Box<dyn Read + Send>,
    /// Files that must stay until it was read.
    pub scratch: Option<tempfile::TempDir>,
}

/// Fetches it from each source in turn and hands it to `take`, which says whether it was the pinned one.
pub(super) fn fetch(
    builder: &Builder<'_>,
    pin: &ClaudePin,
    mut take: impl FnMut(Binary) -> anyhow::Result<bool>,
) -> anyhow::Result<()> {
    if let Some(binary) = from_npm(builder, pin) {
        if take(binary)? {
            return Ok(());
        }
        (builder.tell)("what npm has is not the pinned binary: taking the Python wheel");
    }
    let path = wheel::ensure(builder, &pin.wheel())?;
    let taken = take(wheel::binary(&path, pin)?)?;
    anyhow::ensure!(taken, "Claude Code in `{}` is not the pinned binary", path.display());
    Ok(())
}

/// `None` where there is no npm, or it cannot reach its registry.
fn from_npm(builder: &Builder<'_>, pin: &ClaudePin) -> Option<Binary> {
    program::found("npm")?;
    let scratch = tempfile::tempdir_in(builder.cache).ok()?;
    let package = format!("{}@{}", pin.npm, pin.version);
    // No script of a package ever runs on the host.
    program::call("npm")
        .args(["install", "--ignore-scripts", "--no-save", "--no-audit", "--no-fund", "--force"])
        .args(["--fetch-retries=0", "--fetch-timeout=20000", "--loglevel=error", "--prefix"])
        .arg(scratch.path())
        .arg(&package)
        .current_dir(scratch.path())
        .timeout(NPM_TIMEOUT)
        .run()
        .ok()?;
    let path = find(&scratch.path().join("node_modules").join(pin.npm))?;
    let file = File::open(&path).ok()?;
    let size = file.metadata().ok()?.len();
    let source = format!("npm {package}");
    Some(Binary { source, size, contents: Box::new(file), scratch: Some(scratch) })
}

/// The binary in an unpacked package, whatever it is called there.
fn find(package: &Path) -> Option<PathBuf> {
    let mut open = vec![package.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).ok()?.flatten() {
            let kind = entry.file_type().ok()?;
            let named = ["claude", "claude.exe"].iter().any(|name| entry.file_name() == *name);
            if kind.is_dir() {
                open.push(entry.path());
            } else if kind.is_file() && named && entry.metadata().ok()?.len() >= SMALLEST {
                return Some(entry.path());
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_binary_whatever_it_is_called_and_no_stub() {
        let dir = tempfile::tempdir().unwrap();
        let make = |name: &str, size: u64| {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            tempfile::NamedTempFile::new_in(dir.path()).unwrap().persist(&path).unwrap();
            // Sparse: it takes no room.
            fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(size).unwrap();
            path
        };
        make("bin/claude", 100);
        make("LICENSE", SMALLEST);
        assert_eq!(find(dir.path()), None);
        let binary = make("vendor/claude.exe", SMALLEST);
        assert_eq!(find(dir.path()), Some(binary));
    }
}

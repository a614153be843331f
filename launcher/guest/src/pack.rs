//! Gives back what the agent made: a tar stream of the workspace and of its conversation.

use std::fs::{self, Metadata};
use std::io::{self, Read, Write};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use tar::{Builder, EntryType, Header};

/// Folders that hold what can be made again. They come last, so that a limit takes them first.
const REMADE: [&str; 8] =
    ["target", "node_modules", ".venv", "venv", "__pycache__", ".tox", "dist", ".gradle"];

/// Room for one header and the padding of its contents.
const OVERHEAD: u64 = 1024;

/// Writes the folders and files below `roots` to stdout, their names relative to `/`.
///
/// The archive is whole in any case: what would take it over `limit` bytes is left out, and how
/// many files that were is said on stderr. Sockets, pipes and devices are never taken.
pub(crate) fn to_stdout(roots: &[&str], limit: u64) -> anyhow::Result<()> {
    let mut pack = Pack::new(io::BufWriter::with_capacity(256 << 10, io::stdout().lock()), limit);
    let mut later = Vec::new();
    for root in roots {
        pack.add(Path::new(root), Some(&mut later))?;
    }
    for path in later {
        pack.add(&path, None)?;
    }
    let left_out = pack.left_out;
    pack.out.into_inner().and_then(|mut out| out.flush()).context("cannot write the stream")?;
    if left_out > 0 {
        say_left_out(left_out);
    }
    Ok(())
}

#[expect(clippy::print_stderr, reason = "the launcher shows it to the person")]
fn say_left_out(count: u64) {
    eprintln!("left out, over the size limit: {count}");
}

struct Pack<W: Write> {
    out: Builder<W>,
    room: u64,
    left_out: u64,
}

impl<W: Write> Pack<W> {
    fn new(out: W, limit: u64) -> Self {
        Self { out: Builder::new(out), room: limit, left_out: 0 }
    }

    /// Adds a path and what is below it. Folders that can be made again go to `later`, if given.
    fn add(&mut self, path: &Path, mut later: Option<&mut Vec<PathBuf>>) -> anyhow::Result<()> {
        let mut open = vec![path.to_owned()];
        while let Some(path) = open.pop() {
            // What vanished or cannot be read while the agent's programs still run is not there.
            let Ok(meta) = fs::symlink_metadata(&path) else { continue };
            if meta.is_dir() {
                let remade = path.file_name().is_some_and(|name| REMADE.iter().any(|r| name == *r));
                if let (true, Some(later)) = (remade, later.as_deref_mut()) {
                    later.push(path);
                    continue;
                }
                self.append(&path, &meta, EntryType::Directory, io::empty())?;
                let Ok(entries) = fs::read_dir(&path) else { continue };
                let mut below: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
                below.sort_unstable_by(|a, b| b.cmp(a));
                open.extend(below);
            } else if meta.is_symlink() {
                self.append_link(&path, &meta)?;
            } else if meta.is_file()
                && let Ok(file) = fs::File::open(&path)
            {
                self.append(&path, &meta, EntryType::Regular, file)?;
            }
        }
        Ok(())
    }

    fn append(
        &mut self,
        path: &Path,
        meta: &Metadata,
        kind: EntryType,
        contents: impl Read,
    ) -> anyhow::Result<()> {
        let size = if kind == EntryType::Regular { meta.len() } else { 0 };
        if !self.takes(size) {
            return Ok(());
        }
        let mut header = header(meta, kind, size);
        // A file that shrinks under our hands is filled up, one that grows is cut: the header stands.
        let exact = contents.chain(io::repeat(0)).take(size);
        self.out
            .append_data(&mut header, relative(path), exact)
            .with_context(|| format!("cannot pack `{}`", path.display()))
    }

    fn append_link(&mut self, path: &Path, meta: &Metadata) -> anyhow::Result<()> {
        let Ok(target) = fs::read_link(path) else { return Ok(()) };
        if !self.takes(0) {
            return Ok(());
        }
        self.out
            .append_link(&mut header(meta, EntryType::Symlink, 0), relative(path), target)
            .with_context(|| format!("cannot pack `{}`", path.display()))
    }

    /// Whether that many bytes still fit. What does not fit is counted.
    fn takes(&mut self, size: u64) -> bool {
        let Some(room) = self.room.checked_sub(size.saturating_add(OVERHEAD)) else {
            self.left_out += 1;
            return false;
        };
        self.room = room;
        true
    }
}

fn header(meta: &Metadata, kind: EntryType, size: u64) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_size(size);
    // Neither setuid nor setgid nor sticky: they mean nothing outside and could hurt there.
    header.set_mode(meta.mode() & 0o777);
    header.set_mtime(u64::try_from(meta.mtime()).unwrap_or(0));
    header.set_uid(0);
    header.set_gid(0);
    header
}

fn relative(path: &Path) -> &Path {
    path.strip_prefix("/").unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(limit: u64, dir: &Path) -> (Vec<String>, u64) {
        let mut pack = Pack::new(Vec::new(), limit);
        let mut later = Vec::new();
        pack.add(dir, Some(&mut later)).unwrap();
        for path in later {
            pack.add(&path, None).unwrap();
        }
        let left_out = pack.left_out;
        let bytes = pack.out.into_inner().unwrap();
        let mut archive = tar::Archive::new(bytes.as_slice());
        let names = archive.entries().unwrap().map(|entry| {
            let path = entry.unwrap().path().unwrap().into_owned();
            path.strip_prefix(relative(dir)).unwrap().display().to_string()
        });
        (names.collect(), left_out)
    }

    fn tree() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for folder in ["target", "src"] {
            fs::create_dir(dir.path().join(folder)).unwrap();
        }
        for (file, size) in [("target/big", 10_000), ("src/lib", 10), ("a", 10)] {
            fs_write(&dir.path().join(file), &vec![b'x'; size]);
        }
        std::os::unix::fs::symlink("/etc/passwd", dir.path().join("link")).unwrap();
        nix::unistd::mkfifo(&dir.path().join("pipe"), nix::sys::stat::Mode::S_IRWXU).unwrap();
        dir
    }

    #[expect(clippy::disallowed_methods, reason = "a test's own folder")]
    fn fs_write(path: &Path, contents: &[u8]) {
        fs::write(path, contents).unwrap();
    }

    #[test]
    fn takes_files_folders_and_links_as_they_are_and_no_pipe() {
        let dir = tree();
        let (names, left_out) = names(1 << 20, dir.path());
        assert_eq!(names, ["", "a", "link", "src", "src/lib", "target", "target/big"]);
        assert_eq!(left_out, 0);
    }

    #[test]
    fn what_can_be_made_again_is_what_a_limit_takes() {
        let dir = tree();
        let (names, left_out) = names(8 << 10, dir.path());
        assert_eq!(names, ["", "a", "link", "src", "src/lib", "target"]);
        assert_eq!(left_out, 1);
    }
}

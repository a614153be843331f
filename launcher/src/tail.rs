//! The sidecars' decisions as they are made: what has come since the last look, from files alone.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use compose_render::{Role, contract};
use compose_run::read_plain_from;

use crate::decisions::{DECIDE, Decision, LIMIT};
use crate::exit::Hint as _;

/// How far each sidecar's file was read.
#[derive(Debug, Default)]
pub(crate) struct Tail {
    places: BTreeMap<Role, Place>,
    /// The most of a file that is read at the first look, from its end; all of it where none is said.
    at_first: Option<u64>,
}

/// How far one file was read.
#[derive(Debug, Default)]
struct Place {
    inode: u64,
    at: u64,
    /// The beginning of a line whose end has not come.
    begun: Vec<u8>,
    /// The last whole line: a file that was halved goes on behind it.
    last: Vec<u8>,
}

impl Tail {
    /// From the first line that is there.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// From the last lines that are there: of each file, so many bytes.
    pub(crate) fn of_the_last(bytes: u64) -> Self {
        Self { at_first: Some(bytes), ..Self::default() }
    }

    /// What has come since, oldest first. A sidecar that has decided nothing is no fault; one whose
    /// file cannot be trusted is.
    pub(crate) fn look(&mut self, bottle: &Path) -> anyhow::Result<Vec<Decision>> {
        let mut new = Vec::new();
        for role in DECIDE {
            let place = self.places.entry(role).or_default();
            new.extend(place.look(bottle, role, self.at_first).hint(
                "a sidecar's own file was replaced by something else: do not trust this bottle",
            )?);
        }
        new.sort_by(|a: &Decision, b| a.text("time").cmp(&b.text("time")));
        Ok(new)
    }
}

impl Place {
    fn look(
        &mut self,
        bottle: &Path,
        role: Role,
        at_first: Option<u64>,
    ) -> anyhow::Result<Vec<Decision>> {
        let file: PathBuf = [role.as_str(), "outbox", contract::DECISIONS_FILE].iter().collect();
        let mut decisions = Vec::new();
        // Most files have nothing new, and one question tells; what it tells is trusted no further.
        match std::fs::symlink_metadata(bottle.join(&file)) {
            Ok(there) if (there.ino(), there.len()) == (self.inode, self.at) => {
                return Ok(decisions);
            }
            Ok(there) => {
                if let (0, Some(bytes)) = (self.inode, at_first) {
                    (self.inode, self.at) = (there.ino(), there.len().saturating_sub(bytes));
                }
            }
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(decisions),
            // What cannot even be asked for is refused where it is read.
            Err(_) => {}
        }
        loop {
            let begins_within = self.at > 0 && self.last.is_empty() && self.begun.is_empty();
            // A file that was halved comes whole: what was seen of it ends anywhere within.
            let piece = match read_plain_from(bottle, &file, (self.inode, self.at), LIMIT) {
                Ok(piece) => piece,
                Err(error) if error.is_absent() => return Ok(decisions),
                Err(error) => return Err(error.into()),
            };
            let other = piece.inode != self.inode;
            (self.inode, self.at) = (piece.inode, piece.end);
            if piece.bytes.is_empty() {
                return Ok(decisions);
            }
            let mut bytes = piece.bytes;
            if other {
                self.begun.clear();
                drop(bytes.drain(..self.seen(&bytes)));
            } else if begins_within {
                let first = bytes.iter().position(|&byte| byte == b'\n');
                drop(bytes.drain(..first.map_or(bytes.len(), |at| at + 1)));
            }
            self.begun.extend(bytes);
            let whole = self.begun.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
            let lines: Vec<u8> = self.begun.drain(..whole).collect();
            if let Some(last) = lines.split(|&byte| byte == b'\n').rfind(|line| !line.is_empty()) {
                self.last = last.to_vec();
            }
            decisions.extend(String::from_utf8_lossy(&lines).lines().filter_map(Decision::parse));
        }
    }

    /// How much of the new file was in the old one: all up to the last line that was read.
    fn seen(&self, bytes: &[u8]) -> usize {
        if self.last.is_empty() {
            return 0;
        }
        let mut end = 0;
        let mut seen = 0;
        for line in bytes.split_inclusive(|&byte| byte == b'\n') {
            end += line.len();
            if line.strip_suffix(b"\n") == Some(&self.last) {
                seen = end;
            }
        }
        seen
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(n: usize) -> String {
        format!("{{\"time\":\"{n:06}\",\"event\":\"allowed\"}}\n")
    }

    fn put(dir: &Path, text: &str) {
        let outbox = dir.join("pipelock/outbox");
        fs_err::create_dir_all(&outbox).unwrap();
        compose_run::replace(&outbox.join("decisions.jsonl"), text.as_bytes(), 0o644).unwrap();
    }

    fn append(dir: &Path, text: &str) {
        use std::io::Write as _;
        let path = dir.join("pipelock/outbox/decisions.jsonl");
        let mut file = fs_err::OpenOptions::new().append(true).open(path).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }

    fn times(tail: &mut Tail, dir: &Path) -> Vec<usize> {
        let read = tail.look(dir).unwrap();
        read.iter().map(|line| line.text("time").unwrap().parse().unwrap()).collect()
    }

    #[test]
    fn each_line_comes_once_also_when_a_file_is_halved() {
        let dir = tempfile::tempdir().unwrap();
        let mut tail = Tail::new();
        assert_eq!(times(&mut tail, dir.path()), Vec::<usize>::new());
        put(dir.path(), &(0..4).map(line).collect::<String>());
        assert_eq!(times(&mut tail, dir.path()), [0, 1, 2, 3]);
        let whole = line(4);
        let (half, rest) = whole.split_at(9);
        append(dir.path(), half);
        assert_eq!(times(&mut tail, dir.path()), Vec::<usize>::new(), "half a line is none");
        append(dir.path(), rest);
        assert_eq!(times(&mut tail, dir.path()), [4]);
        // As the ring does it: the newer half under the same name, and more behind it.
        put(dir.path(), &(3..7).map(line).collect::<String>());
        assert_eq!(times(&mut tail, dir.path()), [5, 6]);
        // Halved so often that nothing of it was seen.
        put(dir.path(), &(9..11).map(line).collect::<String>());
        assert_eq!(times(&mut tail, dir.path()), [9, 10]);
    }

    #[test]
    fn each_line_of_a_file_that_was_large_when_it_was_halved_comes_once() {
        let dir = tempfile::tempdir().unwrap();
        let mut tail = Tail::new();
        let many = (3 << 20) / line(0).len();
        put(dir.path(), &(0..many).map(line).collect::<String>());
        assert_eq!(times(&mut tail, dir.path()).len(), many);
        // The newer half is larger than what one read was thought to bring.
        put(dir.path(), &(many / 4..many + 2).map(line).collect::<String>());
        assert_eq!(times(&mut tail, dir.path()), [many, many + 1]);
    }

    #[test]
    fn the_last_lines_alone_are_whole_ones() {
        let dir = tempfile::tempdir().unwrap();
        put(dir.path(), &(0..100).map(line).collect::<String>());
        let bytes = u64::try_from(line(0).len()).unwrap() * 2 + 5;
        let mut tail = Tail::of_the_last(bytes);
        assert_eq!(times(&mut tail, dir.path()), [98, 99]);
        append(dir.path(), &line(100));
        assert_eq!(times(&mut tail, dir.path()), [100]);
    }

    #[test]
    fn i1_a_link_in_the_place_of_the_file_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let outbox = dir.path().join("pipelock/outbox");
        fs_err::create_dir_all(&outbox).unwrap();
        std::os::unix::fs::symlink("/etc/passwd", outbox.join("decisions.jsonl")).unwrap();
        assert!(Tail::new().look(dir.path()).is_err());
        assert!(Tail::of_the_last(10).look(dir.path()).is_err());
    }

    #[test]
    fn only_a_file_that_is_not_there_is_nothing() {
        let dir = tempfile::tempdir().unwrap();
        assert!(Tail::new().look(dir.path()).unwrap().is_empty());
        // A file where its folder should be: what lies below cannot be asked for.
        compose_run::replace(&dir.path().join("pipelock"), b"", 0o644).unwrap();
        assert!(Tail::new().look(dir.path()).is_err());
        assert!(Tail::of_the_last(10).look(dir.path()).is_err());
    }
}

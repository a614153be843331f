//! Reads git's index for the names in it: files that are tracked go along even where a rule ignores them.

use std::path::PathBuf;

use anyhow::{Context as _, bail, ensure};

/// Before the object's id in an entry: times, device, inode, mode, owner, size.
const STAT: usize = 40;

/// What an index names.
#[derive(Debug, Default)]
pub(super) struct Index {
    pub paths: Vec<PathBuf>,
    /// Whether more entries lie in a `sharedindex` file beside it.
    pub is_split: bool,
}

/// Reads an index of version 2, 3 or 4, whose objects' ids have `id_length` bytes.
pub(super) fn read(bytes: &[u8], id_length: usize) -> anyhow::Result<Index> {
    let mut at = Reader { bytes };
    ensure!(at.take(4)? == b"DIRC", "no index");
    let version = at.number()?;
    ensure!((2..=4).contains(&version), "an index of version {version}");
    let count = at.number()?;
    let mut index = Index::default();
    let mut previous = Vec::new();
    for _ in 0..count {
        let begin = at.bytes.len();
        let stat = at.take(STAT)?;
        let mode = u32::from_be_bytes(stat.get(24..28).context("short")?.try_into()?);
        at.take(id_length)?;
        let flags = u16::from_be_bytes(at.take(2)?.try_into()?);
        if version >= 3 && flags & 0x4000 != 0 {
            at.take(2)?;
        }
        let name = if version == 4 {
            let stripped = at.offset()?;
            let kept = previous.len().checked_sub(stripped).context("a name is cut too short")?;
            previous.truncate(kept);
            previous.extend_from_slice(at.until_zero()?);
            previous.clone()
        } else {
            let name = at.until_zero()?.to_vec();
            // Entries are padded with one to eight zeros, of which one is read already.
            let length = begin - at.bytes.len();
            at.take((8 - length % 8) % 8)?;
            name
        };
        // A sparse index names folders that are not there.
        if mode & 0o170_000 != 0o040_000 {
            use std::os::unix::ffi::OsStringExt as _;
            index.paths.push(PathBuf::from(std::ffi::OsString::from_vec(name)));
        }
    }
    index.is_split = at.extensions(id_length).any(|name| name == *b"link");
    Ok(index)
}

struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> anyhow::Result<&'a [u8]> {
        let (taken, rest) = self.bytes.split_at_checked(count).context("the index is cut short")?;
        self.bytes = rest;
        Ok(taken)
    }

    fn number(&mut self) -> anyhow::Result<u32> {
        Ok(u32::from_be_bytes(self.take(4)?.try_into()?))
    }

    fn until_zero(&mut self) -> anyhow::Result<&'a [u8]> {
        let length = self.bytes.iter().position(|&b| b == 0).context("a name does not end")?;
        let name = self.take(length)?;
        self.take(1)?;
        Ok(name)
    }

    /// git's variable-length number, as in packs' offsets.
    fn offset(&mut self) -> anyhow::Result<usize> {
        let mut byte = self.take(1)?.first().copied().context("short")?;
        let mut value = usize::from(byte & 0x7f);
        while byte & 0x80 != 0 {
            byte = self.take(1)?.first().copied().context("short")?;
            let Some(next) = value.checked_add(1).and_then(|v| v.checked_mul(128)) else {
                bail!("a name is cut too short");
            };
            value = next + usize::from(byte & 0x7f);
        }
        Ok(value)
    }

    /// The names of the extensions, which end before the checksum.
    fn extensions(self, id_length: usize) -> impl Iterator<Item = [u8; 4]> {
        let mut at = self;
        std::iter::from_fn(move || {
            if at.bytes.len() <= id_length {
                return None;
            }
            let name = at.take(4).ok()?.try_into().ok()?;
            let length = usize::try_from(at.number().ok()?).ok()?;
            at.take(length).ok()?;
            Some(name)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(mode: u32, name: &str) -> Vec<u8> {
        let mut entry = vec![0; STAT];
        entry[24..28].copy_from_slice(&mode.to_be_bytes());
        entry.extend([0; 20]);
        entry.extend(u16::try_from(name.len()).unwrap().to_be_bytes());
        entry.extend(name.as_bytes());
        entry.extend(vec![0; 8 - entry.len() % 8]);
        entry
    }

    fn index(entries: &[Vec<u8>], extension: [u8; 4]) -> Vec<u8> {
        let mut bytes = b"DIRC".to_vec();
        bytes.extend(2_u32.to_be_bytes());
        bytes.extend(u32::try_from(entries.len()).unwrap().to_be_bytes());
        bytes.extend(entries.concat());
        bytes.extend(extension);
        bytes.extend(3_u32.to_be_bytes());
        bytes.extend(b"abc");
        bytes.extend([0; 20]);
        bytes
    }

    #[test]
    fn reads_names_whatever_their_padding() {
        let names = ["a", "src/lib.rs", "0123456", "01234567", "012345678"];
        let mut entries: Vec<_> = names.iter().map(|name| entry(0o100_644, name)).collect();
        entries.push(entry(0o040_000, "sparse/"));
        let read = read(&index(&entries, *b"TREE"), 20).unwrap();
        assert_eq!(read.paths, names.map(PathBuf::from));
        assert!(!read.is_split);
    }

    #[test]
    fn knows_a_split_index() {
        assert!(read(&index(&[], *b"link"), 20).unwrap().is_split);
    }

    #[test]
    fn version_four_shares_the_beginning_of_names() {
        let mut bytes = b"DIRC".to_vec();
        bytes.extend(4_u32.to_be_bytes());
        bytes.extend(2_u32.to_be_bytes());
        for (stripped, rest) in [(0, "src/a.rs"), (4, "b.rs")] {
            let mut stat = vec![0; STAT + 20 + 2];
            stat[24..28].copy_from_slice(&0o100_644_u32.to_be_bytes());
            bytes.extend(stat);
            bytes.push(stripped);
            bytes.extend(rest.as_bytes());
            bytes.push(0);
        }
        bytes.extend([0; 20]);
        let read = read(&bytes, 20).unwrap();
        assert_eq!(read.paths, ["src/a.rs", "src/b.rs"].map(PathBuf::from));
    }

    #[test]
    fn a_mutilated_index_is_an_error_and_never_a_panic() {
        let whole = index(&[entry(0o100_644, "a/b")], *b"TREE");
        for length in 0..75 {
            assert!(read(&whole[..length], 20).is_err(), "{length}");
        }
        assert!(read(b"nothing", 20).is_err());
    }
}

//! One file as a tar stream, hashed as it passes.

use std::io::{self, Read};
use std::sync::{Arc, Mutex};

use sha2::{Digest as _, Sha256};
use tar::Header;

use crate::hex::hex;

/// tar's unit.
const BLOCK: u64 = 512;

/// Reads as a tar archive that holds one executable file.
pub(super) fn executable(
    path: &str,
    size: u64,
    contents: impl Read + Send,
) -> anyhow::Result<impl Read + Send> {
    let mut header = Header::new_gnu();
    header.set_path(path)?;
    header.set_size(size);
    header.set_mode(0o755);
    header.set_cksum();
    let padding = (BLOCK - size % BLOCK) % BLOCK;
    let end = io::repeat(0).take(padding + 2 * BLOCK);
    Ok(io::Cursor::new(header.as_bytes().to_vec()).chain(Exact { contents, left: size }).chain(end))
}

/// Gives exactly so many bytes, or an error: the header already said how many.
struct Exact<R> {
    contents: R,
    left: u64,
}

impl<R: Read> Read for Exact<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        let read = self.contents.read(buffer.get_mut(..most).unwrap_or_default())?;
        if read == 0 && most > 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.left -= read as u64;
        Ok(read)
    }
}

/// Hashes what is read through it.
pub(super) struct Hashing<R> {
    inner: R,
    digest: HashOf,
}

/// The hash of what passed, to be asked for at the end.
#[derive(Clone, Debug, Default)]
pub(super) struct HashOf(Arc<Mutex<Sha256>>);

impl<R> Hashing<R> {
    pub(super) fn new(inner: R) -> (Self, HashOf) {
        let digest = HashOf::default();
        (Self { inner, digest: digest.clone() }, digest)
    }
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        let mut sha = self.digest.0.lock().map_err(|_| io::ErrorKind::Other)?;
        sha.update(buffer.get(..read).unwrap_or_default());
        Ok(read)
    }
}

impl HashOf {
    /// The SHA-256 of all that passed, in hexadecimal.
    pub(super) fn hex(&self) -> String {
        let digest = self.0.lock().map(|sha| sha.clone().finalize());
        digest.map(|bytes| hex(&bytes)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_file_comes_through_whole_and_hashed() {
        let (contents, digest) = Hashing::new(b"hello".as_slice());
        let stream = executable("usr/local/bin/x", 5, contents).unwrap();
        let mut archive = tar::Archive::new(stream);
        let mut entries = archive.entries().unwrap();
        let mut entry = entries.next().unwrap().unwrap();
        assert_eq!(entry.header().mode().unwrap(), 0o755);
        let mut text = String::new();
        entry.read_to_string(&mut text).unwrap();
        assert_eq!(text, "hello");
        let sha = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
        assert_eq!(digest.hex(), sha);
    }

    #[test]
    fn a_file_shorter_than_promised_is_an_error() {
        let mut stream = executable("x", 6, b"hello".as_slice()).unwrap();
        assert!(stream.read_to_end(&mut Vec::new()).is_err());
    }
}

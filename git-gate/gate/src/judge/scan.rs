//! One object's bytes through the scanner: as they stand, as 16-bit text, and out of archives.

use std::io::Write as _;

use dlp::{Finding, Rules, Severity, Stream};
use flate2::write::MultiGzDecoder;

/// A zip has its list at its end, so it is held; a larger one is not looked into and not pushed.
const ZIP_LIMIT: usize = 16 << 20;
/// An archive in an archive in an archive is where it stops.
const DEPTH: u32 = 2;
/// Told of for each object; more say nothing more.
const FINDINGS: usize = 8;

/// What was found in one object.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Found {
    pub(crate) rule: &'static str,
    pub(crate) severity: Severity,
    /// Whether it is one of the bottle's own secrets.
    pub(crate) own: bool,
    pub(crate) offset: u64,
    pub(crate) len: usize,
    pub(crate) encoding: &'static str,
}

/// What a scan saw.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Looked {
    pub(crate) found: Vec<Found>,
    /// What it could not look into.
    pub(crate) unread: Option<Unread>,
}

/// Why something in an object was not looked at: a person has to answer for it.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Unread {
    /// Encrypted, or packed in a way that is not known here, or in too many layers.
    Sealed,
    /// It unpacks to more than is looked through.
    TooLarge,
}

impl Unread {
    /// The name in logs and refusals, and a sentence.
    pub(crate) const fn told(self) -> (&'static str, &'static str) {
        match self {
            Self::Sealed => {
                ("sealed-archive", "it is encrypted, or packed in a way that is not looked into")
            }
            Self::TooLarge => {
                ("archive-too-large", "an archive in it unpacks to more than is looked through")
            }
        }
    }
}

/// How files begin that are encrypted, or packed in a way that is not unpacked here: 7z, xz, bzip2,
/// zstd, lz4, rar, `openssl enc -salt`, age, and `OpenPGP` in its armour.
const SEALED: [&[u8]; 10] = [
    b"7z\xbc\xaf\x27\x1c",
    b"\xfd7zXZ\0",
    b"BZh",
    b"\x28\xb5\x2f\xfd",
    b"\x04\x22\x4d\x18",
    b"Rar!\x1a\x07",
    b"Salted__",
    b"age-encryption.org/",
    b"-----BEGIN AGE ENCRYPTED FILE-----",
    b"-----BEGIN PGP MESSAGE-----",
];
/// So many bytes tell what a file is: as many as the longest of these beginnings has. They may come
/// one by one.
const HEAD: usize = b"-----BEGIN AGE ENCRYPTED FILE-----".len();

/// A scan of one object.
pub(crate) struct Scan<'r> {
    rules: &'r Rules,
    plain: Stream,
    /// Without its zero bytes: 16-bit text that a chunk's edge would cut in two.
    wide: Option<Stream>,
    packed: Packed<'r>,
    depth: u32,
    /// What an archive may unpack to.
    limit: u64,
    found: Vec<Found>,
    unread: Option<Unread>,
}

/// What an object is, and what came of it where it is unpacked.
enum Packed<'r> {
    /// Not told yet: what came so far is too little.
    Unknown(Vec<u8>),
    Gzip(Box<MultiGzDecoder<Inner<'r>>>),
    Zip(Vec<u8>),
    /// Nothing is unpacked, or nothing more.
    No,
}

/// What comes out of a gzip stream.
struct Inner<'r> {
    scan: Scan<'r>,
    unpacked: u64,
}

impl<'r> Scan<'r> {
    pub(crate) fn new(rules: &'r Rules, unpacked_limit: u64) -> Self {
        Self::within(rules, DEPTH, unpacked_limit)
    }

    fn within(rules: &'r Rules, depth: u32, limit: u64) -> Self {
        Self {
            rules,
            plain: Stream::new(rules),
            wide: None,
            packed: Packed::Unknown(Vec::new()),
            depth,
            limit,
            found: Vec::new(),
            unread: None,
        }
    }

    pub(crate) fn push(&mut self, chunk: &[u8]) {
        self.read(chunk);
        let Packed::Unknown(head) = &mut self.packed else { return self.unpack(chunk) };
        head.extend_from_slice(chunk);
        if head.len() >= HEAD {
            let head = std::mem::take(head);
            self.open(&head);
        }
    }

    /// Looks at what stands there, whatever it is a part of.
    fn read(&mut self, chunk: &[u8]) {
        let findings = self.plain.push(chunk);
        self.keep(findings, None);
        if self.wide.is_none() && chunk.contains(&0) {
            self.wide = Some(Stream::new(self.rules));
        }
        if let Some(wide) = &mut self.wide {
            let narrow: Vec<u8> = chunk.iter().copied().filter(|&byte| byte != 0).collect();
            let findings = wide.push(&narrow);
            self.keep(findings, Some("utf-16"));
        }
    }

    fn unpack(&mut self, chunk: &[u8]) {
        match &mut self.packed {
            Packed::Gzip(gzip) => {
                if gzip.write_all(chunk).is_err() {
                    // No gzip after all, or something behind its end: others may read more than we.
                    self.keep_unread(Unread::Sealed);
                    self.close();
                }
            }
            Packed::Zip(zip) => {
                zip.extend_from_slice(chunk);
                if zip.len() > ZIP_LIMIT {
                    self.packed = Packed::No;
                    self.keep_unread(Unread::TooLarge);
                }
            }
            Packed::Unknown(_) | Packed::No => {}
        }
    }

    /// Says that nothing follows.
    pub(crate) fn finish(mut self) -> Looked {
        let plain = std::mem::replace(&mut self.plain, Stream::new(self.rules)).finish();
        self.keep(plain, None);
        if let Some(wide) = self.wide.take() {
            let findings = wide.finish();
            self.keep(findings, Some("utf-16"));
        }
        if let Packed::Unknown(head) = &mut self.packed {
            let head = std::mem::take(head);
            self.open(&head);
        }
        if let Packed::Gzip(gzip) = &mut self.packed
            && gzip.try_finish().is_err()
        {
            self.keep_unread(Unread::Sealed);
        }
        self.close();
        Looked { found: self.found, unread: self.unread }
    }

    /// Looks at the first bytes for what they are, and goes on with them.
    fn open(&mut self, first: &[u8]) {
        let (gzip, zip) = (first.starts_with(b"\x1f\x8b"), first.starts_with(b"PK\x03\x04"));
        let layer = self.depth.checked_sub(1);
        self.packed = Packed::No;
        if SEALED.iter().any(|begin| first.starts_with(begin)) || ((gzip || zip) && layer.is_none())
        {
            self.keep_unread(Unread::Sealed);
        } else if let (true, Some(depth)) = (gzip, layer) {
            let scan = Self::within(self.rules, depth, self.limit);
            let inner = Inner { scan, unpacked: 0 };
            self.packed = Packed::Gzip(Box::new(MultiGzDecoder::new(inner)));
        } else if zip {
            self.packed = Packed::Zip(Vec::new());
        }
        self.unpack(first);
    }

    /// The worst is told.
    fn keep_unread(&mut self, unread: Unread) {
        self.unread = self.unread.max(Some(unread));
    }

    fn keep(&mut self, findings: Vec<Finding>, encoding: Option<&'static str>) {
        for finding in findings {
            let known = self.found.iter().any(|found| found.rule == finding.rule);
            let own = finding.secret.is_some();
            // A rule once for each object: the place of the first is told. One of the bottle's own is
            // never left out: whether there is one decides what a person may allow.
            if known || (self.found.len() >= FINDINGS && !own) {
                continue;
            }
            self.found.push(Found {
                rule: finding.rule,
                severity: finding.severity,
                own,
                offset: if encoding.is_some() { 0 } else { finding.offset },
                len: finding.len,
                encoding: encoding.unwrap_or(finding.encoding),
            });
        }
    }

    /// Takes in what an archive held: nothing more of it comes.
    fn close(&mut self) {
        match std::mem::replace(&mut self.packed, Packed::No) {
            Packed::Gzip(mut gzip) => {
                let scan = Self::within(self.rules, 0, self.limit);
                let inner = std::mem::replace(gzip.get_mut(), Inner { scan, unpacked: 0 });
                self.take_in(inner.scan);
            }
            Packed::Zip(zip) => self.look_into_zip(&zip),
            Packed::Unknown(_) | Packed::No => {}
        }
    }

    fn take_in(&mut self, scan: Self) {
        let looked = scan.finish();
        if let Some(unread) = looked.unread {
            self.keep_unread(unread);
        }
        for found in looked.found {
            if !self.found.iter().any(|known| known.rule == found.rule) {
                self.found.push(Found { offset: 0, encoding: "archive", ..found });
            }
        }
    }

    /// A zip that cannot be read here may well be read elsewhere.
    fn look_into_zip(&mut self, bytes: &[u8]) {
        let Ok(mut archive) = zip::ZipArchive::new(std::io::Cursor::new(bytes)) else {
            return self.keep_unread(Unread::Sealed);
        };
        let mut unpacked = 0;
        let mut chunk = vec![0; super::CHUNK];
        for index in 0..archive.len() {
            // With a password, or packed by what is not known here.
            let Ok(mut entry) = archive.by_index(index) else {
                self.keep_unread(Unread::Sealed);
                continue;
            };
            let depth = self.depth.saturating_sub(1);
            let mut scan = Self::within(self.rules, depth, self.limit);
            let name = [entry.name_raw(), b"\n"].concat();
            // Read and no more: a name must not decide what the contents are taken for.
            scan.read(&name);
            loop {
                let Ok(read) = std::io::Read::read(&mut entry, &mut chunk) else {
                    scan.keep_unread(Unread::Sealed);
                    break;
                };
                if read == 0 {
                    break;
                }
                scan.push(chunk.get(..read).unwrap_or_default());
                unpacked += read as u64;
                if unpacked > self.limit {
                    self.keep_unread(Unread::TooLarge);
                    break;
                }
            }
            drop(entry);
            self.take_in(scan);
            // The file is held for it: what is left would only take time, for each of many entries.
            if unpacked > self.limit {
                return;
            }
        }
    }
}

impl std::fmt::Debug for Scan<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scan").field("depth", &self.depth).finish_non_exhaustive()
    }
}

impl std::io::Write for Inner<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.unpacked += bytes.len() as u64;
        if self.unpacked > self.scan.limit {
            self.scan.keep_unread(Unread::TooLarge);
            return Err(std::io::Error::other("it unpacks to too much"));
        }
        self.scan.push(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(bytes: &[u8], piece: usize) -> Looked {
        let rules = Rules::builtin().clone();
        let mut scan = Scan::new(&rules, 1 << 20);
        for piece in bytes.chunks(piece) {
            scan.push(piece);
        }
        scan.finish()
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        out.write_all(bytes).unwrap();
        out.finish().unwrap()
    }

    fn zip(entries: &[(&str, &[u8])]) -> Vec<u8> {
        let mut out = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        for (name, contents) in entries {
            out.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
            out.write_all(contents).unwrap();
        }
        out.finish().unwrap().into_inner()
    }

    #[test]
    fn h1_what_a_file_is_told_by_does_not_depend_on_how_it_comes() {
        assert_eq!(SEALED.iter().map(|begin| begin.len()).max(), Some(HEAD));
        let sealed = SEALED.iter().map(|begin| [begin, &b" and what follows"[..]].concat());
        let bare = SEALED.iter().map(|begin| begin.to_vec());
        for bytes in sealed.chain(bare) {
            for piece in [1, 2, 33, 34, 35, 4096] {
                let unread = look(&bytes, piece).unread;
                assert_eq!(unread, Some(Unread::Sealed), "{} by {piece}", bytes.escape_ascii());
            }
        }
        let secret = concat!("key = AKIA", "Q3EGRIZ5TL2WXPVY\n").as_bytes();
        // The name of an entry is no beginning of it: one is as a zip begins, one as what is sealed.
        let named = zip(&[("PK\x03\x04", b"x"), ("Salted__", secret)]);
        for bytes in [gzip(secret), zip(&[("inner.txt", secret)]), gzip(&gzip(secret)), named] {
            let whole = look(&bytes, bytes.len());
            assert_eq!((whole.found.len(), whole.unread), (1, None));
            assert_eq!(look(&bytes, 1), whole);
        }
        let sealed = zip(&[("inner.txt", b"Salted__01234567")]);
        assert_eq!(look(&sealed, 1).unread, Some(Unread::Sealed));
        assert_eq!(look(b"", 1), Looked::default());
        assert_eq!(look(b"PK", 1), Looked::default());
    }

    #[test]
    fn h5_nothing_of_a_zip_is_read_beyond_its_bound() {
        let secret = concat!("key = AKIA", "Q3EGRIZ5TL2WXPVY\n").as_bytes();
        let large = vec![0; 2 << 20];
        let looked = look(&zip(&[("first", secret), ("large", &large)]), 4096);
        assert_eq!((looked.found.len(), looked.unread), (1, Some(Unread::TooLarge)));
        let looked = look(&zip(&[("large", &large), ("behind", secret)]), 4096);
        assert_eq!((looked.found.len(), looked.unread), (0, Some(Unread::TooLarge)));
    }

    #[test]
    fn h1_one_of_the_bottles_own_is_kept_beside_any_number_of_others() {
        let rules = Rules::builtin().clone();
        let finding = |rule, secret| Finding {
            rule,
            severity: Severity::High,
            offset: 0,
            len: 20,
            encoding: "plain",
            secret,
        };
        let others = ["a", "b", "c", "d", "e", "f", "g", "h", "i"];
        let mut scan = Scan::new(&rules, 1 << 20);
        scan.keep(others.map(|rule| finding(rule, None)).to_vec(), None);
        assert_eq!(scan.found.len(), FINDINGS);
        scan.keep(vec![finding("own", Some(0))], None);
        assert!(scan.finish().found.iter().any(|found| found.own));
    }
}

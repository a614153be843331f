//! One object's bytes through the scanner: as they stand, as 16-bit text, and out of archives.

use std::io::Write as _;

use dlp::{Finding, Rules, Severity, Stream};
use flate2::write::GzDecoder;

use super::Unjudged;

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
    pub(crate) offset: u64,
    pub(crate) len: usize,
    pub(crate) encoding: &'static str,
}

/// A scan of one object.
pub(crate) struct Scan<'r> {
    rules: &'r Rules,
    plain: Stream,
    /// Without its zero bytes: 16-bit text that a chunk's edge would cut in two.
    wide: Option<Stream>,
    gzip: Option<Box<GzDecoder<Inner<'r>>>>,
    zip: Option<Vec<u8>>,
    depth: u32,
    /// What an archive may unpack to.
    limit: u64,
    seen: u64,
    found: Vec<Found>,
    too_large: bool,
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
            gzip: None,
            zip: None,
            depth,
            limit,
            seen: 0,
            found: Vec::new(),
            too_large: false,
        }
    }

    pub(crate) fn push(&mut self, chunk: &[u8]) {
        if self.seen == 0 && self.depth > 0 {
            self.open(chunk);
        }
        self.seen += chunk.len() as u64;
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
        if let Some(gzip) = &mut self.gzip {
            // What is no gzip after all, or goes on after its end, is looked at as it stands.
            if gzip.write_all(chunk).is_err() {
                self.close_gzip();
            }
        }
        if let Some(zip) = &mut self.zip {
            zip.extend_from_slice(chunk);
            if zip.len() > ZIP_LIMIT {
                (self.zip, self.too_large) = (None, true);
            }
        }
    }

    /// Says that nothing follows.
    pub(crate) fn finish(mut self) -> Result<Vec<Found>, Unjudged> {
        let plain = std::mem::replace(&mut self.plain, Stream::new(self.rules)).finish();
        self.keep(plain, None);
        if let Some(wide) = self.wide.take() {
            let findings = wide.finish();
            self.keep(findings, Some("utf-16"));
        }
        if let Some(gzip) = &mut self.gzip {
            drop(gzip.try_finish());
            self.close_gzip();
        }
        if let Some(zip) = self.zip.take() {
            self.look_into_zip(&zip);
        }
        if self.too_large && self.found.is_empty() {
            let sentence = "an archive in it unpacks to more than is looked through";
            return Err(Unjudged::refused("archive-too-large", sentence));
        }
        Ok(self.found)
    }

    /// Looks at the first bytes for what they are.
    fn open(&mut self, first: &[u8]) {
        if first.starts_with(b"\x1f\x8b") {
            let scan = Self::within(self.rules, self.depth - 1, self.limit);
            self.gzip = Some(Box::new(GzDecoder::new(Inner { scan, unpacked: 0 })));
        } else if first.starts_with(b"PK\x03\x04") {
            self.zip = Some(Vec::new());
        }
    }

    fn keep(&mut self, findings: Vec<Finding>, encoding: Option<&'static str>) {
        for finding in findings {
            let known = self.found.iter().any(|found| found.rule == finding.rule);
            // A rule once for each object: the place of the first is told.
            if known || self.found.len() >= FINDINGS {
                continue;
            }
            self.found.push(Found {
                rule: finding.rule,
                severity: finding.severity,
                offset: if encoding.is_some() { 0 } else { finding.offset },
                len: finding.len,
                encoding: encoding.unwrap_or(finding.encoding),
            });
        }
    }

    fn close_gzip(&mut self) {
        let Some(mut gzip) = self.gzip.take() else { return };
        let scan = Self::within(self.rules, 0, self.limit);
        let inner = std::mem::replace(gzip.get_mut(), Inner { scan, unpacked: 0 });
        self.take_in(inner.scan);
    }

    fn take_in(&mut self, scan: Self) {
        match scan.finish() {
            Ok(found) => {
                for found in found {
                    if !self.found.iter().any(|known| known.rule == found.rule) {
                        self.found.push(Found { offset: 0, encoding: "archive", ..found });
                    }
                }
            }
            Err(_) => self.too_large = true,
        }
    }

    /// A zip that cannot be read is looked at as it stands.
    fn look_into_zip(&mut self, bytes: &[u8]) {
        let Ok(mut archive) = zip::ZipArchive::new(std::io::Cursor::new(bytes)) else { return };
        let mut unpacked = 0;
        for index in 0..archive.len() {
            let Ok(mut entry) = archive.by_index(index) else { continue };
            let mut scan = Self::within(self.rules, self.depth - 1, self.limit);
            let name = [entry.name_raw(), b"\n"].concat();
            scan.push(&name);
            // What the name began must not decide what the contents are taken for.
            scan.seen = 0;
            let mut chunk = vec![0; super::CHUNK];
            while let Ok(read @ 1..) = std::io::Read::read(&mut entry, &mut chunk) {
                scan.push(chunk.get(..read).unwrap_or_default());
                unpacked += read as u64;
                if unpacked > self.limit {
                    self.too_large = true;
                    return;
                }
            }
            drop(entry);
            self.take_in(scan);
        }
    }
}

impl std::fmt::Debug for Scan<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scan").field("seen", &self.seen).finish_non_exhaustive()
    }
}

impl std::io::Write for Inner<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.unpacked += bytes.len() as u64;
        if self.unpacked > self.scan.limit {
            self.scan.too_large = true;
            return Err(std::io::Error::other("it unpacks to too much"));
        }
        self.scan.push(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

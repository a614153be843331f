//! Codings of a body undone (RFC 9110, 8.4), piece by piece, with bounds on what comes out.

use brotli_decompressor::DecompressorWriter;
use flate2::write::{MultiGzDecoder, ZlibDecoder};
use http::{HeaderMap, header::CONTENT_ENCODING};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};
use std::io::{self, Write};

/// How much is decoded at a time.
const PIECE: usize = 4 * 1024;
/// The most that one piece may become.
pub(crate) const PIECE_LIMIT: u64 = 8 * 1024 * 1024;
/// The most that a body may become without regard to its length.
pub(crate) const FREE: u64 = 4 * 1024 * 1024;
/// How many times its length a longer body may become.
pub(crate) const RATIO: u64 = 256;
/// The largest zstd window that is kept.
pub(crate) const ZSTD_WINDOW: u64 = 8 * 1024 * 1024;

/// Why a body cannot be read.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum Undecodable {
    #[error("a coding that cannot be undone, or more than one")]
    Unknown,
    #[error("not the coding that it says")]
    Broken,
    #[error("it becomes too much for its length")]
    Bomb,
}

/// The coding that the head names.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Coding {
    Identity,
    Gzip,
    Deflate,
    Brotli,
    Zstd,
}

impl Coding {
    pub(crate) fn of(headers: &HeaderMap) -> Result<Self, Undecodable> {
        let mut named = Self::Identity;
        for value in headers.get_all(CONTENT_ENCODING) {
            let text = value.to_str().map_err(|_| Undecodable::Unknown)?;
            for word in text.split(',').map(str::trim).filter(|word| !word.is_empty()) {
                let coding = match word.to_ascii_lowercase().as_str() {
                    "identity" => continue,
                    "gzip" | "x-gzip" => Self::Gzip,
                    "deflate" => Self::Deflate,
                    "br" => Self::Brotli,
                    "zstd" => Self::Zstd,
                    _ => return Err(Undecodable::Unknown),
                };
                if named != Self::Identity {
                    return Err(Undecodable::Unknown);
                }
                named = coding;
            }
        }
        Ok(named)
    }

    /// What undoes it; nothing for what is not coded.
    pub(crate) fn decoder(self) -> Option<Decoder> {
        let kind = match self {
            Self::Identity => return None,
            Self::Gzip => Kind::Gzip(Box::new(MultiGzDecoder::new(Sink::default()))),
            Self::Deflate => Kind::Deflate(Box::new(ZlibDecoder::new(Sink::default()))),
            Self::Brotli => Kind::Brotli(Box::new(DecompressorWriter::new(Sink::default(), PIECE))),
            Self::Zstd => Kind::Zstd(Box::default()),
        };
        Some(Decoder { kind, taken: 0, given: 0 })
    }
}

/// Undoes one coding.
pub(crate) struct Decoder {
    kind: Kind,
    taken: u64,
    given: u64,
}

enum Kind {
    Gzip(Box<MultiGzDecoder<Sink>>),
    Deflate(Box<ZlibDecoder<Sink>>),
    Brotli(Box<DecompressorWriter<Sink>>),
    Zstd(Box<Zstd>),
}

/// Takes what comes out, up to a bound.
#[derive(Debug, Default)]
struct Sink {
    out: Vec<u8>,
    room: u64,
    full: bool,
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if (self.out.len() + bytes.len()) as u64 > self.room {
            self.full = true;
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.out.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Decoder {
    /// Takes the next bytes and hands over what they become.
    pub(crate) fn push<E: From<Undecodable>>(
        &mut self,
        chunk: &[u8],
        mut take: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        for piece in chunk.chunks(PIECE) {
            self.taken += piece.len() as u64;
            take(&self.run(|kind| kind.write(piece))?)?;
        }
        Ok(())
    }

    /// Says that nothing follows.
    pub(crate) fn finish(&mut self) -> Result<Vec<u8>, Undecodable> {
        self.run(Kind::finish)
    }

    fn run(
        &mut self,
        go: impl FnOnce(&mut Kind) -> io::Result<()>,
    ) -> Result<Vec<u8>, Undecodable> {
        let most = FREE.max(self.taken.saturating_mul(RATIO));
        self.kind.sink().room = most.saturating_sub(self.given).min(PIECE_LIMIT);
        let went = go(&mut self.kind);
        let sink = self.kind.sink();
        let full = sink.full;
        let out = std::mem::take(&mut sink.out);
        self.given += out.len() as u64;
        match went {
            Ok(()) => Ok(out),
            Err(_) if full => Err(Undecodable::Bomb),
            Err(_) => Err(Undecodable::Broken),
        }
    }
}

impl Kind {
    fn write(&mut self, piece: &[u8]) -> io::Result<()> {
        match self {
            Self::Gzip(decoder) => decoder.write_all(piece).and_then(|()| decoder.flush()),
            Self::Deflate(decoder) => decoder.write_all(piece).and_then(|()| decoder.flush()),
            Self::Brotli(decoder) => decoder.write_all(piece).and_then(|()| decoder.flush()),
            Self::Zstd(decoder) => decoder.write(piece),
        }
    }

    fn finish(&mut self) -> io::Result<()> {
        match self {
            Self::Gzip(decoder) => decoder.try_finish(),
            Self::Deflate(decoder) => decoder.try_finish(),
            Self::Brotli(decoder) => decoder.close(),
            Self::Zstd(decoder) => decoder.finish(),
        }
    }

    fn sink(&mut self) -> &mut Sink {
        match self {
            Self::Gzip(decoder) => decoder.get_mut(),
            Self::Deflate(decoder) => decoder.get_mut(),
            Self::Brotli(decoder) => decoder.get_mut(),
            Self::Zstd(decoder) => &mut decoder.sink,
        }
    }
}

/// zstd (RFC 8878), block by block.
#[derive(Default)]
struct Zstd {
    frame: Option<Frame>,
    waiting: Vec<u8>,
    sink: Sink,
}

struct Frame {
    decoder: FrameDecoder,
    checked: bool,
}

/// The longest header of a frame.
const ZSTD_HEADER: usize = 18;

impl Zstd {
    fn write(&mut self, piece: &[u8]) -> io::Result<()> {
        self.waiting.extend_from_slice(piece);
        self.go(false)
    }

    fn finish(&mut self) -> io::Result<()> {
        self.go(true)?;
        if self.frame.is_none() && self.waiting.is_empty() { Ok(()) } else { Err(broken()) }
    }

    fn go(&mut self, last: bool) -> io::Result<()> {
        loop {
            let Some(frame) = &mut self.frame else {
                if self.waiting.is_empty() || (!last && self.waiting.len() < ZSTD_HEADER) {
                    return Ok(());
                }
                let mut rest = self.waiting.as_slice();
                let mut decoder = FrameDecoder::new();
                decoder.set_max_window_size(ZSTD_WINDOW);
                decoder.reset(&mut rest).map_err(|_| broken())?;
                let checked = self.waiting.get(4).is_some_and(|flags| flags & 4 != 0);
                let gone = self.waiting.len() - rest.len();
                self.waiting.drain(..gone);
                self.frame = Some(Frame { decoder, checked });
                continue;
            };
            let Some(&[a, b, c]) = self.waiting.first_chunk::<3>() else { return Ok(()) };
            let head = u32::from_le_bytes([a, b, c, 0]);
            let content = if head >> 1 & 3 == 1 { 1 } else { (head >> 3) as usize };
            let sum = if head & 1 == 1 && frame.checked { 4 } else { 0 };
            if content > 128 * 1024 {
                return Err(broken());
            }
            if self.waiting.len() < 3 + content + sum {
                return Ok(());
            }
            let mut rest = self.waiting.as_slice();
            let blocks = BlockDecodingStrategy::UptoBlocks(1);
            let over = frame.decoder.decode_blocks(&mut rest, blocks).map_err(|_| broken())?;
            frame.decoder.collect_to_writer(&mut self.sink)?;
            let gone = self.waiting.len() - rest.len();
            self.waiting.drain(..gone);
            if over {
                self.frame = None;
            }
        }
    }
}

fn broken() -> io::Error {
    io::ErrorKind::InvalidData.into()
}

#[cfg(test)]
mod tests;

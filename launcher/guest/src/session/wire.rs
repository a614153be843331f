//! What a terminal and a session say to each other: a kind, a length, the bytes.

use std::io::{self, Read};

/// The longest payload of one frame.
pub(super) const LIMIT: usize = 16 << 10;

const HEAD: usize = 3;

/// One frame, either way.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Frame {
    /// What was typed, or what is to be shown.
    Data(Vec<u8>),
    /// The terminal's size: rows, columns.
    Size(u16, u16),
    /// The command ended with this code.
    Ended(u8),
    /// Another terminal has taken the session over.
    Taken,
}

impl Frame {
    /// The frame as bytes; data longer than [`LIMIT`] must be cut before.
    pub(super) fn encode(&self) -> Vec<u8> {
        let (kind, payload) = match self {
            Self::Data(bytes) => (b'd', bytes.clone()),
            Self::Size(rows, columns) => {
                (b's', [rows.to_be_bytes(), columns.to_be_bytes()].concat())
            }
            Self::Ended(code) => (b'e', vec![*code]),
            Self::Taken => (b't', Vec::new()),
        };
        let length = u16::try_from(payload.len()).unwrap_or(u16::MAX).to_be_bytes();
        [&[kind], length.as_slice(), &payload].concat()
    }
}

/// Bytes as data frames, each short enough.
pub(super) fn data(bytes: &[u8]) -> Vec<u8> {
    bytes.chunks(LIMIT).flat_map(|chunk| Frame::Data(chunk.to_vec()).encode()).collect()
}

/// Puts frames together again, however the bytes were cut on their way.
#[derive(Debug, Default)]
pub(super) struct Frames {
    bytes: Vec<u8>,
}

impl Frames {
    /// Reads once. `false` at the end of the stream.
    pub(super) fn fill(&mut self, mut from: impl Read) -> io::Result<bool> {
        let mut chunk = [0; LIMIT];
        match from.read(&mut chunk) {
            Ok(0) => Ok(false),
            Ok(read) => {
                self.bytes.extend_from_slice(chunk.get(..read).unwrap_or_default());
                Ok(true)
            }
            Err(error) if retry(&error) => Ok(true),
            Err(error) => Err(error),
        }
    }

    /// The next whole frame.
    pub(super) fn next(&mut self) -> io::Result<Option<Frame>> {
        let &[kind, high, low, ref rest @ ..] = self.bytes.as_slice() else { return Ok(None) };
        let length = usize::from(u16::from_be_bytes([high, low]));
        let Some(payload) = rest.get(..length) else { return Ok(None) };
        let frame = match (kind, payload) {
            (b'd', bytes) => Frame::Data(bytes.to_vec()),
            (b's', &[a, b, c, d]) => {
                Frame::Size(u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]))
            }
            (b'e', &[code]) => Frame::Ended(code),
            (b't', []) => Frame::Taken,
            _ => return Err(io::ErrorKind::InvalidData.into()),
        };
        self.bytes.drain(..HEAD + length);
        Ok(Some(frame))
    }
}

/// Whether an error only means: not now.
pub(super) fn retry(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_survive_being_cut_anywhere() {
        let sent = [
            Frame::Data(b"hello\0\xff".to_vec()),
            Frame::Size(40, 120),
            Frame::Ended(7),
            Frame::Taken,
        ];
        let bytes: Vec<u8> = sent.iter().flat_map(Frame::encode).collect();
        let (mut frames, mut got) = (Frames::default(), Vec::new());
        for byte in bytes {
            assert!(frames.fill([byte].as_slice()).unwrap());
            got.extend(frames.next().unwrap());
        }
        assert_eq!(got, sent);
        assert!(!frames.fill([].as_slice()).unwrap());
    }

    #[test]
    fn what_is_no_frame_is_refused() {
        let mut frames = Frames::default();
        frames.fill(b"?\0\0".as_slice()).unwrap();
        assert!(frames.next().is_err());
    }
}

//! Frames read strictly and written in one form.

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};

/// A longer frame passes as several of its message: nothing waits for more than this.
pub(crate) const PIECE: usize = 64 * 1024;
/// The most that a control frame may hold.
const CONTROL: u64 = 125;

/// What a message is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    Text,
    Binary,
    Close,
    Ping,
    Pong,
}

impl Kind {
    pub(super) const fn is_control(self) -> bool {
        matches!(self, Self::Close | Self::Ping | Self::Pong)
    }

    const fn opcode(self) -> u8 {
        match self {
            Self::Text => 1,
            Self::Binary => 2,
            Self::Close => 8,
            Self::Ping => 9,
            Self::Pong => 10,
        }
    }
}

/// One frame, or a piece of a long one.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Frame {
    /// Of the message, also where this is not its first frame.
    pub(super) kind: Kind,
    pub(super) first: bool,
    pub(super) last: bool,
    /// Without its mask.
    pub(super) payload: BytesMut,
}

impl Frame {
    /// The frame in bytes; a server wants a mask.
    pub(super) fn write(&self, mask: Option<[u8; 4]>, to: &mut BytesMut) {
        let opcode = if self.first { self.kind.opcode() } else { 0 };
        to.put_u8(opcode | if self.last { 0x80 } else { 0 });
        let masked = if mask.is_some() { 0x80 } else { 0 };
        let len = self.payload.len();
        match (u8::try_from(len), u16::try_from(len)) {
            (Ok(len @ ..126), _) => to.put_u8(masked | len),
            (_, Ok(len)) => {
                to.put_u8(masked | 0x7e);
                to.put_u16(len);
            }
            _ => {
                to.put_u8(masked | 0x7f);
                to.put_u64(len as u64);
            }
        }
        if let Some(key) = mask {
            to.put_slice(&key);
        }
        let at = to.len();
        to.put_slice(&self.payload);
        if let (Some(key), Some(payload)) = (mask, to.get_mut(at..)) {
            unmask(payload, key);
        }
    }

    /// A frame that says goodbye, and why.
    pub(super) fn close(code: u16, why: &str) -> Self {
        let mut payload = BytesMut::new();
        payload.put_u16(code);
        payload.extend(why.bytes().filter(u8::is_ascii).take(120));
        Self { kind: Kind::Close, first: true, last: true, payload }
    }

    pub(super) fn to_bytes(&self, mask: Option<[u8; 4]>) -> Bytes {
        let mut bytes = BytesMut::with_capacity(self.payload.len() + 14);
        self.write(mask, &mut bytes);
        bytes.freeze()
    }
}

fn unmask(payload: &mut [u8], key: [u8; 4]) {
    for (byte, key) in payload.iter_mut().zip(key.iter().cycle()) {
        *byte ^= key;
    }
}

/// Who sends: an agent masks, a server does not, and in a body nobody does.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum From {
    Agent,
    Elsewhere,
}

/// Reads one side's frames.
#[derive(Debug)]
pub(super) struct Frames {
    from: From,
    raw: BytesMut,
    /// The message whose last frame is still to come.
    message: Option<Kind>,
    /// The frame that is being read piece by piece.
    long: Option<Long>,
    closed: bool,
}

#[derive(Clone, Copy, Debug)]
struct Long {
    kind: Kind,
    first: bool,
    last: bool,
    key: [u8; 4],
    left: u64,
}

/// What no side may send.
pub(super) type Fault = &'static str;

impl Frames {
    pub(super) fn new(from: From) -> Self {
        Self { from, raw: BytesMut::new(), message: None, long: None, closed: false }
    }

    /// Takes the next bytes in.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.raw.extend_from_slice(bytes);
    }

    /// Whether the goodbye was said.
    pub(super) fn closed(&self) -> bool {
        self.closed
    }

    /// The next frame, when it is here. After a close frame there is none.
    pub(super) fn next(&mut self) -> Result<Option<Frame>, Fault> {
        if self.closed {
            self.raw.clear();
            return Ok(None);
        }
        let mut long = match self.long.take() {
            Some(long) => long,
            None => match self.head()? {
                Some(long) => long,
                None => return Ok(None),
            },
        };
        let piece = usize::try_from(long.left).unwrap_or(usize::MAX).min(PIECE);
        if self.raw.len() < piece {
            self.long = Some(long);
            return Ok(None);
        }
        let mut payload = self.raw.split_to(piece);
        // A piece is a multiple of the key's length: the next one begins with it again.
        unmask(&mut payload, long.key);
        long.left -= piece as u64;
        let (kind, first) = (long.kind, long.first);
        let last = long.last && long.left == 0;
        if long.left > 0 {
            self.long = Some(Long { first: false, ..long });
        }
        if !kind.is_control() {
            self.message = Some(kind).filter(|_| !last);
        }
        self.closed = kind == Kind::Close;
        Ok(Some(Frame { kind, first, last, payload }))
    }

    /// The head of the next frame, taken off when it is whole.
    fn head(&mut self) -> Result<Option<Long>, Fault> {
        let (Some(&one), Some(&two)) = (self.raw.first(), self.raw.get(1)) else {
            return Ok(None);
        };
        if one & 0x70 != 0 {
            return Err("a frame uses an extension that nobody agreed on");
        }
        let last = one & 0x80 != 0;
        let (kind, first) = match (one & 0x0f, self.message) {
            (0, Some(kind)) => (kind, false),
            (0, None) => return Err("a frame goes on with a message that nobody began"),
            (1 | 2, Some(_)) => return Err("a message begins within another"),
            (1, None) => (Kind::Text, true),
            (2, None) => (Kind::Binary, true),
            (8, _) => (Kind::Close, true),
            (9, _) => (Kind::Ping, true),
            (10, _) => (Kind::Pong, true),
            _ => return Err("a frame is of no known kind"),
        };
        let masked = two & 0x80 != 0;
        if masked != (self.from == From::Agent) {
            return Err("a mask is missing, or is where none may be");
        }
        let (left, at) = match two & 0x7f {
            126 => match self.raw.get(2..4).and_then(|bytes| bytes.try_into().ok()) {
                Some(bytes) => (u64::from(u16::from_be_bytes(bytes)), 4),
                None => return Ok(None),
            },
            127 => match self.raw.get(2..10).and_then(|bytes| bytes.try_into().ok()) {
                Some(bytes) => (u64::from_be_bytes(bytes), 10),
                None => return Ok(None),
            },
            short => (u64::from(short), 2),
        };
        let least = match at {
            4 => 126,
            10 => 1 << 16,
            _ => 0,
        };
        if left < least || left >> 63 != 0 {
            return Err("a frame's length is not written as it should be");
        }
        if kind.is_control() && (!last || left > CONTROL) {
            return Err("a control frame is too long or in pieces");
        }
        if kind == Kind::Close && left == 1 {
            return Err("a close frame has half a code");
        }
        let end = if masked { at + 4 } else { at };
        if self.raw.len() < end {
            return Ok(None);
        }
        let key = if masked { self.raw.get(at..end) } else { None };
        let key = key.and_then(|key| key.try_into().ok()).unwrap_or_default();
        self.raw.advance(end);
        Ok(Some(Long { kind, first, last, key, left }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: Kind, first: bool, last: bool, payload: &[u8]) -> Frame {
        Frame { kind, first, last, payload: BytesMut::from(payload) }
    }

    fn read(from: From, bytes: &[u8]) -> Result<Vec<Frame>, Fault> {
        let mut frames = Frames::new(from);
        let mut read = Vec::new();
        // Byte by byte, so that every head is once incomplete.
        for byte in bytes {
            frames.push(&[*byte]);
            while let Some(frame) = frames.next()? {
                read.push(frame);
            }
        }
        Ok(read)
    }

    #[test]
    fn what_is_written_reads_the_same_with_a_mask_and_without() {
        for len in [0, 1, 125, 126, 65_535, 65_536] {
            let payload = vec![b'x'; len];
            for (from, mask) in [(From::Agent, Some([1, 2, 3, 250])), (From::Elsewhere, None)] {
                let written = [
                    frame(Kind::Text, true, false, &payload),
                    frame(Kind::Ping, true, true, b"?"),
                    frame(Kind::Text, false, true, &payload),
                    frame(Kind::Close, true, true, b""),
                ];
                let mut bytes = BytesMut::new();
                for frame in &written {
                    frame.write(mask, &mut bytes);
                }
                assert_eq!(read(from, &bytes).unwrap(), written, "{len}");
            }
        }
    }

    #[test]
    fn a_long_frame_passes_in_pieces_of_its_message() {
        let payload: Vec<u8> = (0..2 * PIECE + 3).map(|at| at.to_le_bytes()[0]).collect();
        let whole = frame(Kind::Binary, true, true, &payload).to_bytes(Some([9, 8, 7, 6]));
        let mut frames = Frames::new(From::Agent);
        frames.push(&whole);
        let mut joined = Vec::new();
        let mut marks = Vec::new();
        while let Some(frame) = frames.next().unwrap() {
            marks.push((frame.first, frame.last));
            joined.extend_from_slice(&frame.payload);
        }
        assert_eq!(marks, [(true, false), (false, false), (false, true)]);
        assert_eq!(joined, payload);
    }

    #[test]
    fn f2_f3_what_is_no_frame_is_a_fault() {
        for (what, bytes) in [
            (
                "raw bytes",
                &b"SSH-2.0-x
"[..],
            ),
            ("compressed", &[0xc1, 0x01, b'x']),
            ("unknown kind", &[0x83, 0x00]),
            ("nothing begun", &[0x80, 0x01, b'x']),
            ("one within another", &[0x01, 0x01, b'x', 0x81, 0x01, b'y']),
            ("masked", &[0x81, 0x81, 0, 0, 0, 0, b'x']),
            ("long control", &[0x89, 0x7e, 0x00, 0x7e]),
            ("control in pieces", &[0x09, 0x00]),
            ("length with zeros", &[0x81, 0x7e, 0x00, 0x01, b'x']),
            ("length with more zeros", &[0x81, 0x7f, 0, 0, 0, 0, 0, 0, 0, 1, b'x']),
            ("length beyond all", &[0x81, 0x7f, 0xff, 0, 0, 0, 0, 0, 0, 1]),
            ("half a code", &[0x88, 0x01, 0x03]),
        ] {
            assert!(read(From::Elsewhere, bytes).is_err(), "{what}");
        }
        assert!(read(From::Agent, &[0x81, 0x01, b'x']).is_err(), "an agent masks");
        let after = [0x88, 0x00, 0x81, 0x01, b'x'];
        assert_eq!(read(From::Elsewhere, &after).unwrap().len(), 1, "nothing after the close");
    }
}

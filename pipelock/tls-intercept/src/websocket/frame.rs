//! Frames read strictly and written in one form.

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};

/// A longer frame passes as several of its message: nothing waits for more than this.
pub(super) const PIECE: usize = 64 * 1024;
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
                to.put_u8(masked | 126);
                to.put_u16(len);
            }
            _ => {
                to.put_u8(masked | 127);
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
        payload.put_slice(why.as_bytes());
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
    /// What is left of a long frame.
    long: Option<Long>,
    closed: bool,
}

#[derive(Clone, Copy, Debug)]
struct Long {
    left: u64,
    last: bool,
    key: [u8; 4],
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

    /// The next frame, when it is here. After a close frame there is none.
    pub(super) fn next(&mut self) -> Result<Option<Frame>, Fault> {
        if self.closed {
            return Ok(None);
        }
        if let Some(long) = self.long {
            return Ok(self.piece(long, false));
        }
        let Some((head, len)) = self.head()? else { return Ok(None) };
        if len.payload > PIECE as u64 {
            self.raw.advance(len.head);
            return Ok(self.piece(Long { left: len.payload, last: head.last, key: head.key }, head.first));
        }
        let payload = usize::try_from(len.payload).unwrap_or(usize::MAX);
        if self.raw.len() - len.head < payload {
            return Ok(None);
        }
        self.raw.advance(len.head);
        let mut payload = self.raw.split_to(payload);
        unmask(&mut payload, head.key);
        if !head.kind.is_control() {
            self.message = if head.last { None } else { Some(head.kind) };
        }
        self.closed = head.kind == Kind::Close;
        Ok(Some(Frame { kind: head.kind, first: head.first, last: head.last, payload }))
    }

    /// The next piece of a frame that is longer than one.
    fn piece(&mut self, long: Long, first: bool) -> Option<Frame> {
        let kind = self.message?;
        let _ = (kind, first);
        None
    }
}

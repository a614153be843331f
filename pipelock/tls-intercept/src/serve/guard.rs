//! Stands between an HTTP/1 connection and hyper: what passes has one reading.
//!
//! Heads are read strictly and passed as they are; chunked bodies are written anew, without
//! extensions and trailers. So hyper cannot disagree about where a message ends. In place of a head
//! that is refused, hyper gets a plain one, with the refusal beside it: the answer comes in its
//! turn, after those of the requests before it.

use super::head::{self, Fault, Framing, Head};
use super::io::Activity;
use crate::{Limits, Reason, write_through::write_through};
use bytes::{Buf as _, BytesMut};
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, ReadBuf};

/// Stands for a refused head.
const STAND_IN: &[u8] = b"GET / HTTP/1.1\r\nhost: refused.invalid\r\nconnection: close\r\n\r\n";
/// What is read at once: as much as is written at once, or a body would go on record by record.
const PIECE: usize = 64 * 1024;
/// A chunk's size and its extensions.
pub(crate) const CHUNK_LINE: usize = 256;
/// All trailers of one body.
pub(crate) const TRAILERS: usize = 8 * 1024;

/// What the guard tells whoever answers.
#[derive(Debug, Default)]
pub(crate) struct Verdicts {
    fault: Mutex<Option<(u64, Fault)>>,
    answered: AtomicU64,
}

impl Verdicts {
    /// To be called once per request that hyper hands over, in order: its fault, if it has one.
    pub(crate) fn next(&self) -> Option<Fault> {
        let number = self.answered.fetch_add(1, Ordering::Relaxed);
        let fault = self.fault.lock().unwrap_or_else(PoisonError::into_inner);
        fault.filter(|(faulty, _)| *faulty == number).map(|(_, fault)| fault)
    }

    #[cfg(test)]
    fn is_faulty(&self) -> bool {
        self.fault.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }
}

#[derive(Clone, Copy, Debug)]
enum State {
    Head,
    Fixed(u64),
    ChunkSize,
    Chunk(u64),
    ChunkEnd,
    Trailers(usize),
    /// Nothing is read any more; the stand-in is being answered.
    Refused,
    /// A head asked for another protocol: what comes after it is not read as HTTP.
    Upgrade,
}

/// The stream that hyper reads.
#[derive(Debug)]
pub(crate) struct Guard<S> {
    stream: S,
    limits: Limits,
    activity: Arc<Activity>,
    verdicts: Arc<Verdicts>,
    state: State,
    heads: u64,
    /// So many bytes of `raw` were looked at in vain: a head may come byte by byte.
    scanned: usize,
    /// As it came.
    raw: BytesMut,
    /// As hyper gets it.
    clean: BytesMut,
    ended: bool,
}

enum Step {
    /// Something changed: look again.
    On,
    /// More bytes are needed.
    More,
}

impl<S> Guard<S> {
    pub(crate) fn new(stream: S, limits: Limits, activity: Arc<Activity>) -> Self {
        Self {
            stream,
            limits,
            activity,
            verdicts: Arc::default(),
            state: State::Head,
            heads: 0,
            scanned: 0,
            raw: BytesMut::new(),
            clean: BytesMut::new(),
            ended: false,
        }
    }

    pub(crate) fn verdicts(&self) -> Arc<Verdicts> {
        Arc::clone(&self.verdicts)
    }

    pub(crate) fn into_inner(self) -> S {
        self.stream
    }

    /// The stream, and what was read from it after a head that asked for another protocol.
    pub(crate) fn into_parts(self) -> (S, BytesMut) {
        (self.stream, self.raw)
    }

    fn step(&mut self) -> io::Result<Step> {
        let broken = |what| io::Error::new(io::ErrorKind::InvalidData, what);
        match self.state {
            State::Head => return Ok(self.head()),
            State::Fixed(left) => {
                let left = self.pass(left);
                self.state = if left == 0 { State::Head } else { State::Fixed(left) };
                if left > 0 {
                    return Ok(Step::More);
                }
            }
            State::ChunkSize => {
                let Some(line) = self.line(CHUNK_LINE)? else { return Ok(Step::More) };
                let size = chunk_size(&line).ok_or_else(|| broken("the chunk's size is broken"))?;
                self.state = if size == 0 {
                    State::Trailers(0)
                } else {
                    self.clean.extend_from_slice(format!("{size:x}\r\n").as_bytes());
                    State::Chunk(size)
                };
            }
            State::Chunk(left) => {
                let left = self.pass(left);
                self.state = if left == 0 { State::ChunkEnd } else { State::Chunk(left) };
                if left > 0 {
                    return Ok(Step::More);
                }
            }
            State::ChunkEnd => {
                let Some(end) = self.raw.get(..2) else { return Ok(Step::More) };
                if end != b"\r\n" {
                    return Err(broken("a chunk does not end where it said"));
                }
                self.raw.advance(2);
                self.clean.extend_from_slice(b"\r\n");
                self.state = State::ChunkSize;
            }
            State::Trailers(read) => {
                let Some(line) = self.line(TRAILERS)? else { return Ok(Step::More) };
                if line.is_empty() {
                    self.clean.extend_from_slice(b"0\r\n\r\n");
                    self.state = State::Head;
                } else if read + line.len() > TRAILERS {
                    return Err(broken("the trailers are too long"));
                } else {
                    self.state = State::Trailers(read + line.len());
                }
            }
            State::Refused | State::Upgrade => return Ok(Step::More),
        }
        Ok(Step::On)
    }

    fn head(&mut self) -> Step {
        if self.raw.is_empty() {
            self.activity.head_incomplete(false);
            return Step::More;
        }
        let Some(end) = head::end(&self.raw, self.scanned) else {
            self.activity.head_incomplete(true);
            let fault = if self.raw.len() > self.limits.head_bytes {
                Err(Fault(Reason::HeadTooLarge, "the head is too long"))
            } else {
                head::begins(&self.raw, self.scanned)
            };
            self.scanned = self.raw.len();
            return fault.map_or_else(|fault| self.refuse(fault), |()| Step::More);
        };
        self.activity.head_incomplete(false);
        self.scanned = 0;
        if end > self.limits.head_bytes {
            return self.refuse(Fault(Reason::HeadTooLarge, "the head is too long"));
        }
        let bytes = self.raw.split_to(end);
        let read = Head::parse(&bytes, &self.limits)
            .and_then(|head| head.check().map(|framing| (framing, head.has("upgrade"))));
        match read {
            Ok((framing, upgrade)) => {
                self.heads += 1;
                self.clean.unsplit(bytes);
                self.state = match framing {
                    // With a body it is refused, and that is read to its end first.
                    Framing::Length(0) if upgrade => State::Upgrade,
                    Framing::Length(0) => State::Head,
                    Framing::Length(length) => State::Fixed(length),
                    Framing::Chunked => State::ChunkSize,
                };
                Step::On
            }
            Err(fault) => self.refuse(fault),
        }
    }

    /// Refuses a head that will not get longer in time, in its turn.
    fn refuse(&mut self, fault: Fault) -> Step {
        let mut place = self.verdicts.fault.lock().unwrap_or_else(PoisonError::into_inner);
        *place = Some((self.heads, fault));
        self.clean.extend_from_slice(STAND_IN);
        self.state = State::Refused;
        self.raw.clear();
        // From here on the watch counts: an answer that is not taken does not hold the place.
        self.activity.head_incomplete(true);
        Step::On
    }

    /// Passes at most `left` bytes of a body; returns how many are left.
    fn pass(&mut self, left: u64) -> u64 {
        let fits = usize::try_from(left).unwrap_or(usize::MAX).min(self.raw.len());
        self.clean.unsplit(self.raw.split_to(fits));
        left - fits as u64
    }

    /// A line that ends in CR LF, without it.
    fn line(&mut self, limit: usize) -> io::Result<Option<BytesMut>> {
        let broken = || io::Error::new(io::ErrorKind::InvalidData, "a line in a body is broken");
        match self.raw.iter().position(|b| *b == b'\n') {
            Some(at) if at > limit => Err(broken()),
            Some(at) => {
                let mut line = self.raw.split_to(at + 1);
                if !line.ends_with(b"\r\n") {
                    return Err(broken());
                }
                line.truncate(at - 1);
                if line.contains(&b'\r') {
                    return Err(broken());
                }
                Ok(Some(line))
            }
            None if self.raw.len() > limit => Err(broken()),
            None => Ok(None),
        }
    }
}

/// The size alone; what extensions say is heard by nobody.
fn chunk_size(line: &[u8]) -> Option<u64> {
    /// A `u64` in hexadecimal, and no leading zeros beyond it.
    const DIGITS: usize = 16;
    let digits = line.split(|b| *b == b';').next()?;
    let text = std::str::from_utf8(digits).ok()?.trim_end_matches([' ', '\t']);
    let plain = (1..=DIGITS).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_hexdigit());
    let size = plain.then(|| u64::from_str_radix(text, 16).ok()).flatten()?;
    (size <= u64::MAX / 2).then_some(size)
}

impl<S: AsyncRead + Unpin> AsyncRead for Guard<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        loop {
            if !this.clean.is_empty() {
                let fits = this.clean.len().min(buf.remaining());
                buf.put_slice(&this.clean.split_to(fits));
                return Poll::Ready(Ok(()));
            }
            // A part of a body goes on at once, however many bytes of it are still to come.
            if matches!(this.step()?, Step::On) || !this.clean.is_empty() {
                continue;
            }
            if matches!(this.state, State::Refused) {
                // The end would make hyper give up the answer; the watch wakes the connection.
                return Poll::Pending;
            }
            if matches!(this.state, State::Upgrade) && !this.raw.is_empty() {
                // For whoever takes over; hyper has nothing to read before it has answered.
                return Poll::Pending;
            }
            if this.ended {
                return Poll::Ready(Ok(()));
            }
            let read = {
                #[expect(
                    clippy::large_stack_arrays,
                    reason = "a worker's stack has room for thirty, and what does not come is not written"
                )]
                let mut piece = [std::mem::MaybeUninit::uninit(); PIECE];
                let mut piece = ReadBuf::uninit(&mut piece);
                let came = Pin::new(&mut this.stream).poll_read(cx, &mut piece);
                if came.is_pending() && this.raw.is_empty() {
                    // A connection that idles holds no buffers: there may be a thousand.
                    (this.raw, this.clean) = (BytesMut::new(), BytesMut::new());
                }
                ready!(came)?;
                this.raw.extend_from_slice(piece.filled());
                piece.filled().len()
            };
            this.ended = read == 0;
        }
    }
}

write_through!(Guard);

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncReadExt as _;

    async fn read(bytes: &[u8]) -> (String, io::Result<usize>, Arc<Verdicts>) {
        let mut guard = Guard::new(bytes, Limits::default(), Activity::new());
        let verdicts = guard.verdicts();
        let mut text = Vec::new();
        let mut outcome = Ok(0);
        while !verdicts.is_faulty() {
            outcome = guard.read_buf(&mut text).await;
            if !matches!(outcome, Ok(1..)) {
                break;
            }
        }
        (String::from_utf8(text).unwrap(), outcome, verdicts)
    }

    #[tokio::test]
    async fn e3_chunks_are_written_anew_without_extensions_and_trailers() {
        let head = "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n";
        let next = "GET /next HTTP/1.1\r\nhost: a\r\n\r\n";
        let body = "003;x=\"y\"\r\nabc\r\n1 \r\nd\r\n0\r\nAuthorization: stolen\r\n\r\n";
        let (text, outcome, _) = read(format!("{head}{body}{next}").as_bytes()).await;
        assert_eq!(text, format!("{head}3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n{next}"));
        assert_eq!(outcome.unwrap(), 0);
    }

    /// Hands out its bytes in pieces of these sizes, over and over.
    struct Pieces<'a>(&'a [u8], std::iter::Cycle<std::vec::IntoIter<usize>>);

    impl AsyncRead for Pieces<'_> {
        fn poll_read(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            buf: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            let size = self.1.next().unwrap_or(1).min(self.0.len()).min(buf.remaining());
            let (piece, rest) = self.0.split_at(size);
            buf.put_slice(piece);
            self.0 = rest;
            Poll::Ready(Ok(()))
        }
    }

    #[tokio::test]
    async fn e3_the_same_bytes_in_any_pieces_read_the_same() {
        let bytes = "POST /1 HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n\
                     a;x=y\r\n0123456789\r\n1\r\n\r\r\n0\r\nx: y\r\n\r\n\
                     PUT /2 HTTP/1.1\r\nhost: a\r\ncontent-length: 6\r\n\r\n\r\n\r\n\r\n\
                     GET /3 HTTP/1.1\r\nhost: a\r\n\r\n";
        let whole = read(bytes.as_bytes()).await.0;
        assert!(whole.contains("a\r\n0123456789\r\n1\r\n\r\r\n0\r\n\r\nPUT"), "{whole}");
        for sizes in [vec![1], vec![2, 1], vec![3, 5, 1], vec![7], vec![64, 1, 1], vec![100]] {
            let pieces = Pieces(bytes.as_bytes(), sizes.clone().into_iter().cycle());
            let mut guard = Guard::new(pieces, Limits::default(), Activity::new());
            let mut text = String::new();
            guard.read_to_string(&mut text).await.unwrap();
            assert_eq!(text, whole, "{sizes:?}");
        }
    }

    /// As a connection does it: some bytes, then none for now.
    struct Halting<'a>(&'a [u8], bool);

    impl AsyncRead for Halting<'_> {
        fn poll_read(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            buf: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            self.1 = !self.1;
            if self.1 {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            let (piece, rest) = self.0.split_at(self.0.len().min(50));
            buf.put_slice(piece);
            self.0 = rest;
            Poll::Ready(Ok(()))
        }
    }

    #[tokio::test]
    async fn no_byte_is_lost_where_a_connection_halts() {
        let body = "0123456789".repeat(30);
        let fixed = format!("PUT / HTTP/1.1\r\nhost: a\r\ncontent-length: 300\r\n\r\n{body}");
        let chunked = "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n12c\r\n";
        for text in [fixed, format!("{chunked}{body}\r\n0\r\n\r\n")] {
            let halting = Halting(text.as_bytes(), false);
            let mut guard = Guard::new(halting, Limits::default(), Activity::new());
            let mut read = String::new();
            guard.read_to_string(&mut read).await.unwrap();
            assert_eq!(read, text);
        }
    }

    #[tokio::test]
    async fn e3_broken_chunks_end_the_connection() {
        let head = "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n";
        let long = format!("1;{}\r\n", "x".repeat(300));
        for body in [
            "FFFFFFFFFFFFFFFFF\r\n",
            "FFFFFFFFFFFFFFFF\r\n",
            "+1\r\na\r\n",
            "1\na\r\n",
            "1\r\nab\r\n",
            "\r\n",
            "x\r\n",
            "1\r\na\r\n0\r\nx: y\n\r\n",
            "1\rx\r\n",
            &long,
        ] {
            let (_, outcome, _) = read(format!("{head}{body}").as_bytes()).await;
            assert!(outcome.is_err(), "{body:?}");
        }
    }

    #[tokio::test]
    async fn e1_a_refused_head_is_answered_in_its_turn() {
        let good = "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\n\r\nGET ";
        let bad = "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 1\r\n\r\nx";
        let (text, _, verdicts) = read(format!("{good}{bad}").as_bytes()).await;
        assert!(text.starts_with(good) && !text.contains("content-length: 1"));
        assert_eq!(verdicts.next(), None);
        assert_eq!(verdicts.next().map(|fault| fault.0), Some(Reason::MalformedRequest));
    }

    #[tokio::test]
    async fn e2_an_endless_head_is_refused_at_its_bound() {
        let endless = format!("GET / HTTP/1.1\r\nx: {}", "a".repeat(70_000));
        let (_, _, verdicts) = read(endless.as_bytes()).await;
        assert_eq!(verdicts.next().map(|fault| fault.0), Some(Reason::HeadTooLarge));
    }
}

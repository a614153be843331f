//! A stream of HTTP/1: in any pieces the guard reads the same in it, what it passes it passes unchanged,
//! and hyper sees in that the requests that a plain reader sees, bodies included.

#![no_main]

use bottle_fuzz::{Made, pieces};
use http_body_util::{BodyExt as _, Empty};
use hyper::server::conn::http1::Builder;
use hyper::service::service_fn;
use hyper::{Request, Response, body::Incoming};
use hyper_util::rt::TokioIo;
use libfuzzer_sys::fuzz_target;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::io;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use tls_intercept::Limits;
use tls_intercept::reading::http1;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

fuzz_target!(|bytes: &[u8]| {
    let mut made = Made::new(bytes);
    let sizes = [0; 4].map(|_| made.number());
    let raw = made.rest();
    let (passed, end) = guarded(&[raw]);
    assert_eq!(guarded(&pieces(raw, &sizes)), (passed.clone(), end));
    assert_eq!(guarded(&[&passed]).0, passed);
    let plain = walk(&passed);
    for (seen, plain) in served(&pieces(raw, &sizes)).iter().zip(&plain) {
        assert_eq!(seen, plain);
    }
});

/// How a stream ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum End {
    Clean,
    Broken,
    /// Nothing comes any more.
    Halted,
}

/// All that the guard passes of these pieces.
fn guarded(pieces: &[&[u8]]) -> (Vec<u8>, End) {
    let mut guard = pin!(http1(Pieces::of(pieces), Limits::default()));
    let (mut passed, mut room) = (Vec::new(), [0; 4096]);
    loop {
        let mut buffer = ReadBuf::new(&mut room);
        match guard.as_mut().poll_read(&mut Context::from_waker(Waker::noop()), &mut buffer) {
            Poll::Ready(Ok(())) if buffer.filled().is_empty() => return (passed, End::Clean),
            Poll::Ready(Ok(())) => passed.extend_from_slice(buffer.filled()),
            Poll::Ready(Err(_)) => return (passed, End::Broken),
            Poll::Pending => return (passed, End::Halted),
        }
    }
}

/// A request, as one of the two sees it.
#[derive(Debug, Eq, PartialEq)]
struct Seen {
    method: String,
    fields: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
}

/// The whole requests that hyper sees behind the guard.
fn served(pieces: &[&[u8]]) -> Vec<Seen> {
    let seen = Rc::new(RefCell::new(Vec::new()));
    let service = service_fn(|request: Request<Incoming>| {
        let seen = Rc::clone(&seen);
        async move {
            let (head, body) = request.into_parts();
            let fields = head.headers.iter();
            let fields = fields.map(|(name, value)| (name.to_string(), value.as_bytes().to_vec()));
            let (method, mut fields) = (head.method.to_string(), fields.collect::<Vec<_>>());
            fields.sort();
            let body = body.collect().await?.to_bytes().to_vec();
            seen.borrow_mut().push(Seen { method, fields, body });
            Ok::<_, hyper::Error>(Response::new(Empty::<bytes::Bytes>::new()))
        }
    });
    let limits = Limits::default();
    let stream = Answered(http1(Pieces::of(pieces), limits));
    let builder = Builder::new()
        .max_headers(limits.fields + 1)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(builder);
    let woken = Arc::new(Woken(AtomicBool::new(true)));
    let waker = Waker::from(Arc::clone(&woken));
    while woken.0.swap(false, Ordering::Relaxed) {
        if connection.as_mut().poll(&mut Context::from_waker(&waker)).is_ready() {
            break;
        }
    }
    seen.take()
}

/// The whole requests of a stream that is framed in the two plain ways alone.
fn walk(stream: &[u8]) -> Vec<Seen> {
    let (mut all, mut rest) = (Vec::new(), stream);
    while !rest.is_empty() {
        let mut fields = [httparse::EMPTY_HEADER; 200];
        let mut head = httparse::Request::new(&mut fields);
        let Ok(httparse::Status::Complete(len)) = head.parse(rest) else { break };
        let mut named = Vec::new();
        for field in head.headers.iter() {
            named.push((field.name.to_ascii_lowercase(), field.value.to_vec()));
        }
        let value = |name: &str| {
            let mut values = named.iter().filter(|(field, _)| field == name);
            let value = values.next().map(|(_, value)| String::from_utf8_lossy(value).into_owned());
            assert!(values.next().is_none(), "two of {name} were passed");
            value
        };
        assert!(
            value("host").is_some_and(|host| !host.is_empty()),
            "a head without a host was passed"
        );
        let (coding, length) = (value("transfer-encoding"), value("content-length"));
        assert!(coding.is_none() || length.is_none(), "two framings were passed");
        let after = &rest[len..];
        let body = match (coding, length) {
            (Some(_), _) => chunked(after),
            (None, length) => {
                let length: u64 = length.map_or(0, |length| length.parse().expect("a length"));
                usize::try_from(length)
                    .ok()
                    .and_then(|length| after.split_at_checked(length))
                    .map(|(body, rest)| (body.to_vec(), rest))
            }
        };
        let Some((body, next)) = body else { break };
        let method = head.method.unwrap_or_default().to_owned();
        named.sort();
        all.push(Seen { method, fields: named, body });
        rest = next;
    }
    all
}

/// A chunked body as the guard writes it, and what is behind it; nothing where it is not whole.
fn chunked(mut rest: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut body = Vec::new();
    loop {
        let end = rest.windows(2).position(|two| two == b"\r\n")?;
        let size = std::str::from_utf8(&rest[..end]).expect("digits");
        let size = usize::from_str_radix(size, 16).ok()?;
        let (chunk, after) = rest[end + 2..].split_at_checked(size)?;
        rest = after.strip_prefix(b"\r\n")?;
        if size == 0 {
            return Some((body, rest));
        }
        body.extend_from_slice(chunk);
    }
}

/// Hands out its pieces one by one.
struct Pieces(VecDeque<Vec<u8>>);

impl Pieces {
    fn of(pieces: &[&[u8]]) -> Self {
        Self(pieces.iter().map(|piece| piece.to_vec()).collect())
    }
}

impl AsyncRead for Pieces {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if let Some(mut piece) = self.0.pop_front() {
            let rest = piece.split_off(piece.len().min(buf.remaining()));
            buf.put_slice(&piece);
            if !rest.is_empty() {
                self.0.push_front(rest);
            }
        }
        Poll::Ready(Ok(()))
    }
}

/// Takes every answer and forgets it.
struct Answered<S>(S);

impl<S: AsyncRead + Unpin> AsyncRead for Answered<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl<S: Unpin> AsyncWrite for Answered<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// Whether there is something to do.
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

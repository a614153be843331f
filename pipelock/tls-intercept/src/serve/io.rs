//! Streams with something before them, and streams that say when they last moved.

use crate::write_through::write_through;
use bytes::Bytes;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};

/// A stream whose first bytes were read already.
#[derive(Debug)]
pub(crate) struct Replayed<S> {
    first: Bytes,
    stream: S,
}

impl<S> Replayed<S> {
    pub(crate) fn new(first: impl Into<Bytes>, stream: S) -> Self {
        Self { first: first.into(), stream }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Replayed<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.first.is_empty() {
            return Pin::new(&mut self.stream).poll_read(cx, buf);
        }
        let fits = self.first.len().min(buf.remaining());
        buf.put_slice(&self.first.split_to(fits));
        Poll::Ready(Ok(()))
    }
}

write_through!(Replayed);

/// When things last happened on a connection, for its watch. Times are milliseconds since a common
/// start; 0 is never.
#[derive(Debug, Default)]
pub(crate) struct Activity {
    /// The requests that are being answered, each by its number and when it began, the oldest first.
    in_flight: Mutex<Vec<(u64, u64)>>,
    next: AtomicU64,
    /// The last request began or ended.
    request: AtomicU64,
    /// The last byte passed, either way.
    moved: AtomicU64,
    /// Since when written bytes wait.
    blocked: AtomicU64,
    /// Since when a head is incomplete.
    head: AtomicU64,
    /// When it was opened.
    born: AtomicU64,
    draining: AtomicBool,
}

static START: LazyLock<Instant> = LazyLock::new(Instant::now);

fn now() -> u64 {
    u64::try_from(START.elapsed().as_millis()).unwrap_or(u64::MAX).saturating_add(1)
}

/// Why a watch ends a connection.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Expired {
    Head,
    Idle,
    Stalled,
    Old,
}

impl Activity {
    pub(crate) fn new() -> Arc<Self> {
        let activity = Self::default();
        activity.request.store(now(), Ordering::Relaxed);
        activity.moved.store(now(), Ordering::Relaxed);
        activity.born.store(now(), Ordering::Relaxed);
        Arc::new(activity)
    }

    /// A request began; it ends when what is returned is dropped.
    pub(crate) fn request(self: &Arc<Self>) -> InFlight {
        let (number, begun) = (self.next.fetch_add(1, Ordering::Relaxed), now());
        self.in_flight().push((number, begun));
        self.request.store(begun, Ordering::Relaxed);
        self.moved.store(begun, Ordering::Relaxed);
        InFlight(Arc::clone(self), number)
    }

    fn in_flight(&self) -> MutexGuard<'_, Vec<(u64, u64)>> {
        self.in_flight.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn head_incomplete(&self, incomplete: bool) {
        if !incomplete {
            self.head.store(0, Ordering::Relaxed);
        } else if self.head.load(Ordering::Relaxed) == 0 {
            self.head.store(now(), Ordering::Relaxed);
        }
    }

    /// From now on idling is not waited for: a peer that never answers a GOAWAY holds nothing up.
    pub(crate) fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    fn moved(&self) {
        self.moved.store(now(), Ordering::Relaxed);
    }

    fn blocked(&self, blocked: bool) {
        if !blocked {
            self.blocked.store(0, Ordering::Relaxed);
        } else if self.blocked.load(Ordering::Relaxed) == 0 {
            self.blocked.store(now(), Ordering::Relaxed);
        }
    }

    /// Resolves when a deadline has passed.
    pub(crate) async fn watch(&self, limits: &crate::Limits) -> Expired {
        /// Deadlines are no appointments.
        const GRAIN: u64 = 50;
        /// What a request that is on its way may take to arrive while we drain.
        const LAST_IDLE: Duration = Duration::from_millis(500);
        let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        loop {
            let oldest = self.in_flight().first().map(|(_, begun)| *begun);
            let (since, limit, expired) = if oldest.is_some() {
                (self.moved.load(Ordering::Relaxed), millis(limits.stall), Expired::Stalled)
            } else {
                let draining = self.draining.load(Ordering::Relaxed);
                let idle = if draining { limits.idle.min(LAST_IDLE) } else { limits.idle };
                (self.request.load(Ordering::Relaxed), millis(idle), Expired::Idle)
            };
            let head = self.head.load(Ordering::Relaxed);
            let blocked = self.blocked.load(Ordering::Relaxed);
            // An old connection ends as soon as nothing is on its way; an old exchange ends.
            let (start, longest) = match oldest {
                Some(begun) => (begun, limits.exchange),
                None => (self.born.load(Ordering::Relaxed), limits.lifetime),
            };
            let watched = [
                (start, millis(longest), Expired::Old),
                (since, limit, expired),
                (head, millis(limits.head), Expired::Head),
                (blocked, millis(limits.write), Expired::Stalled),
            ];
            let time = now();
            let mut next = millis(Duration::from_secs(1));
            for (since, limit, expired) in watched.into_iter().filter(|(since, ..)| *since > 0) {
                let left = since.saturating_add(limit).saturating_sub(time);
                if left == 0 {
                    return expired;
                }
                next = next.min(left);
            }
            tokio::time::sleep(Duration::from_millis(next.max(GRAIN))).await;
        }
    }
}

/// A request that is being answered.
#[derive(Debug)]
pub(crate) struct InFlight(Arc<Activity>, u64);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight().retain(|(number, _)| *number != self.1);
        self.0.request.store(now(), Ordering::Relaxed);
    }
}

/// A stream that tells its [`Activity`].
#[derive(Debug)]
pub(crate) struct Watched<S> {
    stream: S,
    activity: Arc<Activity>,
}

impl<S> Watched<S> {
    pub(crate) fn new(stream: S, activity: Arc<Activity>) -> Self {
        Self { stream, activity }
    }

    fn wrote(&self, outcome: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        self.activity.blocked(outcome.is_pending());
        if matches!(outcome, Poll::Ready(Ok(1..))) {
            self.activity.moved();
        }
        outcome
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
        if buf.filled().len() > before {
            self.activity.moved();
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.wrote(outcome)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.stream).poll_flush(cx);
        self.activity.blocked(outcome.is_pending());
        outcome
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.wrote(outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

/// Says the last word and closes so that it arrives: a close with unread bytes would be a reset,
/// which makes the peer's kernel drop what it has not read yet.
pub(crate) async fn last_word<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, word: &[u8]) {
    const PATIENCE: Duration = Duration::from_secs(2);
    const MOST: usize = 256 * 1024;
    let saying = async {
        stream.write_all(word).await?;
        stream.flush().await?;
        stream.shutdown().await?;
        let (mut scratch, mut left) = (vec![0; 4096], MOST);
        while left > 0 {
            match stream.read(&mut scratch).await? {
                0 => break,
                read => left = left.saturating_sub(read),
            }
        }
        io::Result::Ok(())
    };
    // A peer that is gone does not want it.
    drop(tokio::time::timeout(PATIENCE, saying).await);
}

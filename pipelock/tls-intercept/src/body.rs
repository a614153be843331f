//! Bodies: streamed frame by frame both ways, never collected here.

use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Empty, Full};
use hyper::body::{Body as HttpBody, Frame, Incoming, SizeHint};
use sidecar::Shutdown;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;

/// So much of a refused upload is read and forgotten.
pub(crate) const FORGOTTEN: usize = 16 * 1024 * 1024;

/// A body of a request or a response.
pub type Body = BoxBody<Bytes, BodyError>;

/// Why a body ended before its end.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    #[error("the connection broke within a body")]
    Broken(#[source] hyper::Error),
    #[error("no byte of the body came for {0:?}")]
    Stalled(Duration),
    /// Whoever judges a body stops it so: the connection is closed, nothing more is sent.
    #[error("the body was stopped: {0}")]
    Stopped(String),
}

/// A body of no bytes.
pub fn empty() -> Body {
    Empty::new().map_err(|never| match never {}).boxed()
}

/// A body of these bytes.
pub fn full(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed()
}

/// What hyper receives, as a [`Body`].
pub fn incoming(body: Incoming) -> Body {
    if body.is_end_stream() { empty() } else { body.map_err(BodyError::Broken).boxed() }
}

/// A request's body without its trailers: a credential could come in them after all was judged.
pub fn without_trailers(body: Body) -> Body {
    if body.is_end_stream() { body } else { Along::boxed(body, Filtered) }
}

/// A body of what is sent at its other end. It is over when the sender is gone.
pub(crate) fn channel(ahead: usize) -> (mpsc::Sender<Result<Bytes, BodyError>>, Body) {
    let (sender, receiver) = mpsc::channel(ahead.max(1));
    (sender, Piped(receiver).boxed())
}

struct Piped(mpsc::Receiver<Result<Bytes, BodyError>>);

impl HttpBody for Piped {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        self.0.poll_recv(cx).map(|part| part.map(|part| part.map(Frame::data)))
    }
}

/// What passed through a body, when it is over or dropped.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Passed {
    pub bytes: u64,
    /// Whether the end was reached.
    pub complete: bool,
}

/// Looks at a body as it passes: nothing of it is held back or copied.
pub trait Observer: Send + Sync + 'static {
    /// Its next bytes.
    fn data(&mut self, _bytes: &[u8]) {}

    /// Called once, when it has ended, failed or was dropped.
    fn over(&mut self, passed: Passed);
}

/// Has a body looked at as it passes.
pub fn looked_at(body: Body, observer: impl Observer) -> Body {
    let passed = Passed { bytes: 0, complete: body.is_end_stream() };
    Along::boxed(body, Observed { passed, observer })
}

/// Calls `over` once, when the body has ended, failed or was dropped.
pub fn observed(body: Body, over: impl FnOnce(Passed) + Send + Sync + 'static) -> Body {
    looked_at(body, Once(Some(over)))
}

struct Once<F>(Option<F>);

impl<F: FnOnce(Passed) + Send + Sync + 'static> Observer for Once<F> {
    fn over(&mut self, passed: Passed) {
        if let Some(over) = self.0.take() {
            over(passed);
        }
    }
}

/// A body of events: what was written so far goes out before the next is asked for, at first and then
/// once in a [`MOMENT`]. hyper writes when a body has nothing more for now, and a stream that is quick
/// would keep its first event waiting for the last.
pub(crate) fn prompt(body: Body) -> Body {
    if body.is_end_stream() { body } else { Along::boxed(body, Prompt::default()) }
}

/// So long events may be gathered.
const MOMENT: Duration = Duration::from_millis(1);

/// Decides over a body piece by piece, before each passes.
pub trait Gate: Send + Sync + Unpin + 'static {
    /// Whether these bytes may pass.
    ///
    /// # Errors
    ///
    /// Why the body ends here instead.
    fn pass(&mut self, bytes: &[u8]) -> Result<(), BodyError>;
}

/// A body that ends where its gate does not let it pass.
pub fn gated(body: Body, gate: impl Gate) -> Body {
    Along::boxed(body, Gated(gate))
}

/// Fails the body when no frame came for this long.
pub fn with_deadline(body: Body, idle: Duration) -> Body {
    if body.is_end_stream() { body } else { Along::boxed(body, Timed { idle, sleep: None }) }
}

/// A request's body that is not given up before its [`Held`] is.
///
/// HTTP/2 tells a peer whose body nobody reads that its stream is cancelled, answer and all, unless
/// the answer was complete before: most clients then never show the denial.
pub(crate) fn held(body: Body) -> (Body, Held) {
    if body.is_end_stream() {
        return (body, Held(None));
    }
    let held = Arc::<Mutex<Option<Body>>>::default();
    let kept = Kept { inner: Some(body), held: Arc::clone(&held) };
    (kept.boxed(), Held(Some(held)))
}

/// Where an unread body stays; dropped when the response is over.
#[derive(Debug, Default)]
pub(crate) struct Held(Option<Arc<Mutex<Option<Body>>>>);

impl Held {
    /// Reads on and forgets what nobody read, within bounds, once the response is over: some
    /// clients (curl before 8) show no answer when their upload is stopped, however politely.
    pub(crate) fn drain(self, shutdown: &Shutdown) {
        const PATIENCE: Duration = Duration::from_secs(10);
        const PAUSE: Duration = Duration::from_secs(1);
        let Some(held) = self.0 else { return };
        let body = held.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(body) = body.filter(|body| !body.is_end_stream()) else { return };
        let mut body = with_deadline(body, PAUSE);
        let reading = async move {
            let mut left = FORGOTTEN;
            while let Some(Ok(frame)) = body.frame().await {
                left = left.saturating_sub(frame.data_ref().map_or(0, Bytes::len));
                if left == 0 {
                    break;
                }
            }
        };
        let stop = shutdown.clone();
        shutdown.spawn(async move {
            tokio::select! {
                _ = tokio::time::timeout(PATIENCE, reading) => {}
                () = stop.requested() => {}
            }
        });
    }
}

struct Kept {
    inner: Option<Body>,
    held: Arc<Mutex<Option<Body>>>,
}

impl HttpBody for Kept {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match &mut self.inner {
            Some(body) => Pin::new(body).poll_frame(cx),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.as_ref().map_or_else(|| SizeHint::with_exact(0), HttpBody::size_hint)
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = self.inner.take();
    }
}

type Polled = Poll<Option<Result<Frame<Bytes>, BodyError>>>;

/// What happens to a body's frames on their way. It is as long as it was, and ends where it did.
trait Way: Send + Sync + Unpin + 'static {
    fn poll_frame(&mut self, inner: &mut Body, cx: &mut Context<'_>) -> Polled;
}

/// A body on its way. The way is over before the body is gone.
struct Along<W> {
    way: W,
    inner: Body,
}

impl<W: Way> Along<W> {
    fn boxed(inner: Body, way: W) -> Body {
        BoxBody::new(Self { way, inner })
    }
}

impl<W: Way> HttpBody for Along<W> {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Polled {
        let Self { way, inner } = &mut *self;
        way.poll_frame(inner, cx)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

struct Filtered;

impl Way for Filtered {
    fn poll_frame(&mut self, inner: &mut Body, cx: &mut Context<'_>) -> Polled {
        loop {
            match ready!(Pin::new(&mut *inner).poll_frame(cx)) {
                Some(Ok(frame)) if frame.is_trailers() => {}
                other => return Poll::Ready(other),
            }
        }
    }
}

#[derive(Default)]
struct Prompt {
    /// When something was last sent on its way.
    since: Option<Instant>,
    then: Then,
}

/// What comes before the next event.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum Then {
    #[default]
    Nothing,
    /// Whoever polls is to write what it has.
    Write,
    /// It has written: whoever is to read may need this processor for it, and waits for the end of our
    /// time on it else.
    Read,
}

impl Way for Prompt {
    fn poll_frame(&mut self, inner: &mut Body, cx: &mut Context<'_>) -> Polled {
        match std::mem::take(&mut self.then) {
            Then::Nothing => {}
            Then::Write => {
                self.then = Then::Read;
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            Then::Read => std::thread::yield_now(),
        }
        let frame = ready!(Pin::new(inner).poll_frame(cx));
        if self.since.is_none_or(|since| since.elapsed() >= MOMENT) {
            self.since = Some(Instant::now());
            self.then = Then::Write;
        }
        Poll::Ready(frame)
    }
}

struct Gated<G>(G);

impl<G: Gate> Way for Gated<G> {
    fn poll_frame(&mut self, inner: &mut Body, cx: &mut Context<'_>) -> Polled {
        let frame = ready!(Pin::new(inner).poll_frame(cx));
        if let Some(Ok(frame)) = &frame
            && let Some(Err(why)) = frame.data_ref().map(|data| self.0.pass(data))
        {
            return Poll::Ready(Some(Err(why)));
        }
        Poll::Ready(frame)
    }
}

/// Its fields stay where they are: nothing of it is pinned.
struct Observed<O: Observer> {
    passed: Passed,
    observer: O,
}

impl<O: Observer> Unpin for Observed<O> {}

impl<O: Observer> Way for Observed<O> {
    fn poll_frame(&mut self, inner: &mut Body, cx: &mut Context<'_>) -> Polled {
        let frame = ready!(Pin::new(&mut *inner).poll_frame(cx));
        match &frame {
            Some(Ok(frame)) => {
                if let Some(data) = frame.data_ref() {
                    self.passed.bytes += data.len() as u64;
                    self.observer.data(data);
                }
                self.passed.complete = inner.is_end_stream();
            }
            Some(Err(_)) => {}
            None => self.passed.complete = true,
        }
        Poll::Ready(frame)
    }
}

impl<O: Observer> Drop for Observed<O> {
    fn drop(&mut self) {
        self.observer.over(self.passed);
    }
}

struct Timed {
    idle: Duration,
    sleep: Option<Pin<Box<tokio::time::Sleep>>>,
}

impl Way for Timed {
    fn poll_frame(&mut self, inner: &mut Body, cx: &mut Context<'_>) -> Polled {
        if let Poll::Ready(frame) = Pin::new(inner).poll_frame(cx) {
            self.sleep = None;
            return Poll::Ready(frame);
        }
        let idle = self.idle;
        let sleep = self
            .sleep
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(Instant::now() + idle)));
        ready!(sleep.as_mut().poll(cx));
        Poll::Ready(Some(Err(BodyError::Stalled(idle))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::task::Waker;

    /// Always has something more.
    struct Quick(u8);

    impl HttpBody for Quick {
        type Data = Bytes;
        type Error = BodyError;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
            self.0 += 1;
            Poll::Ready(Some(Ok(Frame::data(vec![self.0].into()))))
        }
    }

    #[test]
    fn the_first_event_goes_out_before_the_second_is_asked_for() {
        let mut body = prompt(Quick(0).boxed());
        let mut cx = Context::from_waker(Waker::noop());
        let mut poll = || Pin::new(&mut body).poll_frame(&mut cx);
        let Poll::Ready(Some(Ok(first))) = poll() else { panic!("no event") };
        assert_eq!(first.into_data().unwrap(), vec![1]);
        assert!(poll().is_pending(), "whoever writes is let write");
        let Poll::Ready(Some(Ok(second))) = poll() else { panic!("no second event") };
        assert_eq!(second.into_data().unwrap(), vec![2], "none is lost");
    }
}

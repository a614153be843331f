//! A response's body, cleaned while it streams: nothing is held back but what may be the beginning
//! of a secret.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use hyper::body::{Body, Frame, SizeHint};

use super::Needles;

/// Wraps a body; `found` is called once, at the first secret that was taken out.
pub(crate) fn clean_body<B, F>(body: B, needles: Arc<Needles>, found: F) -> CleanBody<B, F> {
    CleanBody { body, needles, found: Some(found), held: Bytes::new(), trailers: None }
}

#[derive(Debug)]
pub(crate) struct CleanBody<B, F> {
    body: B,
    needles: Arc<Needles>,
    found: Option<F>,
    held: Bytes,
    trailers: Option<HeaderMap>,
}

impl<B, F: FnOnce()> CleanBody<B, F> {
    fn tell(&mut self) {
        if let Some(found) = self.found.take() {
            found();
        }
    }

    /// What may go out now of the bytes held back and those that came.
    fn pass(&mut self, more: Bytes) -> Bytes {
        let whole = if self.held.is_empty() {
            more
        } else {
            let mut joined = BytesMut::with_capacity(self.held.len() + more.len());
            joined.extend_from_slice(&self.held);
            joined.extend_from_slice(&more);
            joined.freeze()
        };
        let (mut clean, changed) = self.needles.cleaned(whole);
        if changed {
            self.tell();
        }
        let out = clean.len() - self.needles.held_back(&clean);
        self.held = clean.split_off(out);
        clean
    }
}

impl<B, F> Body for CleanBody<B, F>
where
    B: Body<Data = Bytes> + Unpin,
    F: FnOnce() + Unpin,
{
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let this = &mut *self;
        loop {
            if let Some(trailers) = this.trailers.take() {
                return Poll::Ready(Some(Ok(Frame::trailers(trailers))));
            }
            let Some(frame) = ready!(Pin::new(&mut this.body).poll_frame(cx)).transpose()? else {
                let held = std::mem::take(&mut this.held);
                let rest = (!held.is_empty()).then(|| Ok(Frame::data(held)));
                return Poll::Ready(rest);
            };
            match frame.into_data() {
                Ok(data) => {
                    let out = this.pass(data);
                    if !out.is_empty() {
                        return Poll::Ready(Some(Ok(Frame::data(out))));
                    }
                }
                Err(frame) => {
                    let Ok(mut trailers) = frame.into_trailers() else { continue };
                    if this.needles.clean_headers(&mut trailers) > 0 {
                        this.tell();
                    }
                    this.trailers = Some(trailers);
                    let held = std::mem::take(&mut this.held);
                    if !held.is_empty() {
                        return Poll::Ready(Some(Ok(Frame::data(held))));
                    }
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.held.is_empty() && self.trailers.is_none() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let mut hint = self.body.size_hint();
        let held = self.held.len() as u64;
        if let Some(upper) = hint.upper() {
            hint.set_upper(upper + held);
        }
        hint.set_lower(hint.lower() + held);
        hint
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::collections::VecDeque;
    use std::convert::Infallible;

    use http_body_util::{BodyExt as _, Full};

    use super::*;

    const SECRET: &str = "canary-secret-0123456789";
    const PLACEHOLDER: &str = "BottlePlaceholder0123456789";

    fn needles() -> Arc<Needles> {
        let mut needles = Needles::default();
        needles.add_secret(SECRET, PLACEHOLDER);
        Arc::new(needles)
    }

    /// A body that comes in pieces of one size.
    struct Pieces(VecDeque<Bytes>);

    impl Body for Pieces {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            Poll::Ready(self.0.pop_front().map(|piece| Ok(Frame::data(piece))))
        }
    }

    fn in_pieces(text: &str, size: usize) -> Pieces {
        Pieces(text.as_bytes().chunks(size).map(Bytes::copy_from_slice).collect())
    }

    #[tokio::test]
    async fn g5_a_secret_split_anywhere_is_replaced() {
        let text = format!("data: {SECRET}\n\ncanary-secret {SECRET}{SECRET} canary");
        let expected = text.replace(SECRET, PLACEHOLDER.get(..SECRET.len()).unwrap());
        for size in 1..=text.len() {
            let found = Cell::new(0);
            let note = || found.set(found.get() + 1);
            let body = clean_body(in_pieces(&text, size), needles(), note);
            let clean = body.collect().await.unwrap().to_bytes();
            assert_eq!(clean, expected.as_bytes(), "pieces of {size}");
            assert_eq!(found.get(), 1);
        }
    }

    #[tokio::test]
    async fn g5_without_the_cleaning_the_secret_would_arrive() {
        let text = format!("data: {SECRET}\n\n");
        let raw = in_pieces(&text, 3).collect().await.unwrap().to_bytes();
        assert_eq!(raw, text.as_bytes());
        let nothing = clean_body(in_pieces(&text, 3), Arc::default(), || ());
        assert_eq!(nothing.collect().await.unwrap().to_bytes(), text.as_bytes());
    }

    #[tokio::test]
    async fn e12_an_event_is_not_held_back() {
        let event = Bytes::from_static(b"data: an event\n\n");
        let mut body = clean_body(Full::new(event.clone()), needles(), || ());
        let frame = body.frame().await.unwrap().unwrap();
        assert_eq!(frame.into_data().unwrap(), event);
    }

    #[tokio::test]
    async fn trailers_are_cleaned_and_come_last() {
        let mut trailers = HeaderMap::new();
        trailers.insert("x-echo", SECRET.parse().unwrap());
        let body = Full::new(Bytes::from_static(b"ends like canary-"))
            .with_trailers(async move { Some(Ok(trailers)) });
        let whole = clean_body(Box::pin(body), needles(), || ()).collect().await.unwrap();
        assert!(!whole.trailers().unwrap()["x-echo"].to_str().unwrap().contains("canary"));
        assert_eq!(whole.to_bytes(), "ends like canary-");
    }
}

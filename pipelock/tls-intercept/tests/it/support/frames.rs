//! A body whose frames a test sends one by one.

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::Frame;
use std::pin::Pin;
use std::task::{Context, Poll};
use tls_intercept::{Body, BodyError};
use tokio::sync::mpsc;

struct Frames(mpsc::Receiver<Frame<Bytes>>);

impl hyper::body::Body for Frames {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        self.0.poll_recv(cx).map(|frame| frame.map(Ok))
    }
}

/// The body, and where its frames come from; it ends when that is dropped.
pub(crate) fn frames() -> (mpsc::Sender<Frame<Bytes>>, Body) {
    let (send, receive) = mpsc::channel(8);
    (send, Frames(receive).boxed())
}

pub(crate) fn data(text: &'static str) -> Frame<Bytes> {
    Frame::data(Bytes::from_static(text.as_bytes()))
}

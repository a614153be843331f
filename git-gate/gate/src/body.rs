//! The body of an answer that a process writes while it is read.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, combinators::UnsyncBoxBody};
use hyper::body::{Body, Frame};
use tokio::sync::mpsc;

/// What every answer's body is.
pub(crate) type AnswerBody = UnsyncBoxBody<Bytes, Infallible>;

/// Chunks as they come; when the sender is gone, the body is over.
#[derive(Debug)]
struct Chunks(mpsc::Receiver<Bytes>);

impl Body for Chunks {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(context).map(|chunk| chunk.map(|bytes| Ok(Frame::data(bytes))))
    }
}

/// A body of what is sent.
pub(crate) fn chunks(receiver: mpsc::Receiver<Bytes>) -> AnswerBody {
    Chunks(receiver).boxed_unsync()
}

/// A body that is known.
pub(crate) fn text(text: impl Into<Bytes>) -> AnswerBody {
    Full::new(text.into()).boxed_unsync()
}

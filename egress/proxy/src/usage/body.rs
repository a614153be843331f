//! A body that is counted as it passes: nothing of it is held back or copied.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tls_intercept::{Body, BodyError};

use super::tally::Tally;

pub(super) struct Counted {
    inner: Body,
    tally: Tally,
    complete: bool,
}

impl Counted {
    pub(super) fn body(inner: Body, tally: Tally) -> Body {
        let complete = inner.is_end_stream();
        Self { inner, tally, complete }.boxed()
    }
}

impl HttpBody for Counted {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = &mut *self;
        let frame = ready!(Pin::new(&mut this.inner).poll_frame(cx));
        match &frame {
            Some(Ok(frame)) => {
                if let Some(data) = frame.data_ref() {
                    this.tally.feed(data);
                }
                this.complete = this.inner.is_end_stream();
            }
            Some(Err(_)) => {}
            None => this.complete = true,
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.tally.over(self.complete);
    }
}

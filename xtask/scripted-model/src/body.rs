//! The bodies of answers: whole ones, and ones that are still being written.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, combinators::BoxBody};
use hyper::body::Frame;
use serde_json::Value;
use tokio::sync::mpsc;

pub(crate) type Body = BoxBody<Bytes, Infallible>;

/// A body fed by a channel; it ends when the sender is dropped.
struct Fed(mpsc::Receiver<String>);

impl hyper::body::Body for Fed {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(context).map(|piece| piece.map(|piece| Ok(Frame::data(piece.into()))))
    }
}

pub(crate) fn fed() -> (mpsc::Sender<String>, Body) {
    let (sender, receiver) = mpsc::channel(16);
    (sender, Fed(receiver).boxed())
}

pub(crate) fn json(status: StatusCode, value: &Value) -> Response<Body> {
    whole(status, "application/json", value.to_string())
}

pub(crate) fn text(status: StatusCode, text: &str) -> Response<Body> {
    whole(status, "text/plain", text.to_owned())
}

fn whole(status: StatusCode, kind: &'static str, content: String) -> Response<Body> {
    with_type(status, kind, Full::new(Bytes::from(content)).boxed())
}

pub(crate) fn with_type(status: StatusCode, kind: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

//! A body of frames looked through: messages are joined over their fragments, and what may still
//! become a finding is held back.

use super::frame::{Frame, Frames, From, Kind};
use crate::{Body, BodyError};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use hyper::body::{Body as HttpBody, Frame as Part};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// Looks through the messages of one side.
pub trait Inspector: Send + Sync + Unpin + 'static {
    /// Looks at what is here of a message and has not passed yet; of a control frame that is all.
    ///
    /// The first `seen` bytes were looked at before and held back. Bytes may be changed. How many
    /// of them may pass is returned; with `last` the message is whole and everything passes.
    ///
    /// # Errors
    ///
    /// Why the connection is to end. Nothing of what is pending passes then.
    fn look(
        &mut self,
        kind: Kind,
        pending: &mut [u8],
        seen: usize,
        last: bool,
    ) -> Result<usize, String>;
}

/// Has a WebSocket's body, of either side, looked through as it passes.
pub fn inspected(body: Body, inspector: impl Inspector) -> Body {
    let frames = Frames::new(From::Elsewhere);
    let message = Message { kind: Kind::Text, first: true, pending: BytesMut::new(), seen: 0 };
    Inspected { body, frames, inspector, message, over: false }.boxed()
}

struct Inspected<I> {
    body: Body,
    frames: Frames,
    inspector: I,
    message: Message,
    over: bool,
}

/// What is here of the message that is passing.
struct Message {
    kind: Kind,
    /// No part of it has passed.
    first: bool,
    pending: BytesMut,
    seen: usize,
}

impl<I: Inspector> Inspected<I> {
    /// What may pass of one frame and of what was held back before it.
    fn pass(&mut self, mut frame: Frame, out: &mut BytesMut) -> Result<(), String> {
        if frame.kind.is_control() {
            self.inspector.look(frame.kind, &mut frame.payload, 0, true)?;
            frame.write(None, out);
            return Ok(());
        }
        let message = &mut self.message;
        if frame.first {
            (message.kind, message.first) = (frame.kind, true);
        }
        message.pending.unsplit(frame.payload);
        let (kind, seen, last) = (message.kind, message.seen, frame.last);
        let free = self.inspector.look(kind, &mut message.pending, seen, last)?;
        let free = if last { message.pending.len() } else { free.min(message.pending.len()) };
        let payload = message.pending.split_to(free);
        message.seen = message.pending.len();
        if free > 0 || last {
            Frame { kind, first: message.first, last, payload }.write(None, out);
            message.first = false;
        }
        Ok(())
    }

    fn take(&mut self, data: &[u8]) -> Result<Bytes, String> {
        let mut out = BytesMut::new();
        self.frames.push(data);
        while let Some(frame) = self.frames.next()? {
            self.pass(frame, &mut out)?;
        }
        Ok(out.freeze())
    }
}

impl<I: Inspector> HttpBody for Inspected<I> {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Part<Bytes>, BodyError>>> {
        let this = &mut *self;
        loop {
            if this.over {
                return Poll::Ready(None);
            }
            let Some(part) = ready!(Pin::new(&mut this.body).poll_frame(cx)) else {
                this.over = true;
                continue;
            };
            let Ok(data) = part?.into_data() else { continue };
            match this.take(&data) {
                Ok(bytes) if bytes.is_empty() => {}
                Ok(bytes) => return Poll::Ready(Some(Ok(Part::data(bytes)))),
                Err(why) => {
                    this.over = true;
                    return Poll::Ready(Some(Err(BodyError::Stopped(why))));
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.over
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body;

    /// Holds back what may begin `secret`, and stops at it; hides `hide`.
    struct Words;

    impl Inspector for Words {
        fn look(
            &mut self,
            kind: Kind,
            pending: &mut [u8],
            _seen: usize,
            last: bool,
        ) -> Result<usize, String> {
            let text = String::from_utf8_lossy(pending).into_owned();
            if text.contains("secret") {
                return Err(format!("a secret in {kind:?}"));
            }
            if let Some(at) = text.find("hide") {
                pending[at..at + 4].fill(b'*');
            }
            let begun =
                (1..6).rev().find(|n| text.ends_with("secret".get(..*n).unwrap())).unwrap_or(0);
            Ok(if last { pending.len() } else { pending.len() - begun })
        }
    }

    fn frame(kind: Kind, first: bool, last: bool, text: &str) -> Bytes {
        Frame { kind, first, last, payload: BytesMut::from(text.as_bytes()) }.to_bytes(None)
    }

    async fn passed(parts: Vec<Bytes>) -> (String, Option<String>) {
        let (sender, body) = body::channel(parts.len());
        for part in parts {
            sender.send(Ok(part)).await.unwrap();
        }
        drop(sender);
        let mut body = inspected(body, Words);
        let (mut frames, mut said) = (Frames::new(From::Elsewhere), String::new());
        while let Some(part) = body.frame().await {
            match part {
                Ok(part) => frames.push(part.data_ref().unwrap()),
                Err(error) => return (said, Some(error.to_string())),
            }
            while let Some(frame) = frames.next().unwrap() {
                let (first, last) = (frame.first, frame.last);
                let open = if first { "[" } else { "" };
                let text = String::from_utf8_lossy(&frame.payload);
                said.extend([open, &text, if last { "]" } else { "|" }]);
            }
        }
        (said, None)
    }

    #[tokio::test]
    async fn f3_a_message_is_looked_through_as_one_however_it_is_cut() {
        let (text, ping) = (Kind::Text, Kind::Ping);
        let parts = vec![
            frame(text, true, false, "a hide se"),
            frame(ping, true, true, "?"),
            frame(text, false, false, ""),
            frame(text, false, true, "cond"),
            frame(text, true, true, "plain"),
        ];
        let (said, error) = passed(parts).await;
        assert_eq!((said.as_str(), error), ("[a **** |[?]second][plain]", None));
        for parts in [
            vec![frame(text, true, true, "a secret")],
            vec![frame(text, true, false, "a sec"), frame(text, false, true, "ret")],
            vec![frame(Kind::Binary, true, true, "a secret")],
            vec![frame(ping, true, true, "secret")],
            vec![frame(Kind::Pong, true, true, "secret")],
            vec![frame(Kind::Close, true, true, "__secret")],
        ] {
            let (said, error) = passed(parts).await;
            assert!(!said.contains("sec") && error.is_some(), "{said} {error:?}");
        }
    }
}

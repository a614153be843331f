//! A request's body, read as it streams: what could still become a finding is held back.

use super::{
    coding::{Coding, Decoder},
    kept::Kept,
    knowledge::{Home, Knowledge},
    settle::settle,
    verdict::{Stopped, Verdict},
};
use bytes::{Bytes, BytesMut};
use dlp::{Finding, Stream};
use http::{
    Request,
    header::{CONTENT_ENCODING, CONTENT_LENGTH},
};
use http_body_util::BodyExt as _;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use pipelock::Action;
use std::{
    collections::VecDeque,
    pin::Pin,
    task::{Context, Poll},
};
use tls_intercept::{Body, BodyError};

/// Smaller pieces are read together, as long as more of them are there at once.
const LEAST: usize = 8 * 1024;

/// A request whose body is read on its way, and what that comes to.
pub(crate) struct Judged {
    pub(crate) request: Request<Body>,
    pub(crate) verdict: Verdict,
}

/// Puts the reading into a request's body.
pub(crate) fn judged(
    (known, home): (&Knowledge, &Home),
    action: Action,
    request: Request<Body>,
) -> Result<Judged, Stopped> {
    let verdict = Verdict::default();
    let coding = Coding::of(request.headers()).map_err(Stopped::Unreadable)?;
    let (mut parts, body) = request.into_parts();
    if body.is_end_stream() {
        return Ok(Judged { request: Request::from_parts(parts, body), verdict });
    }
    let form = match (coding.decoder(), action) {
        (None, _) => Form::Plain,
        (Some(decoder), Action::Redact) => {
            // What is overwritten cannot be coded again under the same head.
            parts.headers.remove(CONTENT_ENCODING);
            parts.headers.remove(CONTENT_LENGTH);
            Form::Undone(decoder)
        }
        (Some(decoder), _) => Form::Coded { decoder, waiting: VecDeque::new(), read: 0 },
    };
    let body = Reading {
        inner: body,
        form,
        stream: Some(Stream::new(known.rules())),
        home: home.clone(),
        kept: Kept::default(),
        gathered: BytesMut::new(),
        ready: VecDeque::new(),
        action,
        verdict: verdict.clone(),
    };
    Ok(Judged { request: Request::from_parts(parts, body.boxed()), verdict })
}

/// In which form the body is read, and in which it goes on.
enum Form {
    /// As it comes.
    Plain,
    /// Read and sent on without its coding.
    Undone(Decoder),
    /// Read without its coding and sent on with it: a part waits until all that was read of it is
    /// settled, and until another part came.
    Coded { decoder: Decoder, waiting: VecDeque<(Bytes, u64)>, read: u64 },
}

struct Reading {
    inner: Body,
    form: Form,
    /// Gone when the body is over.
    stream: Option<Stream>,
    kept: Kept,
    gathered: BytesMut,
    ready: VecDeque<Bytes>,
    action: Action,
    /// Which of the bottle's secrets may go where this body goes.
    home: Home,
    verdict: Verdict,
}

impl Reading {
    fn take(&mut self, data: Bytes) -> Result<(), Stopped> {
        let Self { form, stream, kept, ready, action, home, verdict, .. } = self;
        let Some(stream) = stream else { return Ok(()) };
        let mut go_on = |kept: &mut Kept, bytes: Bytes| {
            let findings = stream.push(&bytes);
            kept.push(bytes);
            settled((*action, home), verdict, kept, &findings)?;
            Ok::<_, Stopped>(stream.held())
        };
        match form {
            Form::Plain => {
                let held = go_on(kept, data)?;
                kept.release(held, |part| ready.push_back(part));
            }
            Form::Undone(decoder) => decoder.push(&data, |decoded| {
                let held = go_on(kept, Bytes::copy_from_slice(decoded))?;
                kept.release(held, |part| ready.push_back(part));
                Ok::<_, Stopped>(())
            })?,
            Form::Coded { decoder, waiting, read } => {
                let mut held = 0;
                decoder.push(&data, |decoded| {
                    *read += decoded.len() as u64;
                    held = go_on(&mut Kept::default(), Bytes::copy_from_slice(decoded))?;
                    Ok::<_, Stopped>(())
                })?;
                let settled = *read - held as u64;
                while waiting.front().is_some_and(|(_, end)| *end <= settled) {
                    ready.extend(waiting.pop_front().map(|(part, _)| part));
                }
                waiting.push_back((data, *read));
            }
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), Stopped> {
        let Some(mut stream) = self.stream.take() else { return Ok(()) };
        let rest = match &mut self.form {
            Form::Plain => Vec::new(),
            Form::Undone(decoder) | Form::Coded { decoder, .. } => decoder.finish()?,
        };
        let findings = stream.push(&rest);
        self.kept.push(Bytes::from(rest));
        settled((self.action, &self.home), &self.verdict, &mut self.kept, &findings)?;
        settled((self.action, &self.home), &self.verdict, &mut self.kept, &stream.finish())?;
        match &mut self.form {
            Form::Plain | Form::Undone(_) => {
                let ready = &mut self.ready;
                self.kept.release(0, |part| ready.push_back(part));
            }
            Form::Coded { waiting, .. } => {
                self.ready.extend(waiting.drain(..).map(|(part, _)| part));
            }
        }
        Ok(())
    }

    fn step(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        loop {
            if let Some(part) = self.ready.pop_front() {
                return Poll::Ready(Some(Ok(part)));
            }
            if self.stream.is_none() {
                return Poll::Ready(None);
            }
            let went = match Pin::new(&mut self.inner).poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => {
                    let Ok(data) = frame.into_data() else { continue };
                    if self.gathered.is_empty() && data.len() >= LEAST {
                        self.take(data)
                    } else {
                        self.gathered.extend_from_slice(&data);
                        if self.gathered.len() < LEAST {
                            continue;
                        }
                        self.take_gathered()
                    }
                }
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Some(Err(error))),
                Poll::Ready(None) => self.take_gathered().and_then(|()| self.finish()),
                Poll::Pending if self.gathered.is_empty() => return Poll::Pending,
                Poll::Pending => self.take_gathered(),
            };
            if let Err(why) = went {
                self.ready.clear();
                self.stream = None;
                self.verdict.stop(why);
                let why = BodyError::Stopped("it was denied".to_owned());
                return Poll::Ready(Some(Err(why)));
            }
        }
    }

    fn take_gathered(&mut self) -> Result<(), Stopped> {
        let gathered = self.gathered.split().freeze();
        if gathered.is_empty() { Ok(()) } else { self.take(gathered) }
    }
}

/// Settles what was found in what is kept.
fn settled(
    decided: (Action, &Home),
    verdict: &Verdict,
    kept: &mut Kept,
    findings: &[Finding],
) -> Result<(), Stopped> {
    let overwrite = |finding: &Finding| kept.overwrite(finding.offset, finding.len);
    settle(decided, verdict, findings, overwrite).map_err(Stopped::Secret)
}

impl HttpBody for Reading {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        self.step(cx).map(|part| part.map(|part| part.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.stream.is_none() && self.ready.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        let waiting = match &self.form {
            Form::Plain => 0,
            Form::Undone(_) => return SizeHint::default(),
            Form::Coded { waiting, .. } => waiting.iter().map(|(part, _)| part.len()).sum(),
        };
        let ready: usize = self.ready.iter().map(Bytes::len).sum();
        let here = (waiting + ready + self.gathered.len() + self.kept.len()) as u64;
        match self.inner.size_hint().exact() {
            Some(to_come) => SizeHint::with_exact(here + to_come),
            None => SizeHint::default(),
        }
    }
}

#[cfg(test)]
mod tests;

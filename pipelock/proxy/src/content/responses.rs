//! Responses, looked through for instructions to the agent as they stream.

mod judge;

use self::judge::Judge;
use super::{
    coding::Coding,
    knowledge::Spared,
    verdict::{Stopped, Verdict},
};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use http_body_util::BodyExt as _;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use pipelock::ResponseAction;
use std::{
    collections::VecDeque,
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};
use tls_intercept::{Body, BodyError};
use tokio::time::timeout;

/// Names the rules that found something, where that is known before the head goes out.
pub(crate) const FINDING_HEADER: HeaderName = HeaderName::from_static("x-bottle-finding");
/// So much of a body is looked at before its head goes out.
pub(crate) const BEFORE_THE_HEAD: usize = 64 * 1024;
/// So long a head waits for a short body that is not there yet, where findings do not stop it.
const PATIENCE: Duration = Duration::from_millis(100);

/// Puts the reading into a response, or says why the agent does not get it.
pub(crate) async fn responses(
    action: ResponseAction,
    (exempt, spared): (bool, Spared),
    mut response: Response<Body>,
) -> Result<(Response<Body>, Verdict), Stopped> {
    take_out_ours(response.headers_mut());
    let verdict = Verdict::default();
    if response.status() == StatusCode::SWITCHING_PROTOCOLS || response.body().is_end_stream() {
        return Ok((response, verdict));
    }
    if exempt {
        verdict.unscanned("exempt");
        return Ok((response, verdict));
    }
    let coding = match (Coding::of(response.headers()), action) {
        (Ok(coding), _) => coding,
        (Err(_), ResponseAction::Warn) => {
            verdict.unscanned("coding");
            return Ok((response, verdict));
        }
        (Err(why), ResponseAction::Block | ResponseAction::Strip) => {
            return Err(Stopped::Unreadable(why));
        }
    };
    let (mut parts, body) = response.into_parts();
    if action == ResponseAction::Strip && coding != Coding::Identity {
        // What is overwritten cannot be coded again under the same head.
        for name in [header::CONTENT_ENCODING, header::CONTENT_LENGTH, header::ETAG] {
            parts.headers.remove(name);
        }
    }
    let judge = Judge::new(action, spared, coding, &parts.headers, verdict.clone());
    let mut reading =
        Reading { inner: body, judge: Some(judge), ready: VecDeque::new(), read: 0, broken: None };
    reading.before_the_head(action).await?;
    let names = verdict.found();
    if !names.is_empty()
        && let Ok(names) = HeaderValue::try_from(names.join(", "))
    {
        parts.headers.insert(FINDING_HEADER, names);
    }
    Ok((Response::from_parts(parts, reading.boxed()), verdict))
}

/// Headers that only a sidecar may write.
fn take_out_ours(headers: &mut HeaderMap) {
    let ours: Vec<HeaderName> =
        headers.keys().filter(|name| name.as_str().starts_with("x-bottle-")).cloned().collect();
    for name in ours {
        headers.remove(name);
    }
}

struct Reading {
    inner: Body,
    /// Gone when the body is over.
    judge: Option<Judge>,
    ready: VecDeque<Frame<Bytes>>,
    /// How much was read so far.
    read: usize,
    /// The body broke before its head went out; whoever reads it is told.
    broken: Option<BodyError>,
}

impl Reading {
    /// Looks at the beginning: a short body to its end, of a longer one what is there; where a
    /// finding stops the response, the agent is to get an answer that says so.
    async fn before_the_head(&mut self, action: ResponseAction) -> Result<(), Stopped> {
        let Some(judge) = &self.judge else { return Ok(()) };
        if judge.is_events() {
            return Ok(());
        }
        let short = self.inner.size_hint().exact().is_some_and(|len| len <= BEFORE_THE_HEAD as u64);
        // What is there already, without waiting.
        if self.some(false).await? {
            return Ok(());
        }
        match action {
            ResponseAction::Warn if !short => Ok(()),
            ResponseAction::Warn => {
                timeout(PATIENCE, self.some(true)).await.map_or(Ok(()), |more| more.map(drop))
            }
            ResponseAction::Block | ResponseAction::Strip => self.some(true).await.map(drop),
        }
    }

    /// Reads until the end or the bound, which it reports; else, if it may not wait, what is there.
    async fn some(&mut self, wait: bool) -> Result<bool, Stopped> {
        poll_fn(|cx| {
            while self.judge.is_some() && self.read < BEFORE_THE_HEAD {
                match self.pump(cx) {
                    Poll::Ready(Ok(())) => {}
                    Poll::Ready(Err(Broken::Inner(error))) => {
                        self.broken = Some(error);
                        return Poll::Ready(Ok(true));
                    }
                    Poll::Ready(Err(Broken::Stopped(why))) => return Poll::Ready(Err(why)),
                    Poll::Pending if wait => return Poll::Pending,
                    Poll::Pending => return Poll::Ready(Ok(false)),
                }
            }
            Poll::Ready(Ok(true))
        })
        .await
    }

    /// Takes one frame in.
    fn pump(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Broken>> {
        let Self { inner, judge, ready, read, broken: _ } = self;
        let Some(at) = judge else { return Poll::Ready(Ok(())) };
        let went = match Pin::new(&mut *inner).poll_frame(cx) {
            Poll::Pending => match at.pause(ready) {
                Ok(()) => return Poll::Pending,
                Err(why) => Err(why),
            },
            Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                Ok(data) => {
                    *read = read.saturating_add(data.len());
                    if inner.is_end_stream() {
                        at.last(data, ready).map(|()| *judge = None)
                    } else {
                        at.take(data, ready)
                    }
                }
                Err(trailers) => at.finish(ready).map(|()| ready.push_back(trailers)),
            },
            Poll::Ready(Some(Err(error))) => {
                *judge = None;
                return Poll::Ready(Err(Broken::Inner(error)));
            }
            // Where it is stopped, the judge still has to say so.
            Poll::Ready(None) => at.finish(ready).map(|()| *judge = None),
        };
        Poll::Ready(went.map_err(|why| {
            ready.clear();
            if let Some(at) = judge.take() {
                at.stopped(why);
            }
            Broken::Stopped(why)
        }))
    }
}

/// Why a body goes no further.
enum Broken {
    Inner(BodyError),
    Stopped(Stopped),
}

impl HttpBody for Reading {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        loop {
            if let Some(frame) = self.ready.pop_front() {
                return Poll::Ready(Some(Ok(frame)));
            }
            if self.judge.is_none() {
                return Poll::Ready(self.broken.take().map(Err));
            }
            match self.pump(cx) {
                Poll::Ready(Err(Broken::Inner(error))) => return Poll::Ready(Some(Err(error))),
                Poll::Ready(Err(Broken::Stopped(_))) => {
                    let why = BodyError::Stopped("the response was refused".to_owned());
                    return Poll::Ready(Some(Err(why)));
                }
                Poll::Pending if self.ready.is_empty() => return Poll::Pending,
                Poll::Ready(Ok(())) | Poll::Pending => {}
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.judge.is_none() && self.ready.is_empty() && self.broken.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        if self.broken.is_some() {
            return SizeHint::default();
        }
        let ready: usize = self.ready.iter().filter_map(Frame::data_ref).map(Bytes::len).sum();
        let Some(judge) = &self.judge else { return SizeHint::with_exact(ready as u64) };
        let held = judge.held();
        match (held, self.inner.size_hint().exact()) {
            (Some(held), Some(to_come)) => {
                SizeHint::with_exact(ready as u64 + held as u64 + to_come)
            }
            _ => SizeHint::default(),
        }
    }
}

#[cfg(test)]
mod tests;

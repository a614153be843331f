//! One response's judge: what it holds back, what it lets go, what it overwrites.

use crate::content::{
    coding::{Coding, Decoder},
    kept::Kept,
    knowledge::Spared,
    verdict::{Stopped, Verdict},
};
use bytes::Bytes;
use http::{HeaderMap, header};
use hyper::body::Frame;
use injection::{Content, Finding, LONGEST, Stream, sniff};
use pipelock::ResponseAction;
use std::collections::VecDeque;

/// What a finding must weigh to be overwritten: a quotation is not.
const OVERWRITTEN: u32 = 3;

pub(super) struct Judge {
    action: ResponseAction,
    /// Rules that find nothing here.
    spared: Spared,
    decoder: Option<Decoder>,
    /// Server-sent events: each is judged when it is whole, and waits for no other.
    events: bool,
    /// What calls itself text is read as text, whatever its first bytes are.
    says_text: bool,
    text: Text,
    /// Bytes that were read and not let go.
    kept: Kept,
    /// The same of a body whose coding is kept: parts, and where each ends in what is decoded.
    coded: VecDeque<(Bytes, u64)>,
    decoded: u64,
    /// How many of those bytes could still become part of a finding.
    held: usize,
    weight: u32,
    /// The last byte was a line's end.
    line_ended: bool,
    verdict: Verdict,
}

/// What is known of the body by its first bytes.
enum Text {
    Unknown,
    Read(Stream),
    /// Units of 16 bits: every other byte is left out.
    Wide(Stream),
    /// Nothing to read, or no way to.
    Unread,
}

impl Judge {
    pub(super) fn new(
        action: ResponseAction,
        spared: Spared,
        coding: Coding,
        headers: &HeaderMap,
        verdict: Verdict,
    ) -> Self {
        let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let kind = kind.unwrap_or_default().to_ascii_lowercase();
        Self {
            action,
            spared,
            decoder: coding.decoder(),
            events: kind.starts_with("text/event-stream"),
            says_text: says_text(&kind),
            text: Text::Unknown,
            kept: Kept::default(),
            coded: VecDeque::new(),
            decoded: 0,
            held: 0,
            weight: 0,
            line_ended: false,
            verdict,
        }
    }

    pub(super) const fn is_events(&self) -> bool {
        self.events
    }

    /// How many bytes will come of what is held; `None` where lengths do not stay.
    pub(super) fn held(&self) -> Option<usize> {
        match (&self.decoder, self.action) {
            (Some(_), ResponseAction::Strip) => None,
            (Some(_), _) => Some(self.coded.iter().map(|(part, _)| part.len()).sum()),
            (None, _) => Some(self.kept.len()),
        }
    }

    /// Takes the next bytes in, and lets go what may go.
    pub(super) fn take(
        &mut self,
        data: Bytes,
        ready: &mut VecDeque<Frame<Bytes>>,
    ) -> Result<(), Stopped> {
        if self.action == ResponseAction::Warn {
            // Nothing waits: what is found is noted.
            if !matches!(self.text, Text::Unread) {
                let read = self.undone(&data, |judge, bytes| judge.read(bytes).map(drop));
                self.unreadable(read)?;
            }
            ready.push_back(Frame::data(data));
            return Ok(());
        }
        if self.decoder.is_none() {
            return self.plain(data, ready);
        }
        if self.action == ResponseAction::Strip {
            return self
                .undone(&data, |judge, bytes| judge.plain(Bytes::copy_from_slice(bytes), ready));
        }
        let mut held = self.held;
        self.undone(&data, |judge, bytes| {
            judge.decoded += bytes.len() as u64;
            let whole = if judge.events { judge.last_event_end(bytes) } else { 0 };
            judge.line_ended = bytes.last() == Some(&b'\n');
            let (events, rest) = bytes.split_at_checked(whole).unwrap_or((&[], bytes));
            if !events.is_empty() {
                judge.look(events, true)?;
                held = 0;
            }
            if !rest.is_empty() {
                held = judge.read(rest)?.min(held + rest.len());
            }
            Ok(())
        })?;
        self.held = held;
        let settled = self.decoded.saturating_sub(held as u64);
        while self.coded.front().is_some_and(|(_, end)| *end <= settled) {
            ready.extend(self.coded.pop_front().map(|(part, _)| Frame::data(part)));
        }
        self.coded.push_back((data, self.decoded));
        Ok(())
    }

    /// Takes the last bytes in: what nobody holds back is looked at once, as it is.
    pub(super) fn last(
        &mut self,
        data: Bytes,
        ready: &mut VecDeque<Frame<Bytes>>,
    ) -> Result<(), Stopped> {
        if self.action == ResponseAction::Warn && self.decoder.is_none() {
            self.look(&data, true)?;
            ready.push_back(Frame::data(data));
            return Ok(());
        }
        self.take(data, ready)?;
        self.finish(ready)
    }

    /// Bytes as they are, held back where they must be.
    fn plain(&mut self, data: Bytes, ready: &mut VecDeque<Frame<Bytes>>) -> Result<(), Stopped> {
        let whole = if self.events { self.last_event_end(&data) } else { 0 };
        self.line_ended = data.last() == Some(&b'\n') || (self.line_ended && data.is_empty());
        let mut rest = data;
        if whole > 0 {
            let events = rest.split_to(whole);
            self.kept.push(events.clone());
            self.look(&events, true)?;
            self.kept.release(0, |part| ready.push_back(Frame::data(part)));
        }
        if rest.is_empty() {
            return Ok(());
        }
        self.kept.push(rest.clone());
        let held = self.read(&rest)?;
        self.kept.release(held, |part| ready.push_back(Frame::data(part)));
        Ok(())
    }

    /// Nothing more is there now: a line that ended is judged as it is, so that what is written
    /// line by line comes line by line.
    pub(super) fn pause(&mut self, ready: &mut VecDeque<Frame<Bytes>>) -> Result<(), Stopped> {
        if self.line_ended && self.decoder.is_none() && self.kept.len() > 0 && !self.events {
            self.look(&[], true)?;
            self.kept.release(0, |part| ready.push_back(Frame::data(part)));
        }
        Ok(())
    }

    /// The body is over.
    pub(super) fn finish(&mut self, ready: &mut VecDeque<Frame<Bytes>>) -> Result<(), Stopped> {
        let rest = match &mut self.decoder {
            Some(decoder) if !matches!(self.text, Text::Unread) => {
                decoder.finish().map_err(Stopped::Unreadable)
            }
            _ => Ok(Vec::new()),
        };
        let rest = match rest {
            Ok(rest) => rest,
            Err(why) => {
                self.unreadable(Err(why))?;
                Vec::new()
            }
        };
        let rest = Bytes::from(rest);
        if self.action == ResponseAction::Strip {
            self.kept.push(rest.clone());
        }
        self.look(&rest, true)?;
        self.kept.release(0, |part| ready.push_back(Frame::data(part)));
        ready.extend(self.coded.drain(..).map(|(part, _)| Frame::data(part)));
        Ok(())
    }

    /// Notes that it was stopped.
    pub(super) fn stopped(self, why: Stopped) {
        self.verdict.stop(why);
    }

    /// Without its coding.
    fn undone(
        &mut self,
        data: &[u8],
        mut take: impl FnMut(&mut Self, &[u8]) -> Result<(), Stopped>,
    ) -> Result<(), Stopped> {
        match self.decoder.take() {
            None => take(self, data),
            Some(mut decoder) => {
                let went = decoder.push(data, |bytes| take(self, bytes));
                self.decoder = Some(decoder);
                went
            }
        }
    }

    /// Reads on, and says how much could still become a finding.
    fn read(&mut self, bytes: &[u8]) -> Result<usize, Stopped> {
        self.look(bytes, false)?;
        Ok(if matches!(self.text, Text::Unread) { 0 } else { LONGEST })
    }

    fn look(&mut self, bytes: &[u8], whole: bool) -> Result<(), Stopped> {
        if matches!(self.text, Text::Unknown) && !bytes.is_empty() {
            self.text = match sniff(bytes) {
                Content::Wide => Text::Wide(Stream::new(false)),
                Content::Text { json } => Text::Read(Stream::new(json)),
                Content::Binary if self.says_text => Text::Read(Stream::new(false)),
                Content::Binary => {
                    self.verdict.unscanned("binary");
                    Text::Unread
                }
            };
        }
        let findings = match &mut self.text {
            Text::Read(stream) => stream.push(bytes, whole),
            Text::Wide(stream) => {
                let narrow: Vec<u8> = bytes.iter().copied().filter(|byte| *byte != 0).collect();
                stream.push(&narrow, whole)
            }
            Text::Unknown | Text::Unread => Vec::new(),
        };
        findings.iter().try_for_each(|finding| self.settle(finding))
    }

    fn settle(&mut self, finding: &Finding) -> Result<(), Stopped> {
        if self.spared.holds(finding.rule) {
            self.verdict.spare(finding.rule);
            return Ok(());
        }
        let overwritten = self.action == ResponseAction::Strip
            && matches!(self.text, Text::Read(_))
            && finding.weight >= OVERWRITTEN
            && self.kept.overwrite(finding.offset, finding.len);
        match finding.weight {
            _ if overwritten => self.verdict.overwritten(finding.rule),
            0 => self.verdict.quoted(finding.rule),
            _ => self.verdict.note(finding.rule),
        }
        self.weight = self.weight.saturating_add(finding.weight);
        match self.action {
            ResponseAction::Strip if matches!(self.text, Text::Read(_)) => Ok(()),
            // In units of 16 bits the place is not known.
            ResponseAction::Strip | ResponseAction::Block if self.weight >= Finding::ENOUGH => {
                Err(Stopped::Injection(finding.rule))
            }
            ResponseAction::Warn | ResponseAction::Strip | ResponseAction::Block => Ok(()),
        }
    }

    /// A body that cannot be read passes unread where findings are only noted.
    fn unreadable(&mut self, went: Result<(), Stopped>) -> Result<(), Stopped> {
        match went {
            Err(Stopped::Unreadable(_)) if self.action == ResponseAction::Warn => {
                self.verdict.unscanned("coding");
                self.text = Text::Unread;
                Ok(())
            }
            went => went,
        }
    }

    /// Where the last event that is whole ends.
    fn last_event_end(&self, data: &[u8]) -> usize {
        let at = |index: Option<usize>| match index {
            Some(index) => data.get(index).copied(),
            None if self.line_ended => Some(b'\n'),
            None => None,
        };
        let ends = |index: &usize| {
            at(Some(*index)) == Some(b'\n')
                && match at(index.checked_sub(1)) {
                    Some(b'\n') => true,
                    Some(b'\r') if *index > 0 => at(index.checked_sub(2)) == Some(b'\n'),
                    _ => false,
                }
        };
        (0..data.len()).rev().find(ends).map_or(0, |index| index + 1)
    }
}

/// Whether a content type promises words.
fn says_text(kind: &str) -> bool {
    let essence = kind.split(';').next().unwrap_or_default().trim();
    let (family, name) = essence.split_once('/').unwrap_or((essence, ""));
    family == "text"
        || ["json", "xml", "javascript", "yaml", "toml", "graphql", "markdown", "html"]
            .iter()
            .any(|word| name.contains(word) && family == "application")
}

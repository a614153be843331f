//! A scan that goes on from chunk to chunk in bounded memory, and shows the same whatever the chunks.

use std::cmp::Reverse;

use crate::bytes::{ENDS, is_text};
use crate::set::{DEPTH, Finding, Part, Pass, Rules};
use crate::{rows, seed};

/// Of a longer stretch without an end, only so much is looked at from each place on.
const HORIZON: usize = 8192;
/// And so much of it is settled at a time: the more, the less is looked at twice.
const SEGMENT: usize = 16 * 1024;
/// A stretch that is longer than the horizon covers a row of so many bytes wherever it is looked for.
const LOOK: usize = HORIZON / 2;
/// The most bytes that are held back: a longer word than this is no credential of any issuer.
pub const MAX_HELD: usize = HORIZON + SEGMENT;
/// How much of what was settled is kept, so that it is seen what stands before a match.
const CONTEXT: usize = seed::BEFORE;

/// A scan of one stream. Memory is bounded by [`MAX_HELD`], the context and one chunk.
#[derive(Debug)]
pub struct Stream {
    rules: Rules,
    /// Context, then the bytes that are not settled.
    buffer: Vec<u8>,
    /// The stream's offset of the buffer's first byte.
    base: u64,
    /// How many bytes of the buffer are settled: no finding to come begins in them.
    settled: usize,
}

impl Stream {
    /// Begins a scan.
    pub fn new(rules: &Rules) -> Self {
        Self { rules: rules.clone(), buffer: Vec::new(), base: 0, settled: 0 }
    }

    /// Takes the next bytes in and returns what they complete.
    pub fn push(&mut self, chunk: &[u8]) -> Vec<Finding> {
        self.buffer.extend_from_slice(chunk);
        self.settle(true)
    }

    /// Says that nothing follows.
    pub fn finish(mut self) -> Vec<Finding> {
        self.settle(false)
    }

    /// How many of the last bytes pushed could still become part of a finding: they are to be
    /// held back, all before them may go on.
    pub fn held(&self) -> usize {
        self.buffer.len() - self.settled
    }

    /// Settles what can be. A stretch that is longer than any credential is cut at places that it
    /// alone decides, never the chunks: what is found in it must not depend on them.
    fn settle(&mut self, more: bool) -> Vec<Finding> {
        let mut findings = Vec::new();
        let (len, mut clear) = (self.buffer.len(), 0);
        while self.settled < len {
            let long = long_stretch(&self.buffer, self.settled, &mut clear);
            let (until, end) = match long {
                Some(start) if start == self.settled => (start + SEGMENT, start + MAX_HELD),
                Some(start) => (start, start + HORIZON),
                None => (len, len),
            };
            if end > len && more {
                break;
            }
            let whole = long.is_none();
            let edge = self.look((until.min(len), end.min(len)), more && whole, &mut findings);
            self.settled = edge;
            if whole {
                break;
            }
        }
        let gone = self.settled.saturating_sub(CONTEXT);
        self.buffer.drain(..gone);
        self.base += gone as u64;
        self.settled -= gone;
        findings
    }

    /// Looks at what is not settled, up to one place in the light of what stands up to another, and
    /// returns how much is settled then.
    fn look(&self, (until, end): (usize, usize), more: bool, findings: &mut Vec<Finding>) -> usize {
        let from = self.settled.saturating_sub(CONTEXT);
        let text = self.buffer.get(from..end).unwrap_or_default();
        let part = Part { text, until: until - from, more, depth: DEPTH };
        let mut pass = Pass::default();
        self.rules.pass(part, &mut pass);
        let mut edge = until;
        if more {
            let open = pass.open.map_or(edge, |open| from + open);
            edge = edge.min(open).min(last_stretch(&self.buffer)).max(self.settled);
        }
        // Written in two ways, it is told once: as it stands before as it is decoded.
        let mut hits = pass.hits;
        hits.retain(|hit| (self.settled..edge).contains(&(from + hit.start)));
        hits.sort_by_key(|hit| (hit.start, hit.rule, Reverse(hit.encoding == "plain")));
        hits.dedup_by_key(|hit| (hit.start, hit.rule));
        findings.extend(hits.into_iter().map(|hit| Finding {
            rule: hit.rule,
            severity: hit.severity,
            offset: self.base + (from + hit.start) as u64,
            len: hit.end - hit.start,
            encoding: hit.encoding,
            secret: hit.secret,
        }));
        edge
    }
}

/// Where the last stretch begins that may go on.
fn last_stretch(buffer: &[u8]) -> usize {
    (0..buffer.len()).rev().find(|&at| ends_stretch(buffer, at, true)).map_or(0, |at| at + 1)
}

/// Where the first stretch from a place on begins that is longer than the horizon. It covers a whole
/// row of them, so one look into each is enough. Up to `clear` it is known that none ends. What only the
/// next bytes decide counts as an end here: it is looked at again with them.
fn long_stretch(buffer: &[u8], from: usize, clear: &mut usize) -> Option<usize> {
    let (mut start, mut at) = (from, from);
    if *clear > from {
        at = *clear;
    }
    loop {
        // As far as it matters: whether it is long.
        let end = first_end(buffer, at, start + HORIZON + 1);
        if end - start > HORIZON {
            *clear = end.max(*clear);
            return Some(start);
        }
        if end >= buffer.len() {
            return None;
        }
        // The next one that is long covers the row behind the next end whole, or begins in it.
        at = end + 1;
        while let Some(segment) = buffer.get(at..at + LOOK) {
            let last = (at..at + segment.len()).rev().find(|&at| ends_stretch(buffer, at, false));
            let Some(last) = last else { break };
            at = last + 1;
        }
        if at + LOOK > buffer.len() {
            return None;
        }
        start = at;
    }
}

/// The first end of a stretch from a place on, or the end of what is asked for.
fn first_end(buffer: &[u8], from: usize, until: usize) -> usize {
    let until = until.min(buffer.len());
    let mut at = from;
    while let Some(next) = buffer.get(at..until).and_then(|rest| ENDS.find(rest)) {
        if ends_stretch(buffer, at + next, false) {
            return at + next;
        }
        at += next + 1;
    }
    until
}

/// Whether no encoded text and no credential without white space goes on behind this byte.
fn ends_stretch(buffer: &[u8], at: usize, more: bool) -> bool {
    let Some(&byte) = buffer.get(at).filter(|&&byte| ENDS.has(byte)) else { return false };
    let before = at.checked_sub(1).and_then(|at| buffer.get(at)).copied();
    match byte {
        // Text in 16-bit units goes on as long as every other byte is a zero.
        0 => !before.is_some_and(is_text),
        _ if before == Some(0) && is_text(byte) => false,
        b' ' | b'\t' | b'\r' | b'\n' => !rows::is_within(buffer, at, more),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "AKIAQ3EGRIZ5TL2WXPVY";

    fn rules_of(findings: &[Finding]) -> Vec<&'static str> {
        findings.iter().map(|finding| finding.rule).collect()
    }

    #[test]
    fn a_secret_cut_anywhere_is_found_once_and_held_back_until_then() {
        let text = format!("{{\"key\": \"{KEY}\", \"more\": 1}}");
        for cut in 0..text.len() {
            let mut stream = Stream::new(Rules::builtin());
            let mut findings = stream.push(&text.as_bytes()[..cut]);
            let released = cut - stream.held();
            assert!(released <= 9 || cut > 9 + KEY.len(), "cut {cut} let {released} bytes go");
            findings.extend(stream.push(&text.as_bytes()[cut..]));
            findings.extend(stream.finish());
            assert_eq!(rules_of(&findings), ["aws-access-key-id"], "cut {cut}");
            assert_eq!((findings[0].offset, findings[0].len), (9, KEY.len()));
        }
    }

    #[test]
    fn memory_is_bounded_whatever_comes() {
        let mut stream = Stream::new(Rules::builtin());
        for _ in 0..1000 {
            assert!(stream.push(&[b'a'; 1000]).is_empty());
            assert!(stream.held() <= MAX_HELD && stream.buffer.len() <= MAX_HELD + CONTEXT);
        }
        // What may go on past a word's end is waited for as long as an expression can be, and no longer.
        let mut stream = Stream::new(Rules::builtin());
        stream.push(b"-----BEGIN RSA PRIVATE KEY-----\n");
        for _ in 0..1000 {
            stream.push(b"not a key but words ");
            assert!(stream.held() <= MAX_HELD);
        }
    }

    #[test]
    fn plain_text_holds_nothing_back() {
        let mut stream = Stream::new(Rules::builtin());
        assert!(stream.push(b"The quick brown fox jumps over the lazy dog. ").is_empty());
        assert_eq!(stream.held(), 0);
    }

    #[test]
    fn what_can_no_longer_become_a_finding_is_let_go_at_once() {
        for text in
            ["see https://a.example.org/x ", "-----BEGIN CERTIFICATE-----\n", "aws_secret_x = 1 "]
        {
            let mut stream = Stream::new(Rules::builtin());
            assert!(stream.push(text.as_bytes()).is_empty());
            assert_eq!(stream.held(), 0, "{text}");
        }
        let mut stream = Stream::new(Rules::builtin());
        stream.push(b"-----BEGIN EC PRIVATE KEY-----\n");
        assert_eq!(stream.held(), 31);
    }
}

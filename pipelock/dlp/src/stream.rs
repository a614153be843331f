//! A scan that goes on from chunk to chunk in bounded memory.

use crate::set::{Finding, Hit, Rules};

/// The most bytes that are held back: a longer word than this is no credential of any issuer.
pub const MAX_HELD: usize = 8192;
/// How much of what was settled is kept, so that an anchor's beginning is still seen.
const CONTEXT: usize = 64;

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
    /// Findings that began before the settled edge, so that none is told twice.
    told: Vec<(&'static str, u64)>,
}

impl Stream {
    /// Begins a scan.
    pub fn new(rules: &Rules) -> Self {
        Self { rules: rules.clone(), buffer: Vec::new(), base: 0, settled: 0, told: Vec::new() }
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

    fn settle(&mut self, more: bool) -> Vec<Finding> {
        let pass = self.rules.pass(&self.buffer, more);
        let len = self.buffer.len();
        let word = if more { last_word(&self.buffer) } else { len };
        let open = pass.open.filter(|_| more).unwrap_or(len);
        let edge = word.min(open).max(len.saturating_sub(MAX_HELD)).max(self.settled);
        let mut findings = Vec::new();
        for hit in pass.hits {
            if hit.start < edge {
                self.tell(hit, &mut findings);
            }
        }
        self.forget(edge);
        findings
    }

    fn tell(&mut self, hit: Hit, findings: &mut Vec<Finding>) {
        let offset = self.base + hit.start as u64;
        if self.told.contains(&(hit.rule, offset)) {
            return;
        }
        self.told.push((hit.rule, offset));
        let (rule, severity, encoding) = (hit.rule, hit.severity, hit.encoding);
        let len = hit.end - hit.start;
        findings.push(Finding { rule, severity, offset, len, encoding, secret: hit.secret });
    }

    /// Drops what is settled, but for the context.
    fn forget(&mut self, edge: usize) {
        let gone = edge.saturating_sub(CONTEXT);
        self.buffer.drain(..gone);
        self.base += gone as u64;
        self.settled = edge - gone;
        let base = self.base;
        self.told.retain(|(_, offset)| *offset >= base);
    }
}

/// Where the last word begins: what ends a word ends every credential without white space.
fn last_word(buffer: &[u8]) -> usize {
    buffer.iter().rposition(|&byte| ends_word(byte)).map_or(0, |at| at + 1)
}

fn ends_word(byte: u8) -> bool {
    byte <= b' '
        || matches!(
            byte,
            b'"' | b'\''
                | b'<'
                | b'>'
                | b','
                | b';'
                | b'('
                | b')'
                | b'['
                | b']'
                | b'{'
                | b'}'
                | b'`'
                | b'|'
        )
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
    }

    #[test]
    fn plain_text_holds_nothing_back() {
        let mut stream = Stream::new(Rules::builtin());
        assert!(stream.push(b"The quick brown fox jumps over the lazy dog. ").is_empty());
        assert_eq!(stream.held(), 0);
    }
}

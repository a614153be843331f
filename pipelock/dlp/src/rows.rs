//! Rows of digits: long runs, and those that an encoder broke into lines put together again.

use std::ops::Range;

use crate::bytes::{Class, RUN};
use crate::places::Origin;
use crate::runs;

/// A line of fewer digits than this was not broken by an encoder: 64 and 76 are usual, 70 is ssh's.
pub(crate) const LINE: usize = 40;
/// The deepest indentation of a line, as in YAML.
const INDENT: usize = 16;

/// Digits in a row.
pub(crate) struct Row<'a> {
    pub(crate) digits: &'a [u8],
    pub(crate) origin: Origin<'a>,
    /// Only what begins before this digit is asked for.
    pub(crate) until: usize,
    run: Option<Range<usize>>,
}

impl Row<'_> {
    /// Where it stands, if it is one run and not several lines.
    pub(crate) fn run(&self) -> Option<Range<usize>> {
        self.run.clone()
    }
}

/// Calls `see` with every row that begins before `until`.
pub(crate) fn each(text: &[u8], until: usize, mut see: impl FnMut(Row<'_>)) {
    let mut lines = Lines::default();
    runs::each(text, text.len(), |run| {
        if lines.take_in(text, &run) {
            return;
        }
        lines.flush(text, until, &mut see);
        lines.last = Some(run);
    });
    lines.flush(text, until, &mut see);
}

/// The runs that belong together so far: one, or lines whose digits are copied.
#[derive(Default)]
struct Lines {
    last: Option<Range<usize>>,
    digits: Vec<u8>,
    places: Vec<(usize, usize)>,
}

impl Lines {
    /// Whether the run goes on with what was there, and then it is taken in.
    fn take_in(&mut self, text: &[u8], run: &Range<usize>) -> bool {
        let Some(last) = self.last.clone().filter(|last| last.len() >= LINE) else { return false };
        let next = next_line(text, last.end).filter(|next| run.start <= *next && *next < run.end);
        let Some(next) = next else { return false };
        if self.digits.is_empty() {
            self.line(text, last);
        }
        self.line(text, next..run.end);
        self.last = Some(next..run.end);
        true
    }

    fn line(&mut self, text: &[u8], line: Range<usize>) {
        self.places.push((self.digits.len(), line.start));
        self.digits.extend_from_slice(text.get(line).unwrap_or_default());
    }

    fn flush(&mut self, text: &[u8], until: usize, see: &mut impl FnMut(Row<'_>)) {
        let Some(last) = self.last.take() else { return };
        // A last line may be short, and then it is no run.
        let short = Some(last.clone())
            .filter(|last| last.len() >= LINE)
            .and_then(|last| next_line(text, last.end))
            .map(|next| next..next + RUN.first(text.get(next..).unwrap_or_default()))
            .filter(|line| line.len() < runs::LEAST);
        if let Some(line) = short {
            if self.digits.is_empty() {
                self.line(text, last.clone());
            }
            self.line(text, line);
        }
        if self.digits.is_empty() {
            if last.start < until {
                let digits = text.get(last.clone()).unwrap_or_default();
                let origin = Origin::Row(last.start);
                see(Row { digits, origin, until: until - last.start, run: Some(last) });
            }
            return;
        }
        if self.places.first().is_some_and(|&(_, start)| start < until) {
            let begun = self.places.iter().rev().find(|&&(_, start)| start < until);
            let wanted = begun.map_or(0, |&(before, start)| before + (until - start));
            let (digits, origin) = (self.digits.as_slice(), Origin::Lines(&self.places));
            see(Row { digits, origin, until: wanted, run: None });
        }
        self.digits.clear();
        self.places.clear();
    }
}

/// Where the next line's digits begin, if a line break is all that stands between, written as it is
/// or as JSON writes it, once or in a string of a string.
fn next_line(text: &[u8], end: usize) -> Option<usize> {
    let mut rest = text.get(end..)?;
    rest = rest.strip_prefix(b"\r").or_else(|| escaped(rest, b'r')).unwrap_or(rest);
    rest = rest.strip_prefix(b"\n").or_else(|| escaped(rest, b'n'))?;
    let indent = rest.iter().take(INDENT).take_while(|&&b| b == b' ' || b == b'\t').count();
    let rest = rest.get(indent..)?;
    rest.first().is_some_and(|&byte| RUN.has(byte)).then_some(text.len() - rest.len())
}

fn escaped(text: &[u8], letter: u8) -> Option<&[u8]> {
    let marks = text.iter().take(4).take_while(|&&byte| byte == b'\\').count();
    text.get(marks..)?.strip_prefix(&[letter]).filter(|_| (1..=3).contains(&marks))
}

/// Whether white space at `at` may be of a line break that an encoder put between two lines of digits.
pub(crate) fn is_within(text: &[u8], at: usize, more: bool) -> bool {
    let head = text.get(..=at).unwrap_or(text);
    let indent = head.iter().rev().take(INDENT).take_while(|&&b| b == b' ' || b == b'\t').count();
    let head = head.get(..head.len() - indent).unwrap_or_default();
    let Some(line) = line_before(head) else { return false };
    let long = line.last_chunk::<LINE>().is_some_and(|line| line.iter().all(|&b| RUN.has(b)));
    let rest = || text.get(line.len()..).unwrap_or_default();
    let may_go_on = || more && rest().len() <= 2 * INDENT && rest().iter().all(|b| BREAK.has(*b));
    long && (next_line(text, line.len()).is_some() || may_go_on())
}

/// What stands before a line break, or the beginning of one, at the end of a text.
fn line_before(text: &[u8]) -> Option<&[u8]> {
    let returned = |line: &'_ [u8]| line.strip_suffix(b"\r").map(<[u8]>::len);
    if let Some(line) = text.strip_suffix(b"\n") {
        return text.get(..returned(line).unwrap_or(line.len()));
    }
    if let Some(len) = returned(text) {
        return text.get(..len);
    }
    let before = |text: &[u8], letter: u8| {
        let line = text.strip_suffix(&[letter])?;
        let marks = line.iter().rev().take(4).take_while(|&&byte| byte == b'\\').count();
        (1..=3).contains(&marks).then_some(line.len() - marks)
    };
    let end = before(text, b'n')?;
    let line = text.get(..end)?;
    line.get(..before(line, b'r').unwrap_or(end))
}

/// What line breaks and indentation are written with.
static BREAK: Class = Class::new(false, b"\r\n \t\\rn");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_digits_are_one_row_however_they_are_broken() {
        let lines = ["A".repeat(64), "B".repeat(64), "C".repeat(7)];
        for (between, before) in
            [("\n", ""), ("\r\n", ""), ("\n", "  "), ("\\n", ""), ("\\r\\n", ""), ("\\\\n", "")]
        {
            let text = format!("key: \"{}\" ", lines.join(&format!("{between}{before}")));
            let mut seen = Vec::new();
            each(text.as_bytes(), text.len(), |row| {
                let places: Vec<usize> = [0, 64, 128, 134].map(row.origin.digits(0)).to_vec();
                seen.push((row.digits.to_vec(), places));
            });
            let [(digits, places)] = seen.as_slice() else { panic!("{seen:?}") };
            assert_eq!(*digits, lines.concat().into_bytes(), "{between:?}");
            let letters: Vec<u8> = places.iter().map(|&place| text.as_bytes()[place]).collect();
            assert_eq!(letters, b"ABCC", "{between:?}");
        }
    }

    #[test]
    fn what_is_no_line_of_an_encoder_stays_by_itself() {
        let text = format!("{}\n{}\n\n{}", "a".repeat(30), "b".repeat(64), "c".repeat(64));
        let mut seen = 0;
        each(text.as_bytes(), text.len(), |row| {
            assert!(row.run().is_some());
            seen += 1;
        });
        assert_eq!(seen, 3);
    }
}

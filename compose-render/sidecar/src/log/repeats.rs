//! Denials and lookups that repeat are counted: an agent in a loop must not push the rest out of the ring.

use super::{Event, Line};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// So many lines of one kind are written in a window; the rest is counted.
const WRITTEN: u64 = 10;
const WINDOW: Duration = Duration::from_secs(10);
/// Kinds remembered at once; beyond that, the oldest is told of and forgotten.
const KINDS: usize = 256;

type Kind = (Event, [Option<String>; 4]);

#[derive(Debug, Default)]
pub(super) struct Repeats(BTreeMap<Kind, Seen>);

#[derive(Debug)]
struct Seen {
    since: Instant,
    written: u64,
    counted: u64,
    last: Line,
}

impl Repeats {
    /// Whether lines of that event are counted where they repeat.
    pub(super) const fn counts(event: Event) -> bool {
        matches!(event, Event::Denied | Event::Dns)
    }

    /// What is to be written now: lines owed for windows that ended, and this one unless counted.
    pub(super) fn pass(&mut self, line: Line, now: Instant) -> (Vec<Line>, Option<Line>) {
        let mut owed = self.owed(now);
        if !Self::counts(line.event) {
            return (owed, Some(line));
        }
        let Line { event, host, method, path, reason, .. } = line.clone();
        let kind = (event, [host, method, path, reason]);
        if let Some(seen) = self.0.get_mut(&kind) {
            if seen.written >= WRITTEN {
                seen.counted += 1;
                seen.last = line;
                return (owed, None);
            }
            seen.written += 1;
            return (owed, Some(line));
        }
        if self.0.len() >= KINDS
            && let Some(oldest) =
                self.0.iter().min_by_key(|(_, seen)| seen.since).map(|(kind, _)| kind.clone())
        {
            owed.extend(self.0.remove(&oldest).and_then(Seen::into_line));
        }
        self.0.insert(kind, Seen { since: now, written: 1, counted: 0, last: line.clone() });
        (owed, Some(line))
    }

    /// Everything counted and not yet told.
    pub(super) fn owed_all(&mut self) -> Vec<Line> {
        std::mem::take(&mut self.0).into_values().filter_map(Seen::into_line).collect()
    }

    /// What was counted in windows that have ended.
    pub(super) fn owed(&mut self, now: Instant) -> Vec<Line> {
        let over = |seen: &Seen| now.saturating_duration_since(seen.since) >= WINDOW;
        if !self.0.values().any(over) {
            return Vec::new();
        }
        let (ended, open) = std::mem::take(&mut self.0).into_iter().partition(|(_, s)| over(s));
        self.0 = open;
        let ended: BTreeMap<Kind, Seen> = ended;
        ended.into_values().filter_map(Seen::into_line).collect()
    }
}

impl Seen {
    fn into_line(self) -> Option<Line> {
        (self.counted > 0).then_some(Line { repeats: Some(self.counted), ..self.last })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn denied(path: &str) -> Line {
        Line { path: Some(path.to_owned()), ..Line::new(Event::Denied) }
    }

    #[test]
    fn counts_what_repeats_and_tells_it_when_the_window_ends() {
        let mut repeats = Repeats::default();
        let start = Instant::now();
        let written = (0..25).filter(|_| repeats.pass(denied("/a"), start).1.is_some()).count();
        assert_eq!(written, 10);
        let (owed, other) = repeats.pass(denied("/b"), start + WINDOW);
        assert_eq!(owed.len(), 1);
        assert_eq!(owed[0].repeats, Some(15));
        assert!(other.is_some());
    }

    #[test]
    fn a_flood_of_kinds_is_bounded_and_each_is_written() {
        let mut repeats = Repeats::default();
        let start = Instant::now();
        for n in 0..1000 {
            assert!(repeats.pass(denied(&n.to_string()), start).1.is_some());
        }
        assert!(repeats.0.len() <= KINDS);
    }

    #[test]
    fn allowed_requests_are_never_counted_away() {
        let mut repeats = Repeats::default();
        let start = Instant::now();
        assert!((0..50).all(|_| repeats.pass(Line::new(Event::Allowed), start).1.is_some()));
    }
}

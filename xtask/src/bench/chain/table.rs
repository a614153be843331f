//! The rows of the chain, their bounds, and the table they make.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::bench::figures::{Figures, figure};
use crate::ui::data;

/// Who is measured.
pub(super) const SIDES: [&str; 3] = ["mitmproxy", "2 nginx", "chain"];
const OURS: &str = "chain";

/// What is read off a row.
#[derive(Clone, Copy, Debug)]
pub(super) enum Cell {
    PerSecond,
    Median,
}

/// One row: what the client is told, beside whom, and what must come of it.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) name: &'static str,
    pub(super) arguments: &'static [&'static str],
    pub(super) cell: Cell,
    pub(super) rival: &'static str,
    bound: Bound,
}

/// Of the rival's figure.
#[derive(Clone, Copy, Debug)]
enum Bound {
    AtLeast(f64),
    AtMost(f64),
    /// At least that part of the rival's speed, where times are measured.
    Speed(f64),
}

const fn row(
    name: &'static str,
    arguments: &'static [&'static str],
    cell: Cell,
    rival: &'static str,
    bound: Bound,
) -> Row {
    Row { name, arguments, cell, rival, bound }
}

pub(super) const ROWS: &[Row] = &[
    row("16 connections, per second", &["many"], Cell::PerSecond, SIDES[0], Bound::AtLeast(12.0)),
    row("keep-alive, ms", &["keep-alive"], Cell::Median, SIDES[0], Bound::AtMost(1.0 / 3.0)),
    row("new CONNECT each, ms", &["connect"], Cell::Median, SIDES[0], Bound::AtMost(0.2)),
    row(
        "GET 1 MiB, ms",
        &["get", "--bytes", "1048576"],
        Cell::Median,
        SIDES[0],
        Bound::AtMost(1.3),
    ),
    row("POST 1.1 MiB, ms", &["post"], Cell::Median, SIDES[0], Bound::AtMost(1.6)),
    row("200 events, whole, ms", &["events"], Cell::Median, SIDES[0], Bound::AtMost(1.0)),
    row("GET 100 MiB, ms", &["download"], Cell::Median, SIDES[1], Bound::Speed(0.5)),
    row("POST 100 MiB, ms", &["upload"], Cell::Median, SIDES[1], Bound::Speed(0.5)),
];

/// A figure that has a bound of its own and no rival.
pub(super) const ALONE: &[(&str, f64)] =
    &[("1,000 idle connections, MB of both", 60.0), ("apply to first request, ms", 500.0)];

/// Figures by row and side; of each the median of its runs counts.
#[derive(Debug, Default)]
pub(super) struct Table(BTreeMap<(&'static str, &'static str), Figures>);

impl Table {
    pub(super) fn put(&mut self, row: &'static str, side: &'static str, value: f64) {
        self.0.entry((row, side)).or_default().push(value);
    }

    /// A figure of ours that stands alone.
    pub(super) fn put_alone(&mut self, row: &'static str, value: f64) {
        self.put(row, OURS, value);
    }

    fn median(&self, row: &'static str, side: &'static str) -> Option<f64> {
        self.0.get(&(row, side)).map(Figures::median)
    }

    /// Prints it. Returns the rows that miss their bounds.
    pub(super) fn print(&self) -> Vec<&'static str> {
        let mut missed = Vec::new();
        let [one, two, ours] = SIDES;
        data(format!("{:<36}{one:>12}{two:>12}{ours:>12}  must be", "medians"));
        let rows = ROWS.iter().map(|row| (row.name, Some(row)));
        let alone = ALONE.iter().map(|(name, _)| (*name, None));
        for (name, row) in rows.chain(alone) {
            let Some(value) = self.median(name, OURS) else { continue };
            let shown = |side| self.median(name, side).map_or_else(|| "-".to_owned(), figure);
            let (holds, said) = match row {
                Some(row) => self.judged(row, value),
                None => alone_judged(name, value),
            };
            let word = if holds { "yes" } else { "NO" };
            data(format!(
                "{name:<36}{:>12}{:>12}{:>12}  {said}: {word}",
                shown(one),
                shown(two),
                shown(ours)
            ));
            if !holds {
                missed.push(name);
            }
        }
        missed
    }

    fn judged(&self, row: &Row, ours: f64) -> (bool, String) {
        let Some(theirs) = self.median(row.name, row.rival) else {
            return (false, format!("{} was not measured", row.rival));
        };
        let of = |part: f64, value: f64| format!("{} ({part:.2} of {})", figure(value), row.rival);
        match row.bound {
            Bound::AtLeast(part) => {
                (ours >= part * theirs, format!("at least {}", of(part, part * theirs)))
            }
            Bound::AtMost(part) => {
                (ours <= part * theirs, format!("at most {}", of(part, part * theirs)))
            }
            Bound::Speed(part) => {
                (ours <= theirs / part, format!("at most {}", of(1.0 / part, theirs / part)))
            }
        }
    }

    pub(super) fn json(&self) -> Value {
        let mut rows: BTreeMap<&str, BTreeMap<&str, Value>> = BTreeMap::new();
        for ((row, side), figures) in &self.0 {
            rows.entry(row).or_default().insert(side, figures.json());
        }
        json!(rows)
    }
}

fn alone_judged(name: &str, value: f64) -> (bool, String) {
    let most = ALONE.iter().find(|(other, _)| *other == name).map_or(0.0, |(_, most)| *most);
    (value <= most, format!("at most {}", figure(most)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_without_its_rival_does_not_hold() {
        let mut table = Table::default();
        let row = &ROWS[0];
        table.put(row.name, OURS, 24_000.0);
        assert!(!table.judged(row, 24_000.0).0);
        table.put(row.name, SIDES[0], 2000.0);
        assert!(table.judged(row, 24_000.0).0);
        assert!(!table.judged(row, 23_999.0).0);
        let row = &ROWS[6];
        table.put(row.name, SIDES[1], 100.0);
        assert!(table.judged(row, 200.0).0 && !table.judged(row, 201.0).0);
    }
}

//! The rows of the comparison, their bounds, and the table they make.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::SIDES;
use crate::bench::figures::{Figures, figure};
use crate::ui::data;

/// A figure of a row.
#[derive(Clone, Copy, Debug)]
pub(super) enum Cell {
    PerSecond(&'static str),
    Median(&'static str),
    First(&'static str),
    CpuMicros(&'static str),
}

impl Cell {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::PerSecond(name)
            | Self::Median(name)
            | Self::First(name)
            | Self::CpuMicros(name) => name,
        }
    }
}

/// What the client is told, and what is read off.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) arguments: &'static [&'static str],
    pub(super) cells: &'static [Cell],
}

pub(super) const ROWS: &[Row] = &[
    Row {
        arguments: &["many"],
        cells: &[
            Cell::PerSecond("16 connections, GET 200 B, per second"),
            Cell::CpuMicros("processor time of one of them, us"),
        ],
    },
    Row { arguments: &["keep-alive"], cells: &[Cell::Median("keep-alive GET 200 B, h1, ms")] },
    Row {
        arguments: &["keep-alive", "--h2"],
        cells: &[Cell::Median("keep-alive GET 200 B, h2, ms")],
    },
    Row { arguments: &["connect"], cells: &[Cell::Median("new CONNECT each, ms")] },
    Row { arguments: &["post"], cells: &[Cell::Median("POST 1.1 MiB chat body, ms")] },
    Row {
        arguments: &["get", "--bytes", "1048576"],
        cells: &[Cell::Median("GET 1 MiB of JSON, ms")],
    },
    Row {
        arguments: &["get", "--bytes", "4194304"],
        cells: &[Cell::Median("GET 4 MiB of JSON, ms")],
    },
    Row {
        arguments: &["events"],
        cells: &[Cell::First("first server-sent event, ms"), Cell::Median("200 events, ms")],
    },
];

/// What a figure must be.
#[derive(Clone, Copy, Debug)]
enum Bound {
    /// At least so many times the other side's.
    AtLeast(f64, &'static str),
    /// At most that part of the other side's.
    AtMost(f64, &'static str),
    /// At most that.
    Most(f64),
}

const BOUNDS: &[(&str, Bound)] = &[
    ("16 connections, GET 200 B, per second", Bound::AtLeast(20.0, "mitmproxy")),
    ("16 connections, GET 200 B, per second", Bound::AtLeast(0.40, "direct")),
    ("processor time of one of them, us", Bound::Most(40.0)),
    ("keep-alive GET 200 B, h1, ms", Bound::AtMost(1.0 / 6.0, "mitmproxy")),
    ("keep-alive GET 200 B, h2, ms", Bound::AtMost(1.0 / 6.0, "mitmproxy")),
    ("new CONNECT each, ms", Bound::AtMost(1.0 / 6.0, "mitmproxy")),
    ("POST 1.1 MiB chat body, ms", Bound::AtMost(1.0, "mitmproxy")),
    ("GET 1 MiB of JSON, ms", Bound::AtMost(1.0 / 1.3, "mitmproxy")),
    ("GET 4 MiB of JSON, ms", Bound::AtMost(1.0 / 1.3, "mitmproxy")),
    ("first server-sent event, ms", Bound::AtMost(0.25, "mitmproxy")),
    ("200 events, ms", Bound::AtMost(1.0 / 1.2, "mitmproxy")),
    ("resident MB, idle", Bound::Most(12.0)),
    ("resident MB, after the bench", Bound::Most(24.0)),
    ("image MB (one static file)", Bound::Most(12.0)),
    ("cold start to healthy, ms", Bound::Most(10.0)),
];

/// Figures by row and side; of each the median of its runs counts.
#[derive(Debug, Default)]
pub(super) struct Table {
    order: Vec<&'static str>,
    cells: BTreeMap<(&'static str, &'static str), Figures>,
}

impl Table {
    pub(super) fn put(&mut self, row: &'static str, side: &'static str, value: f64) {
        if !self.order.contains(&row) {
            self.order.push(row);
        }
        self.cells.entry((row, side)).or_default().push(value);
    }

    fn median(&self, row: &'static str, side: &'static str) -> Option<f64> {
        self.cells.get(&(row, side)).map(Figures::median)
    }

    pub(super) fn print(&self) {
        let [direct, theirs, ours] = SIDES;
        data(format!("{:<40}{direct:>12}{theirs:>12}{ours:>12}  must be", "medians"));
        for &row in &self.order {
            let shown = |side| self.median(row, side).map_or_else(|| "-".to_owned(), figure);
            let bounds: Vec<_> = BOUNDS.iter().filter(|(name, _)| *name == row).collect();
            let judged: Vec<_> =
                bounds.iter().filter_map(|(_, bound)| self.judged(row, *bound)).collect();
            data(format!(
                "{row:<40}{:>12}{:>12}{:>12}  {}",
                shown(direct),
                shown(theirs),
                shown(ours),
                judged.join("; ")
            ));
        }
    }

    fn judged(&self, row: &'static str, bound: Bound) -> Option<String> {
        let ours = self.median(row, SIDES[2])?;
        let (holds, said) = match bound {
            Bound::AtLeast(times, side) => {
                let least = times * self.median(row, side)?;
                (ours >= least, format!("at least {} ({times} of {side})", figure(least)))
            }
            Bound::AtMost(part, side) => {
                let most = part * self.median(row, side)?;
                (ours <= most, format!("at most {} ({part:.2} of {side})", figure(most)))
            }
            Bound::Most(most) => (ours <= most, format!("at most {}", figure(most))),
        };
        Some(format!("{said}: {}", if holds { "yes" } else { "NO" }))
    }

    pub(super) fn json(&self) -> Value {
        let side = |row| {
            let sides = SIDES
                .iter()
                .filter_map(|&side| Some((side.to_owned(), self.cells.get(&(row, side))?.json())));
            Value::Object(sides.collect())
        };
        let rows = self.order.iter().map(|&row| ((*row).to_owned(), side(row)));
        json!(rows.collect::<serde_json::Map<_, _>>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bound_is_of_a_row_and_says_whether_it_holds() {
        let mut table = Table::default();
        for (side, value) in SIDES.iter().zip([50_000.0, 1000.0, 19_000.0]) {
            table.put("16 connections, GET 200 B, per second", side, value);
        }
        let row = "16 connections, GET 200 B, per second";
        let judged: Vec<_> = BOUNDS
            .iter()
            .filter(|(name, _)| *name == row)
            .filter_map(|(_, bound)| table.judged(row, *bound))
            .collect();
        assert!(judged.iter().all(|said| said.ends_with(": NO")), "{judged:?}");
        let rows: Vec<_> = ROWS.iter().flat_map(|row| row.cells).map(|cell| cell.name()).collect();
        for (name, bound) in BOUNDS {
            assert!(rows.contains(name) || matches!(bound, Bound::Most(_)), "{name}");
        }
    }
}

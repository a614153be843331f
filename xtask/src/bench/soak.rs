//! Starts and stops in a row: whether the thousandth is like the first, and what has piled up.

use anyhow::ensure;
use serde_json::{Value, json};
use walkdir::WalkDir;

use super::figures::{Figures, heading};
use super::ground::{Built, Ground};
use super::life::timed;
use super::{keep, memory, together};
use crate::checkout::Checkout;
use crate::leftovers::Leftovers;
use crate::ui::{data, say};

/// So many of the first are compared to so many of the last.
const COMPARED: usize = 100;
/// After so many failures more would tell nothing new.
const ENOUGH: usize = 10;
/// What every run of the tests does.
const SHORT: usize = 20;

/// Of the optimised program, printed and kept.
pub(super) fn run(checkout: &Checkout, count: usize) -> anyhow::Result<()> {
    let ground = Ground::set(checkout, "soak", Built::Optimised)?;
    let soaked = Soaked::measure(&ground, count)?;
    soaked.print();
    keep(checkout, "soak", &soaked.json())?;
    soaked.judge()
}

/// A few, of the program that is tested.
pub(crate) fn short(checkout: &Checkout) -> anyhow::Result<()> {
    Soaked::measure(&Ground::set(checkout, "soak", Built::Plain)?, SHORT)?.judge()
}

/// What a row of starts and stops came to.
#[derive(Debug, Default)]
struct Soaked {
    starts: Vec<f64>,
    stops: Vec<f64>,
    failures: Vec<String>,
    /// Containers, networks and volumes that were left.
    left: usize,
    /// Bytes of the state folder with every stopped bottle in it, and after `cleanup --all`.
    state: u64,
    state_cleaned: u64,
    /// Bytes of the engine's processes, before and after.
    engine: (u64, u64),
}

impl Soaked {
    fn measure(ground: &Ground, count: usize) -> anyhow::Result<Self> {
        let mut soaked = Self::default();
        say("a first start, which builds what is missing");
        soaked.once(ground, 0)?;
        soaked = Self { engine: (memory::of_engine(), 0), ..Self::default() };
        for number in 1..=count {
            if let Err(error) = soaked.once(ground, number) {
                let failure = format!("{number}: {error:#}");
                say(&failure);
                soaked.failures.push(failure);
                ensure!(soaked.failures.len() < ENOUGH, "{ENOUGH} starts or stops failed");
                ground.bottle(&["--quiet", "cleanup"]).run()?;
            }
            if number % SHORT == 0 {
                say(format!("{number} of {count}, {} failed", soaked.failures.len()));
            }
        }
        soaked.left = Leftovers::of_bottles(&ground.stage.slug)?.count();
        soaked.engine.1 = memory::of_engine();
        soaked.state = size(ground);
        ground.bottle(&["--quiet", "cleanup", "--all"]).run()?;
        soaked.state_cleaned = size(ground);
        Ok(soaked)
    }

    fn once(&mut self, ground: &Ground, number: usize) -> anyhow::Result<()> {
        let name = ground.name(number);
        self.starts.push(timed(&ground.start(&name, &["--detach"]))?);
        self.stops.push(together::stop(ground, &[name])?);
        Ok(())
    }

    fn judge(&self) -> anyhow::Result<()> {
        ensure!(self.failures.is_empty(), "failed: {}", self.failures.join("; "));
        ensure!(self.left == 0, "{} containers, networks or volumes are left", self.left);
        Ok(())
    }

    fn print(&self) {
        data(heading("milliseconds"));
        for (what, all) in [("start", &self.starts), ("stop", &self.stops)] {
            for (which, figures) in ends(all) {
                data(figures.row(&format!("  {what}, {which}")));
            }
        }
        let count = self.starts.len();
        data(format!(
            "{count} starts and stops, {} failed, {} left",
            self.failures.len(),
            self.left
        ));
        data(format!(
            "state folder: {} KiB kept of them, {} KiB after `cleanup --all`",
            self.state / 1024,
            self.state_cleaned / 1024
        ));
        let (before, after) = self.engine;
        data(format!("the engine: {} MiB before, {} MiB after", before >> 20, after >> 20));
    }

    fn json(&self) -> Value {
        let of = |all: &[f64]| -> Value {
            let each =
                ends(all).into_iter().map(|(which, figures)| (which, json!(figures.median())));
            Value::Object(each.collect())
        };
        json!({
            "count": self.starts.len(), "failures": self.failures, "left": self.left,
            "start_ms": of(&self.starts), "stop_ms": of(&self.stops),
            "state_bytes": self.state, "state_bytes_cleaned": self.state_cleaned,
            "engine_bytes": {"before": self.engine.0, "after": self.engine.1},
        })
    }
}

/// The first of a row and the last of it.
fn ends(all: &[f64]) -> [(String, Figures); 2] {
    let part = COMPARED.min(all.len());
    let last = all.iter().rev().take(part).copied();
    [
        (format!("first {part}"), Figures::of(all.iter().take(part).copied())),
        (format!("last {part}"), Figures::of(last)),
    ]
}

/// Bytes that the files of the state folder hold.
fn size(ground: &Ground) -> u64 {
    let files = WalkDir::new(ground.stage.state()).into_iter().flatten();
    files.filter_map(|file| file.metadata().ok()).map(|file| file.len()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_are_compared_to_the_last() {
        let row: Vec<f64> = (0..250).map(f64::from).collect();
        let [(first, early), (last, late)] = ends(&row);
        assert_eq!((first.as_str(), last.as_str()), ("first 100", "last 100"));
        assert!(early.median() < 100.0 && late.median() > 149.0);
        assert!(ends(&[]).iter().all(|(_, figures)| figures.median().abs() < f64::EPSILON));
    }

    #[test]
    fn a_failure_or_a_leftover_is_the_runs_failure() {
        assert!(Soaked::default().judge().is_ok());
        assert!(Soaked { left: 1, ..Soaked::default() }.judge().is_err());
        assert!(Soaked { failures: vec!["7: no".into()], ..Soaked::default() }.judge().is_err());
    }
}

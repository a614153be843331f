//! A warm start of the optimised `bottle` until the first byte of its agent's command.

use std::collections::BTreeMap;

use anyhow::ensure;
use serde_json::{Map, Value, json};

use super::baseline::Baseline;
use super::figures::{Figures, heading};
use super::ground::{Built, Ground};
use super::{keep, life, together};
use crate::checkout::Checkout;
use crate::leftovers::Leftovers;
use crate::ui::{data, say};

/// The step that must cost nothing when everything is built.
const BUILD: &str = "build";
const BUILD_LIMIT_MS: f64 = 300.0;
/// So many bottles one after another, and so many at once.
const IN_A_ROW: usize = 20;
const AT_ONCE: usize = 10;

/// Pair by pair: one bottle, then the same containers by Docker alone. Then bottles in a row and at
/// once.
pub(super) fn run(checkout: &Checkout, pairs: usize) -> anyhow::Result<()> {
    let ground = Ground::set(checkout, "stage", Built::Optimised)?;
    say("a first start, which builds what is missing");
    let paired = Paired::measure(&ground, &Baseline::of(&ground, checkout)?, pairs)?;
    data(heading("milliseconds"));
    paired.print();
    let row = in_a_row(&ground, pairs + 1)?;
    let at_once = together::measure(&ground, pairs + IN_A_ROW + 1, AT_ONCE)?;
    at_once.print();
    Leftovers::of_bottles(&ground.stage.slug)?.none()?;
    data("nothing is left of any of them");
    let mut written = paired.json();
    written.extend([
        ("pairs".to_owned(), json!(pairs)),
        ("unit".to_owned(), json!("ms")),
        ("in_a_row".to_owned(), row),
        ("at_once".to_owned(), at_once.json()),
    ]);
    keep(checkout, "start", &Value::Object(written))?;
    let built = paired.steps.get(BUILD).map_or(0.0, Figures::median);
    ensure!(built < BUILD_LIMIT_MS, "a second start builds for {built:.0} ms");
    Ok(())
}

/// What the pairs took.
#[derive(Debug, Default)]
struct Paired {
    whole: Figures,
    docker: Figures,
    steps: BTreeMap<String, Figures>,
    /// The steps as they first came.
    order: Vec<String>,
}

impl Paired {
    fn measure(ground: &Ground, baseline: &Baseline, pairs: usize) -> anyhow::Result<Self> {
        let mut paired = Self::default();
        for pair in 1..=pairs {
            say(format!("pair {pair} of {pairs}"));
            let life = life::of(ground, &ground.name(pair))?;
            paired.whole.push(life.first_byte);
            for time in life.steps {
                if !paired.order.contains(&time.step) {
                    paired.order.push(time.step.clone());
                }
                paired.steps.entry(time.step).or_default().push(time.ms);
            }
            paired.docker.push(baseline.once()?);
        }
        Ok(paired)
    }

    fn print(&self) {
        for step in &self.order {
            if let Some(figures) = self.steps.get(step) {
                data(figures.row(&format!("  {step}")));
            }
        }
        data(self.whole.row("start until the first byte"));
        data(self.docker.row("2 networks, compose up"));
        data(self.whole.over(&self.docker).row("ratio, pair by pair"));
    }

    fn json(&self) -> Map<String, Value> {
        let steps: Map<_, _> =
            self.steps.iter().map(|(step, figures)| (step.clone(), figures.json())).collect();
        Map::from_iter([
            ("start".to_owned(), self.whole.json()),
            ("docker".to_owned(), self.docker.json()),
            ("ratio".to_owned(), self.whole.over(&self.docker).json()),
            ("steps".to_owned(), Value::Object(steps)),
        ])
    }
}

/// One bottle after another, each from nothing to nothing.
fn in_a_row(ground: &Ground, first: usize) -> anyhow::Result<Value> {
    let (mut first_byte, mut whole) = (Figures::default(), Figures::default());
    for number in first..first + IN_A_ROW {
        say(format!("{} of {IN_A_ROW} one after another", number - first + 1));
        let life = life::of(ground, &ground.name(number))?;
        first_byte.push(life.first_byte);
        whole.push(life.whole);
    }
    data(first_byte.row(&format!("{IN_A_ROW} one after another, start")));
    data(whole.row(&format!("{IN_A_ROW} one after another, whole")));
    Ok(json!({"bottles": IN_A_ROW, "start": first_byte.json(), "whole": whole.json()}))
}

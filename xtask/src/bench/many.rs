//! Many bottles whose agents sleep: what one more costs, in time and in memory.

use anyhow::ensure;
use serde_json::json;

use super::figures::{Figures, heading};
use super::ground::{Built, Ground};
use super::life::timed;
use super::memory::{self, Memory};
use super::{keep, together};
use crate::checkout::Checkout;
use crate::leftovers::Leftovers;
use crate::ui::{data, say};

/// A line is printed for every so many.
const TENTH: usize = 10;
const MEBIBYTE: f64 = 1024.0 * 1024.0;

/// Starts them one after another, looks at what they take, and stops them together.
pub(super) fn run(checkout: &Checkout, many: usize) -> anyhow::Result<()> {
    let ground = Ground::set(checkout, "many", Built::Optimised)?;
    say("a first start, which builds what is missing");
    let first = ground.name(0);
    timed(&ground.start(&first, &["--detach"]))?;
    together::stop(&ground, &[first])?;
    let engine = memory::of_engine();
    let names: Vec<String> = (1..=many).map(|number| ground.name(number)).collect();
    let up = up(&ground, &names);
    let seen = look(&ground, engine);
    say("stopping them all");
    let down = together::stop(&ground, &names);
    let starts = up?;
    let seen = seen?;
    let down = down?;
    ensure!(seen.running == many, "{} of {many} run", seen.running);
    Leftovers::of_bottles(&ground.stage.slug)?.none()?;
    data(heading("milliseconds"));
    for (at, ten) in starts.chunks(TENTH).enumerate() {
        let last = at * TENTH + ten.len();
        data(
            Figures::of(ten.iter().copied()).row(&format!("  start {} to {last}", at * TENTH + 1)),
        );
    }
    let starts = Figures::of(starts);
    data(starts.row(&format!("{many} starts, each")));
    data(Figures::of([seen.list]).row(&format!("`bottle list` of {many}")));
    data(Figures::of([down]).row(&format!("{many} stopped by one command")));
    seen.print(many);
    data(format!("0 of {many} failed, nothing is left"));
    let written = json!({
        "bottles": many, "failures": 0, "start_ms": starts.json(), "list_ms": seen.list,
        "stop_ms": down, "containers": seen.memory.containers,
        "bytes_per_bottle": {
            "containers": each(seen.memory.inside, many),
            "their_holders": each(seen.memory.holders, many),
            "engine": each(seen.engine_grew, many),
        },
    });
    keep(checkout, "many", &written)
}

fn up(ground: &Ground, names: &[String]) -> anyhow::Result<Vec<f64>> {
    let mut starts = Vec::new();
    for (at, name) in names.iter().enumerate() {
        starts.push(timed(&ground.start(name, &["--detach"]))?);
        if (at + 1) % TENTH == 0 {
            say(format!("{} of {} are up", at + 1, names.len()));
        }
    }
    Ok(starts)
}

/// What was seen while all of them ran.
#[derive(Debug)]
struct Seen {
    running: usize,
    memory: Memory,
    engine_grew: u64,
    /// Milliseconds that `bottle list` took.
    list: f64,
}

fn look(ground: &Ground, engine_before: u64) -> anyhow::Result<Seen> {
    Ok(Seen {
        list: timed(&ground.bottle(&["list"]))?,
        running: together::running(ground)?,
        memory: Memory::of_bottles(&ground.stage.slug)?,
        engine_grew: memory::of_engine().saturating_sub(engine_before),
    })
}

impl Seen {
    fn print(&self, many: usize) {
        data(format!("memory per bottle, {} containers in all", self.memory.containers));
        for (name, bytes) in [
            ("inside its containers", self.memory.inside),
            ("processes that hold them", self.memory.holders),
            ("the engine's own growth", self.engine_grew),
        ] {
            data(format!("  {name:<32}{:>10.1} MiB", each(bytes, many) / MEBIBYTE));
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "bytes of one machine, for a person to read")]
fn each(bytes: u64, many: usize) -> f64 {
    bytes as f64 / many.max(1) as f64
}

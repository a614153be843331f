//! git through the gate beside git alone: client, gate and git host in containers on one network.
//!
//! What is pushed is new each time, of one size; both sides take turns, so that what slows the
//! machine slows both.

mod material;
mod memory;
mod stage;

use anyhow::ensure;
use serde_json::json;

use self::memory::Watched;
use self::stage::Stage;
use super::figures::{Figures, heading};
use super::keep;
use crate::checkout::Checkout;
use crate::ui::{data, say};

/// What a mirror is kept fresh for, and more: each clone asks the upstream again.
const STALE: u64 = 3;
/// So many small commits.
const SMALL: usize = 10;
/// So many pushes of as much text as gitleaks looks at.
const TEXTS: usize = 3;

/// Measures everything, prints a table and keeps the figures.
pub(super) fn run(checkout: &Checkout, rounds: usize) -> anyhow::Result<()> {
    let stage = Stage::set(checkout)?;
    let clone = Pair::clones(&stage, rounds)?;
    let (push, mut watched) = Pair::pushes(&stage, rounds)?;
    let small = Pair::small(&stage, SMALL)?;
    watched.add(&texts(&stage)?);
    let judged = stage.judged()?;
    data(heading("milliseconds"));
    data(clone.plain.row("clone, 50 000 objects, http-backend"));
    data(clone.gate.row("the same through the gate, again"));
    data(push.plain.row("push, 1 000 commits, 20 MB, ssh"));
    data(push.gate.row("the same through the gate"));
    data(small.plain.row("push of one small commit, ssh"));
    data(small.gate.row("the same through the gate"));
    let over: Vec<f64> = small.gate.minus(&small.plain);
    let more = Figures::of(over);
    data(more.row("how much more, pair by pair"));
    let (clone_ratio, push_ratio) = (clone.gate.over(&clone.plain), push.gate.over(&push.plain));
    data("");
    data(heading("ratio, pair by pair"));
    data(clone_ratio.row("clone (at most 1.3)"));
    data(push_ratio.row("push (at most 2)"));
    data("");
    data(format!("judged alone: {judged:.0} MB/s of new objects (at least 100)"));
    data(format!(
        "most memory while pushing: our own {} MB (at most 60), all of git {} MB, gitleaks {} MB",
        watched.own >> 10,
        watched.git >> 10,
        watched.gitleaks >> 10
    ));
    keep(
        checkout,
        "git",
        &json!({
            "unit": "ms",
            "clone": clone.json(), "clone_ratio": clone_ratio.json(),
            "push": push.json(), "push_ratio": push_ratio.json(),
            "small": small.json(), "small_more": more.json(),
            "judged_mb_per_second": judged,
            "memory_kib": {
                "own": watched.own, "git": watched.git, "gitleaks": watched.gitleaks,
            },
        }),
    )?;
    stage.end()?;
    ensure!(clone_ratio.median() <= 1.3, "a clone takes too long");
    ensure!(push_ratio.median() <= 2.0, "a push takes too long");
    ensure!(more.median() <= 500.0, "a small push takes too long");
    ensure!(judged >= 100.0, "judging takes too long");
    ensure!(watched.own <= 60 << 10, "our own process takes too much memory");
    Ok(())
}

/// The memory that it takes where gitleaks looks as well, which it does at no large push.
fn texts(stage: &Stage) -> anyhow::Result<Watched> {
    let mut watched = Watched::default();
    for number in 1..=TEXTS {
        say(format!("text for gitleaks {number} of {TEXTS}"));
        stage.write_text(number)?;
        let target = stage.own_branch("small");
        let push = || stage.push("small", &Stage::gate_url("small"), &target);
        let (took, seen) = memory::while_(&stage.gate_container(), push)?;
        took?;
        watched.add(&seen);
    }
    ensure!(watched.gitleaks > 0, "gitleaks was never seen");
    Ok(watched)
}

/// The same work without the gate and through it.
#[derive(Debug, Default)]
struct Pair {
    plain: Figures,
    gate: Figures,
}

impl Pair {
    #[expect(clippy::disallowed_methods, reason = "a mirror grows stale by time alone")]
    fn clones(stage: &Stage, rounds: usize) -> anyhow::Result<Self> {
        say("cloning once, which fills the mirror");
        stage.clone_from(&Stage::gate_url("large"))?;
        let mut pair = Self::default();
        for round in 1..=rounds {
            say(format!("clone {round} of {rounds}"));
            pair.plain.push(stage.clone_from(&Stage::plain_url("large"))?);
            std::thread::sleep(std::time::Duration::from_secs(STALE));
            pair.gate.push(stage.clone_from(&Stage::gate_url("large"))?);
        }
        Ok(pair)
    }

    fn pushes(stage: &Stage, rounds: usize) -> anyhow::Result<(Self, Watched)> {
        let mut pair = Self::default();
        let mut watched = Watched::default();
        for round in 1..=rounds {
            say(format!("push {round} of {rounds}"));
            let branch = stage.history(2 * round)?;
            pair.plain.push(stage.push(&branch, &Stage::ssh_url("plain"), &branch)?);
            let branch = stage.history(2 * round + 1)?;
            let target = stage.own_branch(&branch);
            let push = || stage.push(&branch, &Stage::gate_url("small"), &target);
            let (took, seen) = memory::while_(&stage.gate_container(), push)?;
            pair.gate.push(took?);
            watched.add(&seen);
        }
        Ok((pair, watched))
    }

    /// With the login by ssh that the pushes before left.
    fn small(stage: &Stage, count: usize) -> anyhow::Result<Self> {
        let mut pair = Self::default();
        stage.begin_small()?;
        for number in 0..=count {
            let plain = stage.push_small(&Stage::ssh_url("plain"), "small")?;
            let gate = stage.push_small(&Stage::gate_url("small"), &stage.own_branch("small"))?;
            // The first of each makes the branch.
            if number > 0 {
                pair.plain.push(plain);
                pair.gate.push(gate);
            }
        }
        Ok(pair)
    }

    fn json(&self) -> serde_json::Value {
        json!({"plain": self.plain.json(), "gate": self.gate.json()})
    }
}

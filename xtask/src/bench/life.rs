//! One bottle's life, from nothing to nothing.

use std::io::Read;
use std::time::Instant;

use anyhow::{Context, ensure};
use serde::Deserialize;

use super::ground::Ground;
use crate::program::Program;

/// One line of the times that `bottle` leaves.
#[derive(Debug, Deserialize)]
pub(super) struct Time {
    pub(super) step: String,
    pub(super) ms: f64,
}

/// What one life took.
#[derive(Debug)]
pub(super) struct Life {
    /// Milliseconds until the first byte that the agent's command printed.
    pub(super) first_byte: f64,
    /// Milliseconds until the program came back, with everything taken down.
    pub(super) whole: f64,
    pub(super) steps: Vec<Time>,
}

/// Starts a bottle whose agent prints a byte and ends, and waits for its end: the next start must
/// not meet this one's teardown.
pub(super) fn of(ground: &Ground, name: &str) -> anyhow::Result<Life> {
    let times = ground.stage.folder.join("times.json");
    let program = ground.start(name, &[]).env("BOTTLE_TIMES", &times);
    let began = Instant::now();
    let mut reader = program.expression().stdin_null().reader().context("cannot run `bottle`")?;
    let mut first = [0; 1];
    reader.read_exact(&mut first).context("the agent's command printed nothing")?;
    let first_byte = since(began);
    // An error here is an exit code that is not 0.
    reader.read_to_end(&mut Vec::new()).context("`bottle start` failed")?;
    let whole = since(began);
    let steps = serde_json::from_str(&fs_err::read_to_string(times)?)?;
    Ok(Life { first_byte, whole, steps })
}

/// Runs it to its end and fails when it does; how many milliseconds it took.
pub(super) fn timed(program: &Program) -> anyhow::Result<f64> {
    let began = Instant::now();
    let output = program.capture()?;
    let ms = since(began);
    ensure!(output.code == 0, "code {}: {}", output.code, output.stderr.trim());
    Ok(ms)
}

pub(super) fn since(began: Instant) -> f64 {
    began.elapsed().as_secs_f64() * 1000.0
}

//! The commands that a person waits for, against one bottle that runs.

use std::time::Instant;

use anyhow::ensure;
use serde_json::json;

use super::figures::{Figures, heading};
use super::start::Ground;
use crate::checkout::Checkout;
use crate::ui::{data, say};

/// Starts one bottle, runs each command so many times, and stops it.
pub(super) fn run(checkout: &Checkout, times: usize) -> anyhow::Result<()> {
    let ground = Ground::set(checkout)?;
    let slug = ground.stage.slug.clone();
    say("starting one bottle");
    ground.start(&slug, &["--detach"]).run()?;
    let measured = measure(&ground, &slug, times);
    ground.bottle(&["--quiet", "stop", &slug]).run()?;
    let measured = measured?;
    data(heading("milliseconds"));
    for (name, figures) in &measured {
        data(figures.row(name));
    }
    let fields: serde_json::Map<_, _> =
        measured.iter().map(|(name, figures)| (name.clone(), figures.json())).collect();
    let written = json!({"times": times, "unit": "ms", "commands": fields});
    Ok(fs_err::write(checkout.target.join("bench/commands.json"), written.to_string())?)
}

fn measure(ground: &Ground, slug: &str, times: usize) -> anyhow::Result<Vec<(String, Figures)>> {
    let commands: [&[&str]; 8] = [
        &["--version"],
        &["check"],
        &["render", "bench"],
        &["list"],
        &["show", slug],
        &["logs", slug],
        &["audit", slug],
        &["exec", slug, "--", "true"],
    ];
    let mut measured = Vec::new();
    for command in commands {
        let mut figures = Figures::default();
        for _ in 0..times {
            let program = ground.bottle(command);
            let began = Instant::now();
            let output = program.capture()?;
            figures.push(began.elapsed().as_secs_f64() * 1000.0);
            ensure!(output.code == 0, "`bottle {}` failed: {}", command.join(" "), output.stderr);
        }
        let name = command.first().copied().unwrap_or_default();
        measured.push((format!("bottle {name}"), figures));
    }
    Ok(measured)
}

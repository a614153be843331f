//! The commands that a person waits for, against one bottle that runs.

use anyhow::Context;
use serde_json::json;

use super::figures::{Figures, heading};
use super::ground::{Built, Ground};
use super::keep;
use super::life::timed;
use crate::checkout::Checkout;
use crate::ui::{data, say};

/// Starts one bottle, runs each command so many times, and stops it.
pub(super) fn run(checkout: &Checkout, times: usize) -> anyhow::Result<()> {
    let ground = Ground::set(checkout, "stage", Built::Optimised)?;
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
    keep(checkout, "commands", &written)
}

fn measure(ground: &Ground, slug: &str, times: usize) -> anyhow::Result<Vec<(String, Figures)>> {
    let commands: [&[&str]; 8] = [
        &["--help"],
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
            let ms = timed(&ground.bottle(command));
            figures.push(ms.with_context(|| format!("`bottle {}` failed", command.join(" ")))?);
        }
        let name = command.first().copied().unwrap_or_default();
        measured.push((format!("bottle {name}"), figures));
    }
    Ok(measured)
}

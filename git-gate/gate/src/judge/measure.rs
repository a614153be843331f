//! How fast objects are judged, for whoever wants to know what a push costs.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow};
use git_gate::Limits;
use serde::Serialize;

use super::{Counted, Judge, Second, Unjudged};
use crate::ground::Ground;
use crate::program::Program;

/// What judging came to.
#[derive(Debug, Serialize)]
struct Measured {
    objects: u64,
    bytes: u64,
    findings: usize,
    /// From the first question to git to the last object.
    ms: f64,
    /// What the scanner alone took of it.
    scanning_ms: f64,
}

/// Looks through what `new` reaches and `known` does not, in a mirror, and says in JSON how long it
/// took. Nothing is refused and nothing is written.
///
/// # Errors
///
/// What git cannot read.
pub fn measure(ground: &Ground, mirror: &Path, new: &str, known: &str) -> anyhow::Result<String> {
    let limits = Limits::default();
    let judge = Judge {
        git: Program::git(ground).within(mirror).variable("GIT_DIR", "."),
        limits: &limits,
        until: Instant::now() + Duration::from_secs(limits.seconds),
        ground,
        granted: &[],
    };
    let mut counted = Counted::default();
    let begun = Instant::now();
    let seen = judge.see(&[new], &[known], &mut counted, &mut Second::new(0), |_| Ok(()));
    let seen = seen.map_err(|unjudged| match unjudged {
        Unjudged::Refused(refused) => anyhow!(refused.sentence),
        Unjudged::Failed(error) => error,
    })?;
    let ms = |took: Duration| took.as_secs_f64() * 1e3;
    let measured = Measured {
        objects: counted.objects,
        bytes: counted.bytes,
        findings: seen.hits.len(),
        ms: ms(begun.elapsed()),
        scanning_ms: ms(seen.scanning),
    };
    serde_json::to_string(&measured).context("cannot say it")
}

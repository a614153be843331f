//! From `bottle apply` to the first request under the new policy, in a bottle that runs.

use std::time::Instant;

use anyhow::ensure;

use crate::bench::ground::{Built, Ground};
use crate::checkout::Checkout;
use crate::demo::stage::MODEL_HOST;
use crate::program::Program;
use crate::ui::say;

/// A path that no model has: allowed, it is asked for and not found.
const ADDED: &str = "/added/**";

/// Milliseconds of so many changes, each the other way round than the one before.
pub(super) fn measure(checkout: &Checkout, times: usize) -> anyhow::Result<Vec<f64>> {
    let ground = Ground::set(checkout, "apply", Built::Optimised)?;
    let name = ground.name(1);
    say(format!("a bottle for `bottle apply`: {name}"));
    ground.start(&name, &["--detach"]).run()?;
    let measured = changes(&ground, &name, times);
    ground.bottle(&["--quiet", "stop", &name]).run()?;
    measured
}

fn changes(ground: &Ground, name: &str, times: usize) -> anyhow::Result<Vec<f64>> {
    let file = ground.stage.folder.join("bottle.yaml");
    let plain = fs_err::read_to_string(&file)?;
    let wide = plain.replace("\"/api/**\"", &format!("\"/api/**\", \"{ADDED}\""));
    ensure!(wide != plain, "the manifest has another form");
    let mut measured = Vec::new();
    for change in 0..times {
        let allowed = change % 2 == 0;
        fs_err::write(&file, if allowed { &wide } else { &plain })?;
        let began = Instant::now();
        ground.bottle(&["--quiet", "apply", name]).read()?;
        let status = asked(name)?;
        measured.push(began.elapsed().as_secs_f64() * 1000.0);
        let expected = if allowed { "404" } else { "403" };
        ensure!(status == expected, "after change {change} the answer is {status}");
    }
    fs_err::write(&file, plain)?;
    Ok(measured)
}

/// The status that the agent gets for the path.
fn asked(name: &str) -> anyhow::Result<String> {
    let container = format!("bottle-{name}-agent");
    let curl = ["curl", "--silent", "--output", "/dev/null", "--write-out", "%{http_code}"];
    let program = Program::docker().args(["exec", &container]).args(curl);
    program.arg(format!("https://{MODEL_HOST}/added/x")).read()
}

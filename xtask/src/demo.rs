//! `cargo xtask demo`: the genuine agent works in a bottle and tries to leave it, with no account
//! and no internet; every claim of the report is checked.

mod bottle;
mod claims;
mod control;
mod evidence;
mod host;
mod memory;
mod person;
mod report;
mod script;
mod search;
pub(crate) mod stage;

use std::path::Path;

use anyhow::{Context, bail};

use crate::checkout::Checkout;
use crate::program::Program;
use crate::ui::say;
use crate::{sidecars, tools};

use self::bottle::Bottle;
use self::evidence::Evidence;
use self::person::Person;
use self::stage::Stage;

/// Nothing to choose.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct Arguments {}

/// Fails when any claim does not hold.
pub(crate) fn run(checkout: &Checkout, _arguments: &Arguments) -> anyhow::Result<()> {
    tools::for_images()?;
    let sidecars = sidecars::build(checkout)?;
    Program::cargo(checkout)
        .args(["build", "--quiet", "--package", "launcher", "--bin", "bottle"])
        .run()?;
    let stage = Stage::set(checkout, &sidecars, checkout.target.join("demo"))
        .and_then(Stage::with_git_host)
        .context("cannot set the stage")?;
    let bottle = Bottle::start(&stage, &sidecars)?;
    let evidence = watch(&stage, &sidecars, &bottle);
    if evidence.is_err() {
        stage.leave();
        bottle.end();
    }
    let evidence = evidence?;
    let claims = claims::judge(&evidence);
    report::print(&evidence, &claims);
    let failed = claims.iter().filter(|claim| !claim.holds).count();
    if failed > 0 {
        bail!("{failed} claims do not hold; what is left lies in `{}`", stage.folder.display());
    }
    drop(stage);
    Ok(())
}

fn watch(stage: &Stage, sidecars: &Path, bottle: &Bottle) -> anyhow::Result<Evidence> {
    let mut person = Person::new(stage, sidecars.to_owned());
    let report = bottle.until_held(stage, &mut person)?;
    say("   the agent waits for its model; the demo looks at everything");
    let mut evidence = Evidence::gather(stage, &report).context("cannot gather the evidence")?;
    evidence.answers = person.answers();
    person.leave();
    let teardown = bottle.release(stage)?;
    evidence.gather_rest(stage, bottle, teardown)?;
    Ok(evidence)
}

//! `--prove`: each mechanism switched off in turn must turn a test red.

use std::time::Instant;

use anyhow::{Result, bail};

use super::copy::Copy;
use super::ground::{Environment, cargo, environment_of_copy, say};
use super::mechanisms::{self, Mechanism, Needs};
use crate::checkout::Checkout;

/// What a run without the mechanism showed.
enum Seen {
    Red(String),
    StillGreen,
    NotBuilt(String),
}

pub(super) fn prove(checkout: &Checkout, only: &[String], commit: Option<&str>) -> Result<()> {
    let is_wanted = |mechanism: &&Mechanism| {
        let named = |word: &String| {
            mechanism.name.contains(word.as_str()) || mechanism.file.starts_with(word.as_str())
        };
        only.is_empty() || only.iter().any(named)
    };
    let wanted: Vec<_> = mechanisms::all().filter(is_wanted).collect();
    if wanted.is_empty() {
        bail!("no mechanism is named {}", only.join(", "));
    }
    let copy = Copy::refreshed(checkout, commit)?;
    // Built from the source as it is, before anything in it is switched off.
    let engine = if wanted.iter().any(|mechanism| mechanism.needs == Needs::Engine) {
        environment_of_copy(checkout, copy.checkout())?
    } else {
        Environment::new()
    };
    let mut unproven = Vec::new();
    for mechanism in &wanted {
        let began = Instant::now();
        let seen = without(checkout, &copy, mechanism, &engine)
            .unwrap_or_else(|error| Seen::NotBuilt(format!("{error:#}")));
        match seen {
            Seen::Red(test) => {
                let seconds = began.elapsed().as_secs();
                say(&format!("red       {:<38} {test} ({seconds} s)", mechanism.name));
            }
            Seen::StillGreen => {
                say(&format!("UNPROVEN  {:<38} no test went red", mechanism.name));
                unproven.push(mechanism.name);
            }
            Seen::NotBuilt(why) => {
                say(&format!("UNPROVEN  {:<38} does not build: {why}", mechanism.name));
                unproven.push(mechanism.name);
            }
        }
    }
    if unproven.is_empty() {
        say(&format!("\n{} mechanisms: each seen red without it", wanted.len()));
        return Ok(());
    }
    bail!("{} of {} mechanisms unproven: {}", unproven.len(), wanted.len(), unproven.join(", "))
}

fn without(
    checkout: &Checkout,
    copy: &Copy,
    mechanism: &Mechanism,
    engine: &Environment,
) -> Result<Seen> {
    let _restored = copy.without(mechanism)?;
    let environment = match mechanism.needs {
        Needs::Nothing => Environment::new(),
        Needs::Engine => engine.clone(),
        Needs::OwnSidecars => environment_of_copy(checkout, copy.checkout())?,
    };
    let mut args = vec!["test", "-p", mechanism.package, "--no-fail-fast"];
    args.extend(targets(mechanism));
    args.push("--");
    args.extend(mechanism.tests);
    let (ok, output) = cargo(copy.checkout(), &args, &environment)?;
    let failed = output.lines().find_map(|line| {
        line.strip_prefix("test ")?.strip_suffix(" ... FAILED").map(str::to_owned)
    });
    Ok(match failed {
        Some(test) => Seen::Red(test),
        None if ok => Seen::StillGreen,
        None => {
            let error = output.lines().find(|line| line.starts_with("error"));
            Seen::NotBuilt(error.unwrap_or("no error line").to_owned())
        }
    })
}

/// The launcher's two test binaries take long to link: the one that is needed is enough.
fn targets(mechanism: &Mechanism) -> &'static [&'static str] {
    match (mechanism.package, mechanism.needs) {
        ("launcher", Needs::Nothing) => &["--bin", "bottle"],
        ("launcher", Needs::Engine | Needs::OwnSidecars) => &["--test", "it"],
        (_, Needs::Nothing | Needs::Engine | Needs::OwnSidecars) => &["--tests"],
    }
}

//! `--prove`: each mechanism switched off in turn must turn a test red.

use std::collections::{BTreeMap, BTreeSet};
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
    let engine = if wanted.iter().any(|mechanism| mechanism.needs != Needs::Nothing) {
        environment_of_copy(checkout, copy.checkout())?
    } else {
        Environment::new()
    };
    let red_anyway = red_anyway(&copy, &wanted, &engine)?;
    let mut unproven = Vec::new();
    for mechanism in &wanted {
        let began = Instant::now();
        let seen = without(checkout, &copy, mechanism, (&engine, &red_anyway))
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

/// The tests that fail with everything switched on: their red proves nothing.
fn red_anyway(
    copy: &Copy,
    wanted: &[&Mechanism],
    engine: &Environment,
) -> Result<BTreeSet<String>> {
    let mut runs: BTreeMap<_, BTreeSet<&str>> = BTreeMap::new();
    for mechanism in wanted {
        let run = runs.entry((mechanism.package, targets(mechanism))).or_default();
        run.extend(mechanism.tests);
    }
    let mut red = BTreeSet::new();
    for ((package, targets), tests) in runs {
        let (ok, output) = test(copy, package, targets, tests, engine)?;
        let failed: Vec<_> = failed(&output).collect();
        if !ok && failed.is_empty() {
            bail!("the tests of `{package}` do not build: {}", first_error(&output));
        }
        for name in failed {
            say(&format!("red with everything on: {name}"));
            red.insert(name.to_owned());
        }
    }
    Ok(red)
}

fn without(
    checkout: &Checkout,
    copy: &Copy,
    mechanism: &Mechanism,
    (engine, red_anyway): (&Environment, &BTreeSet<String>),
) -> Result<Seen> {
    let _restored = copy.without(mechanism)?;
    let own = match mechanism.needs {
        Needs::Nothing | Needs::Engine => None,
        Needs::OwnSidecars => Some(environment_of_copy(checkout, copy.checkout())?),
    };
    let environment = own.as_ref().unwrap_or(engine);
    let tests = mechanism.tests.iter().copied();
    let (ok, output) = test(copy, mechanism.package, targets(mechanism), tests, environment)?;
    let mut all = failed(&output).peekable();
    let any = all.peek().is_some();
    Ok(match all.find(|name| !red_anyway.contains(*name)) {
        Some(test) => Seen::Red(test.to_owned()),
        None if ok || any => Seen::StillGreen,
        None => Seen::NotBuilt(first_error(&output).to_owned()),
    })
}

fn test<'a>(
    copy: &Copy,
    package: &'a str,
    targets: &[&'a str],
    tests: impl IntoIterator<Item = &'a str>,
    environment: &Environment,
) -> Result<(bool, String)> {
    let mut args = vec!["test", "-p", package, "--no-fail-fast"];
    args.extend(targets);
    args.push("--");
    args.extend(tests);
    cargo(copy.checkout(), &args, environment)
}

/// The names of the tests that failed, from libtest's `test NAME ... FAILED`.
fn failed(output: &str) -> impl Iterator<Item = &str> {
    output.lines().filter_map(|line| line.strip_prefix("test ")?.strip_suffix(" ... FAILED"))
}

fn first_error(output: &str) -> &str {
    output.lines().find(|line| line.starts_with("error")).unwrap_or("no error line")
}

/// The launcher's two test binaries take long to link: the one that is needed is enough.
fn targets(mechanism: &Mechanism) -> &'static [&'static str] {
    match (mechanism.package, mechanism.needs) {
        ("launcher", Needs::Nothing) => &["--bin", "bottle"],
        ("launcher", Needs::Engine | Needs::OwnSidecars) => &["--test", "it"],
        (_, Needs::Nothing | Needs::Engine | Needs::OwnSidecars) => &["--tests"],
    }
}

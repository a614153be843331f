//! `--prove`: each mechanism switched off in turn must turn a test red that is green with it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use anyhow::{Result, bail};

use super::cargo::{End, Outcome, Target, run, tests_of};
use super::copy::Copy;
use super::ground::{Environment, environment_of_copy, environment_without, lean, say};
use super::mechanisms::{self, Mechanism, Needs};
use super::receipts::Receipts;
use super::rows;
use crate::checkout::Checkout;
use crate::ui;

/// What is to be proven, and on what.
#[derive(Debug)]
pub(super) struct Order<'a> {
    pub(super) only: &'a [String],
    pub(super) commit: Option<&'a str>,
    pub(super) again: bool,
}

/// What a run without the mechanism showed.
enum Seen {
    Red { test: String, said: String },
    Unproven(String),
}

/// The tests of one package, and which are green with everything on.
#[derive(Debug, Default)]
struct Ground {
    tests: BTreeMap<Target, Vec<String>>,
    green: BTreeSet<String>,
}

/// A copy, what its container tests need, and what has been proven on it.
struct Proof<'a> {
    checkout: &'a Checkout,
    copy: Copy,
    engine: Environment,
    receipts: Receipts,
}

pub(super) fn prove(checkout: &Checkout, order: &Order<'_>) -> Result<()> {
    let wanted: Vec<_> = mechanisms::all().filter(|one| is_wanted(one, order.only)).collect();
    if wanted.is_empty() {
        bail!("no mechanism is named {}", order.only.join(", "));
    }
    let copy = Copy::refreshed(checkout, order.commit)?;
    let receipts = Receipts::of(copy.checkout())?;
    let mut open: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for (at, mechanism) in wanted.iter().enumerate() {
        match receipts.find(mechanism).filter(|_| !order.again) {
            Some(seen) => told(mechanism, &seen.test, &seen.said, "before, on these sources"),
            // By package, so that each build finds the last one's work; engines come last.
            None => open
                .entry((mechanism.needs != Needs::Nothing, mechanism.package))
                .or_default()
                .push((at, *mechanism)),
        }
    }
    // Built from the source as it is, before anything in it is switched off.
    let engine = if open.keys().any(|(engine, _)| *engine) {
        environment_of_copy(checkout, copy.checkout())?
    } else {
        lean()
    };
    let proof = Proof { checkout, copy, engine, receipts };
    let mut unproven = Vec::new();
    for ((_, package), group) in open {
        let group: Vec<_> = group.into_iter().map(|(_, mechanism)| mechanism).collect();
        unproven.extend(proof.of_package(package, &group)?);
    }
    if unproven.is_empty() {
        say(&format!("\n{} mechanisms: each seen red without it", wanted.len()));
        return Ok(());
    }
    bail!("{} of {} mechanisms unproven: {}", unproven.len(), wanted.len(), unproven.join(", "))
}

/// By a part of its name, by the beginning of its file, or by the row its test is of.
fn is_wanted(mechanism: &Mechanism, only: &[String]) -> bool {
    let is_named = |word: &String| {
        let of_row = || {
            rows::find(word)
                .is_some_and(|row| mechanism.tests.iter().any(|test| rows::is_of(test, row)))
        };
        mechanism.name.contains(word.as_str())
            || mechanism.file.starts_with(word.as_str())
            || of_row()
    };
    only.is_empty() || only.iter().any(is_named)
}

fn told(mechanism: &Mechanism, test: &str, said: &str, when: &str) {
    say(&format!("red       {:<38} {test} ({when})", mechanism.name));
    say(&format!("          {:<38} {said}", ""));
}

impl Proof<'_> {
    /// Proves the mechanisms of one package, and returns the names of those that are not proven.
    fn of_package(&self, package: &str, group: &[&Mechanism]) -> Result<Vec<&'static str>> {
        let ground = match self.ground(package, group)? {
            Ok(ground) => ground,
            Err(why) => {
                say(&format!("UNPROVEN  all of `{package}`: {why}"));
                return Ok(group.iter().map(|mechanism| mechanism.name).collect());
            }
        };
        let mut unproven = Vec::new();
        for mechanism in group {
            let began = Instant::now();
            let seen = self
                .without(mechanism, &ground)
                .unwrap_or_else(|error| Seen::Unproven(format!("{error:#}")));
            let seconds = began.elapsed().as_secs();
            match seen {
                Seen::Red { test, said } => {
                    told(mechanism, &test, &said, &format!("{seconds} s"));
                    self.receipts.keep(mechanism, &test, &said, seconds)?;
                }
                Seen::Unproven(why) => {
                    say(&format!("UNPROVEN  {:<38} {why} ({seconds} s)", mechanism.name));
                    unproven.push(mechanism.name);
                }
            }
        }
        Ok(unproven)
    }

    /// The package's tests, and which of those that matter here are green with everything on.
    fn ground(&self, package: &str, group: &[&Mechanism]) -> Result<Result<Ground, String>> {
        let tests = match tests_of(self.copy.checkout(), &[package], &self.engine) {
            Ok(tests) => tests,
            Err(why) => return Ok(Err(format!("the tests do not build: {why}"))),
        };
        let mut ground = Ground { tests, green: BTreeSet::new() };
        for (target, names) in &ground.tests {
            let of_any = |name: &&String| group.iter().any(|one| is_of(one, name));
            let names: Vec<&str> = names.iter().filter(of_any).map(String::as_str).collect();
            let first = self.run(target, &names)?;
            ground.green.extend(first.passed);
            if first.failed.is_empty() {
                continue;
            }
            // Two cores and many containers: once more, apart from the others.
            let again =
                self.run(target, &first.failed.keys().map(String::as_str).collect::<Vec<_>>())?;
            ground.green.extend(again.passed);
            for (name, said) in again.failed {
                say(&format!("red with everything on: {name}: {said}"));
            }
        }
        Ok(Ok(ground))
    }

    fn without(&self, mechanism: &Mechanism, ground: &Ground) -> Result<Seen> {
        let green = |name: &&String| is_of(mechanism, name) && ground.green.contains(*name);
        let mut chosen = ground.tests.iter().map(|(target, names)| {
            (target, names.iter().filter(green).map(String::as_str).collect::<Vec<_>>())
        });
        let chosen: Vec<_> = chosen.by_ref().filter(|(_, names)| !names.is_empty()).collect();
        if chosen.is_empty() {
            return Ok(Seen::Unproven("it has no test that is green with it".to_owned()));
        }
        let _restored = self.copy.without(mechanism)?;
        let own = match mechanism.needs {
            Needs::Nothing | Needs::Engine => None,
            Needs::OwnSidecars => Some(environment_without(self.checkout, self.copy.checkout())?),
        };
        let environment = own.as_ref().unwrap_or(&self.engine);
        let mut why = "no test went red".to_owned();
        for (target, names) in chosen {
            let Outcome { failed, end, .. } =
                run(self.copy.checkout(), target, names, environment, |_| ())?;
            if let Some((test, said)) = failed.into_iter().next() {
                return Ok(Seen::Red { test, said });
            }
            match end {
                End::Whole => {}
                End::NotBuilt(error) => why = format!("does not build: {error}"),
                End::Hung => "its tests hang without it".clone_into(&mut why),
                End::Torn => "its tests end before they have a verdict".clone_into(&mut why),
            }
        }
        Ok(Seen::Unproven(why))
    }

    fn run(&self, target: &Target, names: &[&str]) -> Result<Outcome> {
        if names.is_empty() {
            return Ok(Outcome::default());
        }
        ui::say(format!("{} tests of {} with everything on", names.len(), target.package));
        run(self.copy.checkout(), target, names.iter().copied(), &self.engine, |_| ())
    }
}

fn is_of(mechanism: &Mechanism, test: &str) -> bool {
    mechanism.tests.iter().any(|filter| test.contains(filter))
}

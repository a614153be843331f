//! `cargo xtask test`: every check and every test, in stages, on a bare machine.

pub(crate) mod binaries;
mod outcome;

use std::fmt;
use std::time::Instant;

use crate::checkout::Checkout;
use crate::program::Program;
use crate::ui::{data, say};
use crate::{bench, demo, leftovers, sidecars, tidy, tools};

use self::outcome::Outcome;

/// A run that failed. Its last line has said so.
#[derive(Debug)]
pub(crate) struct Failed;

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the run failed")
    }
}

impl std::error::Error for Failed {}

/// What to run.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Only the tests of these packages, and no other stage
    #[arg(long, short, value_name = "PACKAGE")]
    package: Vec<String>,
}

/// Runs the stages. What is cheap and says that the code is not fit ends the run at once; the
/// tests and the demo are both run and both reported.
pub(crate) fn run(checkout: &Checkout, arguments: &Arguments) -> anyhow::Result<()> {
    let mut run = Run { outcome: Outcome::default() };
    let before = leftovers::Leftovers::of_now();
    if run.prepared(checkout, arguments) {
        let tests = run.tests(checkout, arguments);
        if let Err(error) = tests {
            run.outcome.fault("tests", &error);
        }
        if arguments.package.is_empty() {
            run.stage("demo", || demo::run(checkout, &demo::Arguments::default()));
            run.stage("20 bottles, one after another", || bench::soak::short(checkout));
            run.stage("nothing left behind", || before?.compare());
        }
    }
    for line in run.outcome.remarks() {
        say(line);
    }
    data(run.outcome.summary());
    if run.outcome.failed() > 0 { Err(Failed.into()) } else { Ok(()) }
}

/// A run and what came of it so far.
#[derive(Debug)]
struct Run {
    outcome: Outcome,
}

impl Run {
    /// Every stage before the tests; the first that fails is the last.
    fn prepared(&mut self, checkout: &Checkout, arguments: &Arguments) -> bool {
        if !self.stage("docker", tools::docker) {
            return false;
        }
        let checks = arguments.package.is_empty();
        let cargo = || Program::cargo(checkout);
        let clippy = ["clippy", "--quiet", "--workspace", "--all-targets", "--", "-D", "warnings"];
        let docs = ["doc", "--quiet", "--workspace", "--no-deps", "--document-private-items"];
        (!checks
            || self.stage("fmt", || cargo().args(["fmt", "--all", "--check"]).run())
                && self.stage("clippy", || cargo().args(clippy).run())
                && self.stage("tidy", || tidy::run(checkout))
                && self
                    .stage("docs", || cargo().args(docs).env("RUSTDOCFLAGS", "-D warnings").run()))
            && self.stage("tools", || tools::for_images().map(drop))
            && self.stage("sidecars", || sidecars::build(checkout).map(drop))
    }

    fn tests(&mut self, checkout: &Checkout, arguments: &Arguments) -> anyhow::Result<()> {
        let (compose, lfs) = (tools::compose_v2(checkout)?, tools::git_lfs(checkout)?);
        heading("tests");
        let began = Instant::now();
        let environment = [
            ("BOTTLE_SIDECARS", checkout.sidecars().into_os_string()),
            ("BOTTLE_COMPOSE_V2", compose.into_os_string()),
            ("BOTTLE_GIT_LFS", lfs.into_os_string()),
        ];
        let binaries = binaries::build(checkout, &arguments.package)?;
        for binary in binaries {
            binaries::run(&binary, &environment, &mut self.outcome)?;
        }
        binaries::run_doc_tests(checkout, &arguments.package, &mut self.outcome)?;
        say(format!("   tests took {:.1} s", began.elapsed().as_secs_f64()));
        Ok(())
    }

    fn stage(&mut self, name: &str, work: impl FnOnce() -> anyhow::Result<()>) -> bool {
        heading(name);
        let began = Instant::now();
        let result = work();
        say(format!("   {name} took {:.1} s", began.elapsed().as_secs_f64()));
        match result {
            Ok(()) => {
                self.outcome.passed(1);
                true
            }
            Err(error) => {
                self.outcome.fault(name, &error);
                false
            }
        }
    }
}

fn heading(name: &str) {
    say(format!("== {name}"));
}

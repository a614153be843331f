//! `cargo xtask`: everything this repository does besides compiling.

mod adversary;
mod bench;
mod checkout;
mod demo;
mod fuzz;
mod git_host;
mod install;
mod leftovers;
mod program;
mod sidecars;
mod start;
mod test;
mod tidy;
mod tools;
mod ui;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::checkout::Checkout;
use crate::ui::say;

/// Everything this repository does besides compiling
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", disable_help_subcommand = true)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Start a bottle from this checkout: `bottle start` with these arguments
    #[command(disable_help_flag = true)]
    Start {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
    /// Let the genuine agent work, and try to leave, against a scripted model; no account needed
    Demo(demo::Arguments),
    /// Run every check and every test, the container tests and the demo included
    Test(test::Arguments),
    /// The same as `test`
    Ci(test::Arguments),
    /// Build the static binaries of the sidecars
    Sidecars,
    /// Fetch what these tasks need and this host lacks
    Tools,
    /// Check the rules that no compiler holds
    Tidy,
    /// Run the tests of the threat model, row by row
    Adversary(adversary::Arguments),
    /// Measure
    #[command(subcommand)]
    Bench(bench::Bench),
    /// Try the readers of an agent's bytes with bytes that libFuzzer makes up
    Fuzz(fuzz::Arguments),
    /// Build `bottle` and the sidecars with full optimisation and install them
    Install(install::Arguments),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match Checkout::here().and_then(|checkout| run(arguments.task, &checkout)) {
        Ok(()) => ExitCode::SUCCESS,
        // The summary is the last line.
        Err(error) if error.is::<test::Failed>() => ExitCode::FAILURE,
        Err(error) => {
            say(format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task, checkout: &Checkout) -> anyhow::Result<()> {
    match task {
        Task::Start { arguments } => start::run(checkout, arguments),
        Task::Demo(arguments) => demo::run(checkout, &arguments),
        Task::Test(arguments) | Task::Ci(arguments) => test::run(checkout, &arguments),
        Task::Sidecars => {
            ui::data(sidecars::build(checkout)?.display().to_string());
            Ok(())
        }
        Task::Tools => {
            tools::for_images()?;
            ui::data(tools::compose_v2(checkout)?.display().to_string());
            Ok(())
        }
        Task::Adversary(arguments) => adversary::run(checkout, &arguments),
        Task::Tidy => tidy::run(checkout),
        Task::Bench(bench) => bench::run(checkout, &bench),
        Task::Fuzz(arguments) => fuzz::run(checkout, &arguments),
        Task::Install(arguments) => install::run(checkout, &arguments),
    }
}

//! `pipelock`: what was typed, done.

use clap::Parser as _;
use compose_render::Role;
use pipelock_proxy::{
    check::check,
    cli::{Cli, Command},
    nowhere,
    run::run,
};
use std::{
    io::{self, Write as _},
    process::ExitCode,
};

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Run { config, listen } => {
            return sidecar::run(Role::Pipelock, |running| run(running, config, listen));
        }
        Command::Names { listen } => {
            return sidecar::run(Role::Resolver, |running| nowhere::run(running, listen));
        }
        Command::Check { config } => check(&config),
        Command::Healthcheck => sidecar::healthcheck(),
        Command::Status { json: _ } => sidecar::print_status(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nobody is left to tell when stderr is gone.
            drop(writeln!(io::stderr(), "error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

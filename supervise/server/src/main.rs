//! `/supervise` in its image.

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::Parser as _;
use compose_render::Role;
use supervise_server::{Cli, Command, check, run};

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Run { config, listen } => {
            return sidecar::run(Role::Supervise, |running| async move {
                run(&config, listen, running).await
            });
        }
        Command::Check { config } => check(&config).map(drop),
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

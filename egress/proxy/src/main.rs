//! `/egress` in its image.

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::Parser as _;
use compose_render::Role;
use egress_proxy::{Cli, Command, check, give, run};

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Run { config, listen, no_steering } => {
            return sidecar::run(Role::Egress, |running| async move {
                run(&config, listen, !no_steering, running).await
            });
        }
        Command::Check { config } => check(&config),
        Command::Healthcheck => sidecar::healthcheck(),
        Command::Status { json: _ } => sidecar::print_status(),
        Command::Credentials => give(),
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

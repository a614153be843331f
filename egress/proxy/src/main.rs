//! `/egress` in its image.

use std::process::ExitCode;

use clap::Parser as _;
use compose_render::Role;
use egress_proxy::{Cli, Command, check, give, run};

fn main() -> anyhow::Result<ExitCode> {
    match Cli::parse().command {
        Command::Run { config, listen } => {
            return Ok(sidecar::run(Role::Egress, |running| async move {
                run(&config, listen, running).await
            }));
        }
        Command::Check { config } => check(&config)?,
        Command::Healthcheck => sidecar::healthcheck()?,
        Command::Credentials => give()?,
        Command::Status { json: _ } => sidecar::print_status()?,
    }
    Ok(ExitCode::SUCCESS)
}

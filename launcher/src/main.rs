//! `bottle`: one coding agent in a container that has no way out except through its sidecars.
//!
//! This file only connects: what was typed, the command that answers it, and how we leave.

mod agent_image;
mod cli;
mod command;
mod environment;
mod exit;
mod manifest;
mod plan;
mod policy_view;
mod trust;
mod provision;
mod workspace;
mod ui;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    let ui = ui::Ui::new(cli.talk);
    let exit = command::dispatch(&cli.command, &ui).unwrap_or_else(|error| {
        ui.failure(&error);
        exit::Exit::of(&error)
    });
    exit.into()
}

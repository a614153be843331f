//! `bottle`: one coding agent in a container that has no way out except through its sidecars.
//!
//! This file only connects: what was typed, the command that answers it, and how we leave.

mod agent_image;
mod apply;
mod attach;
mod audit;
mod board;
mod bottles;
mod claim;
mod cli;
mod command;
mod decide;
mod decisions;
mod engine;
mod environment;
mod exit;
mod farewell;
mod fault_point;
mod hex;
mod host;
mod keeper;
mod learn;
mod login;
mod manifest;
mod notice;
mod plan;
mod policy_view;
mod probe;
mod proposals;
mod provision;
mod running;
mod session;
mod sidecar_images;
mod signals;
mod sources;
mod start;
mod steps;
mod stop;
mod table;
mod tail;
mod teardown;
mod terminal;
mod times;
mod trust;
mod ui;
mod workspace;

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

//! `/git-gate` in its image, and the hook that git calls: the same file under the hook's name.

use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;

use clap::Parser as _;
use compose_render::Role;
use git_gate_server::{Cli, Command, Ground, HOOK, check, measure, pre_receive, run};

fn main() -> ExitCode {
    let name = std::env::args_os().next().unwrap_or_default();
    if Path::new(&name).file_name().is_some_and(|name| name == HOOK) {
        return pre_receive();
    }
    let done = match Cli::parse().command {
        Command::Run { config, listen, mirrors } => {
            let ground = Ground::new(config, mirrors, git_gate::RUN_DIR.into());
            return sidecar::run(Role::GitGate, |running| async move {
                run(ground, listen, running).await
            });
        }
        Command::Check { config } => check(&config),
        Command::Judge { mirror, config, new, known } => {
            let ground = Ground::new(config, mirror.clone(), git_gate::RUN_DIR.into());
            measure(&ground, &mirror, &new, &known).map(|text| {
                // Nobody is left to tell when stdout is gone.
                drop(writeln!(io::stdout(), "{text}"));
            })
        }
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

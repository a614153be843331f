//! `bottle deny`: no, and why, which the agent is told.

use crate::cli;
use crate::decide;
use crate::environment::Environment;
use crate::exit::Exit;
use crate::host;
use crate::ui::Ui;

pub(crate) fn run(args: &cli::Deny, ui: &Ui) -> anyhow::Result<Exit> {
    let state = host::state(&Environment::of_process())?;
    let asked = decide::deny(&state, &args.proposal, &args.reason)?;
    ui.say(format_args!("`{}` is denied, and the agent is told", asked.name()));
    Ok(Exit::Done)
}

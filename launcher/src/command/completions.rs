//! `bottle completions`: what a shell needs to complete our commands.

use clap::CommandFactory as _;

use crate::cli;
use crate::exit::Exit;
use crate::ui::Ui;

pub(crate) fn run(args: &cli::Completions, ui: &Ui) -> anyhow::Result<Exit> {
    let mut out = Vec::new();
    clap_complete::generate(args.shell, &mut cli::Cli::command(), "bottle", &mut out);
    ui.data(String::from_utf8_lossy(&out))?;
    Ok(Exit::Done)
}

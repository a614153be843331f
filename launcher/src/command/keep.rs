//! `bottle keep`, which nobody types: the process that stays with a detached bottle.

use crate::cli;
use crate::environment::Environment;
use crate::exit::Exit;
use crate::host::Host;
use crate::keeper;
use crate::ui::Ui;

pub(crate) fn run(args: &cli::Keep, ui: &Ui) -> anyhow::Result<Exit> {
    let host = Host::find(&Environment::of_process())?;
    keeper::run(&host, &args.bottle, ui)
}

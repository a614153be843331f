//! `bottle shell`.

use crate::cli;
use crate::environment::Environment;
use crate::exit::Exit;
use crate::host::Host;
use crate::running::{self, Running};
use crate::signals::Signals;
use crate::ui::Ui;

/// Bash where the image has it, else the shell that every image with a shell has.
const SHELL: [&str; 3] = ["sh", "-c", "command -v bash >/dev/null && exec bash -l; exec sh -l"];

pub(crate) fn run(args: &cli::Shell, ui: &Ui) -> anyhow::Result<Exit> {
    let host = Host::find(&Environment::of_process())?;
    let signals = Signals::quiet()?;
    let bottle = Running::find(&host, &args.bottle)?;
    ui.detail(format_args!("a shell in `{}`", bottle.agent));
    running::exit(bottle.foreground(&host, &signals).run(&SHELL.map(str::to_owned)))
}

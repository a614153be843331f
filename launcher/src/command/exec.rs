//! `bottle exec`.

use anyhow::Context as _;

use crate::cli;
use crate::environment::Environment;
use crate::exit::{self, Exit};
use crate::host::Host;
use crate::running::{self, Running};
use crate::signals::Signals;
use crate::ui::Ui;

pub(crate) fn run(args: &cli::Exec, ui: &Ui) -> anyhow::Result<Exit> {
    let text = |arg: &std::ffi::OsString| {
        arg.to_str().map(str::to_owned).ok_or_else(|| exit::usage("an argument is not UTF-8"))
    };
    let command = args.command.iter().map(text).collect::<anyhow::Result<Vec<_>>>()?;
    let host = Host::find(&Environment::of_process())?;
    let signals = Signals::quiet()?;
    let bottle = Running::find(&host, &args.bottle)?;
    let ended = bottle.foreground(&host, &signals).run(&command);
    running::exit(ended)
        .with_context(|| format!("cannot run `{}`", command.join(" ")))
        .inspect_err(|_| ui.detail("the command's output, if any, stands above"))
}

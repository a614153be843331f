//! `bottle export`: what the agent made, in a new folder of the host's.

use crate::cli;
use crate::environment::Environment;
use crate::exit::Exit;
use crate::host::Host;
use crate::ui::{Ui, line};
use crate::workspace::{self, Record};

/// More lines than this nobody reads.
const SHOWN: usize = 20;

pub(crate) fn run(args: &cli::Export, ui: &Ui) -> anyhow::Result<Exit> {
    let host = Host::find(&Environment::of_process())?;
    let archive = workspace::archive(&host, &args.bottle)?;
    let done = workspace::export(&archive.path, &args.folder)?;
    ui.say(format_args!("{} files are in `{}`", done.files, args.folder.display()));
    for (path, why) in done.left.iter().take(SHOWN) {
        ui.say(format_args!("left behind: `{}` ({why})", line(&path.display().to_string())));
    }
    if let Some(more @ 1..) = done.left.len().checked_sub(SHOWN) {
        ui.say(format_args!("left behind: {more} more"));
    }
    let record = Record::load(&archive.bottle)?;
    super::diff::warn(ui, &workspace::changes(&archive.path, &record, None)?);
    Ok(Exit::Done)
}

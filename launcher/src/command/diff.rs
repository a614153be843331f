//! `bottle diff`: what the agent changed, with a word about every file the host acts on by itself.

use std::path::Path;

use crate::cli;
use crate::environment::Environment;
use crate::exit::Exit;
use crate::host::Host;
use crate::ui::{Ui, line, plain};
use crate::workspace::{self, Change, Record, What};

/// More warnings than these nobody reads.
const WARNED: usize = 40;

pub(crate) fn run(args: &cli::Diff, ui: &Ui) -> anyhow::Result<Exit> {
    let host = Host::find(&Environment::of_process())?;
    let archive = workspace::archive(&host, &args.bottle)?;
    let record = Record::load(&archive.bottle)?;
    let changes = workspace::changes(&archive.path, &record, archive.source.as_deref())?;
    if args.json {
        ui.json(&changes)?;
    } else if args.names {
        let names: Vec<_> = changes.iter().map(name).collect();
        if !names.is_empty() {
            ui.data(names.join("\n"))?;
        }
    } else if !changes.is_empty() {
        ui.data(changes.iter().map(shown).collect::<String>())?;
    }
    if changes.is_empty() {
        ui.say("nothing changed");
    }
    warn(ui, &changes);
    Ok(Exit::Done)
}

/// Says which of these files something on the host acts on by itself.
pub(crate) fn warn(ui: &Ui, changes: &[Change]) {
    let there = changes.iter().filter(|change| change.what != What::Removed);
    warn_of(ui, there.filter_map(|change| Some((change.path.as_path(), change.acted_on?))));
}

/// The same for files and what acts on them.
pub(crate) fn warn_of<'a>(ui: &Ui, mut files: impl Iterator<Item = (&'a Path, &'a str)>) {
    for (path, why) in files.by_ref().take(WARNED) {
        let path = line(&path.display().to_string());
        ui.warn(format_args!("look at `{path}` before you use it: {why}"));
    }
    let more = files.count();
    if more > 0 {
        ui.warn(format_args!("look at {more} more files before you use them"));
    }
}

fn name(change: &Change) -> String {
    let letter = match change.what {
        What::Added => 'A',
        What::Changed => 'M',
        What::Removed => 'D',
        What::Mode => 'm',
        What::Odd => '!',
    };
    format!("{letter} {}", line(&change.path.display().to_string()))
}

fn shown(change: &Change) -> String {
    match &change.lines {
        Some(lines) => plain(lines),
        None => format!("{}\n", name(change)),
    }
}

//! `bottle stop`.

use crate::cli;
use crate::environment::Environment;
use crate::exit::Exit;
use crate::host::Host;
use crate::stop;
use crate::ui::Ui;

pub(crate) fn run(args: &cli::Stop, ui: &Ui) -> anyhow::Result<Exit> {
    let host = Host::find(&Environment::of_process())?;
    let mut failed = None;
    for slug in &args.bottles {
        match stop::stop(&host, slug, ui) {
            Ok(()) => ui.say(format_args!("bottle `{slug}` is stopped")),
            Err(error) if args.bottles.len() > 1 => {
                // The others are stopped all the same.
                ui.failure(&error);
                failed = Some(Exit::of(&error));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(failed.unwrap_or(Exit::Done))
}

//! `bottle audit`.

use crate::bottles;
use crate::cli;
use crate::decisions::{self, Decision};
use crate::environment::Environment;
use crate::exit::{Exit, Hint as _};
use crate::host;
use crate::ui::{Ui, plain};

pub(crate) fn run(args: &cli::Audit, ui: &Ui) -> anyhow::Result<Exit> {
    let dir = host::state(&Environment::of_process())?.bottle(&args.bottle);
    if !dir.exists() {
        return Err(bottles::no_such(&args.bottle));
    }
    let decisions = decisions::read(dir.path())
        .hint("a sidecar's own file was replaced by something else: do not trust this bottle")?;
    let shown = decisions.iter().filter(|decision| !args.denied || decision.is_denied());
    let line = |decision: &Decision| {
        if args.json { decision.line.clone() } else { plain(&decision.for_people()) }
    };
    let lines: Vec<String> = shown.map(line).collect();
    if lines.is_empty() {
        ui.say("no decision was made yet");
    } else {
        ui.data(lines.join("\n"))?;
    }
    Ok(Exit::Done)
}

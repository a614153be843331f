//! `bottle audit`: what the sidecars decided, and what people did.

use anyhow::anyhow;
use compose_run::BottleDir;

use crate::audit;
use crate::bottles;
use crate::cli;
use crate::decisions::{self, Decision};
use crate::environment::Environment;
use crate::exit::{self, Exit, Hint as _};
use crate::host;
use crate::ui::{Ui, inert};

pub(crate) fn run(args: &cli::Audit, ui: &Ui) -> anyhow::Result<Exit> {
    let dir = host::state(&Environment::of_process())?.bottle(&args.bottle);
    if !dir.exists() {
        return Err(bottles::no_such(&args.bottle));
    }
    if args.verify {
        return verify(&dir, args.head.as_deref(), ui);
    }
    let mut decisions = decisions::read(dir.path())
        .hint("a sidecar's own file was replaced by something else: do not trust this bottle")?;
    let chain = audit::read(&dir)?;
    if let Some(fault) = chain.fault() {
        ui.warn(format_args!("`{}` was tampered with: {fault}", audit::FILE));
    }
    decisions.extend(chain.lines().iter().filter_map(|line| Decision::parse(line)));
    decisions.sort_by(|a, b| a.text("time").cmp(&b.text("time")));
    let shown = decisions.iter().filter(|decision| !args.denied || decision.is_denied());
    let line = |decision: &Decision| {
        if args.json { inert(&decision.line) } else { crate::ui::line(&decision.for_people()) }
    };
    let lines: Vec<String> = shown.map(line).collect();
    if lines.is_empty() {
        ui.say("no decision was made yet");
    } else {
        ui.data(lines.join("\n"))?;
    }
    Ok(Exit::Done)
}

/// Whether what people decided is as it was written down, and where it ends.
fn verify(dir: &BottleDir, kept: Option<&str>, ui: &Ui) -> anyhow::Result<Exit> {
    let chain = audit::read(dir)?;
    if let Some(fault) = chain.fault() {
        let good = chain.head().number;
        let error = anyhow!("`{}` is not as it was written: {fault}", audit::FILE);
        return Err(error).hint(format!("the {good} lines before it follow from each other"));
    }
    let head = chain.head();
    let lines = if head.number == 1 { "line" } else { "lines" };
    match kept.map(|digest| chain.find(digest)) {
        Some(None) => {
            let error = anyhow!("no line has that digest: the end was cut off, or written anew");
            return Err(exit::advise(
                error,
                format!("the {} {lines} that are there follow from each other", head.number),
            ));
        }
        Some(Some(found)) if found.number < head.number => ui.say(format_args!(
            "that was line {}: {} more were written since",
            found.number,
            head.number - found.number
        )),
        Some(Some(_)) => ui.say("that is its last line"),
        None => {}
    }
    ui.say(format_args!("{} {lines}, each follows from the one before", head.number));
    ui.data(&head.digest)?;
    Ok(Exit::Done)
}

//! `bottle watch`: one line for each decision as it is made, for people and pipes.

use std::io::Write as _;
use std::time::{Duration, Instant};

use compose_run::{Phase, wait};

use crate::bottles;
use crate::cli;
use crate::environment::Environment;
use crate::exit::Exit;
use crate::host;
use crate::tail::Tail;
use crate::ui::{Ui, inert, line};

/// How often the files are looked at.
const LOOK: Duration = Duration::from_millis(200);
/// How often the bottle is: its end is the end of this.
const LOOK_AT_BOTTLE: Duration = Duration::from_secs(1);

pub(crate) fn run(args: &cli::Watch, ui: &Ui) -> anyhow::Result<Exit> {
    let dir = host::state(&Environment::of_process())?.bottle(&args.bottle);
    if !dir.exists() {
        return Err(bottles::no_such(&args.bottle));
    }
    let mut tail = Tail::new();
    let mut first = !args.all;
    let mut looked = Instant::now();
    loop {
        let new = tail.look(dir.path())?;
        let mut out = ui.stream();
        for decision in new.iter().filter(|one| !first && (!args.denied || one.is_denied())) {
            let line = if args.json { inert(&decision.line) } else { line(&decision.for_people()) };
            if writeln!(out, "{line}").and_then(|()| out.flush()).is_err() {
                // Whoever read has seen enough.
                return Ok(Exit::Done);
            }
        }
        if std::mem::take(&mut first) {
            ui.say("watching; `--all` prints what was decided before as well");
        }
        if looked.elapsed() >= LOOK_AT_BOTTLE {
            looked = Instant::now();
            let phase = dir.metadata()?.map(|metadata| metadata.phase);
            if !matches!(phase, Some(Phase::Starting | Phase::Running)) {
                return Ok(Exit::Done);
            }
        }
        wait::pause(LOOK);
    }
}

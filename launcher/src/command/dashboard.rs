//! `bottle dashboard`: every bottle on one screen, and their agents' proposals to answer in place.

use std::io::{self, IsTerminal as _};
use std::time::{Duration, Instant};

use dashboard::{Screen, Stage, Wish};

use crate::board::{Answers, Board};
use crate::cli;
use crate::environment::Environment;
use crate::exit::{self, Exit, Hint as _};
use crate::fault_point::{self, FaultPoint};
use crate::host;
use crate::signals::Signals;
use crate::ui::Ui;

/// How often it is looked, and drawn.
const LOOK: Duration = Duration::from_millis(250);

pub(crate) fn run(_: &cli::Dashboard, _: &Ui) -> anyhow::Result<Exit> {
    let environment = Environment::of_process();
    if !(io::stdin().is_terminal() && io::stdout().is_terminal()) {
        return Err(exit::usage("the dashboard needs a terminal"))
            .hint("`bottle list`, `bottle watch` and `bottle proposals` write to pipes");
    }
    let state = host::state(&environment)?;
    let fault = environment.get(fault_point::VARIABLE);
    let fault: FaultPoint = fault.map_or(Ok(FaultPoint::default()), str::parse)?;
    let signals = Signals::quiet()?;
    let mut board = Board::new(&state, &environment)?;
    let mut answers = Answers::new(&state, &environment);
    let mut screen = Screen::new(environment.get("NO_COLOR").is_none_or(str::is_empty));
    let mut model = board.look(&screen)?;
    let mut stage = Stage::enter()?;
    let mut looked = Instant::now();
    let ended = loop {
        if signals.any() {
            break Exit::Interrupted;
        }
        if let Some(news) = answers.news() {
            screen.tell(news);
        }
        stage.show(&screen, &model)?;
        fault.reached("dashboard")?;
        let patience = LOOK.saturating_sub(looked.elapsed());
        match stage.key(patience)?.and_then(|key| screen.key(key, &model)) {
            Some(Wish::Quit) => break Exit::Done,
            Some(Wish::Approve { name, change }) => screen.tell(answers.approve(name, change)),
            Some(Wish::Deny { name, reason }) => screen.tell(answers.deny(name, reason)),
            None => {}
        }
        if looked.elapsed() >= LOOK {
            model = board.look(&screen)?;
            looked = Instant::now();
        }
    };
    // The terminal first: a change that is under way may take a while.
    drop(stage);
    answers.finish();
    Ok(ended)
}

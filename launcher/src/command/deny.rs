//! `bottle deny`: no, and why, which the agent is told.

use supervise::AnswerVerdict;

use crate::cli;
use crate::environment::Environment;
use crate::exit::{self, Exit};
use crate::host;
use crate::proposals;
use crate::ui::Ui;

pub(crate) fn run(args: &cli::Deny, ui: &Ui) -> anyhow::Result<Exit> {
    let state = host::state(&Environment::of_process())?;
    let asked = proposals::named(&state, &args.proposal)?;
    if !asked.is_open() {
        let (name, is) = (asked.name(), asked.state());
        return Err(exit::refused(format!("`{name}` is {is}: it is answered once")));
    }
    let dir = state.bottle(&asked.slug);
    proposals::answer(&dir, &asked.proposal.id, AnswerVerdict::Denied, &args.reason)?;
    ui.say(format_args!("`{}` is denied, and the agent is told", asked.name()));
    Ok(Exit::Done)
}

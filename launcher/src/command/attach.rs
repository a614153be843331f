//! `bottle attach`.

use anyhow::anyhow;

use crate::cli;
use crate::environment::Environment;
use crate::exit::{Exit, Hint as _};
use crate::host::Host;
use crate::notice::Notices;
use crate::running::{self, Running};
use crate::session::{self, Ended, State};
use crate::signals::Signals;
use crate::terminal::Terminal;
use crate::ui::Ui;

pub(crate) fn run(args: &cli::Attach, ui: &Ui) -> anyhow::Result<Exit> {
    let environment = Environment::of_process();
    let host = Host::find(&environment)?;
    let signals = Signals::quiet()?;
    let bottle = Running::find(&host, &args.bottle)?;
    let slug = &bottle.slug;
    let state = session::state(&host.docker, &bottle.agent);
    let held = host.state.bottle(slug).is_locked();
    if held && state != Some(State::Running) {
        return Err(anyhow!("the agent of `{slug}` works without a terminal")).hint(format!(
            "`bottle logs -f --service agent {slug}` shows what it prints, `bottle shell {slug}` \
             goes in beside it"
        ));
    }
    if Terminal::present().is_none() && state == Some(State::Running) {
        return Err(anyhow!("the agent of `{slug}` has a terminal, and there is none here"))
            .hint(format!("`bottle exec {slug} -- CMD` needs none"));
    }
    if let Some(State::Ended(code)) = state {
        ui.say(format_args!("the agent had ended with code {code}; it begins anew"));
    }
    let foreground = bottle.foreground(&host, &signals);
    let _notices = Notices::begin(&host.state.bottle(slug), &environment);
    match session::run(&foreground, &bottle.metadata.command) {
        Ok(Ended::Left) => {
            ui.say(format_args!("detached; `bottle attach {slug}` goes back"));
            Ok(Exit::Done)
        }
        Ok(Ended::Over(ended)) => {
            ui.say(format_args!("the agent ended; `bottle stop {slug}` takes the bottle down"));
            running::exit(Ok(ended))
        }
        Err(error) => running::exit(Err(error)),
    }
}

//! The agent's own command, on a terminal that outlives ours: the runner in the container keeps it,
//! we only look.

use compose_run::Docker;

use crate::attach::{self, Foreground};
use crate::plan::guest;
use crate::terminal::Terminal;

/// How looking at the agent came to its end.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Ended {
    /// The agent's command ended.
    Over(attach::Ended),
    /// It goes on, and nobody looks.
    Left,
}

/// What the runner says of the agent's command.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum State {
    Running,
    Ended(u8),
    None,
}

/// Runs the agent's command, or looks at it where it runs already. Without a terminal there is
/// nothing to keep: the command runs plainly and its output passes through.
pub(crate) fn run(foreground: &Foreground<'_>, command: &[String]) -> anyhow::Result<Ended> {
    if Terminal::present().is_none() {
        return foreground.run(command).map(Ended::Over);
    }
    let mut kept: Vec<String> = [guest::BINARY, "session", "run", "--"].map(str::to_owned).to_vec();
    kept.extend_from_slice(command);
    let ended = foreground.run(&kept)?;
    // The client ends in the same way when the agent did and when the person left it.
    Ok(match state(foreground.docker, foreground.container) {
        Some(State::Running) => Ended::Left,
        Some(State::Ended(code)) => Ended::Over(attach::Ended { code }),
        Some(State::None) | None => Ended::Over(ended),
    })
}

/// Asks the runner; `None` where there is nobody to ask.
pub(crate) fn state(docker: &Docker, container: &str) -> Option<State> {
    let argv = [guest::BINARY, "session", "status"];
    let said = docker.exec(container, None, false, argv).text().ok()?;
    match said.split_once(' ') {
        Some(("ended", code)) => code.parse().ok().map(State::Ended),
        _ if said == "running" => Some(State::Running),
        _ => Some(State::None),
    }
}

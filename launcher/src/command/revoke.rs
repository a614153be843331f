//! `bottle revoke`: a grant taken back, and with it what is open under it.

use crate::cli;
use crate::decide;
use crate::environment::Environment;
use crate::exit::Exit;
use crate::host::Host;
use crate::ui::{Ui, plain};

pub(crate) fn run(args: &cli::Revoke, ui: &Ui) -> anyhow::Result<Exit> {
    let environment = Environment::of_process();
    let host = Host::find(&environment)?;
    let revoked = ui.step("waiting for every sidecar to say that it is not in force", |_| {
        decide::revoke(&host, &environment, &args.proposal, &args.reason)
    })?;
    let lines = revoked.difference.lines();
    if !lines.is_empty() {
        ui.data(plain(&lines.join("\n")))?;
    }
    match revoked.version {
        Some(version) => ui.say(format_args!(
            "taken back: version {version} of its policy is in force, and what was open is closed"
        )),
        None => ui.say("taken back"),
    }
    Ok(Exit::Done)
}

//! `bottle rollback`: a policy that was in force before, in force again.

use std::collections::BTreeMap;

use anyhow::anyhow;

use crate::apply::{Config, Difference, History, Target, Why};
use crate::audit::Event;
use crate::cli;
use crate::environment::Environment;
use crate::exit::{Exit, Hint as _};
use crate::host::Host;
use crate::ui::{Ui, plain};

pub(crate) fn run(args: &cli::Rollback, ui: &Ui) -> anyhow::Result<Exit> {
    let environment = Environment::of_process();
    let host = Host::find(&environment)?;
    let target = Target::hold(&host, &args.bottle, &environment)?;
    let history = History(&target.dir);
    let latest = history.latest()?.ok_or_else(|| {
        anyhow!("the policy of `{}` has not changed since its start", args.bottle)
    })?;
    let number = match args.number {
        Some(number) => number,
        None => latest
            .checked_sub(1)
            .ok_or_else(|| anyhow!("there is no version before the first"))
            .hint("`bottle apply` puts the manifest in force")?,
    };
    let wanted = history.version(number)?;
    // Files that were changed by hand are what this is there to undo.
    let before = Config::read(&target.dir)?;
    let why = Why::new(Event::Rollback, format!("back to version {number}"));
    let version = ui
        .step("waiting for every sidecar to say that the policy is in force", |_| {
            target.apply(&before, &wanted, &BTreeMap::new(), &why)
        })?;
    let lines = Difference::between(&before, &wanted).map(|difference| difference.lines());
    if let Ok(lines) = lines.as_deref()
        && !lines.is_empty()
    {
        ui.data(plain(&lines.join("\n")))?;
    }
    match version {
        Some(version) => ui.say(format_args!("version {version}, as {number} was, is in force")),
        None => ui.say(format_args!("version {number} is in force already")),
    }
    Ok(Exit::Done)
}

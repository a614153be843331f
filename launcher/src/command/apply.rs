//! `bottle apply`: the manifest as it stands now, in force in a bottle that runs.

use serde_json::json;

use crate::apply::{Difference, Started, Target, Why, from_manifest};
use crate::audit::Event;
use crate::cli;
use crate::environment::Environment;
use crate::exit::{self, Exit};
use crate::host::Host;
use crate::manifest::lookup;
use crate::ui::{Ui, plain};

/// Said where egress got values.
const VALUES: &str = "; egress has the values set here";

pub(crate) fn run(args: &cli::Apply, ui: &Ui) -> anyhow::Result<Exit> {
    let environment = Environment::of_process();
    let host = Host::find(&environment)?;
    let target = Target::hold(&host, &args.bottle, &environment)?;
    let manifest = lookup::find(&args.manifest, &environment, ui)?;
    if args.manifest.path.is_none()
        && let Some(started) = Started::read(&target.dir)
    {
        same_origin(&started, &manifest.origin.to_string())?;
    }
    let before = target.current()?;
    let wanted = from_manifest(&target, &manifest, &before, &environment)?;
    for part in &wanted.waiting {
        ui.warn(format_args!("`{part}` is another now: that is for the next start"));
    }
    let difference = Difference::between(&before, &wanted.config)?;
    let mut version = None;
    if !args.dry_run {
        let what = "waiting for every sidecar to say that the policy is in force";
        let why = Why::new(Event::Apply, format!("`bottle apply` of {}", manifest.origin));
        version = ui.step(what, |_| target.apply(&before, &wanted.config, &wanted.values, &why))?;
    }
    if args.json {
        let change = before.change(&wanted.config);
        let applied = !args.dry_run;
        ui.json(&json!({
            "bottle": args.bottle, "applied": applied, "version": version, "change": change,
            "gone": difference.gone, "new": difference.new, "waiting": wanted.waiting,
        }))?;
        return Ok(Exit::Done);
    }
    let lines = difference.lines();
    if !lines.is_empty() {
        ui.data(plain(&lines.join("\n")))?;
    }
    match version {
        _ if args.dry_run => ui.say("nothing was changed"),
        Some(version) => {
            let values = if wanted.values.is_empty() { "" } else { VALUES };
            ui.say(format_args!("version {version} of its policy is in force{values}"));
        }
        None if wanted.values.is_empty() => ui.say("that policy is in force already"),
        None => ui.say(format_args!("that policy is in force already{VALUES}")),
    }
    Ok(Exit::Done)
}

/// The folder one happens to be in must not decide which policy a bottle gets.
fn same_origin(started: &Started, origin: &str) -> anyhow::Result<()> {
    let found = crate::apply::absolute(origin);
    if found == started.origin {
        return Ok(());
    }
    let sentence =
        format!("the bottle was started from `{}`, and here `{found}` counts", started.origin);
    Err(exit::advise(exit::usage(sentence), "name the one that is meant by `--manifest`"))
}

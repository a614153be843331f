//! `bottle approve`: what an agent asked for, put in force: exactly the change that was shown, on
//! exactly the policy it was shown for.

use std::collections::BTreeMap;

use anyhow::anyhow;
use supervise::AnswerVerdict;

use super::proposals::{Outlook, outlook_on, text};
use crate::apply::Target;
use crate::cli::{self, Scope};
use crate::environment::Environment;
use crate::exit::{self, Exit, Hint as _};
use crate::host::Host;
use crate::proposals::{self, Asked};
use crate::ui::Ui;

pub(crate) fn run(args: &cli::Approve, ui: &Ui) -> anyhow::Result<Exit> {
    match args.scope {
        Scope::Bottle => {}
        Scope::Once => {
            return Err(exit::refused("a grant for one request is not available yet")).hint(
                "`--scope bottle` grants until the bottle ends; `bottle rollback` takes it back",
            );
        }
        Scope::Manifest => {
            return Err(exit::refused("`bottle` does not write into manifests yet"))
                .hint("approve for the bottle, and add the line that is shown then yourself");
        }
    }
    let environment = Environment::of_process();
    let host = Host::find(&environment)?;
    let asked = proposals::named(&host.state, &args.proposal)?;
    let target = Target::hold(&host, &asked.slug, &environment)?;
    let asked = still_open(&target, &asked)?;
    let before = target.current()?;
    let outlook = outlook_on(before, &target.dir, &asked)?;
    if !agreed(args, &asked, &outlook, ui)? {
        ui.say("nothing was changed; `bottle deny` answers no");
        return Ok(Exit::Failed);
    }
    // A person reads slowly: whatever changed meanwhile is shown again instead of granted.
    let asked = still_open(&target, &asked)?;
    let now = outlook_on(target.current()?, &target.dir, &asked)?;
    if now.change != outlook.change {
        return Err(changed(&asked, &now, ui)?);
    }
    put_in_force(&target, &asked, &now, ui)?;
    Ok(Exit::Done)
}

/// Single use: what was answered, withdrawn or is too old is not granted.
fn still_open(target: &Target<'_>, asked: &Asked) -> anyhow::Result<Asked> {
    let name = asked.name();
    let there = proposals::one(&target.dir, &asked.proposal.id)?;
    let there = there.ok_or_else(|| anyhow!("`{name}` was withdrawn"))?;
    if there.is_open() {
        return Ok(there);
    }
    Err(exit::refused(format!("`{name}` is {}: it is answered once", there.state())))
}

/// Whether the person said yes to this change.
fn agreed(args: &cli::Approve, asked: &Asked, outlook: &Outlook, ui: &Ui) -> anyhow::Result<bool> {
    if let Some(change) = &args.change {
        return if *change == outlook.change {
            Ok(true)
        } else {
            Err(changed(asked, outlook, ui)?)
        };
    }
    ui.data(text(asked, Ok(outlook)))?;
    if ui.confirm("allow this?")? {
        return Ok(true);
    }
    if std::io::IsTerminal::is_terminal(&std::io::stdin()) {
        return Ok(false);
    }
    Err(exit::usage("there is no terminal to ask on"))
        .hint(format!("`--change {}` says yes to what is shown above", outlook.change))
}

/// The change is another one by now: it is shown, and the person is to look again.
fn changed(asked: &Asked, outlook: &Outlook, ui: &Ui) -> anyhow::Result<anyhow::Error> {
    ui.data(text(asked, Ok(outlook)))?;
    let error =
        exit::refused("what was approved is not what this comes to now; nothing was changed");
    Ok(exit::advise(
        error,
        format!("`--change {}` says yes to what is shown above", outlook.change),
    ))
}

fn put_in_force(
    target: &Target<'_>,
    asked: &Asked,
    outlook: &Outlook,
    ui: &Ui,
) -> anyhow::Result<()> {
    let id = &asked.proposal.id;
    let why = format!("proposal {id}");
    let what = "waiting for every sidecar to say that the policy is in force";
    let values = BTreeMap::new();
    let applied = ui.step(what, |_| target.apply(&outlook.before, &outlook.after, &values, &why));
    if let Err(error) = applied {
        let reason = "a person said yes, and the policy could not be put in force";
        proposals::answer(&target.dir, id, AnswerVerdict::Failed, reason)?;
        return Err(error);
    }
    proposals::answer(&target.dir, id, AnswerVerdict::Approved, "")?;
    ui.say(format_args!("in force in bottle `{}` until it ends", asked.slug));
    let kept: Vec<&str> = outlook.difference.new.iter().map(String::as_str).collect();
    ui.say(format_args!("to keep it, write it into the manifest: {}", kept.join("; ")));
    Ok(())
}

//! `bottle approve` and `bottle edit`: what an agent asked for, or what a person made of it, put in
//! force: exactly the change that was shown, on exactly the policy it was shown for.

use supervise::{Ask, Requests};

use crate::apply;
use crate::cli::{self, Deciding, Scope};
use crate::decide::{self, Decided, Edit, Outlook, Reach, text};
use crate::environment::Environment;
use crate::exit::{self, Exit, Hint as _};
use crate::host::Host;
use crate::proposals::{self, Asked};
use crate::ui::{Ui, plain};

pub(crate) fn run(args: &cli::Approve, ui: &Ui) -> anyhow::Result<Exit> {
    decide_on(&args.deciding, None, ui)
}

pub(crate) fn edit(args: &cli::Edit, ui: &Ui) -> anyhow::Result<Exit> {
    let environment = Environment::of_process();
    let asked = proposals::named(&Host::find(&environment)?.state, &args.deciding.proposal)?;
    let instead = edited(&asked.proposal.ask, args)?;
    decide_on(&args.deciding, Some(&instead), ui)
}

/// What was asked for with what the person says instead.
fn edited(ask: &Ask, args: &cli::Edit) -> anyhow::Result<Ask> {
    let said = |list: &[String], was: &[String]| {
        if list.is_empty() { was.to_vec() } else { list.to_vec() }
    };
    let mut ask = ask.clone();
    match &mut ask {
        Ask::Egress(Requests { host, methods, paths }) => {
            *host = args.host.clone().unwrap_or_else(|| host.clone());
            *methods = said(&args.methods, methods);
            *paths = said(&args.paths, paths);
        }
        Ask::CredentialUse(of) => {
            of.host = args.host.clone().unwrap_or_else(|| of.host.clone());
            of.methods = said(&args.methods, &of.methods);
            of.paths = said(&args.paths, &of.paths);
        }
        Ask::Push(_) | Ask::Package(_) => {
            let error = exit::refused("only requests to a host can be edited");
            return Err(exit::advise(error, "approve it as it is, or deny it with a reason"));
        }
    }
    ask.canonical().map_err(|error| exit::usage(error.to_string()))
}

fn decide_on(args: &Deciding, instead: Option<&Ask>, ui: &Ui) -> anyhow::Result<Exit> {
    let environment = Environment::of_process();
    let host = Host::find(&environment)?;
    let asked = proposals::named(&host.state, &args.proposal)?;
    // What a crash left is finished or undone before anything is shown.
    apply::settle(&host, &asked.slug)?;
    let dir = host.state.bottle(&asked.slug);
    let outlook = Outlook::of(&dir, &asked, instead)?;
    let edit = match args.scope {
        Scope::Manifest => Some(Edit::of(&dir, &outlook, &environment)?),
        Scope::Once | Scope::Bottle => None,
    };
    let seen = edit.as_ref().map_or(&outlook.change, |edit| &edit.change);
    let change = match (&args.change, &edit) {
        (Some(change), None) => change.clone(),
        (Some(change), Some(_)) if change == seen => outlook.change.clone(),
        (Some(_), Some(edit)) => {
            ui.data(plain(&edit.diff()))?;
            return Err(changed(&asked, &outlook, seen, ui)?);
        }
        (None, _) => {
            if let Some(edit) = &edit {
                ui.data(plain(&edit.diff()))?;
            }
            if !agreed(&asked, &outlook, seen, ui)? {
                ui.say("nothing was changed; `bottle deny` answers no");
                return Ok(Exit::Failed);
            }
            outlook.change.clone()
        }
    };
    let reach = match args.scope {
        Scope::Once => Reach::Seconds(args.seconds),
        Scope::Bottle | Scope::Manifest => Reach::Bottle,
    };
    let what = "waiting for every sidecar to say that the policy is in force";
    let name = asked.name();
    let decided =
        ui.step(what, |_| decide::approve(&host, &environment, &name, instead, &change, reach))?;
    match decided {
        Decided::InForce(outlook) => tell(&asked, &outlook, reach, ui),
        Decided::Changed(asked, outlook) => {
            return Err(changed(&asked, &outlook, &outlook.change, ui)?);
        }
    }
    if let Some(edit) = edit {
        edit.write(&dir, &environment)?;
        ui.say(format_args!("written into `{}`", edit.path.display()));
    }
    Ok(Exit::Done)
}

/// Whether the person said yes to this change.
fn agreed(asked: &Asked, outlook: &Outlook, seen: &str, ui: &Ui) -> anyhow::Result<bool> {
    ui.data(text(asked, Ok(outlook)))?;
    if ui.confirm("allow this?")? {
        return Ok(true);
    }
    if std::io::IsTerminal::is_terminal(&std::io::stdin()) {
        return Ok(false);
    }
    Err(exit::usage("there is no terminal to ask on"))
        .hint(format!("`--change {seen}` says yes to what is shown above"))
}

/// The change is another one by now: it is shown, and the person is to look again.
fn changed(asked: &Asked, outlook: &Outlook, seen: &str, ui: &Ui) -> anyhow::Result<anyhow::Error> {
    ui.data(text(asked, Ok(outlook)))?;
    let error =
        exit::refused("what was approved is not what this comes to now; nothing was changed");
    Ok(exit::advise(error, format!("`--change {seen}` says yes to what is shown above")))
}

fn tell(asked: &Asked, outlook: &Outlook, reach: Reach, ui: &Ui) {
    let (slug, id) = (&asked.slug, &asked.proposal.id);
    match (&outlook.ask, reach) {
        (Ask::Push(_), _) => ui.say(format_args!("that push passes once in bottle `{slug}`")),
        (_, Reach::Seconds(seconds)) => {
            ui.say(format_args!("in force in bottle `{slug}` for {seconds} seconds"));
        }
        (_, Reach::Bottle) => {
            ui.say(format_args!("in force in bottle `{slug}` until it ends"));
            ui.say(format_args!("`bottle revoke {slug}/{id}` takes it back"));
        }
    }
}

//! `bottle trust`: shows what a manifest asks for, and lets it count once a person says yes.

use crate::cli;
use crate::environment::Environment;
use crate::exit::{Exit, Hint as _, refused};
use crate::manifest::{Manifest, Origin, lookup};
use crate::policy_view::PolicyView;
use crate::trust::{Seen, Standing, Trust, fingerprint, named_files};
use crate::ui::{Ui, plain};

pub(crate) fn run(args: &cli::Trust, ui: &Ui) -> anyhow::Result<Exit> {
    let environment = Environment::of_process();
    let trust = Trust::of(&environment)?;
    let (path, shown) = (&args.manifest, args.manifest.display());
    if args.revoke {
        let said = if trust.forget(path)? { "no longer counts" } else { "was not trusted" };
        ui.say(format_args!("`{shown}` {said}"));
        return Ok(Exit::Done);
    }
    // One reading of the file: what is shown is what is hashed.
    let text = lookup::text(path)?;
    let manifest = Manifest::read(&text, Origin::File(path.clone()), environment.path("HOME"))?;
    let print = fingerprint(&text, &manifest)?;
    let standing = trust.standing(path, &print)?;
    show(&manifest, ui)?;
    let seen = Seen::of(&manifest)?;
    match (standing, trust.seen(path)?) {
        (Standing::Trusted, _) => {
            ui.say(format_args!("`{shown}` is trusted as it is"));
            return Ok(Exit::Done);
        }
        (Standing::Changed, Some(then)) => {
            ui.data("\nchanged since it was trusted:")?;
            let changes = then.changes(&seen);
            let none = vec!["nothing of what it grants: its text, a comment of it, say".to_owned()];
            let lines = if changes.is_empty() { none } else { changes };
            let lines: Vec<String> = lines.iter().map(|line| format!("  {line}")).collect();
            ui.data(plain(&lines.join("\n")))?;
        }
        (Standing::Changed, None) => {
            ui.say("this manifest, or a file it names, has changed since it was trusted");
        }
        (Standing::Unknown, _) => {}
    }
    if !args.yes && !ui.confirm(&format!("Let `{shown}` count as it is now?"))? {
        return Err(refused(format!("`{shown}` is not trusted")))
            .hint("answer `y` at a terminal, or give `--yes` where a script has looked at it");
    }
    trust.remember(path, &print, seen)?;
    ui.say(format_args!("`{shown}` is trusted; a change of it is asked about again"));
    Ok(Exit::Done)
}

/// What it comes to, agent by agent, and the files it is made of. All of it came from a
/// repository, so none of it may steer the terminal.
fn show(manifest: &Manifest, ui: &Ui) -> anyhow::Result<()> {
    for name in manifest.agents.keys() {
        let (agent, bottle) = manifest.agent(name)?;
        ui.data(plain(&PolicyView::of(name, agent, bottle).text()))?;
    }
    for path in named_files(manifest) {
        ui.data(plain(&format!("  reads        {}\n", path.display())))?;
    }
    Ok(())
}

//! `bottle proposals`: what agents ask for, what it would come to, and their words, quoted.

use compose_run::BottleDir;
use serde_json::{Value, json};

use crate::apply::{Config, Difference, Risk, grant};
use crate::bottles;
use crate::cli;
use crate::environment::Environment;
use crate::exit::Exit;
use crate::host;
use crate::proposals::{self, Asked};
use crate::ui::{Ui, plain};

/// What a proposal comes to on the policy as it is now.
#[derive(Clone, Debug)]
pub(super) struct Outlook {
    pub before: Config,
    pub after: Config,
    pub risks: Vec<Risk>,
    pub difference: Difference,
    /// The digest of exactly this change on exactly this base.
    pub change: String,
}

pub(crate) fn run(args: &cli::Proposals, ui: &Ui) -> anyhow::Result<Exit> {
    let state = host::state(&Environment::of_process())?;
    let dirs: Vec<BottleDir> = match &args.bottle {
        Some(slug) if !state.bottle(slug).exists() => return Err(bottles::no_such(slug)),
        Some(slug) => vec![state.bottle(slug)],
        None => state.bottles()?.into_iter().map(|found| found.dir).collect(),
    };
    let mut shown = Vec::new();
    for dir in &dirs {
        let found = proposals::of_bottle(dir)?;
        if found.odd > 0 {
            let (slug, odd) = (dir.slug(), found.odd);
            ui.warn(format_args!("{odd} files in the outbox of `{slug}` are no proposals"));
        }
        for asked in found.asked.into_iter().filter(|asked| args.all || asked.is_open()) {
            shown.push((dir, asked));
        }
    }
    if args.json {
        let all: Vec<Value> = shown.iter().map(|(dir, asked)| as_json(dir, asked)).collect();
        ui.json(&all)?;
        return Ok(Exit::Done);
    }
    if shown.is_empty() {
        ui.say("nothing waits for an answer");
        return Ok(Exit::Done);
    }
    let texts: Vec<String> = shown
        .iter()
        .map(|(dir, asked)| {
            let outlook = outlook(dir, asked);
            text(asked, outlook.as_ref().map_err(|error| format!("{error:#}")))
        })
        .collect();
    ui.data(texts.join("\n"))?;
    Ok(Exit::Done)
}

/// What it comes to, from the files as they lie there.
pub(super) fn outlook(dir: &BottleDir, asked: &Asked) -> anyhow::Result<Outlook> {
    outlook_on(Config::read(dir)?, dir, asked)
}

/// What it comes to on that policy.
pub(super) fn outlook_on(
    before: Config,
    dir: &BottleDir,
    asked: &Asked,
) -> anyhow::Result<Outlook> {
    let addresses = dir.metadata()?.and_then(|metadata| metadata.addresses);
    let addresses = addresses.ok_or_else(|| bottles::no_such(dir.slug()))?;
    let (after, risks) = grant(&before, &asked.proposal.ask, &addresses)?;
    let difference = Difference::between(&before, &after)?;
    let change = before.change(&after);
    Ok(Outlook { before, after, risks, difference, change })
}

/// A proposal for a person: what we computed first, the agent's words last and quoted.
pub(super) fn text(asked: &Asked, outlook: Result<&Outlook, String>) -> String {
    let mut lines = vec![format!("{} ({}, asked {})", asked.name(), asked.state(), ago(asked))];
    lines.push(format!("  asks for  {}", asked.wish()));
    match outlook {
        Ok(outlook) => {
            let changed = outlook.difference.lines();
            lines.extend(labelled("would", &changed));
            let risks: Vec<String> = outlook.risks.iter().map(Risk::text).collect();
            let none = || vec!["none that is known".to_owned()];
            lines.extend(labelled("risks", &if risks.is_empty() { none() } else { risks }));
            lines.push(format!("  change    {}", outlook.change));
        }
        Err(why) => lines.extend(labelled("cannot be", &[why])),
    }
    if let Some(answer) = asked.answer.as_ref().filter(|answer| !answer.reason.is_empty()) {
        lines.push(format!("  answered  {}", answer.reason));
    }
    let quoted = supervise::clean(&asked.proposal.reason).quoted();
    lines.push("  the agent says, and nobody has checked:".to_owned());
    lines.extend(quoted.iter().map(|line| format!("    {line}")));
    plain(&(lines.join("\n") + "\n"))
}

fn labelled(label: &str, values: &[String]) -> Vec<String> {
    let name = |nth: usize| if nth == 0 { label } else { "" };
    values.iter().enumerate().map(|(nth, value)| format!("  {:<9} {value}", name(nth))).collect()
}

fn ago(asked: &Asked) -> String {
    match proposals::now().saturating_sub(asked.proposal.created) {
        seconds @ 0..=119 => format!("{seconds} s ago"),
        seconds @ 120..=7199 => format!("{} min ago", seconds / 60),
        seconds => format!("{} h ago", seconds / 3600),
    }
}

fn as_json(dir: &BottleDir, asked: &Asked) -> Value {
    let outlook = outlook(dir, asked);
    let cleaned = supervise::clean(&asked.proposal.reason);
    let mut shown = json!({
        "bottle": asked.slug, "id": asked.proposal.id, "state": asked.state(),
        "created": asked.proposal.created, "ask": asked.proposal.ask,
        "agent_says": { "lines": cleaned.lines, "removed": cleaned.removed, "cut": cleaned.cut },
    });
    let more = match outlook {
        Ok(outlook) => json!({
            "change": outlook.change, "gone": outlook.difference.gone,
            "new": outlook.difference.new, "risks": outlook.risks,
        }),
        Err(error) => json!({ "impossible": format!("{error:#}") }),
    };
    if let (Some(shown), Value::Object(more)) = (shown.as_object_mut(), more) {
        shown.extend(more);
    }
    shown
}

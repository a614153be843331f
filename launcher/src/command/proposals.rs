//! `bottle proposals`: what agents ask for, what it would come to, and their words, quoted.

use compose_run::BottleDir;
use serde_json::{Value, json};

use crate::bottles;
use crate::cli;
use crate::decide::{self, Outlook, text};
use crate::environment::Environment;
use crate::exit::Exit;
use crate::host;
use crate::proposals::Asked;
use crate::ui::Ui;

pub(crate) fn run(args: &cli::Proposals, ui: &Ui) -> anyhow::Result<Exit> {
    let state = host::state(&Environment::of_process())?;
    let dirs: Vec<BottleDir> = match &args.bottle {
        Some(slug) if !state.bottle(slug).exists() => return Err(bottles::no_such(slug)),
        Some(slug) => vec![state.bottle(slug)],
        None => state.bottles()?.into_iter().map(|found| found.dir).collect(),
    };
    let mut shown = Vec::new();
    for dir in &dirs {
        let found = decide::proposals_of(dir)?;
        if found.odd > 0 {
            let (slug, odd) = (dir.slug(), found.odd);
            ui.warn(format_args!("{odd} files in the outboxes of `{slug}` are no proposals"));
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
            let outlook = Outlook::of(dir, asked, None);
            text(asked, outlook.as_ref().map_err(|error| format!("{error:#}")))
        })
        .collect();
    ui.data(texts.join("\n"))?;
    Ok(Exit::Done)
}

fn as_json(dir: &BottleDir, asked: &Asked) -> Value {
    let outlook = Outlook::of(dir, asked, None);
    let cleaned = supervise::clean(asked.says.as_deref().unwrap_or_default());
    let mut shown = json!({
        "bottle": asked.slug, "id": asked.proposal.id, "state": asked.state(),
        "created": asked.proposal.created, "ask": asked.proposal.ask,
        "agent_says": { "lines": cleaned.lines, "removed": cleaned.removed, "cut": cleaned.cut },
    });
    let more = match outlook {
        Ok(outlook) => outlook.to_json(),
        Err(error) => json!({ "impossible": format!("{error:#}") }),
    };
    if let (Some(shown), Value::Object(more)) = (shown.as_object_mut(), more) {
        shown.extend(more);
    }
    shown
}

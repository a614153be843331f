//! What a proposal comes to on the policy as it is now: computed here, shown before any word of the
//! agent's.

use compose_render::content_hash;
use compose_run::BottleDir;
use serde_json::{Value, json};
use supervise::Ask;

use crate::apply::{Config, Difference, Risk, grant};
use crate::bottles;
use crate::proposals::{self, Asked};
use crate::ui::plain;

/// The change, and what a person should know of it.
#[derive(Clone, Debug)]
pub(crate) struct Outlook {
    /// What would be granted: what was asked for, unless a person made something else of it.
    pub ask: Ask,
    pub before: Config,
    pub risks: Vec<Risk>,
    pub difference: Difference,
    /// The digest of exactly this change on exactly this base.
    pub change: String,
}

impl Outlook {
    /// From the files as they lie there.
    pub(crate) fn of(
        dir: &BottleDir,
        asked: &Asked,
        instead: Option<&Ask>,
    ) -> anyhow::Result<Self> {
        Self::on(Config::read(dir)?, dir, asked, instead)
    }

    /// On that policy.
    pub(crate) fn on(
        before: Config,
        dir: &BottleDir,
        asked: &Asked,
        instead: Option<&Ask>,
    ) -> anyhow::Result<Self> {
        let ask = instead.unwrap_or(&asked.proposal.ask).clone();
        if let Ask::Push(_) = ask {
            return Ok(Self::of_push(before, asked, ask));
        }
        let addresses = dir.metadata()?.and_then(|metadata| metadata.addresses);
        let addresses = addresses.ok_or_else(|| bottles::no_such(dir.slug()))?;
        let (after, risks) = grant(&before, &ask, &addresses)?;
        let difference = Difference::between(&before, &after)?;
        let change = before.change(&after);
        Ok(Self { ask, before, risks, difference, change })
    }

    /// A push changes no policy: the yes is to its object, its ref, and what the gate found.
    fn of_push(before: Config, asked: &Asked, ask: Ask) -> Self {
        let found = asked.proposal.found.iter().map(|line| format!("git-gate found {line}"));
        let new: Vec<String> = std::iter::once(ask.to_string()).chain(found).collect();
        let whole = serde_json::to_string(&ask).unwrap_or_default();
        let change = content_hash(std::iter::once(&whole).chain(&new).map(String::as_bytes));
        let risks = if asked.judged { Vec::new() } else { vec![Risk::PushNotJudged] };
        Self { ask, before, risks, difference: Difference { gone: Vec::new(), new }, change }
    }

    /// For scripts.
    pub(crate) fn to_json(&self) -> Value {
        json!({
            "change": self.change, "gone": self.difference.gone, "new": self.difference.new,
            "risks": self.risks,
        })
    }
}

/// A proposal for a person: what we computed first, the agent's words last and quoted.
pub(crate) fn text(asked: &Asked, outlook: Result<&Outlook, String>) -> String {
    let mut lines = vec![format!("{} ({}, asked {})", asked.name(), asked.state(), ago(asked))];
    lines.push(format!("  asks for  {}", asked.wish()));
    match outlook {
        Ok(outlook) => {
            if outlook.ask != asked.proposal.ask {
                lines.push(format!("  instead   {}", outlook.ask));
            }
            let changed = outlook.difference.lines();
            let same = || vec!["change nothing".to_owned()];
            lines.extend(labelled("would", &if changed.is_empty() { same() } else { changed }));
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
    if let Some(says) = &asked.says {
        lines.push("  the agent says, and nobody has checked:".to_owned());
        lines.extend(supervise::clean(says).quoted().iter().map(|line| format!("    {line}")));
    }
    plain(&(lines.join("\n") + "\n"))
}

fn labelled(label: &str, values: &[String]) -> Vec<String> {
    let name = |nth: usize| if nth == 0 { label } else { "" };
    values.iter().enumerate().map(|(nth, value)| format!("  {:<9} {value}", name(nth))).collect()
}

pub(crate) fn ago(asked: &Asked) -> String {
    match proposals::now().saturating_sub(asked.proposal.created) {
        seconds @ 0..=119 => format!("{seconds} s ago"),
        seconds @ 120..=7199 => format!("{} min ago", seconds / 60),
        seconds => format!("{} h ago", seconds / 3600),
    }
}

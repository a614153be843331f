//! `bottle list`.

use serde::Serialize;

use crate::bottles::{self, Bottle, Condition};
use crate::cli;
use crate::environment::Environment;
use crate::exit::Exit;
use crate::host::Host;
use crate::policy_view::observed;
use crate::table::table;
use crate::ui::Ui;

/// One bottle, as scripts see it.
#[derive(Serialize)]
struct Row<'a> {
    slug: String,
    condition: Condition,
    agent: Option<&'a str>,
    created: Option<&'a str>,
    detached: bool,
    keep: bool,
    workspace: Option<&'a str>,
    workspace_dir: Option<&'a str>,
    /// The host for which something stands in that is not the internet.
    stand_in: Option<&'a str>,
    /// Until when denials are findings, in seconds since 1970.
    observed_until: Option<u64>,
    exit_code: Option<i32>,
    containers: usize,
    networks: usize,
    /// Why its metadata cannot be read.
    fault: Option<&'a str>,
}

impl<'a> From<&'a Bottle> for Row<'a> {
    fn from(bottle: &'a Bottle) -> Self {
        let metadata = bottle.metadata.as_ref();
        Self {
            slug: bottle.slug.to_string(),
            condition: bottle.condition,
            agent: metadata.map(|metadata| metadata.agent.as_str()),
            created: metadata.map(|metadata| metadata.created.as_str()),
            detached: metadata.is_some_and(|metadata| metadata.detached),
            keep: metadata.is_some_and(|metadata| metadata.keep),
            workspace: metadata.and_then(|metadata| metadata.workspace.as_deref()),
            workspace_dir: metadata.and_then(|metadata| metadata.workspace_dir.as_deref()),
            stand_in: metadata.and_then(|metadata| metadata.stand_in.as_deref()),
            observed_until: metadata.and_then(|metadata| metadata.observed_until),
            exit_code: metadata.and_then(|metadata| metadata.exit_code),
            containers: bottle.containers.len(),
            networks: bottle.networks.len(),
            fault: bottle.fault.as_deref(),
        }
    }
}

pub(crate) fn run(args: &cli::List, ui: &Ui) -> anyhow::Result<Exit> {
    let host = Host::find(&Environment::of_process())?;
    let bottles = bottles::all(&host)?;
    let rows: Vec<Row<'_>> = bottles.iter().map(Row::from).collect();
    if args.json {
        ui.json(&rows)?;
        return Ok(Exit::Done);
    }
    if rows.is_empty() {
        ui.say("there is no bottle on this host; `bottle start implementer` starts one");
        return Ok(Exit::Done);
    }
    let lines: Vec<Vec<String>> = rows.iter().map(for_people).collect();
    ui.data(table(&["BOTTLE", "IS", "AGENT", "SINCE", "WORKSPACE", "REMARK"], &lines))?;
    if rows.iter().any(|row| row.condition == Condition::Broken) {
        ui.say("`bottle cleanup` saves the logs of broken bottles and removes what is left");
    }
    Ok(Exit::Done)
}

fn for_people(row: &Row<'_>) -> Vec<String> {
    let mut remarks = Vec::new();
    remarks.extend(row.stand_in.map(|host| format!("a stand-in answers for {host}")));
    remarks.extend(row.observed_until.map(observed));
    remarks.extend(row.fault.map(str::to_owned));
    if row.detached && row.condition == Condition::Running {
        remarks.push("detached".to_owned());
    }
    remarks.extend(row.exit_code.map(|code| format!("agent ended with {code}")));
    vec![
        row.slug.clone(),
        row.condition.as_str().to_owned(),
        row.agent.unwrap_or("-").to_owned(),
        // Whole seconds are enough to tell bottles apart.
        row.created.map_or("-", |at| at.split_once('.').map_or(at, |(whole, _)| whole)).to_owned(),
        row.workspace_dir.unwrap_or("-").to_owned(),
        remarks.join("; "),
    ]
}

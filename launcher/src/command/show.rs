//! `bottle show`.

use std::thread;

use anyhow::Context as _;
use compose_render::{Network, Role};
use compose_run::Docker;
use compose_run::containers::{self, Container, Life};
use serde::Serialize;
use serde_json::Value;

use crate::apply;
use crate::bottles::{self, Bottle, Condition};
use crate::cli;
use crate::decisions;
use crate::environment::Environment;
use crate::exit::Exit;
use crate::host::Host;
use crate::policy_view::observed;
use crate::table::table;
use crate::ui::Ui;
use crate::workspace::{self, CloneReport};

/// A bottle, as scripts see it.
#[derive(Serialize)]
struct Shown<'a> {
    slug: String,
    condition: Condition,
    /// What its folder says of it: agent, images, addresses, workspace, command.
    metadata: Option<&'a compose_run::Metadata>,
    fault: Option<&'a str>,
    services: Vec<Service>,
    /// Requests and tokens by route, of bottles with routes.
    usage: Vec<egress::UsageLine>,
    networks: Vec<&'a str>,
    folder: String,
    /// Where the workspace is a clone: what was pushed, and what was not.
    clone: Option<CloneReport>,
}

/// One service of it.
#[derive(Serialize)]
struct Service {
    #[serde(rename = "service")]
    name: String,
    container: String,
    image: String,
    life: Option<Life>,
    internal: Option<String>,
    uplink: Option<String>,
    /// What the sidecar says of itself: readiness, generation, config digest, counts.
    status: Option<Value>,
}

pub(crate) fn run(args: &cli::Show, ui: &Ui) -> anyhow::Result<Exit> {
    let host = Host::find(&Environment::of_process())?;
    let bottle = bottles::one(&host, &args.bottle)?;
    if bottle.condition == Condition::Running {
        apply::settle(&host, &args.bottle)?;
    }
    let shown = Shown {
        slug: bottle.slug.to_string(),
        condition: bottle.condition,
        metadata: bottle.metadata.as_ref(),
        fault: bottle.fault.as_deref(),
        services: services(&host.docker, &bottle)?,
        usage: decisions::usage(&host.state.bottle(&bottle.slug)),
        networks: bottle.networks.iter().map(|network| network.name.as_str()).collect(),
        folder: host.state.bottle(&bottle.slug).path().display().to_string(),
        clone: workspace::pushed(&host.state.bottle(&bottle.slug))?,
    };
    if args.json {
        ui.json(&shown)?;
    } else {
        ui.data(for_people(&shown))?;
    }
    Ok(Exit::Done)
}

/// Asks for all containers at once: each question costs the engine some milliseconds.
fn services(docker: &Docker, bottle: &Bottle) -> anyhow::Result<Vec<Service>> {
    thread::scope(|scope| {
        let asked: Vec<_> = bottle
            .containers
            .iter()
            .map(|container| scope.spawn(move || service(docker, bottle, container)))
            .collect();
        asked
            .into_iter()
            .map(|answer| answer.join().ok().context("a thread of ours ended")?)
            .collect()
    })
}

fn service(docker: &Docker, bottle: &Bottle, container: &Container) -> anyhow::Result<Service> {
    let addresses = bottle.metadata.as_ref().and_then(|metadata| metadata.addresses);
    let at = |network: Network| Some(addresses?.of(container.role?, network)?.to_string());
    let says = container.role.filter(|_| container.state == "running").and_then(|role| {
        let argv = match role {
            Role::Pipelock | Role::Egress | Role::GitGate | Role::Supervise => {
                [format!("/{role}"), "status".to_owned(), "--json".to_owned()]
            }
            Role::Resolver | Role::StandIn | Role::Agent => return None,
        };
        // One that does not answer shows by its life, not by an error of ours.
        let said = docker.exec(&container.id, None, false, argv).text().ok()?;
        serde_json::from_str(&said).ok()
    });
    Ok(Service {
        name: container.role.map_or_else(|| container.name.clone(), |role| role.to_string()),
        container: container.name.clone(),
        image: container.image.clone(),
        life: containers::life(docker, &container.id)?,
        internal: at(Network::Internal),
        uplink: at(Network::Uplink),
        status: says,
    })
}

fn for_people(shown: &Shown<'_>) -> String {
    let mut lines = vec![format!("bottle     {} ({})", shown.slug, shown.condition.as_str())];
    let mut line = |name: &str, value: Option<String>| {
        lines.extend(value.map(|value| format!("{name:<10} {}", crate::ui::plain(&value))));
    };
    let metadata = shown.metadata;
    line("fault", shown.fault.map(str::to_owned));
    line("agent", metadata.map(|of| of.agent.clone()));
    line("command", metadata.map(|of| of.command.join(" ")));
    let second = |time: &str| time.split('.').next().unwrap_or(time).to_owned();
    line("since", metadata.map(|of| second(&of.created)));
    line("workspace", metadata.and_then(workspace));
    line(
        "stand-in",
        metadata
            .and_then(|of| of.stand_in.as_ref())
            .map(|host| format!("answers for {host}: this is not the internet")),
    );
    line("observed", metadata.and_then(|of| of.observed_until).map(observed));
    line("exit code", metadata.and_then(|of| of.exit_code).map(|code| code.to_string()));
    line("networks", (!shown.networks.is_empty()).then(|| shown.networks.join(", ")));
    line("folder", Some(shown.folder.clone()));
    for (name, text) in shown.clone.iter().flat_map(CloneReport::lines) {
        line(name, Some(text));
    }
    if !shown.services.is_empty() {
        let rows: Vec<_> = shown.services.iter().map(row).collect();
        let heading =
            ["SERVICE", "IS", "RESTARTS", "GENERATION", "INTERNAL", "UPLINK", "ALLOWED", "DENIED"];
        lines.push(String::new());
        lines.push(table(&heading, &rows));
    }
    if !shown.usage.is_empty() {
        let rows: Vec<_> = shown.usage.iter().map(used).collect();
        lines.push(String::new());
        lines.push(table(&["ROUTE", "REQUESTS", "TOKENS IN", "TOKENS OUT", "AT MOST"], &rows));
    }
    lines.join("\n")
}

fn used(line: &egress::UsageLine) -> Vec<String> {
    let egress::Usage { requests, input_tokens, output_tokens } = line.used;
    let budget = line.budget.map_or_else(|| "-".to_owned(), |budget| budget.to_string());
    let numbers = [requests, input_tokens, output_tokens].map(|number| number.to_string());
    let route = crate::ui::plain(&line.route);
    std::iter::once(route).chain(numbers).chain([budget]).collect()
}

fn workspace(metadata: &compose_run::Metadata) -> Option<String> {
    let mode = metadata.workspace.as_ref()?;
    if mode == workspace::clone::WORD {
        return None;
    }
    Some(format!("{mode} of {}", metadata.workspace_dir.as_deref().unwrap_or("?")))
}

fn row(service: &Service) -> Vec<String> {
    let life = service.life.as_ref();
    let is = match (life, &service.status) {
        (None, _) => "gone".to_owned(),
        (Some(life), _) if life.status != "running" => {
            let memory = if life.oom_killed { ", out of memory" } else { "" };
            format!("{} ({}{memory})", life.status, life.exit_code)
        }
        (Some(_), Some(status)) if status["ready"] == Value::Bool(true) => "healthy".to_owned(),
        (Some(life), _) => life.status.clone(),
    };
    let says = |pointer: &str| {
        let value = service.status.as_ref().and_then(|status| status.pointer(pointer));
        value.map_or_else(|| "-".to_owned(), ToString::to_string)
    };
    let or_none = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    vec![
        service.name.clone(),
        is,
        life.map_or_else(|| "-".to_owned(), |life| life.restarts.to_string()),
        says("/generation"),
        or_none(&service.internal),
        or_none(&service.uplink),
        says("/counts/allowed"),
        says("/counts/denied"),
    ]
}

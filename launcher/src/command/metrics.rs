//! `bottle metrics`: the sidecars' counters, in the text form that collectors read.

use anyhow::{Context as _, anyhow};
use compose_render::Role;
use serde_json::Value;

use crate::bottles;
use crate::cli;
use crate::environment::Environment;
use crate::exit::{Exit, Hint as _};
use crate::host::Host;
use crate::ui::Ui;

pub(crate) fn run(args: &cli::Metrics, ui: &Ui) -> anyhow::Result<Exit> {
    let host = Host::find(&Environment::of_process())?;
    let bottle = bottles::one(&host, &args.bottle)?;
    let slug = bottle.slug.as_str();
    let mut lines = vec!["# TYPE bottle_up gauge".to_owned()];
    let mut counts = vec!["# TYPE bottle_events_total counter".to_owned()];
    let sidecars = bottle.containers.iter().filter_map(|container| {
        let role = container.role?;
        matches!(role, Role::Pipelock | Role::Egress | Role::GitGate | Role::Supervise)
            .then_some((role, container))
    });
    let mut routes: Vec<String> = Vec::new();
    let mut asked = 0;
    for (role, container) in sidecars {
        asked += 1;
        let argv = [format!("/{role}"), "status".to_owned(), "--json".to_owned()];
        let said = host.docker.exec(&container.id, None, false, argv).text();
        let labels = format!("bottle=\"{slug}\",service=\"{role}\"");
        lines.push(format!("bottle_up{{{labels}}} {}", u8::from(said.is_ok())));
        let Ok(said) = said else { continue };
        let status: Value = serde_json::from_str(&said)
            .with_context(|| format!("`{role}` says something that is no status"))?;
        for name in ["uptime_seconds", "generation"] {
            if let Some(value) = status[name].as_u64() {
                lines.push(format!("bottle_{name}{{{labels}}} {value}"));
            }
        }
        for (route, figures) in status["routes"].as_object().into_iter().flatten() {
            let route = label(route);
            for (name, value) in figures.as_object().into_iter().flatten() {
                if let Some(value) = value.as_u64() {
                    let labels = format!("{labels},route=\"{route}\"");
                    routes.push(format!("bottle_route_{name}_total{{{labels}}} {value}"));
                }
            }
        }
        if role == Role::Pipelock {
            // Under the names that upstream's have, too, for boards that know those.
            let count = |event: &str| status["counts"][event].as_u64().unwrap_or_default();
            for (result, count) in [("allowed", count("allowed")), ("blocked", count("denied"))] {
                let labels = format!("bottle=\"{slug}\",result=\"{result}\"");
                routes.push(format!("pipelock_requests_total{{{labels}}} {count}"));
            }
            let redacted = count("redacted");
            routes.push(format!("pipelock_body_dlp_hits_total{{bottle=\"{slug}\"}} {redacted}"));
        }
        for (event, count) in status["counts"].as_object().into_iter().flatten() {
            if let Some(count) = count.as_u64() {
                counts.push(format!("bottle_events_total{{{labels},event=\"{event}\"}} {count}"));
            }
        }
    }
    // The lines of one name stand together.
    routes.sort();
    lines.append(&mut routes);
    if asked == 0 {
        return Err(anyhow!("bottle `{slug}` has no sidecar that runs"))
            .hint("`bottle list` shows which bottles run");
    }
    lines.append(&mut counts);
    ui.data(lines.join("\n"))?;
    Ok(Exit::Done)
}

/// A text as the value of a label is written.
fn label(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

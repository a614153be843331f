//! `bottle policy`: what a bottle runs under, or what an agent would get.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::Context as _;
use compose_render::Slug;
use compose_run::{BottleDir, StateDir, read_plain};
use serde_json::json;

use crate::apply::{Config, Difference, Grant, History};
use crate::cli;
use crate::environment::Environment;
use crate::exit::{self, Exit, Hint as _};
use crate::host;
use crate::manifest::lookup;
use crate::policy_view::{PolicyView, RouteView, clock, in_order};
use crate::proposals;
use crate::trust::state_root;
use crate::ui::{Ui, plain};

/// Larger than any rendered config.
const MAX_FILE: u64 = 4 << 20;

pub(crate) fn run(args: &cli::Policy, ui: &Ui) -> anyhow::Result<Exit> {
    let environment = Environment::of_process();
    if let Ok(slug) = args.bottle.parse::<Slug>() {
        let folder = state_root(&environment)?.join(slug.as_str());
        if folder.join("pipelock").is_dir() {
            if let Some(number) = args.diff {
                return since(&host::state(&environment)?.bottle(&slug), number, args.json, ui);
            }
            return of_bottle(&slug, &folder, args.json, ui);
        }
    }
    let manifest = lookup::find(&args.manifest, &environment, ui)?;
    let (agent, bottle) = manifest.agent(&args.bottle).map_err(|error| {
        let sentence = format!("`{}` is neither a bottle nor an agent", args.bottle.escape_debug());
        exit::advise(error.context(sentence), "`bottle list` shows the bottles")
    })?;
    let view = PolicyView::of(&args.bottle, agent, bottle);
    if args.json {
        ui.json(&view)?;
    } else {
        ui.data(plain(&view.text()))?;
    }
    Ok(Exit::Done)
}

/// What changed since a version of the policy.
fn since(dir: &BottleDir, number: u64, as_json: bool, ui: &Ui) -> anyhow::Result<Exit> {
    let then = History(dir).version(number)?;
    let difference = Difference::between(&then, &Config::read(dir)?)?;
    if as_json {
        ui.json(&difference)?;
        return Ok(Exit::Done);
    }
    let lines = difference.lines();
    if lines.is_empty() {
        ui.say(format_args!("nothing changed since version {number}"));
    } else {
        ui.data(plain(&lines.join("\n")))?;
    }
    Ok(Exit::Done)
}

/// What the sidecars of a bottle were given: the files themselves, so it is what is judged by.
fn of_bottle(slug: &Slug, folder: &Path, as_json: bool, ui: &Ui) -> anyhow::Result<Exit> {
    let text = |name: &str| match read_plain(folder, Path::new(name), MAX_FILE) {
        Ok(bytes) => {
            let text = String::from_utf8(bytes);
            text.map(Some).with_context(|| format!("`{name}` is not UTF-8"))
        }
        Err(error) if error.is_absent() => Ok(None),
        Err(error) => Err(error.into()),
    };
    let upstream = text(&format!("pipelock/{}", pipelock::UPSTREAM_FILE))?;
    let upstream = upstream.with_context(|| format!("the policy of `{slug}` is not there"))?;
    let own = text(&format!("pipelock/{}", pipelock::BOTTLE_FILE))?;
    let routes = match text("egress/routes.yaml")? {
        Some(text) => egress::RoutesFile::parse(&text)?.routes,
        None => egress::Routes::default(),
    };
    let dir = StateDir::open(folder.parent().unwrap_or(folder))?.bottle(slug);
    let grants = match &own {
        Some(_) => Config::read(&dir).and_then(|config| config.grants()),
        // A data plane that is not ours has none.
        None => Ok(Vec::new()),
    };
    let routes: Vec<RouteView> = routes.iter().map(RouteView::of).collect();
    let pipelock: serde_json::Value = serde_yaml::from_str(&upstream)?;
    let own: Option<serde_json::Value> = own.as_deref().map(serde_yaml::from_str).transpose()?;
    let whole = json!({
        "bottle": slug, "routes": routes, "pipelock": pipelock, "bottle_yaml": own,
        "grants": grants.as_ref().ok(),
    });
    if as_json {
        ui.json(&whole)?;
        return told(slug, grants);
    }
    let mut out = format!("bottle {slug}\n");
    // The most specific is asked first.
    for route in in_order(&routes) {
        writeln!(out, "  route  {route}")?;
    }
    let allowed = pipelock.get("api_allowlist").and_then(|list| list.as_array());
    let allowed = allowed.into_iter().flatten().filter_map(|host| host.as_str());
    // pipelock's list holds the routed hosts as well, which it takes from egress alone.
    for host in allowed.filter(|host| routes.iter().all(|route| route.host != *host)) {
        writeln!(out, "  allow  {host}")?;
    }
    for grant in grants.iter().flatten() {
        let end = match grant.until {
            Some(until) if grant.is_over(proposals::now()) => format!(", ended {}", clock(until)),
            Some(until) => format!(", until {}", clock(until)),
            None => String::new(),
        };
        writeln!(out, "  grant  {} {}{end}", grant.id, grant.ask)?;
    }
    ui.data(plain(&out))?;
    told(slug, grants)
}

/// What is judged by was shown; that nobody knows what of it was granted is an error all the same.
fn told(slug: &Slug, grants: anyhow::Result<Vec<Grant>>) -> anyhow::Result<Exit> {
    grants.with_context(|| format!("what was granted to `{slug}` cannot be read")).hint(
        "the policy above is what is judged by, grants among it; `bottle rollback` puts one back \
         whose grants are known",
    )?;
    Ok(Exit::Done)
}

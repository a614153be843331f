//! `bottle doctor`: what on this host makes a start fail or weakens it, each with its remedy.

use std::path::Path;
use std::thread;

use compose_render::{Role, Slug};
use compose_run::{Compose, Docker, Flavour, RunError, program};
use nix::sys::statvfs::statvfs;

use crate::bottles::{self, Condition};
use crate::cli;
use crate::command::start;
use crate::engine::{self, Finding, Weight};
use crate::environment::Environment;
use crate::exit::{self, Exit};
use crate::host::{self, Host};
use crate::manifest::{Manifest, Runtime, lookup};
use crate::plan::{Entropy, Plan, Purpose, Wish, cores};
use crate::trust::state_root;
use crate::ui::{Ui, plain};
use crate::{agent_image, login, sidecar_images};

/// Less than this and a start does not get far.
const DISK_NEEDED: u64 = 200 << 20;
/// Less than this and a saved workspace may not fit.
const DISK_WISHED: u64 = 2 << 30;

pub(crate) fn run(args: &cli::Doctor, ui: &Ui) -> anyhow::Result<Exit> {
    let environment = Environment::of_process();
    let findings = ui.step("looking at this host", |_| look(&environment, ui));
    if args.json {
        ui.json(&findings)?;
    } else {
        for finding in &findings {
            ui.data(for_people(finding))?;
        }
    }
    let docker_missing =
        |finding: &Finding| finding.check == "docker" && finding.weight == Weight::Fails;
    Ok(if findings.iter().any(docker_missing) {
        Exit::NoDocker
    } else if findings.iter().any(|finding| finding.weight == Weight::Fails) {
        Exit::Failed
    } else {
        Exit::Done
    })
}

fn for_people(finding: &Finding) -> String {
    let word = match finding.weight {
        Weight::Good => "good",
        Weight::Weakens => "weak",
        Weight::Fails => "FAILS",
    };
    let remedy = finding.remedy.as_ref().map(|remedy| format!("\n      remedy: {remedy}"));
    plain(&format!("{word:<5} {}{}", finding.what, remedy.unwrap_or_default()))
}

fn look(environment: &Environment, ui: &Ui) -> Vec<Finding> {
    // What asks the engine takes a moment; the rest is looked at meanwhile.
    thread::scope(|scope| {
        let of_engine = scope.spawn(|| of_engine(environment));
        let mut findings = state(environment);
        findings.extend(binaries(environment));
        findings.push(pool(environment));
        let (of_manifest, runtimes) = manifest(environment, ui);
        findings.extend(of_manifest);
        let (mut all, engine) = of_engine.join().unwrap_or_default();
        if let Some(engine) = engine
            && runtimes.contains(&Runtime::Runsc)
            && !engine.runtimes.iter().any(|name| name == "runsc")
        {
            let finding = "the manifest asks for gVisor, and the engine has no runtime `runsc`";
            let remedy = "install gVisor and name it in the daemon's `runtimes`";
            findings.push(Finding::bad("runtime", Weight::Fails, finding, remedy));
        }
        all.append(&mut findings);
        all
    })
}

/// The client, the daemon, Compose, and what an earlier start left.
fn of_engine(environment: &Environment) -> (Vec<Finding>, Option<compose_run::Engine>) {
    let docker = match Docker::find() {
        Ok(docker) => docker,
        Err(error) => return (vec![no_docker(&error)], None),
    };
    let engine = match docker.engine() {
        Ok(engine) => engine,
        Err(error) => return (vec![no_docker(&error)], None),
    };
    let mut findings = vec![Finding::good("docker", "the Docker daemon answers")];
    findings.extend(engine::judge(&engine));
    findings.push(compose(&docker, environment));
    findings.push(agent(&docker, environment));
    if let Ok(host) = Host::find(environment) {
        findings.extend(left_behind(&host));
    }
    (findings, Some(engine))
}

fn no_docker(error: &RunError) -> Finding {
    let said = error.to_string();
    let remedy = if said.contains("permission denied") {
        "add yourself to the group `docker` (which makes you as good as root), and log in again"
    } else {
        "install Docker Engine 20.10 or newer, start it, and see that `docker version` answers"
    };
    Finding::bad("docker", Weight::Fails, said, remedy)
}

fn compose(docker: &Docker, environment: &Environment) -> Finding {
    match Compose::find(docker, environment.get("BOTTLE_COMPOSE")) {
        Ok(compose) if compose.flavour() == Flavour::V1 => Finding::good(
            "compose",
            "`docker-compose` 1.29 is here; Compose v2 would start bottles more quickly",
        ),
        Ok(compose) => Finding::good("compose", format!("`{}` is here", compose.command())),
        Err(error) => Finding::bad(
            "compose",
            Weight::Fails,
            error.to_string(),
            "install `docker-compose-plugin`, or Debian's `docker-compose`",
        ),
    }
}

/// Whether the standard agent image is there, or can be built.
fn agent(docker: &Docker, environment: &Environment) -> Finding {
    let exists = || -> anyhow::Result<bool> {
        let cache = agent_image::cache_folder(environment)?;
        let builder = agent_image::Builder { docker, cache: &cache, tell: &|_| () };
        builder.exists(&agent_image::name_of(&crate::manifest::Image::Standard)?)
    };
    match exists() {
        Ok(true) => Finding::good("agent-image", "the agent's image is built"),
        Ok(false) if program::found("mmdebstrap").is_some() || is_root() => Finding::good(
            "agent-image",
            "the agent's image is not built yet: the first start does it, which takes minutes",
        ),
        Ok(false) => Finding::bad(
            "agent-image",
            Weight::Weakens,
            "the agent's image is not built yet, and `mmdebstrap` is missing where no registry can \
             be reached",
            "`sudo apt-get install mmdebstrap`",
        ),
        Err(error) => Finding::bad(
            "agent-image",
            Weight::Weakens,
            format!("{error:#}"),
            "see that `docker image ls` answers, and that `HOME` is set",
        ),
    }
}

fn is_root() -> bool {
    compose_run::Owner::host().uid == 0
}

fn left_behind(host: &Host) -> Option<Finding> {
    let broken: Vec<_> = bottles::all(host)
        .ok()?
        .into_iter()
        .filter(|bottle| bottle.condition == Condition::Broken)
        .map(|bottle| bottle.slug.to_string())
        .collect();
    if broken.is_empty() {
        return None;
    }
    let finding = format!("bottles were left behind: {}", broken.join(", "));
    Some(Finding::bad("broken", Weight::Weakens, finding, "`bottle cleanup`"))
}

/// The state folder, and whether there is room in it.
fn state(environment: &Environment) -> Vec<Finding> {
    let state = match host::state(environment) {
        Ok(state) => state,
        Err(error) => return vec![of_error("state", Weight::Fails, &error)],
    };
    let path = state.path().display().to_string();
    let mut findings = vec![Finding::good("state", format!("`{path}` is ours alone"))];
    findings.extend(room(state.path()));
    for found in state.bottles().unwrap_or_default() {
        if let Err(error) = found.metadata {
            let finding = format!("bottle `{}`: {error}", found.dir.slug());
            let remedy = "set it right by hand, or `bottle cleanup`";
            findings.push(Finding::bad("state", Weight::Weakens, finding, remedy));
        }
    }
    findings
}

fn room(path: &Path) -> Option<Finding> {
    let disk = statvfs(path).ok()?;
    let free = disk.blocks_available().saturating_mul(disk.fragment_size());
    let finding = format!("{} MiB are free below `{}`", free >> 20, path.display());
    let weight = match free {
        free if free < DISK_NEEDED => Weight::Fails,
        free if free < DISK_WISHED => Weight::Weakens,
        _ => return Some(Finding::good("disk", finding)),
    };
    let remedy = "make room; `bottle cleanup --all` throws away what stopped bottles keep";
    Some(Finding::bad("disk", weight, finding, remedy))
}

fn binaries(environment: &Environment) -> Vec<Finding> {
    let sidecars = sidecar_images::folder(environment);
    let recipes = [Role::Pipelock, Role::Egress]
        .map(|role| sidecar_images::recipe(role, &sidecars).map(drop));
    let all = recipes.into_iter().chain([sidecar_images::guest(&sidecars).map(drop)]);
    let bad: Vec<_> = all
        .filter_map(Result::err)
        .map(|error| of_error("sidecars", Weight::Fails, &error))
        .collect();
    if bad.is_empty() {
        let folder = sidecars.dir().display();
        return vec![Finding::good(
            "sidecars",
            format!("the sidecars' binaries are in `{folder}`"),
        )];
    }
    bad
}

fn pool(environment: &Environment) -> Finding {
    match start::pool(environment) {
        Ok(pool) => match pool.free_subnets() {
            Ok(0 | 1) => Finding::bad(
                "subnets",
                Weight::Fails,
                format!("this host's routes leave no subnet of {pool} free"),
                "name another private network in `BOTTLE_SUBNETS`",
            ),
            Ok(free) => {
                let finding = format!("{} bottles find a place in {pool}", free / 2);
                Finding::good("subnets", finding)
            }
            Err(error) => Finding::bad(
                "subnets",
                Weight::Weakens,
                error.to_string(),
                "see that `/proc/net/route` can be read",
            ),
        },
        Err(error) => of_error("subnets", Weight::Fails, &error),
    }
}

/// The manifest that a start here would read, and whether each of its agents could be started.
fn manifest(environment: &Environment, ui: &Ui) -> (Vec<Finding>, Vec<Runtime>) {
    let manifest = match lookup::find(&cli::ManifestChoice::default(), environment, ui) {
        Ok(manifest) => manifest,
        Err(error) => return (vec![of_error("manifest", Weight::Fails, &error)], Vec::new()),
    };
    let mut findings = vec![Finding::good("manifest", format!("{} counts", manifest.origin))];
    for name in manifest.agents.keys() {
        if let Err(error) = plan(&manifest, name, environment) {
            findings.push(of_error(
                "agent",
                Weight::Fails,
                &error.context(format!("agent `{name}`")),
            ));
        }
    }
    (findings, manifest.bottles.values().map(|bottle| bottle.runtime).collect())
}

fn plan(manifest: &Manifest, agent: &str, environment: &Environment) -> anyhow::Result<Plan> {
    let slug: Slug = "doctor".parse()?;
    let wish = Wish {
        purpose: Purpose::Start,
        agent: agent.to_owned(),
        slug: slug.clone(),
        // Any folder: the one a start will be given is not known.
        workspace: std::env::temp_dir(),
        include: Vec::new(),
        args: Vec::new(),
        stand_in: None,
        entropy: Entropy::draw(),
        cores: cores(),
    };
    let plan = Plan::make(manifest, wish, environment);
    // A login was only looked at, and is no bottle's.
    login::release(&state_root(environment)?, &slug)?;
    let plan = plan?;
    crate::provision::check(&plan)?;
    Ok(plan)
}

fn of_error(check: &'static str, weight: Weight, error: &anyhow::Error) -> Finding {
    let finding = format!("{error:#}");
    let finding = finding.lines().map(str::trim).collect::<Vec<_>>().join("; ");
    let remedy = exit::hint_of(error).unwrap_or("see above").to_owned();
    Finding::bad(check, weight, finding, remedy)
}

#[cfg(test)]
mod tests {
    use compose_run::replace;

    use super::*;
    use crate::manifest::Origin;

    #[test]
    fn a_login_is_looked_at_and_left_where_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path();
        std::fs::create_dir(home.join(".gemini")).unwrap();
        let login = r#"{"access_token":"canary-access-0123","refresh_token":"canary-refresh-0123",
            "expiry_date":1900000000000}"#;
        replace(&home.join(".gemini/oauth_creds.json"), login.as_bytes(), 0o600).unwrap();
        let state = home.join("state");
        let environment = Environment::from([
            ("HOME", home.to_str().unwrap()),
            ("BOTTLE_STATE_DIR", state.to_str().unwrap()),
        ]);
        let text = "version: 1\nagents: {a: {bottle: b, command: [x]}}\nbottles:\n  b: {egress: \
                    {routes: [{preset: gemini-subscription}]}}\n";
        let manifest = Manifest::read(text, Origin::BuiltIn, None).unwrap();
        plan(&manifest, "a", &environment).unwrap();
        let kept = std::fs::read(state.join(".credentials/gemini.json")).unwrap();
        let kept: serde_json::Value = serde_json::from_slice(&kept).unwrap();
        assert!(kept["owner"].is_null() && kept["tokens"].is_object(), "{kept}");
    }
}

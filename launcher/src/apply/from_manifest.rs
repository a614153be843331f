//! A manifest as it stands now, as the policy of a bottle that runs.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context as _, anyhow};
use compose_render::{Role, Secret};
use compose_run::Owner;

use super::followed::Followed;
use super::{Config, Started, Target, edit};
use crate::environment::Environment;
use crate::exit::{self, Hint as _};
use crate::manifest::{self, Manifest, Source};
use crate::plan::{Entropy, Ground, Images, Places, Plan, Purpose, Wish, cores, fingerprints};
use crate::{proposals, sources, steps};

/// What a manifest comes to for a bottle.
#[derive(Debug)]
pub(crate) struct Wanted {
    pub config: Config,
    /// Values of credentials that are set here, for egress.
    pub values: BTreeMap<String, Secret>,
    /// Parts of the manifest that a running bottle does not follow.
    pub waiting: Vec<String>,
}

/// Reads the manifest for the bottle that is held.
///
/// # Errors
///
/// What cannot be had while it runs, and credentials that nobody has.
pub(crate) fn from_manifest(
    target: &Target<'_>,
    manifest: &Manifest,
    current: &Config,
    environment: &Environment,
) -> anyhow::Result<Wanted> {
    let slug = target.dir.slug();
    let mut plan = plan(target, manifest, environment)?;
    let file = current.routes.as_deref().map(egress::RoutesFile::parse).transpose()?;
    if file.is_none() && !plan.routes.is_empty() {
        return Err(exit::refused(format!(
            "`{slug}` was started without routes, so without egress"
        )))
        .hint("stop the bottle and start it again with the manifest as it is now");
    }
    let routes = manifest.agent(&target.metadata.agent)?.1.routes.as_slice();
    logins_are_held(routes, file.as_ref())?;
    let read = sources::read(routes, environment, None);
    if let Some(fault) = read.faults.into_iter().next() {
        return Err(exit::refused(fault.message));
    }
    let values = credentials(&mut plan, file.as_ref(), &read.environment)?;
    let ground = ground(target, file.as_ref())?;
    let (base, then) = (current.base()?, Started::read(&target.dir));
    let stand_in = target.metadata.stand_in.is_some();
    let followed = Followed::of(&plan, &ground, &base, then.as_ref(), stand_in)?;
    let routes = file.map(|file| {
        // As they were at the start: egress knows since then when each expires.
        let stays = |renewal: &&egress::Renewal| {
            plan.renewals.iter().any(|wanted| wanted.variable == renewal.variable)
        };
        let renewals = file.routes.renewals().iter().filter(stays).cloned().collect();
        let routes = egress::Routes::new(plan.routes.clone()).with_renewals(renewals);
        egress::RoutesFile { routes, ..file }.render()
    });
    let config = Config {
        upstream: followed.upstream,
        bottle: known_by_fingerprint(target, &plan.routes, &values, &followed.bottle)?,
        routes,
        gate: followed.gate,
        granted: String::new(),
    };
    // What people granted is theirs to take back, not an edit's.
    let config = config.with_grants(&current.grants()?, &ground.addresses, proposals::now())?;
    config.check()?;
    Ok(Wanted { config, values, waiting: followed.waiting })
}

/// The fingerprints with those of values that are new: pipelock knows a value wherever it strays,
/// and those before it are secrets still.
fn known_by_fingerprint(
    target: &Target<'_>,
    routes: &[egress::Route],
    values: &BTreeMap<String, Secret>,
    bottle: &str,
) -> anyhow::Result<String> {
    if values.is_empty() {
        return Ok(bottle.to_owned());
    }
    let hop_secret = target.hop_secret()?;
    let known = fingerprints::under(&hop_secret, routes, |name| values.get(name.as_str()));
    known.iter().try_fold(bottle.to_owned(), |text, one| edit::with_secret(&text, one))
}

fn plan(
    target: &Target<'_>,
    manifest: &Manifest,
    environment: &Environment,
) -> anyhow::Result<Plan> {
    let workspace = target.metadata.workspace_dir.as_ref().map(PathBuf::from);
    let wish = Wish {
        // What is missing is judged here: egress has most values already.
        purpose: Purpose::Show,
        agent: target.metadata.agent.clone(),
        slug: target.dir.slug().clone(),
        workspace: workspace.filter(|path| path.is_dir()).unwrap_or_else(|| PathBuf::from(".")),
        include: Vec::new(),
        args: Vec::new(),
        stand_in: None,
        entropy: Entropy::draw(),
        cores: cores(),
    };
    Plan::make(manifest, wish, environment)
}

/// A login is taken at a start, with the bottle's name: what egress holds of it no apply brings.
fn logins_are_held(
    routes: &[manifest::Route],
    file: Option<&egress::RoutesFile>,
) -> anyhow::Result<()> {
    let held = |variable: &str| {
        let renewals = file.into_iter().flat_map(|file| file.routes.renewals());
        renewals.map(|renewal| renewal.variable.as_str()).any(|name| name == variable)
    };
    for (variable, source) in routes.iter().flat_map(|route| &route.sources) {
        if matches!(source, Source::Login(_)) && !held(variable) {
            let sentence =
                format!("`{variable}` is a login, and a bottle takes a login at its start alone");
            return Err(exit::refused(sentence))
                .hint("stop the bottle and start it again, or name a token in a variable");
        }
    }
    Ok(())
}

/// Gives each credential the placeholder that the agent has, and collects the values that are set.
fn credentials(
    plan: &mut Plan,
    file: Option<&egress::RoutesFile>,
    environment: &Environment,
) -> anyhow::Result<BTreeMap<String, Secret>> {
    let known: BTreeMap<String, Option<egress::Placeholder>> = file
        .into_iter()
        .flat_map(|file| file.routes.iter())
        .flat_map(|route| &route.credentials)
        .map(|one| (one.variable.to_string(), one.placeholder.clone()))
        .collect();
    if let Some(file) = file {
        stay_where_they_are(plan, file)?;
    }
    // What egress renews by itself is newer than anything here.
    let renewals = plan.renewals.clone();
    let mut values = BTreeMap::new();
    for credential in plan.routes.iter_mut().flat_map(|route| &mut route.credentials) {
        let variable = credential.variable.as_str().to_owned();
        if let Some(Some(placeholder)) = known.get(&variable) {
            credential.placeholder = Some(placeholder.clone());
        }
        let renewed = renewals.iter().any(|renewal| renewal.variable == credential.variable);
        match environment.get(&variable).filter(|_| !renewed) {
            Some(value) if value.contains(egress::MARK) => {
                return Err(exit::refused(format!(
                    "`{variable}` holds a placeholder of a bottle, not a credential"
                )));
            }
            Some(value) => {
                egress::check_secret(&credential.form, value)
                    .map_err(anyhow::Error::from)
                    .with_context(|| format!("the value of `{variable}` cannot be used"))?;
                values.insert(variable, Secret::new(value.to_owned()));
            }
            None if known.contains_key(&variable) => {}
            None => {
                return Err(exit::refused(format!(
                    "`{variable}` is not set, and this bottle does not have it yet"
                )))
                .hint(format!("export {variable}=…"));
            }
        }
    }
    Ok(values)
}

/// pipelock knows each credential by a fingerprint and by the hosts that its routes had at the start,
/// and would deny it elsewhere.
fn stay_where_they_are(plan: &Plan, file: &egress::RoutesFile) -> anyhow::Result<()> {
    let used = |route: &egress::Route, variable: &egress::VariableName| {
        route.credentials.iter().any(|one| one.variable == *variable)
    };
    for route in &plan.routes {
        for variable in route.credentials.iter().map(|one| &one.variable) {
            let mut known = file.routes.iter().filter(|old| used(old, variable)).peekable();
            if known.peek().is_some() && !known.any(|old| old.host.contains(&route.host)) {
                let host = &route.host;
                let sentence = format!("`{variable}` would come to be used on `{host}` as well");
                return Err(exit::refused(sentence)).hint(
                    "a credential gets another host at a start alone: stop the bottle and start it",
                );
            }
        }
    }
    Ok(())
}

/// The ground the bottle was started on.
fn ground(target: &Target<'_>, file: Option<&egress::RoutesFile>) -> anyhow::Result<Ground> {
    let metadata = &target.metadata;
    let unknown = || anyhow!("the bottle's `metadata.json` does not say where it stands");
    let image = |role: Role| metadata.images.get(&role).cloned();
    let owner = Owner::of_sidecars();
    Ok(Ground {
        addresses: metadata.addresses.ok_or_else(unknown)?,
        images: Images {
            agent: image(Role::Agent).ok_or_else(unknown)?,
            pipelock: image(Role::Pipelock).ok_or_else(unknown)?,
            egress: image(Role::Egress),
            git_gate: image(Role::GitGate),
            supervise: image(Role::Supervise),
        },
        places: Places {
            bottle: target.dir.path().to_owned(),
            owner: (owner.uid, owner.gid),
            agent: (owner.uid, owner.gid),
        },
        pipelock_authority: file.map(|file| file.pipelock.authority.clone()).unwrap_or_default(),
        authority_keys: Vec::new(),
        host_addresses: steps::host_addresses()?,
    })
}

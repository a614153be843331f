//! What an agent asks for as a change of the files. Computed here; nothing of it is the agent's word.

use std::cmp::Reverse;

use anyhow::Context as _;
use compose_render::{Addresses, HostPattern, Role};
use supervise::{Ask, Requests};

use super::risk::{self, Risk};
use super::{Config, edit};
use crate::exit::{self, Hint as _};

/// The policy with what was asked for, and what that opens.
///
/// # Errors
///
/// What cannot be granted, and what is allowed already.
pub(crate) fn grant(
    config: &Config,
    ask: &Ask,
    addresses: &Addresses,
) -> anyhow::Result<(Config, Vec<Risk>)> {
    let policy = pipelock::Policy::read(&config.upstream, &config.bottle)?.policy;
    let own = routes(config)?;
    for requests in ask.requests() {
        let host = &requests.host;
        if policy.blocked.iter().any(|blocked| blocked.overlaps(host)) {
            return Err(exit::refused(format!(
                "`{host}` is blocked by name, which no grant undoes"
            )));
        }
    }
    let allowed = |requests: &Requests| {
        let host = &requests.host;
        let lasting = |allowed: &&HostPattern| {
            allowed.contains(host) && policy.until.iter().all(|one| one.host != **allowed)
        };
        policy.allow.iter().any(|allowed| lasting(&allowed))
            && !own.iter().any(|route| route.host.overlaps(host))
            && !policy.routed.contains(host)
    };
    let asked = ask.requests();
    if !asked.is_empty() && ask.credential().is_none() && asked.iter().all(allowed) {
        return Err(exit::refused(format!("{ask}: this is allowed already")))
            .hint("deny the proposal, or tell the agent to try again");
    }
    let after = put(config, ask, None, addresses)?;
    after.check()?;
    let risks = risk::of(ask, &own, config.routes.is_some());
    Ok((after, risks))
}

/// The policy with that on top, whether it was allowed already or not.
pub(super) fn put(
    config: &Config,
    ask: &Ask,
    until: Option<u64>,
    addresses: &Addresses,
) -> anyhow::Result<Config> {
    let own = routes(config)?;
    let mut after = config.clone();
    for requests in ask.requests() {
        let credentials = match ask.credential() {
            Some(variable) => held(&own, variable, &requests.host)?,
            None => Vec::new(),
        };
        after = with_requests(&after, &requests, &credentials, until, addresses)?;
    }
    Ok(after)
}

fn with_requests(
    config: &Config,
    asked: &Requests,
    credentials: &[egress::Credential],
    until: Option<u64>,
    addresses: &Addresses,
) -> anyhow::Result<Config> {
    let host = asked.host.to_string();
    let mut after = config.clone();
    let was_there = edit::has_item(&config.upstream, "api_allowlist", &host)?;
    after.upstream = edit::with_item(&config.upstream, "api_allowlist", &host)?;
    after.bottle = edit::with_end(&config.bottle, &host, until, was_there)?;
    let Some(text) = &config.routes else { return Ok(after) };
    let file = egress::RoutesFile::parse(text)?;
    let overlaps = file.routes.iter().any(|route| route.host.overlaps(&asked.host));
    if !asked.is_narrow() && !overlaps && credentials.is_empty() {
        return Ok(after);
    }
    let mut route = route(asked)?;
    route.until = until;
    route.credentials = credentials.to_vec();
    let mut all: Vec<_> = file.routes.iter().cloned().collect();
    all.push(route);
    let routes = egress::Routes::new(all).with_renewals(file.routes.renewals().to_vec());
    let file = egress::RoutesFile { routes, ..file };
    after.routes = Some(file.render());
    after.bottle = edit::with_item(&after.bottle, "routed", &host)?;
    let at = addresses.internal(Role::Egress).to_string();
    after.bottle = edit::with_value(&after.bottle, "egress", &at)?;
    for credential in credentials {
        after.bottle = edit::with_home(&after.bottle, credential.variable.as_str(), &host)?;
    }
    Ok(after)
}

/// The credential of that name as the bottle has it, with those that go with it. No grant brings a
/// value along.
fn held(
    own: &[egress::Route],
    variable: &str,
    host: &HostPattern,
) -> anyhow::Result<Vec<egress::Credential>> {
    together(own.iter(), variable, host)
        .ok_or_else(|| exit::refused(format!("this bottle has no credential `{variable}`")))
        .hint("a new one comes by the manifest: a route with it, and `bottle apply`")
}

/// That credential, and on a host where a route has it all that the route puts in besides: a service
/// that wants two refuses one, and the agent sends a placeholder of each. Where several routes have
/// it, the one with most counts. On another host it goes alone.
pub(crate) fn together<'a>(
    own: impl Iterator<Item = &'a egress::Route> + Clone,
    variable: &str,
    host: &HostPattern,
) -> Option<Vec<egress::Credential>> {
    let is_it = |one: &egress::Credential| one.variable.as_str() == variable;
    let with_it = own.filter(|route| route.credentials.iter().any(is_it));
    let there = with_it
        .clone()
        .filter(|route| route.port == egress::DEFAULT_PORT && route.host.contains(host))
        .min_by_key(|route| Reverse(route.credentials.len()));
    match there {
        Some(route) => Some(route.credentials.clone()),
        None => with_it
            .flat_map(|route| &route.credentials)
            .find(|one| is_it(one))
            .cloned()
            .map(|one| vec![one]),
    }
}

fn routes(config: &Config) -> anyhow::Result<Vec<egress::Route>> {
    let file = config.routes.as_deref().map(egress::RoutesFile::parse).transpose()?;
    Ok(file.map(|file| file.routes.iter().cloned().collect()).unwrap_or_default())
}

/// A route that only narrows: a credential is put in by whoever calls.
fn route(ask: &Requests) -> anyhow::Result<egress::Route> {
    let mut route = egress::Route::to(ask.host.clone());
    let refused = |text: &String| format!("`{}` is not to be had in a route", text.escape_debug());
    for method in &ask.methods {
        route.methods.push(method.parse().with_context(|| refused(method))?);
    }
    for path in &ask.paths {
        route.paths.push(path.parse().with_context(|| refused(path))?);
    }
    Ok(route)
}

#[cfg(test)]
mod tests;

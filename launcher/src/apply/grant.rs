//! What an agent asks for as a change of the files. Computed here; nothing of it is the agent's word.

use anyhow::Context as _;
use compose_render::{Addresses, Role};
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
        let lasting = |allowed: &&compose_render::HostPattern| {
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
    let credential = match ask.credential() {
        Some(variable) => Some(held(config, variable)?),
        None => None,
    };
    let mut after = config.clone();
    for requests in ask.requests() {
        after = with_requests(&after, &requests, credential.as_ref(), until, addresses)?;
    }
    Ok(after)
}

fn with_requests(
    config: &Config,
    asked: &Requests,
    credential: Option<&egress::Credential>,
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
    if !asked.is_narrow() && !overlaps && credential.is_none() {
        return Ok(after);
    }
    let mut route = route(asked)?;
    route.until = until;
    route.credentials.extend(credential.cloned());
    let mut all: Vec<_> = file.routes.iter().cloned().collect();
    all.push(route);
    let file = egress::RoutesFile {
        pipelock: file.pipelock.clone(),
        supervised: file.supervised,
        routes: egress::Routes::new(all).with_renewals(file.routes.renewals().to_vec()),
    };
    after.routes = Some(file.render());
    after.bottle = edit::with_item(&after.bottle, "routed", &host)?;
    let at = addresses.internal(Role::Egress).to_string();
    after.bottle = edit::with_value(&after.bottle, "egress", &at)?;
    if let Some(credential) = credential {
        after.bottle = edit::with_home(&after.bottle, credential.variable.as_str(), &host)?;
    }
    Ok(after)
}

/// The credential of that name as the bottle has it. No grant brings a value along.
fn held(config: &Config, variable: &str) -> anyhow::Result<egress::Credential> {
    let own = routes(config)?;
    let mut held = own.iter().flat_map(|route| &route.credentials);
    held.find(|one| one.variable.as_str() == variable)
        .cloned()
        .ok_or_else(|| exit::refused(format!("this bottle has no credential `{variable}`")))
        .hint("a new one comes by the manifest: a route with it, and `bottle apply`")
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
mod tests {
    use super::*;
    use crate::apply::Difference;
    use crate::apply::config::tests::config;

    fn ask(host: &str, methods: &[&str], paths: &[&str]) -> Ask {
        let texts = |list: &[&str]| list.iter().map(|&text| text.to_owned()).collect();
        let host = host.parse().unwrap();
        Ask::Egress(Requests { host, methods: texts(methods), paths: texts(paths) })
    }

    fn granted(ask: &Ask) -> anyhow::Result<(Vec<String>, Vec<String>)> {
        let addresses = Addresses::new("10.213.0.0/28".parse()?, "10.213.0.16/28".parse()?)?;
        let (after, risks) = grant(&config(), ask, &addresses)?;
        let lines = Difference::between(&config(), &after)?.lines();
        let name = |risk: &Risk| risk.text().split(':').next().unwrap_or_default().to_owned();
        Ok((lines, risks.iter().map(name).collect()))
    }

    #[test]
    fn a_host_to_read_from_becomes_a_route_that_only_narrows() {
        let (lines, risks) = granted(&ask("new.example.com", &["GET"], &["/docs/**"])).unwrap();
        assert_eq!(lines, ["+ route new.example.com: GET, /docs/**, with no credential"]);
        assert!(risks.is_empty(), "{risks:?}");
    }

    #[test]
    fn j4_what_a_grant_opens_is_computed() {
        let risks = |host, methods: &[&str]| granted(&ask(host, methods, &[])).unwrap().1;
        assert_eq!(risks("new.example.com", &[]), ["new-write-method"]);
        assert_eq!(risks("new.example.com", &["GET", "POST"]), ["new-write-method"]);
        assert_eq!(risks("*.example.com", &["GET"]), ["whole-domain"]);
        assert_eq!(risks("gist.github.com", &["GET"]), ["side-door"]);
        for inside in ["169.254.169.254", "metadata", "metadata.google.internal", "10.0.0.7"] {
            assert_eq!(risks(inside, &["GET"]), ["link-local-reach"], "{inside}");
        }
        assert_eq!(risks("api.example.net", &["GET"]), ["credential-reach-expansion"]);
        let (lines, risks) = granted(&ask("*.example.net", &[], &[])).unwrap();
        assert_eq!(risks, ["credential-reach-expansion", "whole-domain", "new-write-method"]);
        // Whatever was asked for, no credential comes to be used anywhere else.
        assert_eq!(lines, ["+ route *.example.net: every method, every path, with no credential"]);
    }

    #[test]
    fn what_is_allowed_already_is_no_change() {
        assert!(granted(&ask("docs.example.org", &["GET"], &[])).is_err());
    }

    #[test]
    fn a_bottle_without_egress_says_that_it_allows_more_than_was_asked_for() {
        let without = Config { routes: None, ..config() };
        let bottle = edit::with_keys_of(&without.bottle, "routed: []\n", &["routed"]).unwrap();
        let without = Config { bottle, ..without };
        let addresses =
            Addresses::new("10.213.0.0/28".parse().unwrap(), "10.213.0.16/28".parse().unwrap())
                .unwrap();
        let ask = ask("new.example.com", &["GET"], &["/x"]);
        let (after, risks) = grant(&without, &ask, &addresses).unwrap();
        assert_eq!(risks, [Risk::NewWriteMethod, Risk::WholeHost]);
        let lines = Difference::between(&without, &after).unwrap().lines();
        assert_eq!(lines, ["+ allow new.example.com: every method, every path"]);
    }
}

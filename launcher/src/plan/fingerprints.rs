//! What pipelock and git-gate are told of the bottle's secrets: fingerprints, and the hosts that each
//! may go to. A private key is known by the digits of its armour in one row, as both read lines of
//! digits however they are broken.

use std::collections::{BTreeMap, BTreeSet};

use compose_render::{HostPattern, Secret, contract};
use dlp::{Fingerprint, Key};
use git_gate::Repository;
use pipelock::{KnownSecret, fingerprint_key};
use sha2::{Digest as _, Sha256};

use super::Plan;
use crate::hex::hex;

/// Of all that the bottle's sidecars hold: credentials, logins, and private keys; `authorities` are
/// those of the two that intercept.
pub(super) fn of(plan: &Plan, authorities: &[Secret]) -> Vec<KnownSecret> {
    let secrets = &plan.secrets;
    let Some(hop_secret) = secrets.get(contract::HOP_SECRET_VARIABLE) else { return Vec::new() };
    let mut homes = at_home(&plan.routes, |name| secrets.get(&name.in_egress()));
    for renewal in &plan.renewals {
        let host = renewal.endpoint.host().parse::<HostPattern>();
        if let (Some(value), Ok(host)) = (secrets.get(&renewal.refresh.in_egress()), host) {
            homes.entry(value.expose().to_owned()).or_default().hosts.insert(host);
        }
    }
    // What git-gate and the proxy further on are shown goes by no host of the agent's.
    let tokens = plan.git.iter().filter_map(|repository| repository.credential.as_ref());
    let names = tokens.map(|token| git_gate::GitGate::variable_inside(&token.env));
    for name in names.chain([compose_render::upstream_proxy_variable()]) {
        if let Some(value) = secrets.get(&name) {
            // Where a route has the same one, its home stays.
            homes.entry(value.expose().to_owned()).or_default();
        }
    }
    for row in rows(plan, authorities) {
        homes.insert(row, Home::default());
    }
    known(hop_secret, homes)
}

/// Of every credential of the routes whose value is at hand. The key is made from the hop secret,
/// which lives as long as the bottle and is in no file; values that are too short to be known by one
/// are left out.
pub(crate) fn under<'a>(
    hop_secret: &Secret,
    routes: &[egress::Route],
    value_of: impl Fn(&egress::VariableName) -> Option<&'a Secret>,
) -> Vec<KnownSecret> {
    known(hop_secret, at_home(routes, value_of))
}

fn at_home<'a>(
    routes: &[egress::Route],
    value_of: impl Fn(&egress::VariableName) -> Option<&'a Secret>,
) -> BTreeMap<String, Home> {
    let mut homes: BTreeMap<String, Home> = BTreeMap::new();
    for route in routes {
        for credential in &route.credentials {
            if let Some(value) = value_of(&credential.variable) {
                let home = homes.entry(value.expose().to_owned()).or_default();
                home.hosts.insert(route.host.clone());
                home.names.insert(credential.variable.to_string());
            }
        }
    }
    homes
}

fn known(hop_secret: &Secret, homes: BTreeMap<String, Home>) -> Vec<KnownSecret> {
    let key = Key::new(fingerprint_key(hop_secret));
    homes.into_iter().filter_map(|(value, home)| one(&key, &value, home)).collect()
}

/// Every private key, each as one row of digits.
fn rows(plan: &Plan, authorities: &[Secret]) -> Vec<String> {
    let keys = plan.git.iter().filter_map(|repository| repository.key.as_ref());
    keys.chain(authorities).flat_map(|key| armoured(key.expose())).collect()
}

/// The digits of each private key in a PEM text.
fn armoured(text: &str) -> Vec<String> {
    let (mut rows, mut open) = (Vec::new(), None::<String>);
    for line in text.lines().map(str::trim) {
        if let Some(label) = line.strip_prefix("-----BEGIN ") {
            open = label.ends_with("PRIVATE KEY-----").then(String::new);
        } else if line.starts_with("-----END ") {
            rows.extend(open.take());
        } else if let Some(row) = &mut open {
            row.push_str(line);
        }
    }
    rows
}

/// Where a value may go, and what it is called.
#[derive(Default)]
struct Home {
    hosts: BTreeSet<HostPattern>,
    names: BTreeSet<String>,
}

/// The same for git-gate: none of them is to be in a repository.
pub(super) fn for_git_gate(plan: &Plan, authorities: &[Secret]) -> Option<Secret> {
    let Plan { slug, secrets, .. } = plan;
    let hop_secret = secrets.get(contract::HOP_SECRET_VARIABLE).map_or("", Secret::expose);
    let digest = Sha256::new()
        .chain_update(b"bottle fingerprints of git-gate\0")
        .chain_update(slug.as_str())
        .chain_update(hop_secret)
        .finalize();
    let credentials =
        secrets.iter().filter(|(name, _)| name.starts_with(contract::CREDENTIAL_PREFIX));
    let rows = rows(plan, authorities);
    let values =
        credentials.map(|(_, value)| value.expose()).chain(rows.iter().map(String::as_str));
    git_gate::fingerprints(digest.into(), values).map(Secret::new)
}

/// What of it has none, in words: a short value could be guessed from it, and of a long one a stream
/// would have to be held back.
pub(super) fn without(plan: &Plan) -> Vec<String> {
    let key = Key::new([0; 32]);
    let has_none = |value: &str| Fingerprint::of(&key, value.as_bytes()).is_none();
    let credentials = plan.secrets.iter().filter_map(|(name, value)| {
        let name = name.strip_prefix(contract::CREDENTIAL_PREFIX)?;
        has_none(value.expose()).then(|| format!("the value of `{name}`"))
    });
    let keys = plan.git.iter().filter_map(|Repository { url, key, .. }| {
        let rows = armoured(key.as_ref()?.expose());
        (rows.is_empty() || rows.iter().any(|row| has_none(row)))
            .then(|| format!("the key of `{url}`"))
    });
    credentials.chain(keys).collect()
}

fn one(key: &Key, value: &str, home: Home) -> Option<KnownSecret> {
    let Fingerprint { len, rolling, mac } = Fingerprint::of(key, value.as_bytes())?;
    Some(KnownSecret {
        length: len,
        rolling: hex(&rolling.to_be_bytes()),
        mac: hex(&mac),
        hosts: home.hosts.into_iter().collect(),
        names: home.names.into_iter().collect(),
    })
}

#[cfg(test)]
mod tests;

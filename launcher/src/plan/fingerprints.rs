//! What pipelock is told of the credentials: fingerprints, and the hosts that each may go to.

use std::collections::{BTreeMap, BTreeSet};

use compose_render::{HostPattern, Secret, Slug, contract};
use dlp::{Fingerprint, Key};
use pipelock::{FINGERPRINT_KEY_LABEL, KnownSecret};
use sha2::{Digest as _, Sha256};

use crate::hex::hex;

/// Of every credential of the routes.
pub(super) fn of(routes: &[egress::Route], secrets: &BTreeMap<String, Secret>) -> Vec<KnownSecret> {
    let Some(hop_secret) = secrets.get(contract::HOP_SECRET_VARIABLE) else { return Vec::new() };
    under(hop_secret, routes, |name| secrets.get(&name.in_egress()))
}

/// Of every credential of the routes whose value is at hand. The key is made from the hop secret,
/// which lives as long as the bottle and is in no file; values that are too short to be known by one
/// are left out.
pub(crate) fn under<'a>(
    hop_secret: &Secret,
    routes: &[egress::Route],
    value_of: impl Fn(&egress::VariableName) -> Option<&'a Secret>,
) -> Vec<KnownSecret> {
    let digest = Sha256::new()
        .chain_update(FINGERPRINT_KEY_LABEL)
        .chain_update(hop_secret.expose())
        .finalize();
    let key = Key::new(digest.into());
    let mut homes: BTreeMap<&str, Home> = BTreeMap::new();
    for route in routes {
        for credential in &route.credentials {
            if let Some(value) = value_of(&credential.variable) {
                let home = homes.entry(value.expose()).or_default();
                home.hosts.insert(route.host.clone());
                home.names.insert(credential.variable.to_string());
            }
        }
    }
    homes.into_iter().filter_map(|(value, home)| known(&key, value, home)).collect()
}

/// Where a value may go, and what it is called.
#[derive(Default)]
struct Home {
    hosts: BTreeSet<HostPattern>,
    names: BTreeSet<String>,
}

/// The same for git-gate, of every credential a sidecar holds: none of them is to be in a repository.
pub(super) fn for_git_gate(slug: &Slug, secrets: &BTreeMap<String, Secret>) -> Option<Secret> {
    let hop_secret = secrets.get(contract::HOP_SECRET_VARIABLE).map_or("", Secret::expose);
    let digest = Sha256::new()
        .chain_update(b"bottle fingerprints of git-gate\0")
        .chain_update(slug.as_str())
        .chain_update(hop_secret)
        .finalize();
    let credentials =
        secrets.iter().filter(|(name, _)| name.starts_with(contract::CREDENTIAL_PREFIX));
    let values = credentials.map(|(_, value)| value.expose());
    git_gate::fingerprints(digest.into(), values).map(Secret::new)
}

/// The variables of credentials that have none: a short value could be guessed from it.
pub(super) fn without(secrets: &BTreeMap<String, Secret>) -> Vec<&str> {
    let key = Key::new([0; 32]);
    let short = |value: &Secret| Fingerprint::of(&key, value.expose().as_bytes()).is_none();
    let named = secrets.iter().filter_map(|(name, value)| {
        let name = name.strip_prefix(contract::CREDENTIAL_PREFIX)?;
        short(value).then_some(name)
    });
    named.collect()
}

fn known(key: &Key, value: &str, home: Home) -> Option<KnownSecret> {
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
mod tests {
    use super::*;

    #[test]
    fn a_credential_that_is_too_short_is_named_and_not_known() {
        let secrets = [
            ("BOTTLE_CREDENTIAL_SHORT", "fifteen-chars-x"),
            ("BOTTLE_CREDENTIAL_SPACED", "with a space in it and long"),
            ("BOTTLE_CREDENTIAL_LONG", "sixteen-chars-xx"),
            (contract::HOP_SECRET_VARIABLE, "hop"),
        ];
        let secrets = secrets.map(|(name, value)| (name.to_owned(), Secret::new(value.to_owned())));
        assert_eq!(without(&BTreeMap::from(secrets)), ["SHORT", "SPACED"]);
    }

    #[test]
    fn a_credential_is_known_by_its_fingerprint_and_its_hosts() {
        let route = |host: &str| egress::Route {
            host: host.parse().unwrap(),
            credentials: vec![egress::Credential {
                variable: "TOKEN".parse().unwrap(),
                form: egress::Form::Bearer,
                placeholder: None,
            }],
            ..egress::Route::to("a.org".parse().unwrap())
        };
        let value = "a-value-of-more-than-sixteen";
        let secrets = BTreeMap::from([
            (contract::HOP_SECRET_VARIABLE.to_owned(), Secret::new("hop".to_owned())),
            ("BOTTLE_CREDENTIAL_TOKEN".to_owned(), Secret::new(value.to_owned())),
        ]);
        let found = of(&[route("b.org"), route("a.org")], &secrets);
        let [known] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!(known.length, value.len());
        let hosts: Vec<String> = known.hosts.iter().map(ToString::to_string).collect();
        assert_eq!(hosts, ["a.org", "b.org"]);
        assert!(!format!("{found:?}").contains(value));
        assert_eq!(of(&[route("a.org")], &BTreeMap::new()), []);
    }
}

//! What pipelock and git-gate are told of the bottle's secrets: fingerprints, and the hosts that each
//! may go to. A private key is known by the digits of its armour in one row, as both read lines of
//! digits however they are broken.

use std::collections::{BTreeMap, BTreeSet};

use compose_render::{HostPattern, Secret, contract};
use dlp::{Fingerprint, Key};
use git_gate::Repository;
use pipelock::{FINGERPRINT_KEY_LABEL, KnownSecret};
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
    for name in names.chain([pipelock::upstream_proxy_variable()]) {
        homes.extend(secrets.get(&name).map(|value| nowhere(value.expose(), &homes)));
    }
    for row in rows(plan, authorities) {
        homes.insert(row, Home::default());
    }
    known(hop_secret, homes)
}

/// A value with no home of its own; where a route has the same one, with that.
fn nowhere(value: &str, homes: &BTreeMap<String, Home>) -> (String, Home) {
    (value.to_owned(), homes.get(value).cloned().unwrap_or_default())
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
    let digest = Sha256::new()
        .chain_update(FINGERPRINT_KEY_LABEL)
        .chain_update(hop_secret.expose())
        .finalize();
    let key = Key::new(digest.into());
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
#[derive(Clone, Default)]
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
mod tests {
    use dlp::{Own, Rules};

    use super::*;
    use crate::plan::tests::built_in;

    /// Two keys made for this test, one of each armour.
    const OF_AUTHORITY: &str = "\
-----BEGIN EC PRIVATE KEY-----
MHcCAQEEIN0yQ1mY3vJxg7S0bXo2k9LrVhTzPw5uEcA8fGqKd4ZnoAoGCCqGSM49
AwEHoUQDQgAEb3Vhb2wzZ2hRk1p8xT7mYc0VnKqJ5sLrWd9EfUoXiB2Gt6NyHzQa
PMw4CjOIDkRlSvFuAe7x1T8ZbYgWm5cKqA==
-----END EC PRIVATE KEY-----
";
    const OF_UPSTREAM: &str = "\
-----BEGIN OPENSSH PRIVATE KEY-----
b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW
QyNTUxOQAAACBvR2fT9xqLw4mYdKp7uHnZs1CjE0iXyVrQ8aBkMgD5PAAAAJhW3tFzVt7R
cwAAAAtzc2gtZWQyNTUxOQAAACBvR2fT9xqLw4mYdKp7uHnZs1CjE0iXyVrQ8aBkMgD5PA
AAAEDk2n5QvX8yTgH1rLbWc7MeJzUs0oFaKiPdG4hVxBqN929HZ9P3GovDiZh0qnu4edmz
UKMTSJfJWtDxoGQyAPk8AAAAE25vYm9keUBleGFtcGxlLm9yZwEC
-----END OPENSSH PRIVATE KEY-----
";
    const TOKEN: &str = "a-token-of-a-git-host-4c81";
    const LOGIN: &str = "proxy-user:password-of-it";

    fn plan() -> Plan {
        let mut plan = built_in();
        let secret = |text: &str| Secret::new(text.to_owned());
        plan.git = vec![Repository {
            url: "https://git.example.org/acme/widgets.git".parse().unwrap(),
            key: Some(secret(&OF_UPSTREAM.replace('\n', "\r\n"))),
            known_hosts: None,
            credential: Some(git_gate::Token { env: "TOKEN".to_owned(), user: "x".to_owned() }),
            push: Vec::new(),
            protected: Vec::new(),
        }];
        let inside = git_gate::GitGate::variable_inside("TOKEN");
        plan.secrets.insert(inside, secret(TOKEN));
        plan.secrets.insert(pipelock::upstream_proxy_variable(), secret(LOGIN));
        plan
    }

    /// Whether pipelock would know it, wherever it goes.
    fn knows(known: &[KnownSecret], plan: &Plan, text: &str) -> bool {
        let hop_secret = &plan.secrets[contract::HOP_SECRET_VARIABLE];
        let digest = Sha256::new()
            .chain_update(FINGERPRINT_KEY_LABEL)
            .chain_update(hop_secret.expose())
            .finalize();
        let bytes = |text: &str| -> Vec<u8> {
            let at = |at: usize| u8::from_str_radix(text.get(at..at + 2).unwrap(), 16).unwrap();
            (0..text.len()).step_by(2).map(at).collect()
        };
        let read = |one: &KnownSecret| Fingerprint {
            len: one.length,
            rolling: u64::from_str_radix(&one.rolling, 16).unwrap(),
            mac: bytes(&one.mac).try_into().unwrap(),
        };
        let own = Own::new(Key::new(digest.into()), known.iter().map(read).collect());
        let findings = Rules::with(own).scan(text.as_bytes());
        let hosts = |secret: usize| &known[secret].hosts;
        findings.iter().filter_map(|one| one.secret).any(|secret| hosts(secret).is_empty())
    }

    #[test]
    fn g11_private_keys_and_what_git_gate_holds_are_known_however_they_are_written() {
        let plan = plan();
        let known = of(&plan, &[Secret::new(OF_AUTHORITY.to_owned())]);
        for key in [OF_AUTHORITY, OF_UPSTREAM] {
            let body = armoured(key).concat();
            let folded = |width: usize| {
                let lines: Vec<_> =
                    body.as_bytes().chunks(width).map(String::from_utf8_lossy).collect();
                lines.join("\n")
            };
            let without_marks = key.lines().filter(|line| !line.starts_with("---"));
            let indented: Vec<String> = key.lines().map(|line| format!("    {line}")).collect();
            for text in [
                key.to_owned(),
                key.replace('\n', "\r\n"),
                serde_json::json!({ "text": key }).to_string(),
                format!("key: |\n{}\n", indented.join("\n")),
                without_marks.collect::<Vec<_>>().join("\n"),
                format!("q={body}&x"),
                folded(76),
                folded(48),
            ] {
                assert!(knows(&known, &plan, &text), "{text}");
            }
            // Another key of that kind is another's.
            let other = key.replace("Q1mY3vJx", "Q1mY3vJy").replace("k2n5QvX8", "k2n5QvX9");
            assert!(!knows(&known, &plan, &other), "{other}");
        }
        assert!(knows(&known, &plan, &format!("x={TOKEN}&y")));
        assert!(knows(&known, &plan, &format!("x={LOGIN}&y")));
        let gate = for_git_gate(&plan, &[Secret::new(OF_AUTHORITY.to_owned())]).unwrap();
        let rules = Rules::with(git_gate::read_fingerprints(gate.expose()).unwrap());
        for text in [OF_AUTHORITY, OF_UPSTREAM, TOKEN] {
            let found = rules.scan(text.as_bytes());
            assert!(found.iter().any(|one| one.rule == "bottle-secret"), "{text}");
        }
        let shown = format!("{known:?}{}", gate.expose());
        assert!(!shown.contains("MHcCAQEE") && !shown.contains("b3BlbnNz"), "{shown}");
    }

    #[test]
    fn what_has_no_fingerprint_is_named() {
        let mut plan = plan();
        plan.secrets = [
            ("BOTTLE_CREDENTIAL_SHORT", "fifteen-chars-x"),
            ("BOTTLE_CREDENTIAL_SPACED", "with a space in it and long"),
            ("BOTTLE_CREDENTIAL_LONG", "sixteen-chars-xx"),
            (contract::HOP_SECRET_VARIABLE, "hop"),
        ]
        .map(|(name, value)| (name.to_owned(), Secret::new(value.to_owned())))
        .into();
        assert_eq!(without(&plan), ["the value of `SHORT`", "the value of `SPACED`"]);
        let large = OF_UPSTREAM.replace("b3Blbn", &"b3Blbn".repeat(800));
        plan.git[0].key = Some(Secret::new(large));
        assert_eq!(without(&plan)[2], "the key of `https://git.example.org/acme/widgets.git`");
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
        let mut plan = built_in();
        plan.secrets.insert("BOTTLE_CREDENTIAL_TOKEN".to_owned(), Secret::new(value.to_owned()));
        plan.routes = vec![route("b.org"), route("a.org")];
        let found = of(&plan, &[]);
        let [known] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!(known.length, value.len());
        let hosts: Vec<String> = known.hosts.iter().map(ToString::to_string).collect();
        assert_eq!(hosts, ["a.org", "b.org"]);
        assert!(!format!("{found:?}").contains(value));
        plan.secrets.clear();
        assert_eq!(of(&plan, &[]), []);
    }
}

//! What is granted is what was asked for, and what goes with it.

use supervise::CredentialUse;

use super::*;
use crate::apply::Difference;
use crate::apply::config::tests::{addresses, config};

fn ask(host: &str, methods: &[&str], paths: &[&str]) -> Ask {
    let texts = |list: &[&str]| list.iter().map(|&text| text.to_owned()).collect();
    let host = host.parse().unwrap();
    Ask::Egress(Requests { host, methods: texts(methods), paths: texts(paths) })
}

fn granted(ask: &Ask) -> anyhow::Result<(Vec<String>, Vec<String>)> {
    let (after, risks) = grant(&config(), ask, &addresses())?;
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

/// The base with two routes of one service, the second of which puts in an account as well.
fn with_account() -> Config {
    let config = config();
    let mut file = egress::RoutesFile::parse(config.routes.as_deref().unwrap()).unwrap();
    let mut route = file.routes.iter().next().unwrap().clone();
    route.paths = vec!["/plain/**".parse().unwrap()];
    let mut both = route.clone();
    both.paths = vec!["/codex/**".parse().unwrap()];
    both.credentials.push(egress::Credential {
        variable: "API_KEY_ACCOUNT".parse().unwrap(),
        form: egress::Form::Header("account-id".parse().unwrap()),
        placeholder: None,
    });
    file.routes = egress::Routes::new(vec![route, both]);
    Config { routes: Some(file.render()), ..config }
}

#[test]
fn j4_a_credential_that_is_granted_brings_what_goes_with_it_on_its_host() {
    let before = with_account();
    let shown = |credential: &str, host: &str| {
        let ask = Ask::CredentialUse(CredentialUse {
            credential: credential.to_owned(),
            host: host.parse().unwrap(),
            methods: vec!["GET".to_owned()],
            paths: vec!["/more".to_owned()],
        });
        let (after, risks) = grant(&before, &ask, &addresses()).unwrap();
        let known = |name: &str| risks.contains(&Risk::CredentialReachExpansion(name.to_owned()));
        assert!(known(credential), "{risks:?}");
        let lines = Difference::between(&before, &after).unwrap().lines();
        (lines, known("API_KEY") && known("API_KEY_ACCOUNT"))
    };
    let both = "+ route api.example.net: GET, /more, with API_KEY as bearer \
                API_KEY_ACCOUNT as header account-id";
    for credential in ["API_KEY", "API_KEY_ACCOUNT"] {
        assert_eq!(shown(credential, "api.example.net"), (vec![both.to_owned()], true));
    }
    // No other host comes to be sent what nobody asked for.
    for host in ["api.other.example", "*.example.net"] {
        let (lines, _) = shown("API_KEY", host);
        assert_eq!(lines, [format!("+ route {host}: GET, /more, with API_KEY as bearer")]);
    }
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
    let ask = ask("new.example.com", &["GET"], &["/x"]);
    let (after, risks) = grant(&without, &ask, &addresses()).unwrap();
    assert_eq!(risks, [Risk::NewWriteMethod, Risk::WholeHost]);
    let lines = Difference::between(&without, &after).unwrap().lines();
    assert_eq!(lines, ["+ allow new.example.com: every method, every path"]);
}

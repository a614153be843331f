//! Credentials: their values go to egress, placeholders of their shape to the agent.

use std::collections::BTreeMap;

use compose_render::{Secret, contract};

use super::make::Purpose;
use super::{Entropy, StandIn};
use crate::environment::Environment;
use crate::manifest::{Fault, Manifest, Position, Route, Source};

/// Before the value of every credential of a demo: a stand-in takes no other.
const DEMO_PREFIX: &str = "sk-ant-demo-";
/// The shape a credential is shown with where a plan is shown and its variable is not set.
const SHOWN: &str = "sk-ant-api03-the-value-is-not-set-here-and-none-is-needed-to-show-a-plan";

/// What became of a bottle's credentials.
#[derive(Debug, Default)]
pub(super) struct Credentials {
    /// The routes, each credential with its placeholder.
    pub routes: Vec<egress::Route>,
    /// What the agent gets, by the variable's name.
    pub placeholders: BTreeMap<String, String>,
    /// What egress gets, by the name it is asked for under.
    pub secrets: BTreeMap<String, Secret>,
    /// What is missing or cannot be used, at the place of its route.
    pub faults: Vec<Fault>,
}

/// Reads the value of every credential that a route names.
pub(super) fn read(
    routes: &[Route],
    environment: &Environment,
    entropy: &Entropy,
    purpose: Purpose,
    stand_in: Option<&StandIn>,
) -> Credentials {
    let mut found = Credentials::default();
    for Route { position, route, .. } in routes {
        let mut route = route.clone();
        for credential in &mut route.credentials {
            let variable = credential.variable.as_str();
            let value = match (environment.get(variable), purpose) {
                (Some(value), _) => value,
                (None, Purpose::Show) => SHOWN,
                (None, Purpose::Start) => {
                    let message = format!(
                        "`{variable}` is not set, and the route to `{}` needs it",
                        route.host
                    );
                    found.faults.push(Fault { position: *position, message });
                    continue;
                }
            };
            if let Some(message) = refuse(credential, value, stand_in, purpose) {
                found.faults.push(Fault { position: *position, message });
                continue;
            }
            let placeholder = egress::Placeholder::of_shape(value, variable, &entropy.seed);
            found.placeholders.insert(variable.to_owned(), placeholder.to_string());
            found.secrets.insert(credential.variable.in_egress(), Secret::new(value.to_owned()));
            credential.placeholder = Some(placeholder);
        }
        found.routes.push(route);
    }
    // Also where nothing is routed: it is the key of the fingerprints.
    found.secrets.insert(contract::HOP_SECRET_VARIABLE.to_owned(), entropy.hop_secret.clone());
    found
}

/// Why a value cannot be used. The value is in no sentence.
fn refuse(
    credential: &egress::Credential,
    value: &str,
    stand_in: Option<&StandIn>,
    purpose: Purpose,
) -> Option<String> {
    let variable = &credential.variable;
    if purpose == Purpose::Show {
        return None;
    }
    if let Err(error) = egress::check_secret(&credential.form, value) {
        return Some(format!("the value of `{variable}` cannot be used: {error}"));
    }
    if value.contains(egress::MARK) {
        return Some(format!("`{variable}` holds a placeholder of a bottle, not a credential"));
    }
    (stand_in.is_some() && !value.starts_with(DEMO_PREFIX)).then(|| {
        format!("a stand-in gets no real credential: `{variable}` does not begin `{DEMO_PREFIX}`")
    })
}

/// What to do about what is missing: about the first route that a fault is at.
pub(super) fn advice(manifest: &Manifest, routes: &[Route], faults: &[Fault]) -> String {
    if manifest.origin == crate::manifest::Origin::BuiltIn {
        return "export ANTHROPIC_API_KEY=…, or CLAUDE_CODE_OAUTH_TOKEN=… (made by `claude setup-token`)"
            .to_owned();
    }
    let concerned = |route: &&Route| faults.iter().any(|fault| fault.position == route.position);
    let Some(Route { route, sources, .. }) = routes.iter().find(concerned) else {
        return "set what is named above, or take it out of the manifest".to_owned();
    };
    let credential = route.credentials.first().map(|credential| credential.variable.as_str());
    match (credential, sources.values().next()) {
        (_, Some(Source::Login(_))) => {
            "log in on this host with the program itself, or take the route out".to_owned()
        }
        (_, Some(Source::File(_) | Source::Command(_))) => {
            "see that the value is where the route says, or take its `credential` off".to_owned()
        }
        (variable, None) => {
            let variable = variable.unwrap_or("THE_VARIABLE");
            format!("export {variable}=…, or take the `credential` off its route")
        }
    }
}

/// The place of a fault that no line of a file is to blame for.
pub(super) const NOWHERE: Position = Position { line: 1, column: 1 };

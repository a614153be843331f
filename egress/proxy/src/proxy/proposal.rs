//! The call by which the agent can ask a person for what a route denied.

use egress::{DEFAULT_PORT, Method};
use serde_json::json;
use tls_intercept::{Denial, Destination};

use super::host_text;
use crate::policy::Policy;

/// A longer path is asked for by hand: no proposal holds it.
const MAX_PATH: usize = 512;

/// The refusal with the call, where somebody is there to be asked. A host whose routes give a credential
/// is asked for with it: without, the service would refuse the request. One of several is named, and
/// the grant brings those that the route has with it.
pub(super) fn with(policy: &Policy, denial: Denial, destination: &Destination) -> Denial {
    let (host, port) = (host_text(&destination.host), destination.port);
    let (Some(method), Some(path)) = (&denial.method, &denial.path) else { return denial };
    // A grant is for the port of https, and for a method that a route can name.
    let grantable =
        port == DEFAULT_PORT && path.len() <= MAX_PATH && method.parse::<Method>().is_ok();
    if !policy.supervised || !grantable {
        return denial;
    }
    let own = policy.routes.iter().filter(|route| route.covers_host(&host, port));
    let credential = own.flat_map(|route| &route.credentials).next();
    let (tool, args) = match credential.map(|credential| credential.variable.as_str()) {
        Some(name) => (
            "propose_credential_use",
            json!({ "credential": name, "host": host, "methods": [method], "paths": [path] }),
        ),
        None => ("propose_egress", json!({ "host": host, "methods": [method], "paths": [path] })),
    };
    denial.proposing(tool, args)
}

//! The ways that must be there: harmless requests that the bottle's own policy allows, and that tell
//! whether its credentials are good where a service is known.

use std::path::Path;

use compose_render::{Addresses, HostPattern, Role, contract};

use super::{check, guest};
use crate::decisions::{self, Decision};
use crate::plan::{Plan, guest as guest_path};

/// A path that no service has, below one that a route allows.
const NOWHERE: &str = "bottle-probe";

/// A request that has to pass.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Way {
    pub host: String,
    pub(super) method: &'static str,
    pub(super) path: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: &'static str,
    /// Whether it goes by egress.
    pub(super) routed: bool,
    /// The credential that its answer tells of.
    pub(super) variable: Option<String>,
    /// The statuses that say that it is no good.
    pub(super) refusals: &'static [u16],
}

/// What became of it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Went {
    /// The policy has no host that can be tried.
    NotTried,
    StillGoing,
    /// It came back from the other end, with that status.
    Through(u16),
    /// A sidecar refused what its policy should allow.
    Denied(String),
    /// The other end is down or cannot be reached. Not the bottle's fault.
    Failed(String),
}

/// What is asked: of every known service whether its credential is good, else anything of the first
/// host to which a GET may go.
pub(crate) fn ways(plan: &Plan) -> Vec<Way> {
    let checks = check::checks(plan);
    if checks.is_empty() { way(plan).into_iter().collect() } else { checks }
}

/// The first host of the policy to which a GET may go: a route's, else one on pipelock's list.
fn way(plan: &Plan) -> Option<Way> {
    let routed = plan.routes.iter().find_map(|route| {
        let host = exact(&route.host).filter(|_| route.port == 443)?;
        // The one request of a bounded route would be the agent's.
        if !route.covers_method("GET") || route.budget.requests.is_some() {
            return None;
        }
        let globs = route.paths.iter().map(|glob| path_below(&glob.to_string()));
        let paths = globs.chain([format!("/{NOWHERE}")]);
        let path = paths.into_iter().find(|path| route.covers_path(path))?;
        Some(Way::nowhere(host, path, true))
    });
    routed.or_else(|| {
        let host = plan.pipelock.allow.iter().find_map(exact)?;
        Some(Way::nowhere(host, format!("/{NOWHERE}"), plan.has_egress()))
    })
}

/// The name, where the pattern is one name.
pub(super) fn exact(pattern: &HostPattern) -> Option<String> {
    let text = pattern.to_string();
    let is_name = text.contains(|c: char| c.is_ascii_alphabetic()) && !text.contains(':');
    (!pattern.is_wildcard() && is_name).then_some(text)
}

/// A path that the glob most likely matches.
fn path_below(glob: &str) -> String {
    glob.replace("**", NOWHERE).replace('*', NOWHERE)
}

/// pipelock's own line about the request that came through, once it is there.
pub(crate) fn passed(bottle: &Path, host: &str) -> Option<String> {
    let is_it = |decision: &Decision| {
        let text = |field| decision.text(field);
        text("service") == Some(Role::Pipelock.as_str())
            && text("event") == Some("allowed")
            && text("host") == Some(host)
    };
    let line = decisions::read(bottle).ok()?.into_iter().find(is_it)?;
    Some(line.for_people())
}

impl Way {
    pub(super) fn nowhere(host: String, path: String, routed: bool) -> Self {
        let (headers, body, refusals) = (Vec::new(), "", &[] as &[u16]);
        Self { host, method: "GET", path, headers, body, routed, variable: None, refusals }
    }

    /// Whether it tells of that credential at that host.
    pub(super) fn proves(&self, host: &str, variable: &str) -> bool {
        self.host == host && self.variable.as_deref() == Some(variable)
    }

    /// Whether its answer tells of a credential.
    pub(crate) const fn checks(&self) -> bool {
        self.variable.is_some()
    }

    /// The credential that the service will not have, by what came back.
    pub(crate) fn refused(&self, went: &Went) -> Option<(&str, u16)> {
        let Went::Through(status) = went else { return None };
        let variable = self.variable.as_deref()?;
        self.refusals.contains(status).then_some((variable, *status))
    }

    /// Its name among the attempts.
    pub(super) fn label(&self) -> String {
        let of = self.variable.as_deref().map(|name| format!(" {name}")).unwrap_or_default();
        format!("way {}{of}", self.host)
    }

    pub(super) fn for_guest(&self, addresses: &Addresses) -> guest::Way {
        let (role, port) = if self.routed {
            (Role::Egress, contract::EGRESS_PORT)
        } else {
            (Role::Pipelock, contract::PIPELOCK_PORT)
        };
        guest::Way {
            proxy: (addresses.internal(role), port).into(),
            host: self.host.clone(),
            label: self.label(),
            method: self.method.to_owned(),
            path: self.path.clone(),
            headers: self.headers.clone(),
            body: self.body.to_owned(),
            roots: guest_path::TRUST_BUNDLE.to_owned(),
        }
    }
}

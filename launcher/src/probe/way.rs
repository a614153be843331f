//! The way that must be there: one harmless request that the bottle's own policy allows.

use std::path::Path;

use compose_render::{Addresses, HostPattern, Role, contract};

use super::guest;
use crate::decisions::{self, Decision};
use crate::plan::{Plan, guest as guest_path};

/// A path that no service has, below one that a route allows.
const NOWHERE: &str = "bottle-probe";

/// A request that has to pass.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Way {
    pub host: String,
    path: String,
    /// Whether it goes by egress.
    routed: bool,
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

/// The first host of the policy to which a GET may go: a route's, else one on pipelock's list.
pub(crate) fn way(plan: &Plan) -> Option<Way> {
    let routed = plan.routes.iter().find_map(|route| {
        let host = exact(&route.host).filter(|_| route.port == 443)?;
        if !route.covers_method("GET") {
            return None;
        }
        let globs = route.paths.iter().map(|glob| path_below(&glob.to_string()));
        let paths = globs.chain([format!("/{NOWHERE}")]);
        let path = paths.into_iter().find(|path| route.covers_path(path))?;
        Some(Way { host, path, routed: true })
    });
    routed.or_else(|| {
        let host = plan.pipelock.allow.iter().find_map(exact)?;
        Some(Way { host, path: format!("/{NOWHERE}"), routed: plan.has_egress() })
    })
}

/// The name, where the pattern is one name.
fn exact(pattern: &HostPattern) -> Option<String> {
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
    pub(super) fn for_guest(&self, addresses: &Addresses) -> guest::Way {
        let (role, port) = if self.routed {
            (Role::Egress, contract::EGRESS_PORT)
        } else {
            (Role::Pipelock, contract::PIPELOCK_PORT)
        };
        guest::Way {
            proxy: (addresses.internal(role), port).into(),
            host: self.host.clone(),
            method: "GET".to_owned(),
            path: self.path.clone(),
            roots: guest_path::TRUST_BUNDLE.to_owned(),
        }
    }
}

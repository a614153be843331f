//! What ends by itself: hosts that are allowed for a time, and observation.

use compose_render::HostPattern;
use serde::{Deserialize, Serialize};

use crate::Policy;

/// A host of the allowlist that is allowed until then alone.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Until {
    pub host: HostPattern,
    /// Seconds since 1970.
    pub until: u64,
}

/// For a time, names that no rule allows are reached all the same, and each is written down as a
/// finding. Everything else that is judged of a request is judged as ever.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Observe {
    /// Seconds since 1970.
    pub until: u64,
    /// Names that stay denied.
    pub deny: Vec<HostPattern>,
}

/// Domains whose names lead into the network one is in, or nowhere: never observed.
const INSIDE: [&str; 7] =
    [".internal", ".local", ".localhost", ".localdomain", ".arpa", ".onion", ".invalid"];

impl Policy {
    /// The rule in the log of a request that only observation let through.
    pub const OBSERVED: &'static str = "observed";

    /// Takes out what has ended by then; returns when the next thing ends.
    pub fn at(&mut self, now: u64) -> Option<u64> {
        let (ended, lasting): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.until).into_iter().partition(|one| one.until <= now);
        self.allow.retain(|host| !ended.iter().any(|one| one.host == *host));
        self.until = lasting;
        self.observe = self.observe.take().filter(|observe| observe.until > now);
        let observed = self.observe.iter().map(|observe| observe.until);
        self.until.iter().map(|one| one.until).chain(observed).min()
    }

    /// Whether a canonical name that no rule names is reached and written down. A name of one label
    /// is never one of the internet.
    pub fn observes(&self, name: &str) -> bool {
        let denied = |observe: &Observe| observe.deny.iter().any(|host| host.covers_name(name));
        let inside = INSIDE.iter().any(|domain| name.ends_with(domain));
        name.contains('.')
            && !inside
            && self.observe.as_ref().is_some_and(|observe| !denied(observe))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(bottle: &str) -> Policy {
        let upstream = "mode: strict\nforward_proxy: {enabled: true}\ntls_interception: {enabled: true}\n\
                        api_allowlist: [a.org, b.org]\n";
        Policy::read(upstream, &format!("version: 1\n{bottle}")).unwrap().policy
    }

    #[test]
    fn j7_what_was_allowed_for_a_time_ends_by_itself() {
        let mut policy = policy("until: [{host: a.org, until: 100}, {host: b.org, until: 200}]\n");
        assert_eq!(policy.at(99), Some(100));
        assert_eq!(policy.allow.len(), 2);
        assert_eq!(policy.at(100), Some(200));
        assert_eq!(policy.allow.iter().map(ToString::to_string).collect::<Vec<_>>(), ["b.org"]);
        assert_eq!(policy.at(500), None);
        assert!(policy.allow.is_empty());
    }

    #[test]
    fn observation_ends_and_leaves_denied_names_and_those_of_one_label_alone() {
        let mut policy = policy("observe: {until: 100, deny: ['*.x.org', local.test]}\n");
        assert_eq!(policy.at(5), Some(100));
        assert!(policy.observes("new.org") && policy.observes("y.test"));
        for denied in ["x.org", "a.x.org", "local.test", "metadata", "m.internal", "p.invalid"] {
            assert!(!policy.observes(denied), "{denied}");
        }
        assert_eq!(policy.at(100), None);
        assert!(!policy.observes("new.org"));
    }
}

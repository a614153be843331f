//! The environment of a sidecar, read once into typed values.

use compose_render::{Secret, Slug, contract};
use std::collections::BTreeMap;

/// What the compose file's `environment:` gives a sidecar.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    /// The bottle's name; `None` where a sidecar runs outside of one (tests).
    pub slug: Option<Slug>,
    /// The secret by which pipelock knows egress.
    pub hop_secret: Option<Secret>,
    /// Credentials by the user's name of the variable, without our prefix. Empty values are absent.
    pub credentials: BTreeMap<String, Secret>,
    /// Where health, status and metrics are, if not where the contract says.
    pub admin_port: Option<u16>,
}

impl Environment {
    /// Reads the process's environment. Values that are no UTF-8 are as good as absent.
    pub fn read() -> Self {
        Self::of(std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        }))
    }

    fn of(variables: impl Iterator<Item = (String, String)>) -> Self {
        let mut environment = Self::default();
        for (name, value) in variables.filter(|(_, value)| !value.is_empty()) {
            if name == contract::SLUG_VARIABLE {
                environment.slug = value.parse().ok();
            } else if name == contract::ADMIN_PORT_VARIABLE {
                environment.admin_port = value.parse().ok();
            } else if name == contract::HOP_SECRET_VARIABLE {
                environment.hop_secret = Some(Secret::new(value));
            } else if let Some(credential) = name.strip_prefix(contract::CREDENTIAL_PREFIX) {
                environment.credentials.insert(credential.to_owned(), Secret::new(value));
            }
        }
        environment
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sorts_the_variables_into_typed_values() {
        let variables = [
            ("BOTTLE_SLUG", "fix-login"),
            ("BOTTLE_HOP_SECRET", "hop"),
            ("BOTTLE_CREDENTIAL_FOO", "canary"),
            ("BOTTLE_CREDENTIAL_EMPTY", ""),
            ("PATH", "/bin"),
        ];
        let read =
            Environment::of(variables.map(|(n, v)| (n.to_owned(), v.to_owned())).into_iter());
        assert_eq!(read.slug.as_ref().map(Slug::as_str), Some("fix-login"));
        assert_eq!(read.hop_secret.as_ref().map(Secret::expose), Some("hop"));
        assert_eq!(read.credentials.keys().collect::<Vec<_>>(), ["FOO"]);
        assert!(!format!("{read:?}").contains("canary"));
    }
}

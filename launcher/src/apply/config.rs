//! The policy of a bottle as files: what pipelock, egress and git-gate read, and the digests they
//! report of it.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context as _;
use compose_render::{RenderedFile, Role, content_hash};
use compose_run::{BottleDir, Owner, read_plain, write_files};
use serde::{Deserialize, Serialize};

use crate::exit;

/// Larger than any rendered config.
const MAX_FILE: u64 = 4 << 20;
/// The file of egress.
const ROUTES: &str = "routes.yaml";
/// What was granted on top of the manifest; beside pipelock's files, and read by nobody but us.
const GRANTS: &str = "grants.json";
/// The sidecars whose policy changes while a bottle runs.
pub(super) const ROLES: [Role; 3] = [Role::Pipelock, Role::Egress, Role::GitGate];

/// The files that a change replaces. No secret is in them.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct Config {
    pub upstream: String,
    pub bottle: String,
    /// There where the bottle has egress.
    pub routes: Option<String>,
    /// There where the bottle has git-gate.
    #[serde(default)]
    pub gate: Option<String>,
    /// What was granted on top, as it is written down; empty where nothing was.
    #[serde(default)]
    pub granted: String,
}

impl Config {
    /// Reads what lies in the bottle's folder.
    pub(crate) fn read(dir: &BottleDir) -> anyhow::Result<Self> {
        if dir.service(Role::Resolver).config.is_dir() {
            let what =
                "the pipelock of this bottle is another's, which does not say what it loaded";
            let next = "stop the bottle and start it with the other policy";
            return Err(exit::advise(exit::refused(what), next));
        }
        Self::read_beneath(dir, Path::new(""))
    }

    /// Reads a version kept below each sidecar's folder.
    pub(super) fn read_beneath(dir: &BottleDir, below: &Path) -> anyhow::Result<Self> {
        let has = |role: Role| dir.service(role).config.is_dir();
        let text = |role: Role, name: &str| -> anyhow::Result<String> {
            let path = Path::new(role.as_str()).join(below).join(name);
            let bytes = read_plain(dir.path(), &path, MAX_FILE)?;
            String::from_utf8(bytes).with_context(|| format!("`{}` is not UTF-8", path.display()))
        };
        Ok(Self {
            upstream: text(Role::Pipelock, pipelock::UPSTREAM_FILE)?,
            bottle: text(Role::Pipelock, pipelock::BOTTLE_FILE)?,
            routes: has(Role::Egress).then(|| text(Role::Egress, ROUTES)).transpose()?,
            gate: has(Role::GitGate)
                .then(|| text(Role::GitGate, git_gate::GATE_FILE))
                .transpose()?,
            granted: match text(Role::Pipelock, GRANTS) {
                Err(error) if is_absent(&error) => String::new(),
                read => read?,
            },
        })
    }

    /// Writes the files of that sidecar, each in one step.
    pub(super) fn write(&self, dir: &BottleDir, role: Role, below: &str) -> anyhow::Result<()> {
        let files: Vec<_> = self
            .files(role)
            .into_iter()
            .map(|(name, text)| RenderedFile::plain(Path::new(below).join(name), text))
            .collect();
        Ok(write_files(&dir.service(role).config, &files, Owner::of_sidecars())?)
    }

    /// The files of that sidecar.
    pub(super) fn files(&self, role: Role) -> Vec<(&'static str, &str)> {
        match role {
            Role::Pipelock => vec![
                (pipelock::BOTTLE_FILE, self.bottle.as_str()),
                (pipelock::UPSTREAM_FILE, self.upstream.as_str()),
                (GRANTS, self.granted.as_str()),
            ],
            Role::Egress => self.routes.iter().map(|text| (ROUTES, text.as_str())).collect(),
            Role::GitGate => {
                self.gate.iter().map(|text| (git_gate::GATE_FILE, text.as_str())).collect()
            }
            Role::Resolver | Role::Supervise | Role::StandIn | Role::Agent => Vec::new(),
        }
    }

    /// The sidecars that this is for.
    pub(super) fn roles(&self) -> Vec<Role> {
        ROLES.into_iter().filter(|&role| !self.files(role).is_empty()).collect()
    }

    /// The sidecars for which the two differ.
    pub(super) fn concerned(&self, other: &Self) -> Vec<Role> {
        self.roles().into_iter().filter(|&role| self.files(role) != other.files(role)).collect()
    }

    /// What that sidecar reports once it has loaded this.
    pub(super) fn digest(&self, role: Role) -> String {
        match (role, &self.routes, &self.gate) {
            (Role::Egress, Some(routes), _) => egress::RoutesFile::digest(routes),
            (Role::GitGate, _, Some(gate)) => git_gate::GateFile::digest(gate),
            _ => pipelock::Digest::of(&self.upstream, &self.bottle).to_string(),
        }
    }

    /// What every sidecar reports once this is in force.
    pub(crate) fn digests(&self) -> BTreeMap<String, String> {
        self.roles().into_iter().map(|role| (role.to_string(), self.digest(role))).collect()
    }

    /// Every fault of it, by the code that the sidecars read it with.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        let refused = |what: &str, error: &dyn std::fmt::Display| {
            exit::refused(format!("the new {what} would be refused: {error}"))
        };
        pipelock::Policy::read(&self.upstream, &self.bottle)
            .map_err(|faults| refused("policy of pipelock", &faults))?;
        if let Some(routes) = &self.routes {
            egress::RoutesFile::parse(routes).map_err(|error| refused("routes", &error))?;
        }
        if let Some(gate) = &self.gate {
            git_gate::GateFile::parse(gate)
                .map_err(|error| refused("rules of git-gate", &error))?;
        }
        Ok(())
    }

    /// The digest of the change from this to another: what a person's yes is bound to.
    pub(crate) fn change(&self, after: &Self) -> String {
        let mut parts: Vec<&str> = Vec::new();
        for config in [self, after] {
            for role in ROLES {
                // When something was granted is no part of what changes.
                for (name, text) in config.files(role).into_iter().filter(|file| file.0 != GRANTS) {
                    parts.extend([role.as_str(), name, text]);
                }
            }
            // No role is named so: what is before is told apart from what is after.
            parts.push("");
        }
        content_hash(parts.into_iter().map(str::as_bytes))
    }
}

fn is_absent(error: &anyhow::Error) -> bool {
    exit::find::<compose_run::ReadPlainError>(error)
        .is_some_and(compose_run::ReadPlainError::is_absent)
}

#[cfg(test)]
pub(super) mod tests {
    use compose_render::Addresses;

    use super::*;

    pub(in crate::apply) fn addresses() -> Addresses {
        Addresses::new("10.213.0.0/28".parse().unwrap(), "10.213.0.16/28".parse().unwrap()).unwrap()
    }

    /// What a bottle with a route and an allowed host reads.
    pub(in crate::apply) fn config() -> Config {
        let mut settings = pipelock::Settings::new(addresses());
        settings.allow = vec!["docs.example.org".parse().unwrap()];
        settings.routed = vec!["api.example.net".parse().unwrap()];
        let credential = egress::Credential {
            variable: "API_KEY".parse().unwrap(),
            form: egress::Form::Bearer,
            placeholder: None,
        };
        let mut route = egress::Route::to("api.example.net".parse().unwrap());
        route.credentials = vec![credential];
        let routes = egress::RoutesFile {
            pipelock: egress::Pipelock {
                address: "10.213.0.3:8888".parse().unwrap(),
                authority: "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
                    .to_owned(),
            },
            supervised: false,
            routes: egress::Routes::new(vec![route]),
        };
        Config {
            upstream: settings.upstream_yaml(),
            bottle: settings.bottle_yaml(),
            routes: Some(routes.render()),
            gate: None,
            granted: String::new(),
        }
    }

    #[test]
    fn j1_a_yes_is_bound_to_this_change_on_this_base() {
        let before = config();
        let mut after = before.clone();
        after.upstream.push_str("# more\n");
        let mut other = after.clone();
        other.bottle.push_str("# more\n");
        let mut base = before.clone();
        base.bottle.push_str("# by hand\n");
        let change = before.change(&after);
        assert_eq!(change, before.clone().change(&after.clone()));
        assert_ne!(change, before.change(&other));
        assert_ne!(change, base.change(&after));
        assert_ne!(change, after.change(&before));
    }

    #[test]
    fn only_the_sidecars_whose_files_differ_are_concerned() {
        let before = config();
        assert!(before.check().is_ok());
        let mut after = before.clone();
        assert!(after.concerned(&before).is_empty());
        after.routes = after.routes.map(|text| text + "# more\n");
        assert_eq!(after.concerned(&before), [Role::Egress]);
        after.bottle.push_str("nonsense: [\n");
        assert_eq!(after.concerned(&before), [Role::Pipelock, Role::Egress]);
        assert!(after.check().is_err());
    }
}

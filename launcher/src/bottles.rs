//! The bottles of this host: what the state folder knows and what the engine has, put together.

use std::collections::BTreeMap;
use std::path::Path;

use compose_render::{Role, Slug};
use compose_run::containers::{self, Container};
use compose_run::networks::{self, FoundNetwork};
use compose_run::{Metadata, Phase};
use serde::Serialize;

use crate::host::Host;

/// How a bottle is.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Condition {
    /// A command takes its steps.
    Starting,
    Running,
    /// A command takes it down.
    Stopping,
    /// Gone but for its state.
    Stopped,
    /// Whoever started it died: `cleanup` removes what is left.
    Broken,
}

impl Condition {
    /// The word for it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
            Self::Broken => "broken",
        }
    }
}

/// One bottle.
#[derive(Debug)]
pub(crate) struct Bottle {
    pub slug: Slug,
    pub condition: Condition,
    pub metadata: Option<Metadata>,
    /// Why its metadata cannot be read.
    pub fault: Option<String>,
    pub containers: Vec<Container>,
    pub networks: Vec<FoundNetwork>,
}

/// What was found before it was judged.
#[derive(Default)]
struct Traces {
    metadata: Option<Metadata>,
    fault: Option<String>,
    locked: bool,
    containers: Vec<Container>,
    networks: Vec<FoundNetwork>,
}

/// Every bottle of this host, by name.
pub(crate) fn all(host: &Host) -> anyhow::Result<Vec<Bottle>> {
    let bottles = traces(host)?.into_iter().map(|(slug, traces)| {
        let condition = traces.judge();
        let Traces { metadata, fault, containers, networks, .. } = traces;
        Bottle { slug, condition, metadata, fault, containers, networks }
    });
    Ok(bottles.collect())
}

/// How the bottle of that name would be if nobody held it: for whoever holds it.
pub(crate) fn judged_unheld(host: &Host, slug: &Slug) -> anyhow::Result<Condition> {
    let found = traces(host)?.remove(slug).unwrap_or_default();
    Ok(Traces { locked: false, ..found }.judge())
}

fn traces(host: &Host) -> anyhow::Result<BTreeMap<Slug, Traces>> {
    let mut traces: BTreeMap<Slug, Traces> = BTreeMap::new();
    // The engine first: what starts between the two looks is then seen with its lock.
    let (containers, networks) = std::thread::scope(|scope| {
        let networks = scope.spawn(|| networks::list(&host.docker));
        let containers = containers::list(&host.docker, None);
        (containers, networks.join())
    });
    for container in containers?.into_iter().filter(|at| is_our_container(host, at)) {
        traces.entry(container.slug.clone()).or_default().containers.push(container);
    }
    let networks = networks.unwrap_or_else(|_| Ok(Vec::new()))?;
    for network in networks.into_iter().filter(|at| is_ours(host, at.state.as_deref())) {
        traces.entry(network.slug.clone()).or_default().networks.push(network);
    }
    for found in host.state.bottles()? {
        let trace = traces.entry(found.dir.slug().clone()).or_default();
        trace.locked = found.locked;
        match found.metadata {
            Ok(metadata) => trace.metadata = metadata,
            Err(error) => trace.fault = Some(format!("{:#}", anyhow::Error::from(error))),
        }
    }
    Ok(traces)
}

/// Whether what belongs to that state folder is for us to judge: it is ours, or the folder is gone
/// and it is nobody's. An engine may serve several state folders, and none touches another's.
fn is_ours(host: &Host, state: Option<&Path>) -> bool {
    state.is_some_and(|state| state == host.state.path() || !state.exists())
}

/// The same for a container, whose bottle's folder lies in its state folder. One that no compose of
/// ours made says nothing of a folder.
pub(crate) fn is_our_container(host: &Host, container: &Container) -> bool {
    is_ours(host, container.folder.as_deref().and_then(Path::parent))
}

/// The bottle of that name.
pub(crate) fn one(host: &Host, slug: &Slug) -> anyhow::Result<Bottle> {
    let found = all(host)?.into_iter().find(|bottle| bottle.slug == *slug);
    found.ok_or_else(|| no_such(slug))
}

/// The error for a name that no bottle has.
pub(crate) fn no_such(slug: &Slug) -> anyhow::Error {
    let error = compose_run::StateError::NoSuchBottle(slug.clone()).into();
    crate::exit::advise(error, "`bottle list` shows the bottles of this host")
}

impl Traces {
    fn judge(&self) -> Condition {
        let phase = self.metadata.as_ref().map(|metadata| metadata.phase);
        if self.locked {
            return match phase {
                None | Some(Phase::Starting) => Condition::Starting,
                Some(Phase::Running) => Condition::Running,
                Some(Phase::Stopping | Phase::Stopped) => Condition::Stopping,
            };
        }
        let Some(metadata) = self.metadata.as_ref().filter(|_| self.fault.is_none()) else {
            return Condition::Broken;
        };
        let remains = !self.containers.is_empty() || !self.networks.is_empty();
        match metadata.phase {
            Phase::Running if is_left_alone(metadata) && self.lives(metadata) => Condition::Running,
            Phase::Stopped if !remains => Condition::Stopped,
            Phase::Starting | Phase::Running | Phase::Stopping | Phase::Stopped => {
                Condition::Broken
            }
        }
    }

    /// Whether the container that a bottle is about is up.
    fn lives(&self, metadata: &Metadata) -> bool {
        let role = metadata.standalone.unwrap_or(Role::Agent);
        let up = |state: &str| matches!(state, "running" | "restarting" | "paused");
        self.containers.iter().any(|at| at.role == Some(role) && up(&at.state))
    }
}

/// Whether it goes on without a process of ours.
pub(crate) fn is_left_alone(metadata: &Metadata) -> bool {
    metadata.detached || metadata.keep
}

#[cfg(test)]
pub(crate) mod tests {
    use compose_run::{BottleDir, StateDir};
    use tempfile::TempDir;

    use super::*;

    /// A state folder with nothing in it.
    pub(crate) fn state() -> (TempDir, StateDir) {
        let folder = tempfile::tempdir().unwrap();
        let state = StateDir::open(folder.path().join("state")).unwrap();
        (folder, state)
    }

    /// The folder of a bottle that nobody holds.
    pub(crate) fn folder_of(state: &StateDir, name: &str) -> BottleDir {
        let dir = state.bottle(&name.parse().unwrap());
        drop(state.claim(dir.slug()).unwrap());
        dir
    }

    /// One such, in a state folder of its own.
    pub(crate) fn bottle() -> (TempDir, StateDir, BottleDir) {
        let (folder, state) = state();
        let dir = folder_of(&state, "fix-login");
        (folder, state, dir)
    }

    fn slug() -> Slug {
        "fix-login".parse().unwrap()
    }

    fn container(role: Role, state: &str) -> Container {
        Container {
            id: "0".to_owned(),
            name: role.container(&slug()),
            slug: slug(),
            role: Some(role),
            state: state.to_owned(),
            status: String::new(),
            image: String::new(),
            folder: None,
        }
    }

    fn traces(phase: Phase, detached: bool, locked: bool, agent: Option<&str>) -> Traces {
        let metadata = Metadata { phase, detached, ..Metadata::new(&slug(), "implementer") };
        Traces {
            metadata: Some(metadata),
            locked,
            containers: agent.map(|state| container(Role::Agent, state)).into_iter().collect(),
            ..Traces::default()
        }
    }

    #[test]
    fn k1_a_bottle_lives_while_it_is_locked_or_detached_with_its_agent_up() {
        let judge = |phase, detached, locked, agent| traces(phase, detached, locked, agent).judge();
        let up = Some("running");
        assert_eq!(judge(Phase::Starting, false, true, None), Condition::Starting);
        assert_eq!(judge(Phase::Running, false, true, up), Condition::Running);
        assert_eq!(judge(Phase::Running, true, false, up), Condition::Running);
        assert_eq!(judge(Phase::Stopping, false, true, up), Condition::Stopping);
        assert_eq!(judge(Phase::Stopped, false, false, None), Condition::Stopped);
    }

    #[test]
    fn k1_a_bottle_whose_launcher_died_is_broken() {
        let judge = |phase, detached, agent| traces(phase, detached, false, agent).judge();
        for phase in [Phase::Starting, Phase::Running, Phase::Stopping] {
            assert_eq!(judge(phase, false, None), Condition::Broken, "{phase:?}");
            assert_eq!(judge(phase, false, Some("running")), Condition::Broken, "{phase:?}");
        }
        assert_eq!(judge(Phase::Running, true, Some("exited")), Condition::Broken);
        assert_eq!(judge(Phase::Stopped, false, Some("running")), Condition::Broken);
        assert_eq!(Traces::default().judge(), Condition::Broken);
    }
}

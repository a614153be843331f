//! The containers of bottles, asked for by a thread of its own: an engine takes its time.

use std::collections::BTreeMap;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::Context as _;
use compose_render::{Role, Slug};
use dashboard::Service;

use super::service;
use crate::bottles::{self, Condition};
use crate::environment::Environment;
use crate::host::Host;

/// How often the engine is asked.
const ASK: Duration = Duration::from_secs(4);

/// What the engine said last.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    pub bottles: BTreeMap<Slug, Containers>,
    /// Why it said nothing.
    pub fault: Option<String>,
}

/// One bottle as the engine has it.
#[derive(Clone, Debug)]
pub(super) struct Containers {
    pub condition: Condition,
    pub services: Vec<Service>,
}

/// The thread, which ends when this is dropped.
#[derive(Debug)]
pub(super) struct EngineWatch {
    known: Arc<Mutex<Known>>,
    _ending: mpsc::Sender<()>,
}

impl EngineWatch {
    pub(super) fn begin(environment: Environment) -> anyhow::Result<Self> {
        let known = Arc::<Mutex<Known>>::default();
        let (ending, ended) = mpsc::channel();
        let told = Arc::clone(&known);
        thread::Builder::new()
            .name("engine".to_owned())
            .spawn(move || {
                let mut host = None;
                loop {
                    let new = ask(&mut host, &environment);
                    tell(&told, new);
                    if ended.recv_timeout(ASK) != Err(RecvTimeoutError::Timeout) {
                        return;
                    }
                }
            })
            .context("cannot begin a thread")?;
        Ok(Self { known, _ending: ending })
    }

    pub(super) fn known(&self) -> Known {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Puts in what was said; what was known of bottles stays while the engine is silent.
fn tell(known: &Mutex<Known>, new: anyhow::Result<BTreeMap<Slug, Containers>>) {
    let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
    match new {
        Ok(bottles) => *known = Known { bottles, fault: None },
        Err(error) => known.fault = Some(error.to_string()),
    }
}

fn ask(
    host: &mut Option<Host>,
    environment: &Environment,
) -> anyhow::Result<BTreeMap<Slug, Containers>> {
    let host = match host {
        Some(host) => host,
        None => host.insert(Host::find(environment)?),
    };
    let bottles = bottles::all(host)?.into_iter().map(|bottle| {
        let order = |role: Option<Role>| Role::ALL.iter().position(|one| Some(*one) == role);
        let mut containers = bottle.containers;
        containers.sort_by_key(|at| order(at.role));
        let services = containers
            .iter()
            .filter_map(|at| Some(service(at.role?, &at.state, &at.status)))
            .collect();
        (bottle.slug, Containers { condition: bottle.condition, services })
    });
    Ok(bottles.collect())
}

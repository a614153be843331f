//! What the dashboard shows, gathered: decisions, proposals and what was spent from the sidecars' own
//! files at each look, containers from the engine now and then. No log is followed.

mod answers;
mod engine;
mod log;
mod rate;
mod seen;

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use compose_render::{Role, Slug};
use compose_run::{Metadata, Phase, StateDir};
use dashboard::{Bottle, Denial, Model, Screen, Service, State, View};
use time::OffsetDateTime;

pub(crate) use self::answers::Answers;
use self::engine::EngineWatch;
use self::log::LogWatch;
use self::seen::Seen;
use crate::bottles::Condition;
use crate::environment::Environment;
use crate::policy_view::observed;

/// How often it is looked which bottles there are.
const LIST: Duration = Duration::from_secs(1);
/// The most denials that are kept.
const DENIALS: usize = 200;

/// All that is gathered.
#[derive(Debug)]
pub(crate) struct Board {
    state: StateDir,
    engine: EngineWatch,
    log: LogWatch,
    seen: BTreeMap<Slug, Seen>,
    denials: VecDeque<Denial>,
    listed: Option<Instant>,
}

impl Board {
    pub(crate) fn new(state: &StateDir, environment: &Environment) -> anyhow::Result<Self> {
        Ok(Self {
            state: state.clone(),
            engine: EngineWatch::begin(environment.clone())?,
            log: LogWatch::begin(state.clone(), environment.clone())?,
            seen: BTreeMap::new(),
            denials: VecDeque::new(),
            listed: None,
        })
    }

    /// What is known now. One bottle that cannot be read says so, and hides no other.
    pub(crate) fn look(&mut self, screen: &Screen) -> anyhow::Result<Model> {
        let now = Instant::now();
        if self.listed.is_none_or(|at| now.duration_since(at) >= LIST) {
            self.list()?;
            self.listed = Some(now);
        }
        let mut new = Vec::new();
        for (slug, seen) in &mut self.seen {
            new.extend(seen.look(&self.state.bottle(slug), now));
        }
        add(&mut self.denials, new);
        let mut model = self.model(now);
        self.detail(&mut model, screen);
        Ok(model)
    }

    fn list(&mut self) -> anyhow::Result<()> {
        let found = self.state.bottles()?;
        self.seen.retain(|slug, _| found.iter().any(|one| one.dir.slug() == slug));
        for one in found {
            let seen = self.seen.entry(one.dir.slug().clone()).or_default();
            seen.metadata = one.metadata.ok().flatten();
        }
        Ok(())
    }

    fn model(&self, now: Instant) -> Model {
        let known = self.engine.known();
        let bottles = self.seen.iter().map(|(slug, seen)| {
            let engine = known.bottles.get(slug);
            let metadata = seen.metadata.as_ref();
            let until = metadata.and_then(|metadata| metadata.observed_until);
            Bottle {
                name: slug.to_string(),
                agent: metadata.map(|metadata| metadata.agent.clone()).unwrap_or_default(),
                state: engine.map_or_else(|| by_files(metadata), |known| state(known.condition)),
                since: metadata.map(|metadata| metadata.created.clone()).unwrap_or_default(),
                warning: seen.warning().or_else(|| until.map(observed)),
                services: engine.map(|known| known.services.clone()).unwrap_or_default(),
                rate: seen.rate(now),
                allowed: seen.allowed(),
                denied: seen.denied(),
                routes: Vec::new(),
            }
        });
        Model {
            bottles: bottles.collect(),
            denials: self.denials.iter().cloned().collect(),
            proposals: self.seen.values().flat_map(Seen::proposals).collect(),
            log: self.log.got(),
            clock: clock(),
            engine: known.fault.map(|fault| format!("the engine tells nothing: {fault}")),
        }
    }

    /// What only the chosen one needs.
    fn detail(&self, model: &mut Model, screen: &Screen) {
        if let Some(chosen) = screen.proposal(model).map(|proposal| proposal.name.clone()) {
            for (slug, seen) in &self.seen {
                let dir = self.state.bottle(slug);
                if let Some(whole) = seen.whole(&dir, &chosen)
                    && let Some(there) = model.proposals.iter_mut().find(|one| one.name == chosen)
                {
                    *there = whole;
                }
            }
        }
        let chosen = screen.bottle(model).map(|bottle| bottle.name.clone());
        let Some(slug) = chosen.and_then(|name| name.parse::<Slug>().ok()) else { return };
        if screen.view() == View::Bottle {
            let routes = seen::routes(&self.state.bottle(&slug));
            if let Some(there) = model.bottles.iter_mut().find(|at| at.name == slug.as_str()) {
                there.routes = routes;
            }
        }
        let role = screen.service(model).and_then(Role::named);
        let wanted = role.filter(|_| screen.view() == View::Logs).map(|role| (slug, role));
        self.log.want(wanted);
    }
}

/// Puts what is new before what was there, the newest first.
fn add(denials: &mut VecDeque<Denial>, mut new: Vec<(String, Denial)>) {
    new.sort_by(|(a, _), (b, _)| a.cmp(b));
    for (_, denial) in new {
        denials.push_front(denial);
    }
    denials.truncate(DENIALS);
}

const fn state(condition: Condition) -> State {
    match condition {
        Condition::Starting => State::Starting,
        Condition::Running => State::Running,
        Condition::Stopping => State::Stopping,
        Condition::Stopped => State::Stopped,
        Condition::Broken => State::Broken,
    }
}

/// How it is as far as its folder tells.
fn by_files(metadata: Option<&Metadata>) -> State {
    match metadata.map(|metadata| metadata.phase) {
        None => State::Broken,
        Some(Phase::Starting) => State::Starting,
        Some(Phase::Running) => State::Running,
        Some(Phase::Stopping) => State::Stopping,
        Some(Phase::Stopped) => State::Stopped,
    }
}

/// The time of day, as the sidecars write it.
fn clock() -> String {
    let now = OffsetDateTime::now_utc();
    format!("{:02}:{:02}:{:02} UTC", now.hour(), now.minute(), now.second())
}

/// Services in the order in which a request passes them.
fn service(role: Role, state: &str, status: &str) -> Service {
    // `Up 5 minutes (healthy)`: what is in the brackets is the health, which comes first here.
    let is = if status.is_empty() { state.to_owned() } else { status.to_lowercase() };
    let good = state == "running" && !status.contains("unhealthy");
    Service { name: role.to_string(), is, good }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bottles::tests::{folder_of, state};

    #[test]
    fn a_denial_after_midnight_is_newer_than_one_before_it() {
        let (_folder, state) = state();
        let mut new = Vec::new();
        for (name, time) in [("a", "2026-01-02T00:00:01Z"), ("b", "2026-01-01T23:59:59Z")] {
            let dir = folder_of(&state, name);
            let outbox = dir.path().join("pipelock/outbox");
            fs_err::create_dir_all(&outbox).unwrap();
            let line = format!("{{\"time\":\"{time}\",\"event\":\"denied\"}}\n");
            compose_run::replace(&outbox.join("decisions.jsonl"), line.as_bytes(), 0o644).unwrap();
            new.extend(Seen::default().look(&dir, Instant::now()));
        }
        let mut denials = VecDeque::new();
        add(&mut denials, new);
        let times: Vec<&str> = denials.iter().map(|denial| denial.time.as_str()).collect();
        assert_eq!(times, ["00:00:01", "23:59:59"]);
    }
}

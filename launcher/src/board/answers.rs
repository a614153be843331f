//! A person's answers, carried out beside the screen: a yes takes until every sidecar has it.

use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::{self, JoinHandle};

use anyhow::Context as _;
use compose_run::StateDir;

use crate::decide::{self, Decided, Reach};
use crate::environment::Environment;
use crate::host::Host;
use crate::proposals::Name;

/// What is being carried out: one at a time.
#[derive(Debug)]
pub(crate) struct Answers {
    state: StateDir,
    environment: Environment,
    under_way: Option<JoinHandle<()>>,
    told: (Sender<String>, Receiver<String>),
}

impl Answers {
    pub(crate) fn new(state: &StateDir, environment: &Environment) -> Self {
        let (state, environment) = (state.clone(), environment.clone());
        Self { state, environment, under_way: None, told: mpsc::channel() }
    }

    /// Says yes to exactly that change. What is said meanwhile.
    pub(crate) fn approve(&mut self, name: String, change: String) -> String {
        let environment = self.environment.clone();
        let meanwhile = format!("waiting for every sidecar to have what {name} asks for");
        self.begin(meanwhile, move || {
            let host = Host::find(&environment)?;
            let known: Name = name.parse()?;
            let reach = Reach::Bottle;
            Ok(match decide::approve(&host, &environment, &known, None, &change, reach)? {
                Decided::InForce(_) => format!("{name} is in force until the bottle ends"),
                Decided::Changed(..) => {
                    format!("{name} comes to another change by now: look again; nothing was done")
                }
            })
        })
    }

    /// Says no, and why.
    pub(crate) fn deny(&mut self, name: String, reason: String) -> String {
        let state = self.state.clone();
        let meanwhile = format!("denying {name}");
        self.begin(meanwhile, move || {
            decide::deny(&state, &name.parse()?, &reason)?;
            Ok(format!("{name} is denied, and the agent is told"))
        })
    }

    /// What became of the last one, once.
    pub(crate) fn news(&mut self) -> Option<String> {
        self.told.1.try_recv().ok()
    }

    /// Waits for what is under way: a change that was begun is not left half done.
    pub(crate) fn finish(&mut self) {
        if let Some(work) = self.under_way.take() {
            // A thread that ended badly has told so on its own.
            drop(work.join());
        }
    }

    fn begin(
        &mut self,
        meanwhile: String,
        work: impl FnOnce() -> anyhow::Result<String> + Send + 'static,
    ) -> String {
        if self.under_way.as_ref().is_some_and(|work| !work.is_finished()) {
            return "the answer before this one is still being carried out: try again".to_owned();
        }
        self.finish();
        let told = self.told.0.clone();
        let begun = thread::Builder::new().name("answer".to_owned()).spawn(move || {
            let news = work().unwrap_or_else(|error| format!("it did not work: {error:#}"));
            // The screen may be gone by now.
            drop(told.send(news));
        });
        match begun.context("cannot begin a thread") {
            Ok(work) => {
                self.under_way = Some(work);
                meanwhile
            }
            Err(error) => format!("{error:#}"),
        }
    }
}

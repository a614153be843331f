//! Signals: Ctrl-C, a terminal that dies and a system that stops all end in the same teardown.
//!
//! A signal only leaves a mark and ends the child that is running; the main thread sees it between
//! two pieces of work and undoes what was done. So no signal, however often it comes, cuts a
//! teardown short.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Context as _;
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::iterator::Signals as Arrivals;

use crate::ui::Ui;

/// The work was cut short by a signal. Not a failure of anything: exit code 130.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("interrupted")]
pub(crate) struct Interrupted;

/// What is said when a signal arrives.
enum Talk {
    Nothing,
    OfTeardown(Ui),
}

/// What has arrived so far.
#[derive(Clone, Debug)]
pub(crate) struct Signals {
    arrived: Arc<AtomicUsize>,
}

impl Signals {
    /// Takes SIGINT, SIGQUIT, SIGTERM and SIGHUP from now on, for a command that takes down what it started.
    pub(crate) fn watch(ui: &Ui) -> anyhow::Result<Self> {
        Self::begin(Talk::OfTeardown(ui.clone()))
    }

    /// The same for a command that started nothing: it only ends.
    pub(crate) fn quiet() -> anyhow::Result<Self> {
        Self::begin(Talk::Nothing)
    }

    fn begin(talk: Talk) -> anyhow::Result<Self> {
        let signals = Self { arrived: Arc::new(AtomicUsize::new(0)) };
        let mut arrivals = Arrivals::new([SIGINT, SIGQUIT, SIGTERM, SIGHUP])
            .context("cannot listen for signals")?;
        let watched = signals.clone();
        std::thread::Builder::new()
            .name("signals".to_owned())
            .spawn(move || {
                for _ in arrivals.forever() {
                    watched.arrive(&talk);
                }
            })
            .context("cannot listen for signals")?;
        Ok(signals)
    }

    fn arrive(&self, talk: &Talk) {
        let first = self.arrived.fetch_add(1, Ordering::SeqCst) == 0;
        if first {
            compose_run::cancel::set();
        }
        match talk {
            Talk::Nothing => {}
            Talk::OfTeardown(ui) if first => {
                ui.say("stopping: everything that was started is taken down again");
            }
            Talk::OfTeardown(ui) => {
                ui.say("still taking down; it ends by itself, nothing is left behind");
            }
        }
    }

    /// Whether any has arrived.
    pub(crate) fn any(&self) -> bool {
        self.arrived.load(Ordering::SeqCst) > 0
    }

    /// An error once any has arrived.
    pub(crate) fn check(&self) -> Result<(), Interrupted> {
        if self.any() { Err(Interrupted) } else { Ok(()) }
    }
}

//! Signals: Ctrl-C, a terminal that dies and a system that stops all end in the same teardown.
//!
//! A signal only leaves a mark and ends the child that is running; the main thread sees it between
//! two pieces of work and undoes what was done. So no signal, however often it comes, cuts a
//! teardown short.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Context as _;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals as Arrivals;

use crate::ui::Ui;

/// The work was cut short by a signal. Not a failure of anything: exit code 130.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("interrupted")]
pub(crate) struct Interrupted;

/// What has arrived so far.
#[derive(Clone, Debug)]
pub(crate) struct Signals {
    arrived: Arc<AtomicUsize>,
}

impl Signals {
    /// Takes SIGINT, SIGTERM and SIGHUP from now on.
    pub(crate) fn watch(ui: &Ui) -> anyhow::Result<Self> {
        let signals = Self { arrived: Arc::new(AtomicUsize::new(0)) };
        let mut arrivals =
            Arrivals::new([SIGINT, SIGTERM, SIGHUP]).context("cannot listen for signals")?;
        let (watched, ui) = (signals.clone(), ui.clone());
        std::thread::Builder::new()
            .name("signals".to_owned())
            .spawn(move || {
                for _ in arrivals.forever() {
                    watched.arrive(&ui);
                }
            })
            .context("cannot listen for signals")?;
        Ok(signals)
    }

    fn arrive(&self, ui: &Ui) {
        match self.arrived.fetch_add(1, Ordering::SeqCst) {
            0 => {
                compose_run::cancel::set();
                ui.say("stopping: everything that was started is taken down again");
            }
            _ => ui.say("still taking down; it ends by itself, nothing is left behind"),
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

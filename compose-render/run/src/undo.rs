//! What has to be undone: registered before each step, run newest first.

use std::{fmt, mem};

type Step<'a> = Box<dyn FnOnce() -> anyhow::Result<()> + Send + 'a>;

/// The undos of what was begun. Each is registered before its step begins, so it must stand being
/// run on a step that was done by half, or not at all.
///
/// Dropped without [`Undo::disarm`], it runs: a panic or an early return leaves nothing behind.
#[must_use = "dropped, it undoes everything at once"]
#[derive(Default)]
pub struct Undo<'a> {
    steps: Vec<(String, Step<'a>)>,
}

/// Something that could not be undone.
#[derive(Debug)]
pub struct Leftover {
    pub what: String,
    pub error: anyhow::Error,
}

impl<'a> Undo<'a> {
    /// Nothing to undo yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Registers what undoes the step that begins now. `what` completes "could not …".
    pub fn register(
        &mut self,
        what: impl Into<String>,
        undo: impl FnOnce() -> anyhow::Result<()> + Send + 'a,
    ) {
        self.steps.push((what.into(), Box::new(undo)));
    }

    /// Undoes everything, newest first, and returns what failed. One failure never hides the next.
    pub fn run(&mut self) -> Vec<Leftover> {
        self.run_with(|_| ())
    }

    /// The same, telling what is undone before each.
    pub fn run_with(&mut self, mut tell: impl FnMut(&str)) -> Vec<Leftover> {
        let mut leftovers = Vec::new();
        // Taken one by one: a panic in one undo still leaves the older ones to the drop.
        while let Some((what, undo)) = self.steps.pop() {
            tell(&what);
            if let Err(error) = undo() {
                leftovers.push(Leftover { what, error });
            }
        }
        leftovers
    }

    /// Keeps what was done.
    pub fn disarm(mut self) {
        drop(mem::take(&mut self.steps));
    }
}

impl Drop for Undo<'_> {
    fn drop(&mut self) {
        drop(self.run());
    }
}

impl fmt::Debug for Undo<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.steps.iter().map(|(what, _)| what)).finish()
    }
}

impl fmt::Display for Leftover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "could not {}: {:#}", self.what, self.error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    #[test]
    fn runs_newest_first_and_never_stops_at_the_first_failure() {
        let done = Mutex::new(Vec::new());
        let note = |what: &'static str| done.lock().unwrap().push(what);
        let mut undo = Undo::new();
        undo.register("remove the folder", || {
            note("folder");
            Ok(())
        });
        undo.register("remove the network", || {
            note("network");
            anyhow::bail!("it is in use")
        });
        undo.register("stop the containers", || {
            note("containers");
            Ok(())
        });
        let leftovers = undo.run();
        assert_eq!(*done.lock().unwrap(), ["containers", "network", "folder"]);
        assert_eq!(leftovers.len(), 1);
        assert_eq!(leftovers[0].to_string(), "could not remove the network: it is in use");
    }

    #[test]
    fn dropped_it_runs_and_disarmed_it_does_not() {
        let done = Mutex::new(0);
        for disarmed in [true, false] {
            let mut undo = Undo::new();
            undo.register("count", || {
                *done.lock().unwrap() += 1;
                Ok(())
            });
            if disarmed {
                undo.disarm();
            }
        }
        assert_eq!(*done.lock().unwrap(), 1);
    }
}

//! Ending whatever runs, from another thread: a signal must not have to wait for a build.

use std::sync::atomic::{AtomicBool, Ordering};

static CANCELLED: AtomicBool = AtomicBool::new(false);

/// Ends every child that runs now, and refuses new ones, until [`clear`].
pub fn set() {
    CANCELLED.store(true, Ordering::SeqCst);
}

/// Lets children run again: what was begun has to be undone.
pub fn clear() {
    CANCELLED.store(false, Ordering::SeqCst);
}

/// Whether children are ended at the moment.
pub fn is_set() -> bool {
    CANCELLED.load(Ordering::SeqCst)
}

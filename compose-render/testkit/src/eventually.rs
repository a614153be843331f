//! Waiting in a test: for a condition, with a generous bound, never for a time.

use compose_run::wait;
use std::{cell::RefCell, time::Duration};

/// A loaded machine of two cores takes its time; a test that waits longer hangs.
const LIMIT: Duration = Duration::from_secs(90);

/// Asks until it is `Ok`, and returns that. Fails the test with the last status when it never is.
///
/// # Panics
///
/// When the bound is reached.
#[track_caller]
#[expect(clippy::panic, reason = "this is how a test fails")]
pub fn eventually<T>(what: &str, mut ask: impl FnMut() -> Result<T, String>) -> T {
    let status = RefCell::new(String::new());
    let answer =
        wait::until(what, LIMIT, || ask().map_err(|error| *status.borrow_mut() = error).ok());
    match answer {
        Ok(answer) => answer,
        Err(error) => panic!("{error}; at last: {}", status.borrow()),
    }
}

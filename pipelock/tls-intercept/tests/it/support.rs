//! What the tests stand on: an origin that records, a data plane that relays, an agent.

mod agent;
mod frames;
mod origin;
mod relay;
pub(crate) mod websocket;

pub(crate) use self::agent::{Agent, read_all, text};
pub(crate) use self::frames::{data, frames};
pub(crate) use self::origin::{Origin, answer_ok};
pub(crate) use self::relay::Bench;

use std::time::Duration;

/// Far more than anything takes, on any machine.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// Waits with a bound.
pub(crate) async fn within<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(PATIENCE, future).await.expect("it did not happen in time")
}

/// Polls until it is so.
pub(crate) async fn until(what: &str, mut so: impl FnMut() -> bool) {
    let polling = async {
        while !so() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    assert!(tokio::time::timeout(PATIENCE, polling).await.is_ok(), "never: {what}");
}

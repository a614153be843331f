//! Waiting for a person, with a word now and then so that the client knows that somebody waits.

use std::time::Duration;

use rmcp::RoleServer;
use rmcp::model::{ProgressNotificationParam, ProgressToken};
use rmcp::service::RequestContext;
use serde_json::Value;
use supervise::{Proposal, ProposalId};
use tokio::time::{Instant, MissedTickBehavior, interval, interval_at, sleep, timeout};

use super::arguments::Wait;
use super::{LONGEST_WAIT, found, shown};
use crate::queue::State;
use crate::run::Desk;

/// How often a waited for answer is looked for.
const LOOK: Duration = Duration::from_millis(50);
/// How often progress is told. An answer that comes before the first is a plain one.
const PROGRESS: Duration = Duration::from_secs(5);
/// How long a client may take to read it.
const READING: Duration = Duration::from_secs(1);

/// Waits for the answer to a proposal.
pub(super) async fn wait(
    wanted: Wait,
    desk: &Desk,
    context: &RequestContext<RoleServer>,
) -> Result<Value, String> {
    let Wait { id, timeout_seconds } = wanted;
    let limit = Duration::from_secs(timeout_seconds.clamp(1, LONGEST_WAIT));
    let permit = desk.waits.try_acquire().map_err(|_| "too many calls of wait at once")?;
    let answered = tokio::select! {
        answered = answered(&id, desk) => Some(answered?),
        () = sleep(limit) => None,
        () = desk.shutdown.requested() => None,
        // Whoever asked went away.
        () = context.ct.cancelled() => None,
        () = progress(limit, context) => None,
    };
    drop(permit);
    let (proposal, state) = match answered {
        Some(answered) => answered,
        None => found(&id, desk)?,
    };
    Ok(shown(&proposal, &state))
}

/// Ends when there is an answer, or nothing to wait for.
async fn answered(id: &ProposalId, desk: &Desk) -> Result<(Proposal, State), String> {
    let mut look = interval(LOOK);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        look.tick().await;
        let (proposal, state) = found(id, desk)?;
        if state != State::Open {
            return Ok((proposal, state));
        }
    }
}

/// Tells how long it has been, where the client wants to know. Ends when nobody reads it.
async fn progress(limit: Duration, context: &RequestContext<RoleServer>) {
    let Some(token) = context.meta.get_progress_token() else {
        return std::future::pending().await;
    };
    let begun = Instant::now();
    let mut tick = interval_at(begun + PROGRESS, PROGRESS);
    loop {
        tick.tick().await;
        let told = context.peer.notify_progress(told(token.clone(), begun.elapsed(), limit));
        if !matches!(timeout(READING, told).await, Ok(Ok(()))) {
            return;
        }
    }
}

fn told(token: ProgressToken, waited: Duration, limit: Duration) -> ProgressNotificationParam {
    ProgressNotificationParam::new(token, waited.as_secs_f64().round())
        .with_total(limit.as_secs_f64())
        .with_message("waiting for a person's answer")
}

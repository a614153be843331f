//! The wish to stop, and the tasks that must end before the process does.

use std::time::Duration;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Cheap to clone; every clone speaks of the same shutdown.
#[derive(Clone, Debug, Default)]
pub struct Shutdown {
    requested: CancellationToken,
    aborted: CancellationToken,
    tasks: TaskTracker,
}

impl Shutdown {
    /// Nothing is requested yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks everybody to stop accepting and to finish what is open.
    pub fn request(&self) {
        self.requested.cancel();
    }

    /// Whether a stop is asked for.
    pub fn is_requested(&self) -> bool {
        self.requested.is_cancelled()
    }

    /// Resolves when a stop is asked for, at once if it already is.
    pub async fn requested(&self) {
        self.requested.cancelled().await;
    }

    /// Resolves when the drain deadline has passed: what is still open is to end now.
    pub async fn aborted(&self) {
        self.aborted.cancelled().await;
    }

    /// Spawns a task that [`Shutdown::drain`] waits for.
    pub fn spawn<F>(&self, task: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.tasks.spawn(task)
    }

    /// Waits until every task has ended, at most `deadline`; then aborts and gives them a moment.
    ///
    /// Returns how many were still open when the deadline passed.
    pub async fn drain(&self, deadline: Duration) -> usize {
        /// What a task gets to see the abort and to let go of its sockets.
        const LAST_MOMENT: Duration = Duration::from_millis(500);
        self.tasks.close();
        if tokio::time::timeout(deadline, self.tasks.wait()).await.is_ok() {
            return 0;
        }
        let open = self.tasks.len();
        self.aborted.cancel();
        drop(tokio::time::timeout(LAST_MOMENT, self.tasks.wait()).await);
        open
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_drain_waits_for_tasks_and_aborts_the_rest() {
        let shutdown = Shutdown::new();
        let stubborn = shutdown.clone();
        shutdown.spawn(async move { stubborn.aborted().await });
        assert_eq!(shutdown.drain(Duration::from_millis(20)).await, 1);
        let polite = Shutdown::new();
        let waiting = polite.clone();
        polite.spawn(async move { waiting.requested().await });
        polite.request();
        assert_eq!(polite.drain(Duration::from_secs(30)).await, 0);
    }
}

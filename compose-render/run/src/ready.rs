//! Waits until a container serves, or says what its log said.

use crate::{Docker, RunError, containers, wait};
use std::time::{Duration, Instant};

/// How much of the log an error carries.
const LOG_LINES: u32 = 20;
/// A container that came back this often will not get well by waiting.
const MANY_RESTARTS: u64 = 3;
/// One health check answers within this, or it counts as failed.
const CHECK_LIMIT: Duration = Duration::from_secs(15);

/// A container that did not get ready.
#[derive(Debug, thiserror::Error)]
pub enum ReadyError {
    #[error("`{container}` was not healthy after {waited:.1?}\n{last_log_lines}")]
    Unhealthy { container: String, waited: Duration, last_log_lines: String },
    #[error("`{container}` stopped with exit code {exit_code}\n{last_log_lines}")]
    Stopped { container: String, exit_code: i32, last_log_lines: String },
    #[error("`{container}` is not there")]
    Absent { container: String },
    #[error(transparent)]
    Run(#[from] RunError),
}

/// Asks the container's own health command by `docker exec` until it answers 0.
pub fn wait(
    docker: &Docker,
    container: &str,
    healthcheck: &[String],
    limit: Duration,
) -> Result<(), ReadyError> {
    let begun = Instant::now();
    let healthy = wait::until(container, limit, || ask(docker, container, healthcheck).transpose());
    match healthy {
        Ok(answer) => answer,
        Err(_) => Err(ReadyError::Unhealthy {
            container: container.to_owned(),
            waited: begun.elapsed(),
            last_log_lines: containers::last_log_lines(docker, container, LOG_LINES),
        }),
    }
}

fn ask(docker: &Docker, container: &str, healthcheck: &[String]) -> Result<Option<()>, ReadyError> {
    match docker.exec(container, None, false, healthcheck).timeout(CHECK_LIMIT).run() {
        Ok(()) => return Ok(Some(())),
        Err(error @ RunError::Cancelled { .. }) => return Err(error.into()),
        Err(error) if error.is_docker_missing() => return Err(error.into()),
        Err(_) => {}
    }
    let container = container.to_owned();
    let Some(life) = containers::life(docker, &container)? else {
        return Err(ReadyError::Absent { container });
    };
    let over = matches!(life.status.as_str(), "exited" | "dead") || life.restarts >= MANY_RESTARTS;
    if over {
        let last_log_lines = containers::last_log_lines(docker, &container, LOG_LINES);
        return Err(ReadyError::Stopped { container, exit_code: life.exit_code, last_log_lines });
    }
    Ok(None)
}

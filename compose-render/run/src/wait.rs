//! Waiting for a condition: the one place that sleeps.

use std::time::{Duration, Instant};

/// The first pause, short because most of what is waited for is nearly there.
const FIRST_PAUSE: Duration = Duration::from_millis(5);
/// The longest pause: what is waited for long is not worth asking more often.
const LONGEST_PAUSE: Duration = Duration::from_millis(200);

/// The condition was not met in time.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{what} did not happen within {limit:?}")]
pub struct TimedOut {
    pub what: String,
    pub limit: Duration,
}

/// Asks, at growing intervals, until there is an answer. Asks at least once.
pub fn until<T>(
    what: &str,
    limit: Duration,
    mut ask: impl FnMut() -> Option<T>,
) -> Result<T, TimedOut> {
    let begun = Instant::now();
    let mut pause = FIRST_PAUSE;
    loop {
        if let Some(answer) = ask() {
            return Ok(answer);
        }
        let left = limit.saturating_sub(begun.elapsed());
        if left.is_zero() {
            return Err(TimedOut { what: what.to_owned(), limit });
        }
        self::pause(pause.min(left));
        pause = (pause * 3 / 2).min(LONGEST_PAUSE);
    }
}

/// Lets some time pass.
#[expect(clippy::disallowed_methods, reason = "the one sleep")]
pub fn pause(time: Duration) {
    std::thread::sleep(time);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asks_again_until_there_is_an_answer() {
        let mut asked = 0;
        let answer = until("a third time", Duration::from_mins(1), || {
            asked += 1;
            (asked == 3).then_some("yes")
        });
        assert_eq!(answer, Ok("yes"));
    }

    #[test]
    fn asks_once_where_there_is_no_time() {
        let error = until::<()>("the end", Duration::ZERO, || None).unwrap_err();
        assert_eq!(error.to_string(), "the end did not happen within 0ns");
    }
}

//! No oracle: who tries the bottle's own secrets out on us is made to wait.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// So many within [`WITHIN`] are more than an accident.
pub(crate) const MOST: usize = 10;
const WITHIN: Duration = Duration::from_mins(1);

/// The last denials of the bottle's own secrets.
#[derive(Debug, Default)]
pub(crate) struct Pause(Mutex<VecDeque<Instant>>);

impl Pause {
    /// Counts one.
    pub(crate) fn count(&self, now: Instant) {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        last.push_back(now);
        if last.len() > MOST + 1 {
            last.pop_front();
        }
    }

    /// Whether there were too many of late.
    pub(crate) fn is_on(&self, now: Instant) -> bool {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        last.retain(|&then| now.duration_since(then) < WITHIN);
        last.len() > MOST
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_eleventh_within_a_minute_is_one_too_many() {
        let (pause, begun) = (Pause::default(), Instant::now());
        for second in 0..11 {
            assert!(!pause.is_on(begun));
            pause.count(begun + Duration::from_secs(second));
        }
        assert!(pause.is_on(begun + Duration::from_secs(59)));
        assert!(!pause.is_on(begun + Duration::from_secs(61)));
    }
}

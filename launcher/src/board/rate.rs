//! How many a second, over the last seconds.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// The seconds that count.
const WINDOW: Duration = Duration::from_secs(5);

/// Counts by the time at which they were seen.
#[derive(Debug, Default)]
pub(super) struct Rate {
    counts: VecDeque<(Instant, u64)>,
}

impl Rate {
    pub(super) fn add(&mut self, count: u64, now: Instant) {
        if count > 0 {
            self.counts.push_back((now, count));
        }
        while self.counts.front().is_some_and(|(at, _)| now.duration_since(*at) > WINDOW) {
            self.counts.pop_front();
        }
    }

    pub(super) fn per_second(&self, now: Instant) -> f64 {
        let within = self.counts.iter().filter(|(at, _)| now.duration_since(*at) <= WINDOW);
        let sum: u64 = within.map(|(_, count)| count).sum();
        #[expect(clippy::cast_precision_loss, reason = "it is shown with one digit")]
        let sum = sum as f64;
        sum / WINDOW.as_secs_f64()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_older_than_the_window_counts_no_more() {
        let begun = Instant::now();
        let at = |seconds| begun + Duration::from_secs(seconds);
        let mut rate = Rate::default();
        for second in 0..10 {
            rate.add(20, at(second));
        }
        let rounded = |seconds| format!("{:.0}", rate.per_second(at(seconds)));
        assert_eq!(rounded(9), "24");
        assert_eq!(rounded(12), "12");
        assert_eq!(rounded(20), "0");
    }
}

//! What single hosts may take in a minute, counted by the rule that names them.

use pipelock::Budget;
use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

const WINDOW: Duration = Duration::from_mins(1);

/// One generation's budgets, each with what was taken of it in the minute that runs.
#[derive(Debug, Default)]
pub(crate) struct Budgets(Vec<Counted>);

#[derive(Debug)]
struct Counted {
    budget: Budget,
    taken: Mutex<Taken>,
    bytes: Arc<AtomicU64>,
}

#[derive(Debug)]
struct Taken {
    since: Instant,
    requests: u64,
}

/// Why a request is over a budget.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Over {
    /// The host as the budget names it.
    pub(crate) rule: String,
}

impl Budgets {
    pub(crate) fn of(budgets: &[Budget]) -> Self {
        let counted = |budget: &Budget| Counted {
            budget: budget.clone(),
            taken: Mutex::new(Taken { since: Instant::now(), requests: 0 }),
            bytes: Arc::default(),
        };
        Self(budgets.iter().map(counted).collect())
    }

    /// Counts a request, and hands out where the bytes of its bodies are counted.
    pub(crate) fn take(&self, host: &str, now: Instant) -> Result<Vec<Arc<AtomicU64>>, Over> {
        let covers = |counted: &&Counted| counted.budget.host.covers(host);
        let mut open: Vec<_> = (self.0.iter().filter(covers))
            .map(|counted| {
                let taken = counted.taken.lock().unwrap_or_else(PoisonError::into_inner);
                (counted, taken)
            })
            .collect();
        for (counted, taken) in &mut open {
            if now.saturating_duration_since(taken.since) >= WINDOW {
                **taken = Taken { since: now, requests: 0 };
                counted.bytes.store(0, Ordering::Relaxed);
            }
            let Budget { requests, bytes, .. } = counted.budget;
            let full = requests.is_some_and(|most| taken.requests >= most)
                || bytes.is_some_and(|most| counted.bytes.load(Ordering::Relaxed) >= most);
            if full {
                return Err(Over { rule: counted.budget.host.to_string() });
            }
        }
        // What one of them refuses is counted by none.
        let take = |(counted, mut taken): (&Counted, MutexGuard<'_, Taken>)| {
            taken.requests += 1;
            Arc::clone(&counted.bytes)
        };
        Ok(open.into_iter().map(take).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budgets(requests: Option<u64>, bytes: Option<u64>) -> Budgets {
        Budgets::of(&[Budget { host: "*.a.org".parse().unwrap(), requests, bytes }])
    }

    #[test]
    fn what_one_budget_refuses_is_counted_by_none() {
        let of = |host: &str, requests| Budget {
            host: host.parse().unwrap(),
            requests: Some(requests),
            bytes: None,
        };
        let budgets = Budgets::of(&[of("*.a.org", 2), of("x.a.org", 1)]);
        let begun = Instant::now();
        assert!(budgets.take("x.a.org", begun).is_ok());
        assert_eq!(budgets.take("x.a.org", begun).unwrap_err().rule, "x.a.org");
        assert!(budgets.take("y.a.org", begun).is_ok(), "the refused one took nothing");
    }

    #[test]
    fn what_is_over_a_budget_waits_for_the_next_minute() {
        let (budgets, begun) = (budgets(Some(2), None), Instant::now());
        for _ in 0..2 {
            assert!(budgets.take("x.a.org", begun).is_ok());
        }
        let over = budgets.take("y.a.org", begun + Duration::from_secs(59));
        assert_eq!(over.unwrap_err().rule, "*.a.org");
        assert!(budgets.take("b.org", begun).is_ok(), "another host is not counted");
        assert!(budgets.take("x.a.org", begun + Duration::from_secs(61)).is_ok());
    }

    #[test]
    fn bytes_are_counted_as_they_pass() {
        let (budgets, begun) = (budgets(None, Some(100)), Instant::now());
        let meters = budgets.take("a.org", begun).unwrap();
        meters[0].fetch_add(100, Ordering::Relaxed);
        assert!(budgets.take("a.org", begun).is_err());
    }
}

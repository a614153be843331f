//! What single hosts may take in a minute, counted by the rule that names them.

use pipelock::Budget;
use std::{
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::{Duration, Instant},
};
use tls_intercept::{
    Body, BodyError,
    body::{Gate, gated},
};

const WINDOW: Duration = Duration::from_mins(1);

/// One generation's budgets, each with what was taken of it in the minute that runs.
#[derive(Debug, Default)]
pub(crate) struct Budgets(Vec<Arc<Counted>>);

#[derive(Debug)]
struct Counted {
    budget: Budget,
    /// Of the host as the budget names it, whatever the generation.
    taken: Arc<Mutex<Taken>>,
}

#[derive(Debug)]
struct Taken {
    since: Instant,
    requests: u64,
    bytes: u64,
}

/// Why a request is over a budget.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Over {
    /// The host as the budget names it.
    pub(crate) rule: String,
}

impl Counted {
    /// What was taken in the minute that runs at that time.
    fn at(&self, now: Instant) -> MutexGuard<'_, Taken> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if now.saturating_duration_since(taken.since) >= WINDOW {
            *taken = Taken { since: now, requests: 0, bytes: 0 };
        }
        taken
    }

    fn over(&self) -> Over {
        Over { rule: self.budget.host.to_string() }
    }
}

impl Budgets {
    pub(crate) fn of(budgets: &[Budget]) -> Self {
        let counted = |budget: &Budget| {
            let taken = Taken { since: Instant::now(), requests: 0, bytes: 0 };
            Arc::new(Counted { budget: budget.clone(), taken: Arc::new(Mutex::new(taken)) })
        };
        Self(budgets.iter().map(counted).collect())
    }

    /// The same after those: a minute that has begun goes on, or every change of the policy would
    /// give a host its budget anew.
    pub(crate) fn after(&self, before: &Self) -> Self {
        let counted = |now: &Arc<Counted>| {
            let named = |then: &&Arc<Counted>| then.budget.host == now.budget.host;
            let taken = &before.0.iter().find(named).unwrap_or(now).taken;
            Arc::new(Counted { budget: now.budget.clone(), taken: Arc::clone(taken) })
        };
        Self(self.0.iter().map(counted).collect())
    }

    /// Counts a request, and hands out what its bytes pass by.
    pub(crate) fn take(&self, host: &str, now: Instant) -> Result<Meters, Over> {
        if self.0.is_empty() {
            return Ok(Meters::default());
        }
        let covers = |counted: &&Arc<Counted>| counted.budget.host.covers(host);
        let mut open: Vec<_> =
            self.0.iter().filter(covers).map(|counted| (counted, counted.at(now))).collect();
        for (counted, taken) in &open {
            let Budget { requests, bytes, .. } = counted.budget;
            let full = requests.is_some_and(|most| taken.requests >= most)
                || bytes.is_some_and(|most| taken.bytes >= most);
            if full {
                return Err(counted.over());
            }
        }
        // What one of them refuses is counted by none.
        for (_, taken) in &mut open {
            taken.requests += 1;
        }
        let counted = open.into_iter().map(|(counted, _)| Arc::clone(counted)).collect();
        Ok(Meters(Some(Arc::new(Passing { counted, over: OnceLock::new() }))))
    }
}

/// What the bytes of one request and its answer, or of a connection, pass by.
#[derive(Clone, Debug, Default)]
pub(crate) struct Meters(Option<Arc<Passing>>);

#[derive(Debug)]
struct Passing {
    counted: Vec<Arc<Counted>>,
    over: OnceLock<Over>,
}

impl Meters {
    /// Counts bytes that are about to pass. They do not where one of the budgets has no room for them.
    pub(crate) fn pass(&self, bytes: u64, now: Instant) -> Result<(), Over> {
        let Some(passing) = &self.0 else { return Ok(()) };
        for counted in &passing.counted {
            let mut taken = counted.at(now);
            taken.bytes = taken.bytes.saturating_add(bytes);
            if counted.budget.bytes.is_some_and(|most| taken.bytes > most) {
                return Err(passing.over.get_or_init(|| counted.over()).clone());
            }
        }
        Ok(())
    }

    /// The budget that had no room any more.
    pub(crate) fn over(&self) -> Option<&Over> {
        self.0.as_ref()?.over.get()
    }

    /// A body whose bytes pass by them.
    pub(crate) fn on(&self, body: Body) -> Body {
        if self.0.is_some() { gated(body, self.clone()) } else { body }
    }
}

impl Gate for Meters {
    fn pass(&mut self, bytes: &[u8]) -> Result<(), BodyError> {
        let passed = Self::pass(self, bytes.len() as u64, Instant::now());
        passed.map_err(|_| BodyError::Stopped("the budget of the minute is used up".to_owned()))
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
    fn a_minute_goes_on_under_the_next_policy_with_what_that_allows() {
        let (before, begun) = (budgets(Some(3), None), Instant::now());
        for _ in 0..2 {
            assert!(before.take("x.a.org", begun).is_ok());
        }
        let same = budgets(Some(3), None).after(&before);
        assert!(same.take("x.a.org", begun).is_ok());
        // A request that was judged under the policy before is counted with the rest.
        assert!(before.take("x.a.org", begun).is_err() && same.take("x.a.org", begun).is_err());
        let more = budgets(Some(4), None).after(&same);
        assert!(more.take("x.a.org", begun).is_ok() && more.take("x.a.org", begun).is_err());
        assert!(Budgets::of(&[]).after(&same).take("x.a.org", begun).is_ok());
    }

    #[test]
    fn bytes_are_counted_as_they_pass_and_none_passes_beyond() {
        let (budgets, begun) = (budgets(None, Some(100)), Instant::now());
        let (one, two) =
            (budgets.take("a.org", begun).unwrap(), budgets.take("x.a.org", begun).unwrap());
        one.pass(60, begun).unwrap();
        two.pass(40, begun).unwrap();
        assert!(one.over().is_none());
        assert_eq!(one.pass(1, begun).unwrap_err().rule, "*.a.org");
        assert!(one.over().is_some() && two.over().is_none());
        assert!(budgets.take("a.org", begun).is_err());
        // In the next minute the same connection goes on.
        let next = begun + Duration::from_secs(61);
        two.pass(100, next).unwrap();
        assert!(budgets.take("a.org", next).is_err());
    }
}

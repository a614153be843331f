//! The requests that are being answered, so that a policy that takes a host away ends them.

use crate::judge::Asker;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tls_intercept::Destination;
use tokio_util::sync::CancellationToken;

/// Every request from before its judgement to the last byte of its answer.
#[derive(Clone, Debug, Default)]
pub(crate) struct InFlight(Arc<Mutex<Requests>>);

#[derive(Debug, Default)]
struct Requests {
    next: u64,
    open: BTreeMap<u64, Request>,
}

#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) destination: Destination,
    pub(crate) asker: Asker,
    pub(crate) revoked: CancellationToken,
    /// A connection that passes unopened.
    pub(crate) unopened: bool,
}

/// Takes its request out again when it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    requests: InFlight,
    number: u64,
}

impl InFlight {
    pub(crate) fn enter(&self, request: Request) -> Place {
        let mut requests = self.lock();
        let number = requests.next;
        requests.next += 1;
        requests.open.insert(number, request);
        Place { requests: self.clone(), number }
    }

    /// Closes the connections of the requests that `judge` no longer lets through.
    pub(crate) fn revoke(&self, judge: impl Fn(&Request) -> bool) -> usize {
        let requests = self.lock();
        let gone = requests.open.values().filter(|open| !judge(open));
        gone.map(|open| open.revoked.cancel()).count()
    }

    pub(crate) fn count(&self) -> usize {
        self.lock().open.len()
    }

    fn lock(&self) -> MutexGuard<'_, Requests> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.requests.lock().open.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tls_intercept::Scheme;

    #[test]
    fn j7_what_is_no_longer_allowed_is_closed_and_the_rest_is_not() {
        let in_flight = InFlight::default();
        let tokens = [CancellationToken::new(), CancellationToken::new()];
        let places: Vec<_> = ["a.org:443", "b.org:443"]
            .into_iter()
            .zip(&tokens)
            .map(|(to, revoked)| {
                in_flight.enter(Request {
                    destination: Destination::parse_authority(Scheme::Https, to).unwrap(),
                    asker: Asker::Agent,
                    revoked: revoked.clone(),
                    unopened: false,
                })
            })
            .collect();
        let only_a = |open: &Request| open.destination.host.to_string() == "a.org";
        assert_eq!(in_flight.revoke(only_a), 1);
        assert_eq!(tokens.map(|token| token.is_cancelled()), [false, true]);
        drop(places);
        assert_eq!(in_flight.revoke(|_| false), 0);
    }
}

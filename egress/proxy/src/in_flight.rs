//! The requests that are being answered, so that a policy that takes a route away ends them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use egress::{Credential, Routes, Verdict, Websocket};
use tokio_util::sync::CancellationToken;

/// Every request between its judgement and the last byte of its answer.
#[derive(Clone, Debug, Default)]
pub(crate) struct InFlight(Arc<Mutex<Requests>>);

#[derive(Debug, Default)]
struct Requests {
    next: u64,
    open: BTreeMap<u64, (Asked, CancellationToken)>,
}

/// What a request asked for: enough to judge it again.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) method: String,
    pub(crate) path: String,
    /// What it was given; none where no route names the host.
    pub(crate) given: Option<Vec<Credential>>,
    /// It became a `WebSocket`, or asks to.
    pub(crate) websocket: bool,
}

/// Takes its request out again when it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    requests: InFlight,
    number: u64,
}

impl Asked {
    /// Whether it would be answered the same way under these routes.
    fn holds(&self, routes: &Routes) -> bool {
        match (routes.judge(&self.host, self.port, &self.method, &self.path), &self.given) {
            (Verdict::Unrouted, None) => true,
            (Verdict::Covered { route, .. }, Some(given)) => {
                let permitted = !self.websocket || route.websocket == Websocket::Allow;
                route.credentials == *given && permitted
            }
            (Verdict::Unrouted | Verdict::Covered { .. } | Verdict::Method | Verdict::Path, _) => {
                false
            }
        }
    }
}

impl InFlight {
    pub(crate) fn enter(&self, asked: Asked, revoked: CancellationToken) -> Place {
        let mut requests = self.lock();
        let number = requests.next;
        requests.next += 1;
        requests.open.insert(number, (asked, revoked));
        Place { requests: self.clone(), number }
    }

    /// Closes the connections of requests that these routes would answer in another way.
    pub(crate) fn revoke(&self, routes: &Routes) -> usize {
        let requests = self.lock();
        let gone = requests.open.values().filter(|(asked, _)| !asked.holds(routes));
        gone.map(|(_, revoked)| revoked.cancel()).count()
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
    use egress::{Form, Route};

    fn route(credential: Option<&str>) -> Route {
        let credential = credential.map(|variable| Credential {
            variable: variable.parse().unwrap(),
            form: Form::Bearer,
            placeholder: None,
        });
        Route {
            credentials: credential.into_iter().collect(),
            paths: vec!["/v1/**".parse().unwrap()],
            ..Route::to("api.test".parse().unwrap())
        }
    }

    fn open(
        in_flight: &InFlight,
        path: &str,
        given: Option<Vec<Credential>>,
    ) -> (Place, CancellationToken) {
        let host = "api.test".to_owned();
        let (method, path) = ("GET".to_owned(), path.to_owned());
        let revoked = CancellationToken::new();
        let asked = Asked { host, port: 443, method, path, given, websocket: false };
        (in_flight.enter(asked, revoked.clone()), revoked)
    }

    #[test]
    fn j7_a_request_that_would_be_answered_otherwise_is_ended_and_no_other() {
        let given = Some(route(Some("A")).credentials);
        for (next, ended) in [
            (vec![route(Some("A"))], false),
            (vec![route(Some("B"))], true),
            (vec![route(None)], true),
            (vec![], true),
        ] {
            let in_flight = InFlight::default();
            let (_place, revoked) = open(&in_flight, "/v1/x", given.clone());
            in_flight.revoke(&Routes::new(next));
            assert_eq!(revoked.is_cancelled(), ended);
        }
        let in_flight = InFlight::default();
        let (place, revoked) = open(&in_flight, "/x", None);
        in_flight.revoke(&Routes::default());
        assert!(!revoked.is_cancelled());
        drop(place);
        assert_eq!(in_flight.revoke(&Routes::new(vec![route(None)])), 0);
    }
}

//! What a set of routes may not be: two answers to one request.

use crate::credential::Form;
use crate::route::Route;

/// A fault of the routes as a whole, or a weakness a person should know of.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Fault {
    /// Which credential a request gets may never depend on the order of two routes.
    #[error(
        "routes {first} and {second} cover the same requests of `{host}` with different credentials"
    )]
    Overlap { first: usize, second: usize, host: String },
    /// A header has one value: of two credentials one would be lost.
    #[error("route {route} puts two credentials in the same place ({place})")]
    SamePlace { route: usize, place: String },
    /// A credential in the clear is everybody's.
    #[error("route {route} has a credential at port 80, where nothing is encrypted")]
    PlainPort { route: usize },
    #[error("route {route} names port 0")]
    PortZero { route: usize },
    /// Nothing proves who answers at an address.
    #[error(
        "route {route}: `{host}` is an address, which no certificate proves; a credential needs a name"
    )]
    Address { route: usize, host: String },
}

impl Fault {
    /// The routes concerned, counted from 0 as they were written.
    pub fn routes(&self) -> Vec<usize> {
        match self {
            Self::Overlap { first, second, .. } => vec![*first, *second],
            Self::SamePlace { route, .. }
            | Self::PlainPort { route }
            | Self::PortZero { route }
            | Self::Address { route, .. } => vec![*route],
        }
    }
}

/// Finds every fault of routes, in the order they were written.
pub fn check_routes(routes: &[Route]) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (at, route) in routes.iter().enumerate() {
        faults.extend(check_route(at, route));
        for (later, other) in routes.iter().enumerate().skip(at + 1) {
            let both = !route.credentials.is_empty() && !other.credentials.is_empty();
            if both && route.credentials != other.credentials && route.overlaps(other) {
                let host = other.host.to_string();
                faults.push(Fault::Overlap { first: at, second: later, host });
            }
        }
    }
    faults
}

fn check_route(at: usize, route: &Route) -> Vec<Fault> {
    let mut faults = Vec::new();
    if route.port == 0 {
        faults.push(Fault::PortZero { route: at });
    }
    if route.credentials.is_empty() {
        return faults;
    }
    if route.port == 80 {
        faults.push(Fault::PlainPort { route: at });
    }
    if route.host.address().is_some() {
        faults.push(Fault::Address { route: at, host: route.host.to_string() });
    }
    let places: Vec<_> =
        route.credentials.iter().map(|credential| place(&credential.form)).collect();
    for (index, place) in places.iter().enumerate() {
        if places.iter().take(index).any(|earlier| earlier == place) {
            faults.push(Fault::SamePlace { route: at, place: place.clone() });
        }
    }
    faults
}

/// Two forms with the same place cannot stand in one request.
fn place(form: &Form) -> String {
    match form {
        Form::Header(name) => format!("header {name}"),
        Form::Bearer | Form::Basic { .. } => "header authorization".to_owned(),
        Form::Query(name) => format!("query parameter {name}"),
        Form::Cookie(name) => format!("cookie {name}"),
    }
}

/// What is allowed and yet worth a warning, one sentence each.
pub fn weaknesses(routes: &[Route]) -> Vec<String> {
    let mut sentences = Vec::new();
    for (at, route) in routes.iter().enumerate() {
        let host = &route.host;
        let forms = route.credentials.iter().map(|credential| &credential.form);
        for form in forms {
            if let Form::Query(name) = form {
                sentences.push(format!(
                    "route {at} puts a credential into the query parameter `{name}` of `{host}`: URLs end in logs"
                ));
            }
        }
        if host.is_wildcard() && !route.credentials.is_empty() {
            sentences.push(format!("route {at} gives a credential to every host below `{host}`"));
        }
    }
    sentences
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credential::Credential;

    fn route(host: &str, path: &str, variable: Option<&str>) -> Route {
        let credential = |variable: &str| Credential {
            variable: variable.parse().unwrap(),
            form: Form::Bearer,
            placeholder: None,
        };
        Route {
            paths: vec![path.parse().unwrap()],
            credentials: variable.map(credential).into_iter().collect(),
            ..Route::to(host.parse().unwrap())
        }
    }

    #[test]
    fn two_credentials_for_one_request_are_a_fault() {
        let faults = check_routes(&[
            route("*.a.test", "/**", Some("A")),
            route("api.a.test", "/v1/**", Some("B")),
            route("api.other", "/v1/**", Some("B")),
        ]);
        let host = "api.a.test".to_owned();
        assert_eq!(faults, [Fault::Overlap { first: 0, second: 1, host }]);
    }

    #[test]
    fn the_same_credential_or_none_may_overlap() {
        for (one, two) in [(Some("A"), Some("A")), (Some("A"), None), (None, None)] {
            let routes = [route("api.test", "/**", one), route("api.test", "/v1/*", two)];
            assert_eq!(check_routes(&routes), []);
        }
        let apart = [route("api.test", "/a/**", Some("A")), route("api.test", "/b/**", Some("B"))];
        assert_eq!(check_routes(&apart), []);
    }

    #[test]
    fn one_place_holds_one_credential() {
        let mut twice = route("api.test", "/**", Some("A"));
        let variable = "B".parse().unwrap();
        let form = Form::Header("Authorization".parse().unwrap());
        twice.credentials.push(Credential { variable, form, placeholder: None });
        let place = "header authorization".to_owned();
        assert_eq!(check_routes(&[twice]), [Fault::SamePlace { route: 0, place }]);
    }

    #[test]
    fn d9_no_credential_in_the_clear_and_none_for_an_address() {
        let mut plain = route("api.test", "/**", Some("A"));
        plain.port = 80;
        let address = route("192.0.2.1", "/**", Some("A"));
        let host = "192.0.2.1".to_owned();
        assert_eq!(
            check_routes(&[plain, address]),
            [Fault::PlainPort { route: 0 }, Fault::Address { route: 1, host }]
        );
    }
}

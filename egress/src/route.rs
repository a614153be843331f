//! A route: which requests egress looks into, and what it adds to them.

use std::cmp::Reverse;
use std::fmt;
use std::str::FromStr;

use compose_render::HostPattern;

use crate::budget::Budget;
use crate::credential::{Credential, VariableName};
use crate::path_glob::PathGlob;
use crate::renewal::Renewal;

/// Where a route's host listens when the manifest does not say: TLS, since a credential never
/// travels in the clear.
pub const DEFAULT_PORT: u16 = 443;

/// One line of the bottle's routes.
///
/// An empty list of methods or paths means each of them; what a host's routes do not name is denied.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Route {
    pub host: HostPattern,
    pub port: u16,
    pub methods: Vec<Method>,
    pub paths: Vec<PathGlob>,
    /// What is put in, all of it: most routes have one. Empty: the route only narrows.
    pub credentials: Vec<Credential>,
    pub cookies: Cookies,
    pub websocket: Websocket,
    pub budget: Budget,
    /// The name under which its requests are counted, where it shares one with other routes.
    pub shares: Option<String>,
    /// When it ends by itself, in seconds since 1970. Its host stays one that is looked into.
    pub until: Option<u64>,
}

/// Whether a request along the route may become a `WebSocket`.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Websocket {
    #[default]
    Deny,
    Allow,
}

/// What becomes of the cookies that a route's host sets.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Cookies {
    /// The agent gets them, and may send its own where the route has no credential.
    #[default]
    Pass,
    /// They stay in egress, which sends them with later requests to the host: a session that the
    /// credential opened is no more the agent's than the credential.
    Keep,
}

impl Route {
    /// A route to every method and path of a host, without a credential.
    pub fn to(host: HostPattern) -> Self {
        Self {
            host,
            port: DEFAULT_PORT,
            methods: Vec::new(),
            paths: Vec::new(),
            credentials: Vec::new(),
            cookies: Cookies::Pass,
            websocket: Websocket::Deny,
            budget: Budget::default(),
            shares: None,
            until: None,
        }
    }

    /// Under which its requests are counted: what it says, so that another credential or another
    /// place in the order leaves the count as it is.
    pub fn account(&self) -> String {
        self.shares.clone().unwrap_or_else(|| self.requests())
    }

    /// The requests it covers, in a line.
    fn requests(&self) -> String {
        let list = |items: &[String]| match items {
            [] => "any".to_owned(),
            items => items.join(","),
        };
        let methods: Vec<_> = self.methods.iter().map(Method::to_string).collect();
        let paths: Vec<_> = self.paths.iter().map(PathGlob::to_string).collect();
        let (host, port) = (&self.host, self.port);
        format!("{host}:{port} methods {} paths {}", list(&methods), list(&paths))
    }

    /// Whether this route speaks for the host at that port.
    pub fn covers_host(&self, host: &str, port: u16) -> bool {
        self.port == port && self.host.covers(host)
    }

    pub fn covers_method(&self, method: &str) -> bool {
        // Without regard to case, as some servers read a method.
        let forbidden = Method::FORBIDDEN.iter().any(|name| name.eq_ignore_ascii_case(method));
        !forbidden && (self.methods.is_empty() || self.methods.iter().any(|own| own.0 == method))
    }

    /// Whether a canonical path, without its query, is covered.
    pub fn covers_path(&self, path: &str) -> bool {
        self.paths.is_empty() || self.paths.iter().any(|glob| glob.matches(path))
    }

    /// Whether some request is covered by both.
    pub fn overlaps(&self, other: &Self) -> bool {
        let methods = self.methods.is_empty()
            || other.methods.is_empty()
            || self.methods.iter().any(|method| other.methods.contains(method));
        let paths = self.paths.is_empty()
            || other.paths.is_empty()
            || self.paths.iter().any(|one| other.paths.iter().any(|two| one.overlaps(two)));
        self.port == other.port && self.host.overlaps(&other.host) && methods && paths
    }

    /// Greater is more specific, and asked first: the host, then the paths, then the methods.
    /// Between equals the one that adds nothing wins.
    fn specificity(&self) -> impl Ord + use<> {
        let paths = self.paths.iter().map(PathGlob::specificity).min();
        (
            self.host.specificity(),
            paths.unwrap_or_else(|| PathGlob::any().specificity()),
            !self.methods.is_empty(),
            Reverse(self.methods.len()),
            self.credentials.is_empty(),
        )
    }
}

/// A bottle's routes in the order in which they are asked: the most specific first.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Routes {
    ordered: Vec<Route>,
    renewals: Vec<Renewal>,
    /// The time by which routes have ended.
    now: u64,
}

/// What the routes say to one request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Verdict<'a> {
    /// No route names the host at this port: pipelock alone judges it.
    Unrouted,
    /// The first route that covers the request, and its place in the order.
    Covered { index: usize, route: &'a Route },
    /// Routes name the host and the path, but not the method.
    Method,
    /// Routes name the host, but not the path.
    Path,
}

impl Routes {
    /// Puts routes in order. The order they were written in decides only between equals.
    pub fn new(mut routes: Vec<Route>) -> Self {
        routes.sort_by_key(|route| Reverse(route.specificity()));
        Self { ordered: routes, renewals: Vec::new(), now: 0 }
    }

    /// The same, with credentials that egress renews.
    #[must_use]
    pub fn with_renewals(self, renewals: Vec<Renewal>) -> Self {
        Self { renewals, ..self }
    }

    /// The same at that time, in seconds since 1970: a route that has ended covers no request.
    #[must_use]
    pub fn at(self, now: u64) -> Self {
        Self { now, ..self }
    }

    /// When the next route ends by itself.
    pub fn next_end(&self) -> Option<u64> {
        self.ordered.iter().filter_map(|route| route.until).filter(|&until| until > self.now).min()
    }

    /// The credentials that egress renews.
    pub fn renewals(&self) -> &[Renewal] {
        &self.renewals
    }

    /// How a credential is renewed, where it is.
    pub fn renewal_of(&self, variable: &VariableName) -> Option<&Renewal> {
        self.renewals.iter().find(|renewal| renewal.variable == *variable)
    }

    /// The renewal whose tokens are made there, if any: no agent is let near it.
    pub fn tokens_at(&self, host: &str, port: u16, path: &str) -> Option<&Renewal> {
        self.renewals.iter().find(|renewal| renewal.endpoint.is(host, port, path))
    }

    /// The routes, most specific first.
    pub fn iter(&self) -> impl Iterator<Item = &Route> {
        self.ordered.iter()
    }

    pub fn is_empty(&self) -> bool {
        self.ordered.is_empty()
    }

    pub fn get(&self, index: usize) -> Option<&Route> {
        self.ordered.get(index)
    }

    /// Whether some route names the host at that port, so that its requests are looked into.
    pub fn covers_host(&self, host: &str, port: u16) -> bool {
        self.ordered.iter().any(|route| route.covers_host(host, port))
    }

    /// Whether some route has a credential for the host, at whatever port.
    pub fn has_credential_for(&self, host: &str) -> bool {
        self.ordered.iter().any(|route| !route.credentials.is_empty() && route.host.covers(host))
    }

    /// Judges one request. `host` and `path` are canonical; the path has no query.
    pub fn judge(&self, host: &str, port: u16, method: &str, path: &str) -> Verdict<'_> {
        let mut verdict = Verdict::Unrouted;
        for (index, route) in self.ordered.iter().enumerate() {
            if !route.covers_host(host, port) {
                continue;
            }
            let lasts = route.until.is_none_or(|until| until > self.now);
            match (lasts && route.covers_path(path), route.covers_method(method)) {
                (true, true) => return Verdict::Covered { index, route },
                (true, false) => verdict = Verdict::Method,
                (false, _) if verdict == Verdict::Unrouted => verdict = Verdict::Path,
                (false, _) => {}
            }
        }
        verdict
    }
}

/// A request method a route may name, in upper case.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Method(String);

impl Method {
    /// Never forwarded: TRACE returns the request with the credential in it, CONNECT opens a way
    /// that nothing looks into.
    pub const FORBIDDEN: [&'static str; 3] = ["TRACE", "TRACK", "CONNECT"];

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A method that no route may name.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{0:?} is not a method a route may name")]
pub struct InvalidMethod(String);

impl FromStr for Method {
    type Err = InvalidMethod;

    fn from_str(text: &str) -> Result<Self, InvalidMethod> {
        let letters = text.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'-');
        let named = (1..=24).contains(&text.len()) && letters && !text.starts_with('-');
        if named && !Self::FORBIDDEN.contains(&text) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidMethod(text.to_owned()))
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.requests())?;
        for credential in &self.credentials {
            write!(f, ", {} as {}", credential.variable, credential.form)?;
        }
        if self.cookies == Cookies::Keep {
            f.write_str(", cookies kept")?;
        }
        if self.websocket == Websocket::Allow {
            f.write_str(", websockets")?;
        }
        if self.until.is_some() {
            f.write_str(", for a time")?;
        }
        if !self.budget.is_unbounded() {
            write!(f, ", at most {}", self.budget)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credential::Form;

    fn route(host: &str, methods: &[&str], paths: &[&str]) -> Route {
        Route {
            methods: methods.iter().map(|method| method.parse().unwrap()).collect(),
            paths: paths.iter().map(|path| path.parse().unwrap()).collect(),
            ..Route::to(host.parse().unwrap())
        }
    }

    fn with_key(mut route: Route, variable: &str) -> Route {
        let variable = variable.parse().unwrap();
        route.credentials.push(Credential { variable, form: Form::Bearer, placeholder: None });
        route
    }

    #[test]
    fn g2_g10_only_what_a_route_names_is_covered() {
        let routes = Routes::new(vec![
            with_key(route("api.test", &["GET"], &["/v1/**"]), "KEY"),
            route("api.test", &["POST"], &["/v1/write"]),
        ]);
        let key = Verdict::Covered { index: 1, route: routes.get(1).unwrap() };
        for (host, port, method, path, expected) in [
            ("api.test", 443, "GET", "/v1/x", key),
            ("api.test", 443, "POST", "/v1/x", Verdict::Method),
            ("api.test", 443, "DELETE", "/v1/write", Verdict::Method),
            ("api.test", 443, "GET", "/v2/x", Verdict::Path),
            ("api.test", 443, "get", "/v1/x", Verdict::Method),
            ("api.test", 8443, "GET", "/v1/x", Verdict::Unrouted),
            ("api.test", 80, "GET", "/v1/x", Verdict::Unrouted),
            ("x.api.test", 443, "GET", "/v1/x", Verdict::Unrouted),
            ("other.test", 443, "GET", "/v1/x", Verdict::Unrouted),
        ] {
            assert_eq!(routes.judge(host, port, method, path), expected, "{host} {method} {path}");
        }
    }

    #[test]
    fn j7_a_route_that_has_ended_covers_nothing_and_its_host_stays_looked_into() {
        let lasting = route("api.test", &["GET"], &["/v1/**"]);
        let short = Route { until: Some(100), ..route("other.test", &[], &[]) };
        let routes = Routes::new(vec![lasting, short]);
        assert_eq!(routes.next_end(), Some(100));
        let before = routes.clone().at(99);
        assert!(matches!(before.judge("other.test", 443, "GET", "/"), Verdict::Covered { .. }));
        let after = routes.at(100);
        assert_eq!(after.judge("other.test", 443, "GET", "/"), Verdict::Path);
        assert!(matches!(after.judge("api.test", 443, "GET", "/v1/x"), Verdict::Covered { .. }));
        assert_eq!(after.next_end(), None);
    }

    #[test]
    fn g5_trace_is_covered_by_nothing() {
        let routes = Routes::new(vec![route("api.test", &[], &[])]);
        assert!(matches!(routes.judge("api.test", 443, "GET", "/"), Verdict::Covered { .. }));
        assert_eq!(routes.judge("api.test", 443, "TRACE", "/"), Verdict::Method);
        assert_eq!(routes.judge("api.test", 443, "trace", "/"), Verdict::Method);
        assert!("TRACE".parse::<Method>().is_err());
    }

    #[test]
    fn the_most_specific_route_is_asked_first() {
        let routes = Routes::new(vec![
            route("*.a.test", &[], &[]),
            route("api.a.test", &[], &[]),
            route("api.a.test", &["GET"], &[]),
            route("api.a.test", &["GET"], &["/v1/**"]),
            route("*.api.a.test", &[], &["/v1/messages"]),
        ]);
        let order: Vec<_> = routes.iter().map(ToString::to_string).collect();
        insta::assert_snapshot!(order.join("\n"), @r"
        api.a.test:443 methods GET paths /v1/**
        api.a.test:443 methods GET paths any
        api.a.test:443 methods any paths any
        *.api.a.test:443 methods any paths /v1/messages
        *.a.test:443 methods any paths any
        ");
    }

    #[test]
    fn between_equals_the_one_without_a_credential_wins() {
        let routes = Routes::new(vec![
            with_key(route("api.test", &[], &["/a/*"]), "KEY"),
            route("api.test", &[], &["/*/b"]),
        ]);
        let Verdict::Covered { route, .. } = routes.judge("api.test", 443, "GET", "/a/b") else {
            panic!("nothing covers it");
        };
        assert!(route.credentials.is_empty());
    }
}

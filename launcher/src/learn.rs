//! What a bottle used, from what its sidecars wrote down, as the routes that would have been enough.

use std::collections::{BTreeMap, BTreeSet};

use compose_render::{HostPattern, contract};

use crate::decisions::Decision;
use crate::manifest::{Bottle, Route};

/// So many paths of a host are named one by one; more become what they begin with.
const PATHS: usize = 8;
/// So many beginnings; more become every path.
const BEGINNINGS: usize = 16;

/// What one host was used for.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Use {
    pub methods: BTreeSet<String>,
    /// `None` once one of them is not known: it was left out of the log.
    pub paths: Option<BTreeSet<String>>,
}

/// By host and port.
pub(crate) type Uses = BTreeMap<(String, u16), Use>;

/// What was allowed, and of what was denied the hosts that a person marks.
pub(crate) fn uses(decisions: &[Decision], marked: &[HostPattern]) -> Uses {
    let mut uses = Uses::new();
    for line in decisions {
        let service = line.text("service").unwrap_or_default();
        let Some(host) = line.text("host").filter(|_| matches!(service, "pipelock" | "egress"))
        else {
            continue;
        };
        let counts = match line.text("event") {
            Some("allowed" | "redacted") => true,
            Some("denied") => {
                contract::ASKABLE.contains(&line.text("reason").unwrap_or_default())
                    && marked.iter().any(|pattern| pattern.covers(host))
            }
            _ => false,
        };
        if !counts || host.contains(['[', ' ']) && !host.contains(':') {
            continue;
        }
        let port = line.number("port").and_then(|port| port.try_into().ok()).unwrap_or(443);
        let used = uses
            .entry((host.to_owned(), port))
            .or_insert_with(|| Use { methods: BTreeSet::new(), paths: Some(BTreeSet::new()) });
        used.methods.extend(line.text("method").map(str::to_owned));
        match (line.text("path"), &mut used.paths) {
            (Some(path), Some(paths)) if path.starts_with('/') => {
                paths.insert(path.to_owned());
            }
            _ => used.paths = None,
        }
    }
    uses
}

/// The least routes that let that pass, each with the credential that the bottle's own has there.
pub(crate) fn routes(uses: &Uses, bottle: &Bottle) -> Vec<Route> {
    let mut learnt: Vec<Route> = Vec::new();
    for ((host, port), used) in uses.iter().filter(|((_, port), _)| *port != 80) {
        let Ok(pattern) = host.parse::<HostPattern>() else { continue };
        let own: Vec<&Route> =
            bottle.routes.iter().filter(|own| own.route.covers_host(host, *port)).collect();
        if own.is_empty() {
            let plain = egress::Route { port: *port, ..egress::Route::to(pattern) };
            let least = narrowed(plain, used, |_, _| true);
            learnt.push(Route {
                position: crate::manifest::Position::default(),
                route: least,
                sources: BTreeMap::new(),
            });
            continue;
        }
        let judged = egress::Routes::new(own.iter().map(|own| own.route.clone()).collect());
        for one in own {
            // What another, narrower one of the bottle's routes answered is that one's to keep.
            let its = |method: &str, path: &str| match judged.judge(host, *port, method, path) {
                egress::Verdict::Covered { route, .. } => *route == one.route,
                egress::Verdict::Unrouted | egress::Verdict::Method | egress::Verdict::Path => {
                    // Marked by a person: it comes to a route without a credential.
                    one.route.credentials.is_empty()
                }
            };
            let plain = egress::Route { host: pattern.clone(), ..one.route.clone() };
            let least = narrowed(plain, used, its);
            if !(least.methods.is_empty() && used.paths.is_some()) {
                learnt.push(Route { route: least, ..one.clone() });
            }
        }
    }
    learnt.dedup_by(|a, b| a.route == b.route);
    learnt
}

/// The route with the methods and paths that were used of it, as far as it has them.
fn narrowed(route: egress::Route, used: &Use, its: impl Fn(&str, &str) -> bool) -> egress::Route {
    let Some(paths) = &used.paths else {
        let methods = used.methods.iter().filter(|method| route.covers_method(method));
        let methods = methods.filter_map(|method| method.parse().ok()).collect();
        return egress::Route { methods, ..route };
    };
    let mut methods = BTreeSet::new();
    let mut own = BTreeSet::new();
    for path in paths {
        for method in used.methods.iter().filter(|method| its(method, path)) {
            methods.insert(method.clone());
            own.insert(path.clone());
        }
    }
    let globs = globs(&own);
    let paths: Vec<_> = globs.iter().filter_map(|glob| glob.parse().ok()).collect();
    // A path that no glob can say leaves the route's own.
    let paths = if paths.len() == globs.len() { paths } else { route.paths.clone() };
    let methods = methods.iter().filter_map(|method| method.parse().ok()).collect();
    egress::Route { methods, paths, ..route }
}

/// The paths one by one, or by what they begin with where there are many.
fn globs(paths: &BTreeSet<String>) -> Vec<String> {
    let exact = |path: &&String| !path.contains(['*', '?']);
    if paths.len() <= PATHS && paths.iter().all(|path| exact(&path)) {
        return paths.iter().cloned().collect();
    }
    for depth in (1..=3).rev() {
        let beginnings: BTreeSet<String> =
            paths.iter().map(|path| beginning(path, depth)).collect();
        let wanted = if depth == 1 { BEGINNINGS } else { PATHS };
        if beginnings.len() <= wanted {
            return beginnings.into_iter().collect();
        }
    }
    vec!["/**".to_owned()]
}

/// The first segments of a path, and all below; a path that is no longer is itself.
fn beginning(path: &str, depth: usize) -> String {
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    if segments.len() <= depth && !path.contains('*') {
        return path.to_owned();
    }
    let first = segments.iter().take(depth.min(segments.len().saturating_sub(1)));
    let first: Vec<&str> = first.take_while(|segment| !segment.contains('*')).copied().collect();
    if first.is_empty() { "/**".to_owned() } else { format!("/{}/**", first.join("/")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::{Manifest, Origin};

    fn line(text: &str) -> Decision {
        Decision::parse(text).unwrap()
    }

    fn allowed(host: &str, method: &str, path: &str) -> Decision {
        line(&format!(
            r#"{{"service":"egress","event":"allowed","host":"{host}","port":443,"method":"{method}","path":"{path}"}}"#
        ))
    }

    fn learnt(decisions: &[Decision], marked: &[&str]) -> Vec<String> {
        let manifest = "\
version: 1
agents: {a: {bottle: b, command: [x]}}
bottles:
  b:
    egress:
      routes:
        - {host: api.example.org, credential: {env: KEY, header: x-api-key}}
";
        let manifest = Manifest::read(manifest, Origin::BuiltIn, None).unwrap();
        let marked: Vec<_> = marked.iter().map(|host| host.parse().unwrap()).collect();
        let routes = routes(&uses(decisions, &marked), &manifest.bottles["b"]);
        routes.iter().map(crate::manifest::flow::route).collect()
    }

    #[test]
    fn the_least_that_would_have_been_enough() {
        let decisions = [
            allowed("api.example.org", "POST", "/v1/messages"),
            allowed("api.example.org", "GET", "/v1/models"),
            allowed("docs.example.org", "GET", "/a"),
            line(
                r#"{"service":"pipelock","event":"denied","reason":"host-not-allowed","host":"no.example.org","port":443,"method":"GET","path":"/x"}"#,
            ),
            line(r#"{"service":"host","event":"approve","host":"x.example.org"}"#),
        ];
        let credential = "credential: {env: KEY, header: x-api-key}";
        assert_eq!(
            learnt(&decisions, &[]),
            [
                format!(
                    "{{host: api.example.org, methods: [GET, POST], paths: [\"/v1/messages\", \"/v1/models\"], {credential}}}"
                ),
                "{host: docs.example.org, methods: [GET], paths: [\"/a\"]}".to_owned(),
            ]
        );
        let marked = learnt(&decisions, &["no.example.org"]);
        assert_eq!(marked[2], "{host: no.example.org, methods: [GET], paths: [\"/x\"]}");
        // What was stopped for what it held is never learnt.
        let secret = line(
            r#"{"service":"pipelock","event":"denied","reason":"dlp","host":"no.example.org","port":443,"method":"POST","path":"/x"}"#,
        );
        assert!(learnt(&[secret], &["no.example.org"]).is_empty());
    }

    #[test]
    fn many_paths_become_what_they_begin_with() {
        let many = |of: &dyn Fn(usize) -> String, count: usize| {
            globs(&(0..count).map(of).collect::<BTreeSet<_>>())
        };
        assert_eq!(many(&|n| format!("/v1/items/{n}"), 40), ["/v1/items/**"]);
        assert_eq!(many(&|n| format!("/v{}/x/{n}", n % 2), 40), ["/v0/x/**", "/v1/x/**"]);
        assert_eq!(many(&|n| format!("/{n}/x"), 40), ["/**"]);
        assert_eq!(many(&|n| format!("/a*{n}"), 2), ["/**"]);
        assert_eq!(many(&|n| format!("/p{n}"), 3), ["/p0", "/p1", "/p2"]);
    }
}

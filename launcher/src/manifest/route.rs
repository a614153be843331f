//! `egress:` which requests get which credential.

use std::collections::BTreeMap;

use compose_render::HostPattern;

use super::node::{Node, Value};
use super::preset::Preset;
use super::reader::{Fields, Reader};
use super::{Login, Route, Source, check};

/// The keys of a route.
pub(crate) const KEYS: &[&str] =
    &["host", "port", "methods", "paths", "credential", "cookies", "websocket", "budget", "preset"];
/// The keys of a budget.
pub(crate) const BUDGET_KEYS: &[&str] = &["requests", "input_tokens", "output_tokens"];
/// The keys of a credential.
pub(crate) const CREDENTIAL_KEYS: &[&str] =
    &["env", "file", "command", "login", "header", "scheme", "user", "query", "cookie"];

pub(super) fn read(reader: &mut Reader, node: &Node) -> Vec<Route> {
    let Some(fields) = reader.fields(node, "`egress`", &["routes"]) else { return Vec::new() };
    let Some(node) = fields.get("routes") else { return Vec::new() };
    let mut routes = Vec::new();
    for item in reader.items(node, "`routes`") {
        routes.extend(route(reader, item));
    }
    contradictions(reader, &routes);
    routes
}

/// What is wrong with routes that are each right alone, at the place of the later one.
fn contradictions(reader: &mut Reader, routes: &[Route]) {
    let plain: Vec<egress::Route> = routes.iter().map(|route| route.route.clone()).collect();
    for fault in egress::check_routes(&plain) {
        let concerned = fault.routes();
        let at = |index: &usize| routes.get(*index).map(|route| route.position);
        let position = concerned.iter().max().and_then(at).unwrap_or_default();
        let first = concerned.iter().min().and_then(at).filter(|first| *first != position);
        let other = first.map(|first| format!("; the other is at {first}")).unwrap_or_default();
        reader.fault(position, format!("{fault}{other}"));
    }
}

fn route(reader: &mut Reader, node: &Node) -> Vec<Route> {
    let Some(fields) = reader.fields(node, "a route", KEYS) else { return Vec::new() };
    let mut sources = BTreeMap::new();
    let credentials = fields.get("credential").map(|node| credentials(reader, node, &mut sources));
    let budget = fields.get("budget").map(|node| budget(reader, node)).unwrap_or_default();
    if let Some(node) = fields.get("preset") {
        for key in ["host", "port", "methods", "paths", "cookies", "websocket"] {
            if let Some(node) = fields.get(key) {
                let message = format!("a route is a `preset` or has a `{key}`, not both");
                reader.fault(node.position, message);
            }
        }
        let words = Preset::words();
        let Some(preset) = reader.word(node, "`preset`", &words) else { return Vec::new() };
        let credentials = credentials.unwrap_or_else(|| {
            sources = preset.sources();
            preset.credentials()
        });
        let name = words.iter().find(|(_, other)| *other == preset).map(|(word, _)| *word);
        let shares = name.map(|name| format!("preset {name}"));
        let routes = preset.routes(&credentials).into_iter();
        let routes = routes.map(|route| egress::Route { budget, shares: shares.clone(), ..route });
        let position = fields.position;
        return routes.map(|route| Route { position, route, sources: sources.clone() }).collect();
    }
    let host = reader.required(&fields, "host");
    let host = host.and_then(|node| reader.parsed::<HostPattern>(node, "a route's `host`"));
    let port = fields.get("port").and_then(|node| reader.number(node, "`port`", 1..=u16::MAX));
    let methods = fields.get("methods").map(|node| each(reader, node, "`methods`", "a method"));
    let paths = fields.get("paths").map(|node| each(reader, node, "`paths`", "a path"));
    let ways = [("pass", egress::Cookies::Pass), ("keep", egress::Cookies::Keep)];
    let cookies = fields.get("cookies").and_then(|node| reader.word(node, "`cookies`", &ways));
    let ways = [("deny", egress::Websocket::Deny), ("allow", egress::Websocket::Allow)];
    let websocket =
        fields.get("websocket").and_then(|node| reader.word(node, "`websocket`", &ways));
    let Some(host) = host else { return Vec::new() };
    let route = egress::Route {
        port: port.unwrap_or(egress::DEFAULT_PORT),
        methods: methods.unwrap_or_default(),
        paths: paths.unwrap_or_default(),
        credentials: credentials.unwrap_or_default(),
        cookies: cookies.unwrap_or_default(),
        websocket: websocket.unwrap_or_default(),
        budget,
        ..egress::Route::to(host)
    };
    vec![Route { position: fields.position, route, sources }]
}

/// How much the route may use. Nothing named is a fault: it would bound nothing.
fn budget(reader: &mut Reader, node: &Node) -> egress::Budget {
    let Some(fields) = reader.fields(node, "a budget", BUDGET_KEYS) else {
        return egress::Budget::default();
    };
    let mut bound = |key: &str| {
        let node = fields.get(key)?;
        reader.number(node, "a bound of a `budget`", 0..=u64::MAX)
    };
    let (requests, input_tokens) = (bound("requests"), bound("input_tokens"));
    let output_tokens = bound("output_tokens");
    if BUDGET_KEYS.iter().all(|key| fields.get(key).is_none()) {
        let message = format!("a `budget` has at least one of `{}`", BUDGET_KEYS.join("`, `"));
        reader.fault(fields.position, message);
    }
    egress::Budget { requests, input_tokens, output_tokens }
}

/// A list in which every item must be read: one that was left out would widen the route, since
/// an empty list means all. So is an empty list a fault.
fn each<T: std::str::FromStr<Err: std::fmt::Display>>(
    reader: &mut Reader,
    node: &Node,
    what: &str,
    item: &str,
) -> Vec<T> {
    let items = reader.items(node, what);
    if items.is_empty() && matches!(node.value, Value::List(_)) {
        reader.fault(node.position, format!("{what} is empty; leave it out to mean every one"));
    }
    items.iter().filter_map(|node| reader.parsed(node, item)).collect()
}

/// One credential, or a list of them.
fn credentials(
    reader: &mut Reader,
    node: &Node,
    sources: &mut BTreeMap<String, Source>,
) -> Vec<egress::Credential> {
    let items = match &node.value {
        Value::List(items) => items.as_slice(),
        Value::Map(_) | Value::Scalar { .. } => std::slice::from_ref(node),
    };
    items.iter().filter_map(|node| credential(reader, node, sources)).collect()
}

fn credential(
    reader: &mut Reader,
    node: &Node,
    sources: &mut BTreeMap<String, Source>,
) -> Option<egress::Credential> {
    let fields = reader.fields(node, "a credential", CREDENTIAL_KEYS)?;
    let variable = reader.required(&fields, "env");
    let variable: Option<egress::VariableName> =
        variable.and_then(|node| reader.parsed(node, "a credential's `env`"));
    let source = source(reader, &fields);
    if let (Some(variable), Some(source)) = (&variable, source) {
        sources.insert(variable.to_string(), source);
    }
    let ways = ["header", "scheme", "query", "cookie"];
    let given: Vec<&str> = ways.into_iter().filter(|key| fields.get(key).is_some()).collect();
    let [way] = given.as_slice() else {
        let message = "a credential has one of `header`, `scheme`, `query` and `cookie`";
        reader.fault(fields.position, message);
        return None;
    };
    let place = fields.get(way)?;
    let user = fields.get("user");
    if let (Some(user), true) = (user, place.as_str() != Some("basic")) {
        reader.fault(user.position, "`user` belongs to `scheme: basic`");
    }
    let form = match *way {
        "header" => egress::Form::Header(reader.parsed(place, "a credential's `header`")?),
        "query" => egress::Form::Query(reader.parsed(place, "a credential's `query`")?),
        "cookie" => egress::Form::Cookie(reader.parsed(place, "a credential's `cookie`")?),
        _ => match reader.word(place, "`scheme`", &[("bearer", "bearer"), ("basic", "basic")])? {
            "bearer" => egress::Form::Bearer,
            _ => egress::Form::Basic {
                user: user.and_then(|node| reader.parsed(node, "a credential's `user`")),
            },
        },
    };
    Some(egress::Credential { variable: variable?, form, placeholder: None })
}

/// Where the value comes from, if not from the environment.
fn source(reader: &mut Reader, fields: &Fields<'_>) -> Option<Source> {
    let keys = ["file", "command", "login"];
    let given: Vec<&str> = keys.into_iter().filter(|key| fields.get(key).is_some()).collect();
    if given.len() > 1 {
        reader.fault(fields.position, "a credential has one of `file`, `command` and `login`");
    }
    let key = given.first()?;
    let node = fields.get(key)?;
    match *key {
        "file" => check::file(reader, node, "a credential's `file`").map(Source::File),
        "command" => command(reader, node),
        _ => reader.word(node, "`login`", &Login::words()).map(Source::Login),
    }
}

/// A program and its arguments, none of them read by a shell.
fn command(reader: &mut Reader, node: &Node) -> Option<Source> {
    let items = reader.items(node, "a credential's `command`");
    let mut words = Vec::new();
    for item in items {
        words.push(reader.line(item, "a word of a `command`")?.to_owned());
    }
    if words.first().is_none_or(String::is_empty) {
        reader.fault(node.position, "a credential's `command` begins with a program");
        return None;
    }
    Some(Source::Command(words))
}

//! A route as a line of a manifest.

use std::fmt::Write as _;

use super::{Route, Source};

/// The route in flow form, with nothing in it that is said by leaving it out.
pub(crate) fn route(route: &Route) -> String {
    let plain = &route.route;
    let mut text = format!("{{host: {}", quoted(&plain.host.to_string()));
    // Writing to a `String` cannot fail.
    if plain.port != egress::DEFAULT_PORT {
        write!(text, ", port: {}", plain.port).ok();
    }
    for (key, list) in [("methods", texts(&plain.methods)), ("paths", texts(&plain.paths))] {
        if !list.is_empty() {
            write!(text, ", {key}: [{}]", list.join(", ")).ok();
        }
    }
    let credentials: Vec<String> =
        plain.credentials.iter().map(|one| credential(one, route)).collect();
    match credentials.as_slice() {
        [] => {}
        [one] => drop(write!(text, ", credential: {one}")),
        several => drop(write!(text, ", credential: [{}]", several.join(", "))),
    }
    if plain.cookies == egress::Cookies::Keep {
        text.push_str(", cookies: keep");
    }
    if plain.websocket == egress::Websocket::Allow {
        text.push_str(", websocket: allow");
    }
    let budget = &plain.budget;
    let bounds: Vec<String> = [
        ("requests", budget.requests),
        ("input_tokens", budget.input_tokens),
        ("output_tokens", budget.output_tokens),
    ]
    .into_iter()
    .filter_map(|(key, bound)| Some(format!("{key}: {}", bound?)))
    .collect();
    if !bounds.is_empty() {
        write!(text, ", budget: {{{}}}", bounds.join(", ")).ok();
    }
    text + "}"
}

fn credential(of: &egress::Credential, route: &Route) -> String {
    let variable = of.variable.to_string();
    let source = match route.sources.get(&variable) {
        None => String::new(),
        Some(Source::File(path)) => format!(", file: {}", quoted(&path.display().to_string())),
        Some(Source::Command(words)) => {
            let words: Vec<String> = words.iter().map(|word| quoted(word)).collect();
            format!(", command: [{}]", words.join(", "))
        }
        Some(Source::Login(login)) => format!(", login: {}", login.name()),
    };
    let form = match &of.form {
        egress::Form::Header(name) => format!("header: {}", quoted(&name.to_string())),
        egress::Form::Bearer => "scheme: bearer".to_owned(),
        egress::Form::Basic { user: None } => "scheme: basic".to_owned(),
        egress::Form::Basic { user: Some(user) } => {
            format!("scheme: basic, user: {}", quoted(&user.to_string()))
        }
        egress::Form::Query(name) => format!("query: {}", quoted(&name.to_string())),
        egress::Form::Cookie(name) => format!("cookie: {}", quoted(&name.to_string())),
    };
    format!("{{env: {}{source}, {form}}}", quoted(&variable))
}

fn texts<T: ToString>(values: &[T]) -> Vec<String> {
    values.iter().map(|value| quoted(&value.to_string())).collect()
}

/// A text as it may stand anywhere: bare where it is plain, quoted else.
pub(crate) fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let begins = text.starts_with(|c: char| c.is_ascii_alphabetic());
    let word = matches!(
        text.to_ascii_lowercase().as_str(),
        "true" | "false" | "null" | "yes" | "no" | "on" | "off" | "y" | "n"
    );
    if begins && !word && text.chars().all(plain) {
        return text.to_owned();
    }
    // JSON's strings are YAML's.
    serde_json::to_string(text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::{Manifest, Origin};

    #[test]
    fn what_is_written_is_read_back_as_it_was() {
        let routes = "        - {host: api.example.org, methods: [GET, POST], paths: [\"/v1/**\"], credential: {env: KEY, header: x-api-key}}
        - {host: \"*.example.net\", port: 8443, websocket: allow, budget: {requests: 5}}
        - {host: c.example.org, credential: {env: T, command: [op, \"a b\"], scheme: basic, user: me}, cookies: keep}
        - {host: l.example.org, credential: [{env: L, login: claude, scheme: bearer}, {env: Q, query: q}]}
";
        let text = |routes: &str| {
            format!(
                "version: 1\nagents: {{a: {{bottle: b, command: [x]}}}}\nbottles:\n  b:\n    egress:\n      routes:\n{routes}"
            )
        };
        let read = |routes: &str| {
            Manifest::read(&text(routes), Origin::BuiltIn, None)
                .unwrap_or_else(|faults| panic!("{faults}"))
                .bottles["b"]
                .routes
                .clone()
        };
        let first = read(routes);
        let again: Vec<_> = first.iter().map(|one| format!("        - {}\n", route(one))).collect();
        let again = again.concat();
        let plain = |routes: Vec<Route>| -> Vec<_> {
            routes.into_iter().map(|one| (one.route, one.sources)).collect()
        };
        assert_eq!(plain(read(&again)), plain(first), "{again}");
    }

    #[test]
    fn a_text_that_means_something_else_bare_is_quoted() {
        for text in ["*.a.org", "yes", "1_000", "/v1/**", "a: b", "", "null", "a\"b", "- x"] {
            assert!(quoted(text).starts_with('"'), "{text}");
        }
        assert_eq!(quoted("api.example.org"), "api.example.org");
    }
}

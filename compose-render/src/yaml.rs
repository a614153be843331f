//! The one writer of compose files.
//!
//! Every text is written double-quoted, so no value can turn into a number, a date or a new key
//! (a maintained serializer wrote `1_000` bare and compose read 1000), and every `$` is doubled,
//! so compose interpolates nothing.

use crate::service::{Attachment, ServiceSpec};
use crate::{Project, contract};
use std::fmt::Write as _;

/// Writes the project as the file compose reads. The same project gives the same bytes.
pub fn to_yaml(project: &Project) -> String {
    let services = project.services().iter();
    let services = services.map(|service| (service.role.as_str(), service_node(project, service)));
    let networks = project.networks().into_iter().map(|network| {
        let name = text(&network.name(project.slug()));
        (network.as_str(), map([("external", Node::Bool(true)), ("name", name)]))
    });
    let mut out = String::new();
    write(&mut out, &map([("services", map(services)), ("networks", map(networks))]), 0);
    out
}

enum Node {
    Text(String),
    Number(u64),
    Bool(bool),
    List(Vec<Self>),
    Map(Vec<(String, Self)>),
}

fn text(value: &str) -> Node {
    Node::Text(value.to_owned())
}

fn list<'a>(values: impl IntoIterator<Item = &'a str>) -> Node {
    Node::List(values.into_iter().map(text).collect())
}

fn map<'a>(entries: impl IntoIterator<Item = (&'a str, Node)>) -> Node {
    Node::Map(entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
}

fn service_node(project: &Project, service: &ServiceSpec) -> Node {
    let slug = project.slug();
    let mut entries = vec![
        ("image", text(service.image.as_str())),
        ("container_name", text(&service.role.container(slug))),
        ("user", text(&format!("{}:{}", service.user.0, service.user.1))),
    ];
    if let Some(argv) = &service.entrypoint {
        entries.push(("entrypoint", list(argv.iter().map(String::as_str))));
    }
    if !service.command.is_empty() {
        entries.push(("command", list(service.command.iter().map(String::as_str))));
    }
    if let Some(dir) = &service.working_dir {
        entries.push(("working_dir", text(dir)));
    }
    if let Some(runtime) = &service.runtime {
        entries.push(("runtime", text(runtime)));
    }
    if service.init {
        entries.push(("init", Node::Bool(true)));
    }
    let restart = if service.restart { "on-failure" } else { "no" };
    entries.push(("restart", text(restart)));
    entries.push(("stop_signal", text("SIGTERM")));
    entries.push(("stop_grace_period", text(&format!("{}s", service.stop_grace.as_secs()))));
    entries.extend(confinement(service));
    entries.extend(surroundings(service));
    entries.push((
        "labels",
        list([
            format!("{}={slug}", contract::SLUG_LABEL).as_str(),
            format!("{}={}", contract::ROLE_LABEL, service.role).as_str(),
        ]),
    ));
    map(entries)
}

/// What the container may not do, and how much it may use.
fn confinement(service: &ServiceSpec) -> Vec<(&'static str, Node)> {
    let mut security = vec![text("no-new-privileges:true")];
    if let Some(profile) = &service.seccomp {
        security.push(text(&format!("seccomp:{}", profile.display())));
    }
    let cpus = format!("{}.{:03}", service.milli_cpus / 1000, service.milli_cpus % 1000);
    let memory = format!("{}m", service.memory_mb);
    let log = [("max-size", text("8m")), ("max-file", text("2"))];
    vec![
        ("read_only", Node::Bool(service.read_only_root)),
        ("cap_drop", list(["ALL"])),
        ("security_opt", Node::List(security)),
        ("sysctls", list(["net.ipv4.ip_forward=0", "net.ipv6.conf.all.disable_ipv6=1"])),
        ("ulimits", map([("core", Node::Number(0))])),
        ("mem_limit", text(&memory)),
        ("memswap_limit", text(&memory)),
        ("cpus", text(&cpus)),
        ("pids_limit", Node::Number(u64::from(service.pids))),
        ("logging", map([("driver", text("json-file")), ("options", map(log))])),
    ]
}

/// Where the container stands and what it sees.
fn surroundings(service: &ServiceSpec) -> Vec<(&'static str, Node)> {
    let mut entries = Vec::new();
    let networks = service.networks.iter().map(|(network, at)| (network.as_str(), attachment(at)));
    entries.push(("networks", map(networks)));
    if let Some(resolver) = service.dns {
        entries.push(("dns", list([resolver.to_string().as_str()])));
        entries.push(("dns_search", list(["."])));
    }
    if !service.mounts.is_empty() {
        // No `create_host_path`: Compose 1.29 refuses the key, and every folder is made before.
        let mounts = service.mounts.iter().map(|mount| {
            map([
                ("type", text("bind")),
                ("source", text(&mount.host.display().to_string())),
                ("target", text(&mount.guest)),
                ("read_only", Node::Bool(!mount.writable)),
            ])
        });
        entries.push(("volumes", Node::List(mounts.collect())));
    }
    if !service.tmpfs.is_empty() {
        let folders =
            service.tmpfs.iter().map(|tmpfs| format!("{}:{}", tmpfs.guest, tmpfs.options));
        entries.push(("tmpfs", Node::List(folders.map(Node::Text).collect())));
    }
    let plain = service.environment.iter().map(|(name, value)| format!("{name}={value}"));
    let environment: Vec<_> =
        plain.chain(service.secret_environment.iter().cloned()).map(Node::Text).collect();
    if !environment.is_empty() {
        entries.push(("environment", Node::List(environment)));
    }
    entries
}

fn attachment(at: &Attachment) -> Node {
    let mut entries = vec![("ipv4_address", text(&at.address.to_string()))];
    if !at.aliases.is_empty() {
        entries.push(("aliases", list(at.aliases.iter().map(String::as_str))));
    }
    map(entries)
}

fn write(out: &mut String, node: &Node, depth: usize) {
    let pad = "  ".repeat(depth);
    match node {
        Node::Map(entries) => {
            for (key, value) in entries {
                out.push_str(&pad);
                out.push_str(&plain_key(key));
                out.push(':');
                value_after(out, value, depth + 1);
            }
        }
        Node::List(items) => {
            for item in items {
                out.push_str(&pad);
                out.push('-');
                in_list(out, item, depth);
            }
        }
        Node::Text(_) | Node::Number(_) | Node::Bool(_) => out.push_str(&scalar(node)),
    }
}

fn value_after(out: &mut String, value: &Node, depth: usize) {
    match value {
        Node::Map(entries) if entries.is_empty() => out.push_str(" {}\n"),
        Node::List(items) if items.is_empty() => out.push_str(" []\n"),
        Node::Map(_) | Node::List(_) => {
            out.push('\n');
            write(out, value, depth);
        }
        Node::Text(_) | Node::Number(_) | Node::Bool(_) => {
            out.push(' ');
            out.push_str(&scalar(value));
            out.push('\n');
        }
    }
}

/// An item: a scalar on the dash's line, a map with its first key there.
fn in_list(out: &mut String, item: &Node, depth: usize) {
    if let Node::Map(_) | Node::List(_) = item {
        let mut inner = String::new();
        write(&mut inner, item, depth + 1);
        out.push(' ');
        out.push_str(inner.trim_start_matches(' '));
    } else {
        out.push(' ');
        out.push_str(&scalar(item));
        out.push('\n');
    }
}

fn scalar(node: &Node) -> String {
    match node {
        Node::Text(value) => quoted(value),
        Node::Number(value) => value.to_string(),
        Node::Bool(value) => value.to_string(),
        Node::List(_) | Node::Map(_) => String::new(),
    }
}

/// Our own keys are plain words; whatever else comes is quoted like a value.
fn plain_key(key: &str) -> String {
    let word = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_-".contains(&b);
    let begins = key.bytes().next().is_some_and(|b| b.is_ascii_lowercase());
    if begins && key.bytes().all(word) { key.to_owned() } else { quoted(key) }
}

/// A YAML double-quoted scalar (YAML 1.2, 7.3.1) with compose's `$` doubled.
fn quoted(value: &str) -> String {
    let mut out = String::with_capacity(value.len() + 2);
    out.push('"');
    for c in value.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '$' => out.push_str("$$"),
            c if must_escape(c) => escape(&mut out, c),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// What YAML does not count as printable, and the line breaks YAML 1.1 readers fold.
fn must_escape(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

fn escape(out: &mut String, c: char) {
    // Writing to a `String` cannot fail.
    let written = write!(out, "\\u{:04x}", u32::from(c));
    debug_assert!(written.is_ok());
}

#[cfg(test)]
mod tests;

//! `pipelock:` what may leave without a route, and what is looked for in it.

use compose_render::HostPattern;
use ipnet::IpNet;

use super::fault::Position;
use super::node::Node;
use super::reader::Reader;
use super::{Pipelock, UpstreamCa, check, image};

/// The keys of `pipelock`.
pub(crate) const KEYS: &[&str] = &[
    "allow",
    "dlp",
    "responses",
    "ssrf",
    "upstream_ca",
    "upstream_proxy",
    "passthrough",
    "budgets",
    "image",
];
/// The keys of `upstream_proxy`, and of one of `budgets`.
pub(crate) const UPSTREAM_PROXY: &[&str] = &["address", "credential"];
pub(crate) const HOST_BUDGET: &[&str] = &["host", "requests", "bytes"];
/// The actions of `dlp`.
pub(crate) const DLP: &[(&str, pipelock::Action)] = &[
    ("redact", pipelock::Action::Redact),
    ("block", pipelock::Action::Block),
    ("warn", pipelock::Action::Warn),
];
/// The actions of `responses`.
pub(crate) const RESPONSES: &[(&str, pipelock::ResponseAction)] = &[
    ("warn", pipelock::ResponseAction::Warn),
    ("strip", pipelock::ResponseAction::Strip),
    ("block", pipelock::ResponseAction::Block),
];

pub(super) fn read(reader: &mut Reader, node: &Node) -> Pipelock {
    let mut policy = Pipelock::default();
    let Some(fields) = reader.fields(node, "`pipelock`", KEYS) else { return policy };
    if let Some(node) = fields.get("allow") {
        for item in reader.items(node, "`allow`") {
            allow(reader, item, &mut policy);
        }
    }
    if let Some(node) = fields.get("dlp") {
        policy.dlp = action(reader, node, "`dlp`", DLP).unwrap_or_default();
    }
    if let Some(node) = fields.get("responses") {
        policy.responses = responses(reader, node, &mut policy.unscanned);
    }
    if let Some(node) = fields.get("passthrough") {
        for item in reader.items(node, "`passthrough`") {
            policy.passthrough.extend(reader.parsed::<HostPattern>(item, "a host"));
        }
    }
    if let Some(node) = fields.get("upstream_proxy") {
        upstream_proxy(reader, node, &mut policy);
    }
    if let Some(node) = fields.get("budgets") {
        for item in reader.items(node, "`budgets`") {
            policy.budgets.extend(budget(reader, item));
        }
    }
    if let Some(node) = fields.get("ssrf") {
        policy.ssrf_allow = ranges(reader, node);
    }
    if let Some(node) = fields.get("upstream_ca") {
        for item in reader.items(node, "`upstream_ca`") {
            policy.upstream_ca.extend(authority(reader, item));
        }
    }
    if let Some(node) = fields.get("image") {
        policy.image = image::reference(reader, node);
        foreign(reader, node.position, &policy);
    }
    policy
}

/// Another data plane reads upstream's schema, which has no key for some of what we do.
fn foreign(reader: &mut Reader, at: Position, policy: &Pipelock) {
    for (key, used) in [
        ("`upstream_ca`", !policy.upstream_ca.is_empty()),
        ("a port in `allow`", !policy.ports.is_empty()),
        ("`upstream_proxy`", policy.upstream_proxy.is_some()),
        ("`budgets`", !policy.budgets.is_empty()),
    ] {
        if used {
            let message = format!("{key} needs our own pipelock, and `image` names another");
            reader.fault(at, message);
        }
    }
}

/// A host, and perhaps a port besides 443 and 80.
fn allow(reader: &mut Reader, node: &Node, policy: &mut Pipelock) {
    let Some(text) = reader.line(node, "a host") else { return };
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') && !host.contains('/') => (host, Some(port)),
        _ => (text, None),
    };
    let host: HostPattern = match host.parse() {
        Ok(host) => host,
        Err(error) => return reader.fault(node.position, format!("{error}")),
    };
    match port.map(str::parse::<u16>) {
        None => policy.allow.push(host),
        Some(Ok(port)) if port != 0 => {
            policy.allow.push(host.clone());
            policy.ports.push(pipelock::PortRule { host, port });
        }
        Some(_) => {
            let shown = text.escape_debug().to_string();
            reader.fault(node.position, format!("`{shown}` names no port from 1 to 65535"));
        }
    }
}

/// What an injection does, and the hosts whose responses are not looked through.
fn responses(
    reader: &mut Reader,
    node: &Node,
    unscanned: &mut Vec<HostPattern>,
) -> pipelock::ResponseAction {
    let Some(fields) = reader.fields(node, "`responses`", &["action", "exempt"]) else {
        return pipelock::ResponseAction::default();
    };
    if let Some(node) = fields.get("exempt") {
        for item in reader.items(node, "`exempt`") {
            unscanned.extend(reader.parsed::<HostPattern>(item, "a host"));
        }
    }
    let node = fields.get("action");
    node.and_then(|node| reader.word(node, "`action`", RESPONSES)).unwrap_or_default()
}

/// `proxy.example.org:3128`, and the variable that holds `user:password` for it.
fn upstream_proxy(reader: &mut Reader, node: &Node, policy: &mut Pipelock) {
    let Some(fields) = reader.fields(node, "`upstream_proxy`", UPSTREAM_PROXY) else { return };
    if let Some(node) = fields.get("credential")
        && let Some(fields) = reader.fields(node, "`credential`", &["env"])
        && let Some(node) = reader.required(&fields, "env")
    {
        policy.upstream_credential = reader.line(node, "`env`").map(str::to_owned);
    }
    let Some(node) = reader.required(&fields, "address") else { return };
    let Some(text) = reader.line(node, "`address`") else { return };
    let parts = text.rsplit_once(':').and_then(|(host, port)| {
        let host: HostPattern = host.parse().ok()?;
        Some(compose_render::UpstreamProxy {
            host,
            port: port.parse().ok().filter(|&port| port > 0)?,
        })
    });
    match parts {
        Some(proxy) if !proxy.host.is_wildcard() => policy.upstream_proxy = Some(proxy),
        _ => {
            let shown = text.escape_debug().to_string();
            reader.fault(node.position, format!("`{shown}` is no `host:port`"));
        }
    }
}

/// What one host may take in a minute.
fn budget(reader: &mut Reader, node: &Node) -> Option<pipelock::Budget> {
    let fields = reader.fields(node, "one of `budgets`", HOST_BUDGET)?;
    let host = reader.required(&fields, "host")?;
    let host: HostPattern = reader.parsed(host, "a host")?;
    let mut number = |key: &str, what: &str| {
        fields.get(key).and_then(|node| reader.number(node, what, 1..=1_000_000_000_000))
    };
    let (requests, bytes) = (number("requests", "`requests`"), number("bytes", "`bytes`"));
    if requests.is_none() && bytes.is_none() {
        reader.fault(node.position, "a budget names `requests`, `bytes` or both");
    }
    Some(pipelock::Budget { host, requests, bytes })
}

fn action<T: Copy>(
    reader: &mut Reader,
    node: &Node,
    what: &'static str,
    words: &[(&str, T)],
) -> Option<T> {
    let fields = reader.fields(node, what, &["action"])?;
    let node = fields.get("action")?;
    reader.word(node, "`action`", words)
}

/// Private networks that may be dialled. The whole of the internet is no exemption.
fn ranges(reader: &mut Reader, node: &Node) -> Vec<IpNet> {
    let Some(fields) = reader.fields(node, "`ssrf`", &["allow"]) else { return Vec::new() };
    let Some(node) = fields.get("allow") else { return Vec::new() };
    let mut ranges = Vec::new();
    for item in reader.items(node, "`ssrf.allow`") {
        let Some(text) = reader.line(item, "a network") else { continue };
        match text.parse::<IpNet>() {
            Ok(net) if net.trunc() == net && net.prefix_len() > 0 => ranges.push(net),
            _ => {
                let shown = text.escape_debug().to_string();
                reader.fault(
                    item.position,
                    format!("`{shown}` is no network such as `192.168.7.0/24`, without host bits"),
                );
            }
        }
    }
    ranges
}

fn authority(reader: &mut Reader, node: &Node) -> Option<UpstreamCa> {
    if node.as_str() == Some("system") {
        return Some(UpstreamCa::System);
    }
    check::file(reader, node, "the upstream CA").map(UpstreamCa::File)
}

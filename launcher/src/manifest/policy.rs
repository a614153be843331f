//! `pipelock:` what may leave without a route, and what is looked for in it.

use compose_render::HostPattern;
use ipnet::IpNet;

use super::fault::Position;
use super::node::Node;
use super::reader::Reader;
use super::{Pipelock, UpstreamCa, check, image};

/// The keys of `pipelock`.
pub(crate) const KEYS: &[&str] = &["allow", "dlp", "responses", "ssrf", "upstream_ca", "image"];
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
        policy.responses = action(reader, node, "`responses`", RESPONSES).unwrap_or_default();
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

//! `git:` the repositories that a bottle reads and pushes to through the gate.

use git_gate::{PushRef, Token, Transport, Upstream, UpstreamUrl};

use super::node::Node;
use super::reader::Reader;
use super::{GitUpstream, check};

/// The keys of an upstream.
pub(crate) const KEYS: &[&str] = &["url", "key", "known_hosts", "credential", "push", "protected"];
/// The keys of an upstream's credential.
pub(crate) const CREDENTIAL_KEYS: &[&str] = &["env", "user"];

pub(super) fn read(reader: &mut Reader, node: &Node) -> Vec<GitUpstream> {
    let Some(fields) = reader.fields(node, "`git`", &["upstreams"]) else { return Vec::new() };
    let Some(node) = fields.get("upstreams") else { return Vec::new() };
    let mut upstreams: Vec<GitUpstream> = Vec::new();
    for item in reader.items(node, "`upstreams`") {
        let Some(found) = upstream(reader, item) else { continue };
        let name = found.upstream.url.name();
        match upstreams.iter().find(|other| other.upstream.url.name() == name) {
            Some(first) => {
                let message = format!("`{name}` is there already, at {}", first.position);
                reader.fault(found.position, message);
            }
            None => upstreams.push(found),
        }
    }
    upstreams
}

fn upstream(reader: &mut Reader, node: &Node) -> Option<GitUpstream> {
    let fields = reader.fields(node, "an upstream", KEYS)?;
    let url = reader.required(&fields, "url");
    let url = url.and_then(|node| reader.parsed::<UpstreamUrl>(node, "an upstream's `url`"));
    let key = fields.get("key").and_then(|node| check::file(reader, node, "a key"));
    let known_hosts =
        fields.get("known_hosts").and_then(|node| check::file(reader, node, "`known_hosts`"));
    let credential = fields.get("credential").and_then(|node| credential(reader, node));
    let push = match fields.get("push") {
        Some(node) => {
            let items = reader.items(node, "`push`");
            items.iter().filter_map(|item| reader.parsed(item, "a ref")).collect()
        }
        None => vec![PushRef::own_branches()],
    };
    let protected = match fields.get("protected") {
        Some(node) => {
            let items = reader.items(node, "`protected`");
            items.iter().filter_map(|item| reader.parsed(item, "a file")).collect()
        }
        None => Vec::new(),
    };
    let url = url?;
    let (needed, useless): (&[&str], &[&str]) = match url.transport() {
        Transport::Ssh => (&["key", "known_hosts"], &["credential"]),
        Transport::Https => (&[], &["key", "known_hosts"]),
    };
    for key in needed.iter().filter(|key| fields.get(key).is_none()) {
        reader.fault(fields.position, format!("an upstream by ssh needs a `{key}`"));
    }
    for key in useless {
        if let Some(node) = fields.get(key) {
            let message = format!("`{key}` has no use for `{url}`");
            reader.fault(node.position, message);
        }
    }
    let upstream = Upstream { url, key, known_hosts, credential, push, protected };
    Some(GitUpstream { position: fields.position, upstream })
}

fn credential(reader: &mut Reader, node: &Node) -> Option<Token> {
    let fields = reader.fields(node, "a credential", CREDENTIAL_KEYS)?;
    let node = reader.required(&fields, "env")?;
    let variable = reader.line(node, "a credential's `env`")?;
    if !check::variable(reader, variable, node.position) {
        return None;
    }
    let mut token = Token::of(variable);
    if let Some(node) = fields.get("user") {
        let user = reader.line(node, "a credential's `user`")?;
        if user.is_empty() || user.contains(':') {
            reader.fault(node.position, "a credential's `user` is a name without `:`");
        }
        user.clone_into(&mut token.user);
    }
    Some(token)
}

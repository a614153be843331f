//! `bottles:` what surrounds an agent.

use std::collections::BTreeMap;

use super::node::Node;
use super::reader::Reader;
use super::{Bottle, Resources, Runtime, WorkspaceMode, check, git, image, policy, route};

/// The keys of a bottle.
pub(crate) const KEYS: &[&str] = &[
    "image",
    "workspace",
    "resources",
    "env",
    "forward_env",
    "egress",
    "pipelock",
    "git",
    "supervise",
    "runtime",
];
/// The keys of `resources`.
pub(crate) const RESOURCE_KEYS: &[&str] = &["cpus", "memory", "pids"];

/// Below this the agent does not come up at all.
const LEAST_MEMORY: u64 = 64 << 20;
/// Four gibibytes: what a coding agent and a compiler need side by side.
const DEFAULT_MEMORY: u64 = 4 << 30;

impl Default for Resources {
    fn default() -> Self {
        Self { cpus: 2.0, memory: DEFAULT_MEMORY, pids: 1024 }
    }
}

pub(super) fn read(reader: &mut Reader, node: &Node) -> Option<Bottle> {
    let fields = reader.fields(node, "a bottle", KEYS)?;
    let workspace = fields.get("workspace").and_then(|node| workspace(reader, node));
    let mut bottle = Bottle {
        image: fields.get("image").and_then(|node| image::read(reader, node)).unwrap_or_default(),
        workspace: workspace.unwrap_or_default(),
        resources: fields.get("resources").map(|node| resources(reader, node)).unwrap_or_default(),
        env: fields.get("env").map(|node| env(reader, node)).unwrap_or_default(),
        forward_env: fields.get("forward_env").map(|node| names(reader, node)).unwrap_or_default(),
        routes: fields.get("egress").map(|node| route::read(reader, node)).unwrap_or_default(),
        pipelock: fields.get("pipelock").map(|node| policy::read(reader, node)).unwrap_or_default(),
        git: fields.get("git").map(|node| git::read(reader, node)).unwrap_or_default(),
        supervise: fields.get("supervise").is_some_and(|node| supervised(reader, node)),
        runtime: fields.get("runtime").and_then(|node| runtime(reader, node)).unwrap_or_default(),
    };
    withhold(reader, &fields, &mut bottle);
    if let (WorkspaceMode::Clone, true, Some(node)) =
        (bottle.workspace, bottle.git.is_empty(), fields.get("workspace"))
    {
        reader.fault(node.position, "`workspace: clone` needs an upstream under `git`");
    }
    Some(bottle)
}

/// What egress holds the agent may not be handed as well.
fn withhold(reader: &mut Reader, fields: &super::reader::Fields<'_>, bottle: &mut Bottle) {
    let credentials = bottle.routes.iter().flat_map(|route| &route.route.credentials);
    let tokens = bottle.git.iter().filter_map(|one| one.upstream.credential.as_ref());
    let held: BTreeMap<&str, &str> = tokens
        .map(|token| (token.env.as_str(), "an upstream's credential: git-gate alone holds it"))
        .chain(credentials.map(|credential| {
            (credential.variable.as_str(), "a route's credential: the agent gets a placeholder")
        }))
        .collect();
    for (key, names) in [
        ("forward_env", bottle.forward_env.iter().collect::<Vec<_>>()),
        ("env", bottle.env.keys().collect()),
    ] {
        for name in names {
            let Some(why) = held.get(name.as_str()) else { continue };
            let position = fields.get(key).map_or(fields.position, |node| node.position);
            reader.fault(position, format!("`{name}` is {why}, so `{key}` may not name it"));
        }
    }
    for name in bottle.forward_env.iter().filter(|name| bottle.env.contains_key(*name)) {
        let position = fields.get("forward_env").map_or(fields.position, |node| node.position);
        reader.fault(position, format!("`{name}` is in `env` and in `forward_env`"));
    }
}

fn workspace(reader: &mut Reader, node: &Node) -> Option<WorkspaceMode> {
    let words = [
        ("copy", WorkspaceMode::Copy),
        ("image", WorkspaceMode::Image),
        ("mount", WorkspaceMode::Mount),
        ("clone", WorkspaceMode::Clone),
    ];
    reader.word(node, "`workspace`", &words)
}

fn runtime(reader: &mut Reader, node: &Node) -> Option<Runtime> {
    reader.word(node, "`runtime`", &[("runsc", Runtime::Runsc)])
}

fn supervised(reader: &mut Reader, node: &Node) -> bool {
    let Some(fields) = reader.fields(node, "`supervise`", &["enabled"]) else { return false };
    fields.get("enabled").is_some_and(|node| reader.truth(node, "`enabled`") == Some(true))
}

fn resources(reader: &mut Reader, node: &Node) -> Resources {
    let mut resources = Resources::default();
    let Some(fields) = reader.fields(node, "`resources`", RESOURCE_KEYS) else { return resources };
    if let Some(node) = fields.get("cpus") {
        resources.cpus = reader.number(node, "`cpus`", 0.01..=1024.0).unwrap_or(resources.cpus);
    }
    if let Some(node) = fields.get("pids") {
        resources.pids = reader.number(node, "`pids`", 16..=1_000_000).unwrap_or(resources.pids);
    }
    if let Some(node) = fields.get("memory") {
        match reader.line(node, "`memory`").map(bytes) {
            Some(Some(memory)) if memory >= LEAST_MEMORY => resources.memory = memory,
            None => {}
            Some(_) => reader.fault(
                node.position,
                "`memory` is a size of at least `64m`, such as `512m` or `4g`",
            ),
        }
    }
    resources
}

/// A size as people write it: `512m`, `4g`, `2GiB`, or bytes. All units are powers of 1024.
fn bytes(text: &str) -> Option<u64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits)?;
    let shift = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 0,
        "k" | "kb" | "kib" => 10,
        "m" | "mb" | "mib" => 20,
        "g" | "gb" | "gib" => 30,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(1 << shift)
}

fn env(reader: &mut Reader, node: &Node) -> BTreeMap<String, String> {
    let mut env = BTreeMap::new();
    for (name, at, node) in reader.pairs(node, "`env`").unwrap_or_default() {
        let good = check::variable(reader, name, at);
        let value = reader.text(node, &format!("the value of `{}`", name.escape_debug()));
        if let (true, Some(value)) = (good, value) {
            env.insert(name.to_owned(), value.to_owned());
        }
    }
    env
}

fn names(reader: &mut Reader, node: &Node) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for item in reader.items(node, "`forward_env`") {
        let Some(name) = reader.line(item, "a variable's name") else { continue };
        if check::variable(reader, name, item.position) && !names.iter().any(|other| other == name)
        {
            names.push(name.to_owned());
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_sizes_as_people_write_them() {
        for (text, size) in [("64m", 64 << 20), ("4g", 4 << 30), ("2GiB", 2 << 30), ("1024", 1024)]
        {
            assert_eq!(bytes(text), Some(size), "{text}");
        }
        for text in ["", "g", "-1g", "1t", "4.5g", "99999999999999999999g", "18446744073709551615g"]
        {
            assert_eq!(bytes(text), None, "{text}");
        }
    }
}

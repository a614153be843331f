//! `image:` what the agent's container is made of, in one of three ways.

use compose_render::ImageRef;

use super::Image;
use super::check;
use super::node::Node;
use super::reader::Reader;

/// The keys of an image.
pub(crate) const KEYS: &[&str] = &["name", "base", "apt", "run", "dockerfile", "agent"];

/// The agents' programs that images of ours hold.
pub(crate) const AGENTS: &[(&str, Agent)] = &[("claude", Agent::Claude), ("codex", Agent::Codex)];

/// An agent's program.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Agent {
    Claude,
    Codex,
}

pub(super) fn read(reader: &mut Reader, node: &Node) -> Option<Image> {
    let fields = reader.fields(node, "an image", KEYS)?;
    let layered = ["base", "apt", "run"].iter().any(|key| fields.get(key).is_some());
    let given = |key: &str| fields.get(key).is_some();
    let ways = [given("name"), given("dockerfile"), layered, given("agent")];
    if ways.iter().filter(|given| **given).count() > 1 {
        reader.fault(
            fields.position,
            "an image is a `name`, a `dockerfile`, an `agent`, or `base` with `apt` and `run`: one of \
             these",
        );
        return None;
    }
    if let Some(node) = fields.get("name") {
        return reference(reader, node).map(Image::Named);
    }
    if let Some(node) = fields.get("dockerfile") {
        return check::file(reader, node, "the Dockerfile").map(Image::Dockerfile);
    }
    if let Some(node) = fields.get("agent") {
        return reader.word(node, "`agent`", AGENTS).map(|agent| match agent {
            Agent::Claude => Image::Standard,
            Agent::Codex => Image::Codex,
        });
    }
    if !layered {
        return Some(Image::Standard);
    }
    let base = fields.get("base").and_then(|node| reference(reader, node));
    let apt = fields.get("apt").map(|node| packages(reader, node)).unwrap_or_default();
    let run = fields.get("run").map(|node| commands(reader, node)).unwrap_or_default();
    Some(Image::Layered { base, apt, run })
}

/// The name of an image, as the engine reads it.
pub(super) fn reference(reader: &mut Reader, node: &Node) -> Option<ImageRef> {
    let text = reader.line(node, "an image's name")?.to_owned();
    match ImageRef::try_from(text) {
        Ok(image) => Some(image),
        Err(error) => {
            reader.fault(node.position, error.to_string());
            None
        }
    }
}

/// Debian packages: a name, and perhaps a version. Nothing that `apt-get` reads as an option.
fn packages(reader: &mut Reader, node: &Node) -> Vec<String> {
    let mut packages = Vec::new();
    for item in reader.items(node, "`apt`") {
        let Some(text) = reader.line(item, "a package") else { continue };
        let begins =
            text.bytes().next().is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        let rest = text.bytes().all(|b| b.is_ascii_alphanumeric() || b"+.-:=~_".contains(&b));
        if begins && rest && text.len() <= 128 {
            packages.push(text.to_owned());
        } else {
            let shown = text.escape_debug().to_string();
            reader.fault(item.position, format!("`{shown}` is no package's name"));
        }
    }
    packages
}

/// Commands for a shell while the image is built: one line each, so that none can end its
/// instruction and begin another.
fn commands(reader: &mut Reader, node: &Node) -> Vec<String> {
    let mut commands = Vec::new();
    for item in reader.items(node, "`run`") {
        match reader.line(item, "a command of `run`") {
            Some("") => reader.fault(item.position, "a command of `run` is empty"),
            Some(text) => commands.push(text.to_owned()),
            None => {}
        }
    }
    commands
}

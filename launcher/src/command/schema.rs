//! `bottle schema`: the manifest's JSON Schema, for editors.

use serde_json::{Value, json};

use crate::cli;
use crate::exit::Exit;
use crate::login::Login;
use crate::manifest::Preset;
use crate::ui::Ui;

pub(crate) fn run(_args: &cli::Schema, ui: &Ui) -> anyhow::Result<Exit> {
    ui.json(&schema())?;
    Ok(Exit::Done)
}

/// The schema. What it cannot say (that a bottle is there, that a file is) `bottle check` does.
fn schema() -> Value {
    let label = json!("^[a-z0-9]([a-z0-9-]*[a-z0-9])?$");
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "bottle.yaml",
        "description": "What a coding agent in a bottle may do",
        "type": "object",
        "additionalProperties": false,
        "required": ["version", "agents"],
        "properties": {
            "version": { "const": 1 },
            "agents": {
                "type": "object",
                "propertyNames": { "pattern": label, "maxLength": 35 },
                "additionalProperties": agent(),
            },
            "bottles": {
                "type": "object",
                "propertyNames": { "pattern": label, "maxLength": 40 },
                "additionalProperties": bottle(),
            },
        },
    })
}

fn agent() -> Value {
    object(
        &["bottle", "command"],
        &json!({
            "bottle": text("The bottle it runs in, a key of `bottles`"),
            "command": { "type": "array", "minItems": 1, "items": { "type": "string" } },
            "prompt": text("A file appended to the agent's system prompt"),
            "skills": texts("Folders with a SKILL.md"),
        }),
    )
}

fn bottle() -> Value {
    object(
        &[],
        &json!({
            "image": image(),
            "workspace": { "enum": ["copy", "image", "mount", "clone"], "default": "copy" },
            "resources": object(&[], &json!({
                "cpus": { "type": "number", "minimum": 0.01, "default": 2 },
                "memory": { "type": ["string", "integer"], "default": "4g" },
                "pids": { "type": "integer", "minimum": 16, "default": 1024 },
            })),
            "env": {
                "type": "object",
                "additionalProperties": { "type": ["string", "number", "boolean"] },
            },
            "forward_env": texts("Names of variables of the host that the agent sees"),
            "egress": object(&[], &json!({ "routes": { "type": "array", "items": route() } })),
            "pipelock": pipelock(),
            "git": object(&[], &json!({
                "upstreams": { "type": "array", "items": upstream() },
            })),
            "supervise": object(&[], &json!({ "enabled": { "type": "boolean", "default": false } })),
            "runtime": { "enum": ["runsc"], "description": "gVisor" },
        }),
    )
}

fn upstream() -> Value {
    object(
        &["url"],
        &json!({
            "url": text("`git@host:owner/repo.git`, `ssh://…` or `https://…`"),
            "key": text("The private SSH key, without a passphrase; for ssh"),
            "known_hosts": text("The file of host keys that are believed; for ssh"),
            "credential": object(&["env"], &json!({
                "env": text("The variable of the host that holds the token; for https"),
                "user": text("The user it is sent for, `x-access-token` unless said"),
            })),
            "protected": texts("Files that run elsewhere with more rights, and may be pushed"),
            "push": texts("Refs the bottle may push; its own branches unless said, none if empty"),
        }),
    )
}

fn image() -> Value {
    object(
        &[],
        &json!({
            "name": text("An image, used as it is"),
            "base": text("The image to build on"),
            "apt": texts("Debian packages"),
            "run": texts("Shell commands, one line each"),
            "dockerfile": text("A Dockerfile; its folder is the context"),
            "agent": {
                "enum": ["claude", "codex"],
                "description": "Whose program ours holds: `claude` unless said",
            },
        }),
    )
}

fn route() -> Value {
    let presets: Vec<&str> = Preset::words().into_iter().map(|(word, _)| word).collect();
    let mut route = object(
        &[],
        &json!({
            "host": text("A name, `*.` and a domain, or an address"),
            "port": { "type": "integer", "minimum": 1, "maximum": 65535, "default": 443 },
            "methods": { "type": "array", "minItems": 1, "items": { "type": "string" } },
            "paths": { "type": "array", "minItems": 1, "items": { "type": "string", "pattern": "^/" } },
            "credential": {
                "oneOf": [credential(), { "type": "array", "items": credential() }],
            },
            "cookies": {
                "enum": ["pass", "keep"],
                "default": "pass",
                "description": "Whether the agent gets the host's cookies or egress keeps them",
            },
            "websocket": {
                "enum": ["deny", "allow"],
                "default": "deny",
                "description": "Whether a request along the route may become a WebSocket",
            },
            "budget": budget(),
            "preset": { "enum": presets },
        }),
    );
    if let Some(fields) = route.as_object_mut() {
        let one_of = json!([{ "required": ["host"] }, { "required": ["preset"] }]);
        fields.insert("oneOf".to_owned(), one_of);
    }
    route
}

fn budget() -> Value {
    let bound = |what: &str| {
        json!({ "type": "integer", "minimum": 0,
            "description": format!("How many {what} while the bottle lives") })
    };
    let mut budget = object(
        &[],
        &json!({
            "requests": bound("requests are sent"),
            "input_tokens": bound("tokens models may read, from a cache or not"),
            "output_tokens": bound("tokens models may write"),
        }),
    );
    if let Some(fields) = budget.as_object_mut() {
        fields.insert("minProperties".to_owned(), json!(1));
    }
    budget
}

fn credential() -> Value {
    let logins: Vec<&str> = Login::words().into_iter().map(|(word, _)| word).collect();
    object(
        &["env"],
        &json!({
            "env": text("The variable of the host that holds it, and of the agent's placeholder"),
            "file": text("The file of the host that holds it instead, readable by you alone"),
            "command": texts("The program that prints it instead, and its arguments"),
            "login": {
                "enum": logins,
                "description": "The login of that program on this host, which egress renews",
            },
            "header": text("A header whose whole value it is"),
            "scheme": { "enum": ["bearer", "basic"] },
            "user": text("The user of `scheme: basic`"),
            "query": text("A query parameter: weak, since URLs end in logs"),
            "cookie": text("A cookie"),
        }),
    )
}

fn pipelock() -> Value {
    let action = |words: Value| object(&[], &json!({ "action": { "enum": words } }));
    object(
        &[],
        &json!({
            "allow": texts("Hosts allowed without a route, with `:port` where it is not 443 or 80"),
            "dlp": action(json!(["redact", "block", "warn"])),
            "responses": object(&[], &json!({
                "action": { "enum": ["warn", "strip", "block"] },
                "exempt": texts("Hosts whose responses are not looked through"),
            })),
            "ssrf": object(&[], &json!({ "allow": texts("Private networks that may be dialled") })),
            "upstream_ca": texts("`system`, and PEM files"),
            "upstream_proxy": object(&["address"], &json!({
                "address": text("host:port of the proxy that everything upstream goes through"),
                "credential": object(&["env"], &json!({
                    "env": text("The variable that holds user:password"),
                })),
            })),
            "passthrough": texts("Hosts whose TLS passes unopened: nothing in it is looked at"),
            "budgets": json!({ "type": "array", "items": object(&["host"], &json!({
                "host": text("Whose requests are counted"),
                "requests": json!({ "type": "integer", "minimum": 1 }),
                "bytes": json!({ "type": "integer", "minimum": 1 }),
            })) }),
            "image": text("Another data plane that reads upstream's pipelock.yaml"),
        }),
    )
}

fn object(required: &[&str], properties: &Value) -> Value {
    let mut object =
        json!({ "type": "object", "additionalProperties": false, "properties": properties });
    if let (false, Some(fields)) = (required.is_empty(), object.as_object_mut()) {
        fields.insert("required".to_owned(), json!(required));
    }
    object
}

fn text(description: &str) -> Value {
    json!({ "type": "string", "description": description })
}

fn texts(description: &str) -> Value {
    json!({ "type": "array", "items": { "type": "string" }, "description": description })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::{Manifest, Origin, keys};

    fn names(schema: &Value) -> Vec<&str> {
        let properties = schema["properties"].as_object().unwrap();
        let mut names: Vec<&str> = properties.keys().map(String::as_str).collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn the_reference_names_every_key_and_its_example_is_right() {
        let reference = include_str!("../../../docs/manifest.md");
        let sections = [keys::MANIFEST, keys::AGENT, keys::BOTTLE, keys::RESOURCES, keys::IMAGE];
        let sections = sections.into_iter().chain([keys::UPSTREAM, keys::TOKEN]);
        let policies = [keys::ROUTE, keys::CREDENTIAL, keys::BUDGET, keys::PIPELOCK];
        for key in sections.chain(policies).flatten() {
            let named = [format!("`{key}`"), format!("`{key}: "), format!("{key}:")];
            assert!(named.iter().any(|name| reference.contains(name)), "{key}");
        }
        let (_, rest) = reference.split_once("```yaml\n").unwrap();
        let (example, _) = rest.split_once("```").unwrap();
        let folder = tempfile::tempdir().unwrap();
        for name in [
            "prompts/implementer.md",
            "skills/commit/SKILL.md",
            "ca.pem",
            "deploy_key",
            "known_hosts",
        ] {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            compose_run::replace(&path, b"text", 0o644).unwrap();
        }
        let origin = Origin::File(folder.path().join("bottle.yaml"));
        Manifest::read(example, origin, None).unwrap_or_else(|faults| panic!("{faults}"));
    }

    #[test]
    fn it_knows_the_keys_that_the_reader_knows() {
        for (schema, keys) in [
            (schema(), keys::MANIFEST),
            (agent(), keys::AGENT),
            (bottle(), keys::BOTTLE),
            (bottle()["properties"]["resources"].clone(), keys::RESOURCES),
            (image(), keys::IMAGE),
            (route(), keys::ROUTE),
            (credential(), keys::CREDENTIAL),
            (budget(), keys::BUDGET),
            (pipelock(), keys::PIPELOCK),
            (upstream(), keys::UPSTREAM),
            (upstream()["properties"]["credential"].clone(), keys::TOKEN),
        ] {
            let mut keys = keys.to_vec();
            keys.sort_unstable();
            assert_eq!(names(&schema), keys);
        }
    }
}

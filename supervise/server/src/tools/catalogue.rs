//! How the tools are described to a model.

use std::sync::Arc;

use rmcp::model::{JsonObject, MetaObject, Tool, ToolAnnotations};
use rmcp::schemars::{JsonSchema, SchemaGenerator};
use serde_json::Value;

use super::arguments::{
    Any, Nothing, One, ProposeCredentialUse, ProposeEgress, ProposePackage, ProposePush, Wait,
};

/// Every tool.
pub(crate) fn all() -> Vec<Tool> {
    vec![
        reading(tool::<Nothing>(
            "policy",
            "What this bottle may reach now: its routes, its allowed hosts, and which credentials \
             are put in where. Everything else is denied.",
        )),
        reading(tool::<Nothing>(
            "denials",
            "Your last requests and pushes that were denied, the newest first, each with its reason \
             and, where asking helps, `propose`: the tool to call and its arguments but for the \
             reason.",
        )),
        at_hand(tool::<ProposeEgress>(
            "propose_egress",
            "Ask the person who runs this bottle to allow requests to a host that the policy \
             denies. Returns an id at once; then call wait with it. Ask for the least that does: \
             the exact host, the methods and paths you need. No credential comes with it.",
        )),
        tool::<ProposeCredentialUse>(
            "propose_credential_use",
            "Ask the person to let a credential that this bottle has be used for more requests: \
             other methods or paths, or another host. You never see its value: it is put in on the \
             way. Returns an id at once; then call wait with it.",
        ),
        tool::<ProposePush>(
            "propose_push",
            "Ask the person to let one push pass that the git gate held back. It is for exactly \
             this object on exactly this ref, once: after a yes, push the same again. Returns an id \
             at once; then call wait with it.",
        ),
        tool::<ProposePackage>(
            "propose_package",
            "Ask the person to let a package manager read (GET, HEAD) from the hosts that a package \
             comes from. Try to install it first: `denials` then names the hosts. Returns an id at \
             once; then call wait with it, and install again.",
        ),
        reading(tool::<Any>(
            "status",
            "How a proposal stands, or all of them: open, approved, denied with a reason, failed, \
             revoked.",
        )),
        at_hand(reading(tool::<Wait>(
            "wait",
            "Wait for a person's answer to a proposal. Returns as soon as there is one, or `open` \
             when the time is over: then call it again, or go on with other work meanwhile.",
        ))),
        tool::<One>("withdraw", "Take back a proposal that nobody has answered."),
    ]
}

fn tool<T: JsonSchema>(name: &'static str, description: &'static str) -> Tool {
    Tool::new(name, description, Arc::new(schema::<T>()))
        .with_annotations(ToolAnnotations::new().read_only(false).destructive(false))
}

/// Changes nothing.
fn reading(tool: Tool) -> Tool {
    tool.with_annotations(ToolAnnotations::new().read_only(true))
}

/// Claude Code keeps other tools back until they are searched for.
fn at_hand(tool: Tool) -> Tool {
    let mut meta = JsonObject::new();
    meta.insert("anthropic/alwaysLoad".to_owned(), Value::Bool(true));
    tool.with_meta(MetaObject(meta))
}

/// Without the names that only Rust knows.
fn schema<T: JsonSchema>() -> JsonObject {
    let schema = SchemaGenerator::default().into_root_schema_for::<T>();
    let mut schema = match schema.to_value() {
        Value::Object(object) => object,
        _ => JsonObject::new(),
    };
    for name in ["$schema", "title", "description"] {
        schema.remove(name);
    }
    let fields = schema.entry("properties").or_insert_with(|| Value::Object(JsonObject::new()));
    for field in fields.as_object_mut().into_iter().flat_map(|fields| fields.values_mut()) {
        // A comment of several lines is one sentence.
        if let Some(said) = field["description"].as_str() {
            field["description"] = Value::String(said.replace('\n', " "));
        }
    }
    schema
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_is_described_and_nothing_else_is_taken() {
        for tool in all() {
            let schema = &tool.input_schema;
            assert_eq!(schema["type"], "object", "{}", tool.name);
            assert_eq!(schema["additionalProperties"], false, "{}", tool.name);
            for (name, field) in schema["properties"].as_object().unwrap() {
                let said = field["description"].as_str().unwrap_or_default();
                assert!(!said.is_empty() && !said.contains('\n'), "{} {name}: {field}", tool.name);
            }
        }
    }

    #[test]
    fn the_schemas_are_these() {
        let of = |name: &str| {
            let tool = all().into_iter().find(|tool| tool.name == name).unwrap();
            serde_json::to_string_pretty(&*tool.input_schema).unwrap()
        };
        insta::assert_snapshot!(of("propose_package"));
        insta::assert_snapshot!(of("wait"));
    }

    #[test]
    fn the_documentation_names_every_tool_and_no_other() {
        let text = include_str!("../../../../docs/approvals.md");
        let table = text.lines().skip_while(|line| *line != "| tool | does |").skip(2);
        let told = table.map_while(|line| line.strip_prefix("| `")?.split('`').next());
        let known = all();
        let known: Vec<&str> = known.iter().map(|tool| tool.name.as_ref()).collect();
        assert_eq!(told.collect::<Vec<_>>(), known);
    }
}

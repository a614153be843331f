//! JSON-RPC as far as MCP's tools need it: one request, one answer, no batches.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::run::Desk;
use crate::tools;

/// The version of the protocol that is spoken unless the client names another known one.
const VERSION: &str = "2025-11-25";
/// Those whose `initialize` and tools read the same.
const VERSIONS: [&str; 4] = ["2024-11-05", "2025-03-26", "2025-06-18", VERSION];
/// The longest id that is given back.
const MAX_ID: usize = 128;

/// What a client that knows nothing of bottles is told.
const INSTRUCTIONS: &str = "This bottle has no way out but through its policy. A request that was \
    denied has a JSON body that says why. Ask for what you need with `propose_egress`, then `wait` \
    for a person's answer; an approved host works at once, so repeat the request. Ask for the least \
    that does, and go on without where a person says no.";

#[derive(Deserialize)]
struct Call {
    jsonrpc: String,
    #[serde(default)]
    id: Option<Value>,
    method: String,
    #[serde(default)]
    params: Value,
}

/// Why a request has no result.
pub(crate) struct Fault {
    code: i32,
    message: String,
}

impl Fault {
    pub(crate) fn params(message: impl Into<String>) -> Self {
        Self { code: -32602, message: message.into() }
    }
}

/// The answer to a request; none to a notification.
pub(crate) async fn answer(body: &[u8], desk: &Desk) -> Option<Value> {
    let value: Value = match serde_json::from_slice(body) {
        Ok(value) => value,
        Err(_) => return Some(error(&Value::Null, -32700, "this is no JSON")),
    };
    if value.is_array() {
        return Some(error(&Value::Null, -32600, "batches are not taken: send one at a time"));
    }
    let call: Call = match serde_json::from_value(value) {
        Ok(call) => call,
        Err(_) => return Some(error(&Value::Null, -32600, "this is no JSON-RPC request")),
    };
    let id = call.id?;
    let good = match &id {
        Value::String(text) => text.len() <= MAX_ID,
        Value::Number(_) => true,
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => false,
    };
    if !good || call.jsonrpc != "2.0" {
        return Some(error(&Value::Null, -32600, "this is no JSON-RPC request"));
    }
    let result = match call.method.as_str() {
        "initialize" => Ok(initialize(&call.params)),
        "ping" => Ok(json!({})),
        "tools/list" => Ok(json!({ "tools": tools::list() })),
        "tools/call" => tools::call(&call.params, desk).await,
        _ => Err(Fault { code: -32601, message: "there is no such method".to_owned() }),
    };
    Some(match result {
        Ok(result) => json!({ "jsonrpc": "2.0", "id": id, "result": result }),
        Err(fault) => error(&id, fault.code, &fault.message),
    })
}

fn initialize(params: &Value) -> Value {
    let wanted = params["protocolVersion"].as_str().unwrap_or(VERSION);
    let version = VERSIONS.into_iter().find(|known| *known == wanted).unwrap_or(VERSION);
    json!({
        "protocolVersion": version,
        "capabilities": { "tools": { "listChanged": false } },
        "serverInfo": { "name": "supervise", "version": env!("CARGO_PKG_VERSION") },
        "instructions": INSTRUCTIONS,
    })
}

fn error(id: &Value, code: i32, message: &str) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "error": { "code": code, "message": message } })
}

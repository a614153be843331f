//! The tools: how they are described to a model, and what each does. None of them answers anything.

use std::time::Duration;

use compose_render::HostPattern;
use serde::Deserialize;
use serde_json::{Value, json};
use sidecar::{Event, Line};
use supervise::{Ask, Proposal, ProposalId, Requests};

use crate::denials;
use crate::queue::State;
use crate::rpc::Fault;
use crate::run::Desk;

/// How long `wait` waits unless it is told otherwise: shorter than the shortest patience of a client.
const WAIT: u64 = 50;
/// The longest it waits.
const LONGEST_WAIT: u64 = 240;
/// How often a waited for answer is looked for.
const LOOK: Duration = Duration::from_millis(100);

/// The descriptions.
pub(crate) fn list() -> Value {
    let id = json!({ "type": "string", "pattern": "^[0-9a-f]{12}$", "description": "The id that propose_egress returned" });
    let tool = |name: &str, description: &str, properties: Value, required: Value| {
        json!({
            "name": name, "description": description,
            "inputSchema": {
                "type": "object", "properties": properties, "required": required,
                "additionalProperties": false,
            },
        })
    };
    let texts = |description: &str| json!({ "type": "array", "items": { "type": "string" }, "maxItems": 16, "description": description });
    let mut propose = tool(
        "propose_egress",
        "Ask the person who runs this bottle to allow requests to a host that the policy denies. \
         Returns an id at once; then call wait with it. Ask for the least that does: the exact host, \
         the methods and paths you need. No credential can be asked for.",
        json!({
            "host": { "type": "string", "description": "A host name such as docs.example.org, or *.example.org for a whole domain; no scheme, no port, no path" },
            "methods": texts("Methods such as GET; none means every method"),
            "paths": texts("Paths such as /v1/** (`*` within one segment, `**` across segments); none means every path"),
            "reason": { "type": "string", "maxLength": 8192, "description": "Why you need it, in a sentence or two for a person" },
        }),
        json!(["host", "reason"]),
    );
    if let Some(object) = propose.as_object_mut() {
        // Claude Code keeps other tools back until they are searched for.
        object.insert("_meta".to_owned(), json!({ "anthropic/alwaysLoad": true }));
    }
    json!([
        tool(
            "policy",
            "What this bottle may reach now: its routes and allowed hosts.",
            json!({}),
            json!([])
        ),
        tool(
            "denials",
            "The last requests that were denied, each with its reason and, where asking helps, the call of propose_egress that asks for it.",
            json!({}),
            json!([])
        ),
        propose,
        tool(
            "status",
            "How a proposal stands (open, approved, denied with a reason, failed), or all of them.",
            json!({ "id": id }),
            json!([])
        ),
        tool(
            "wait",
            "Wait for a person's answer to a proposal. Returns as soon as there is one, or `open` when the time is over: then call it again, or go on with other work.",
            json!({
                "id": id,
                "timeout_seconds": { "type": "integer", "minimum": 1, "maximum": LONGEST_WAIT, "default": WAIT, "description": "How long to wait" },
            }),
            json!(["id"])
        ),
        tool(
            "withdraw",
            "Take back a proposal that nobody has answered.",
            json!({ "id": id }),
            json!(["id"])
        ),
    ])
}

#[derive(Deserialize)]
struct Call {
    name: String,
    #[serde(default)]
    arguments: Option<Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Propose {
    host: HostPattern,
    #[serde(default)]
    methods: Vec<String>,
    #[serde(default)]
    paths: Vec<String>,
    reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct One {
    id: ProposalId,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Any {
    id: Option<ProposalId>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wait {
    id: ProposalId,
    #[serde(default)]
    timeout_seconds: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

/// Does what a tool does.
pub(crate) async fn call(params: &Value, desk: &Desk) -> Result<Value, Fault> {
    let call: Call = serde_json::from_value(params.clone())
        .map_err(|_| Fault::params("a tool is called by `name` and `arguments`"))?;
    let arguments = call.arguments.unwrap_or_else(|| json!({}));
    let done = match call.name.as_str() {
        "policy" => parse::<Nothing>(arguments).map(|Nothing {}| policy(desk)),
        "denials" => parse::<Nothing>(arguments)
            .map(|Nothing {}| Ok(json!({ "denials": denials::recent(&desk.watched) }))),
        "propose_egress" => parse(arguments).map(|wanted| propose(wanted, desk)),
        "status" => parse(arguments).map(|Any { id }| status(id.as_ref(), desk)),
        "withdraw" => parse(arguments).map(|One { id }| withdraw(&id, desk)),
        "wait" => match parse(arguments) {
            Ok(wanted) => Ok(wait(wanted, desk).await),
            Err(why) => Err(why),
        },
        _ => return Err(Fault::params("there is no such tool")),
    };
    // A model reads the text of a tool's error and mends its call; a fault of JSON-RPC it may not see.
    let (value, is_error) = match done.and_then(|done| done) {
        Ok(value) => (value, false),
        Err(why) => (json!({ "error": why }), true),
    };
    Ok(json!({
        "content": [{ "type": "text", "text": value.to_string() }],
        "structuredContent": value,
        "isError": is_error,
    }))
}

fn parse<T: serde::de::DeserializeOwned>(arguments: Value) -> Result<T, String> {
    serde_json::from_value(arguments).map_err(|error| format!("the arguments are wrong: {error}"))
}

fn policy(desk: &Desk) -> Result<Value, String> {
    let policy = desk.queue.policy().ok_or("the policy is not known here yet")?;
    Ok(json!({
        "version": policy.version, "routes": policy.routes, "allow": policy.allow,
        "everything_else": "denied",
    }))
}

fn propose(wanted: Propose, desk: &Desk) -> Result<Value, String> {
    let Propose { host, methods, paths, reason } = wanted;
    let ask = Ask::Egress(Requests { host, methods, paths });
    let (proposal, state, new) =
        desk.queue.propose(&ask, &reason).map_err(|refusal| refusal.text())?;
    if new {
        tell(desk, &proposal, "proposed");
    }
    let next = match &state {
        State::Open => "call wait with this id; a person has to answer",
        State::Denied(_) => "a person said no to this: go on without it",
        State::Approved | State::Failed(_) | State::Revoked(_) => "see its state",
    };
    let mut told = shown(&proposal, &state);
    if let Some(object) = told.as_object_mut() {
        object.insert("next_step".to_owned(), json!(next));
    }
    Ok(told)
}

fn status(id: Option<&ProposalId>, desk: &Desk) -> Result<Value, String> {
    if let Some(id) = id {
        return found(id, desk).map(|(proposal, state)| shown(&proposal, &state));
    }
    let all = desk.queue.all();
    let all: Vec<_> = all.iter().map(|(proposal, state)| shown(proposal, state)).collect();
    Ok(json!({ "proposals": all }))
}

fn withdraw(id: &ProposalId, desk: &Desk) -> Result<Value, String> {
    let (proposal, _) = found(id, desk)?;
    if !desk.queue.withdraw(id) {
        return Err("it was answered already: see its status".to_owned());
    }
    tell(desk, &proposal, "withdrawn");
    Ok(json!({ "id": id, "state": "withdrawn" }))
}

async fn wait(wanted: Wait, desk: &Desk) -> Result<Value, String> {
    let Wait { id, timeout_seconds } = wanted;
    let limit = Duration::from_secs(timeout_seconds.unwrap_or(WAIT).min(LONGEST_WAIT));
    let Ok(_permit) = desk.waits.try_acquire() else {
        return Err("too many calls wait already".to_owned());
    };
    let answered = async {
        loop {
            match found(&id, desk) {
                Ok((_, State::Open)) => tokio::time::sleep(LOOK).await,
                other => return other,
            }
        }
    };
    let ended = tokio::select! {
        answered = answered => Some(answered?),
        () = tokio::time::sleep(limit) => None,
        () = desk.shutdown.requested() => None,
    };
    let (proposal, state) = match ended {
        Some(answered) => answered,
        None => found(&id, desk)?,
    };
    Ok(shown(&proposal, &state))
}

fn found(id: &ProposalId, desk: &Desk) -> Result<(Proposal, State), String> {
    desk.queue.find(id).ok_or_else(|| {
        "there is no such proposal: it was withdrawn, is older than 7 days, or never was".to_owned()
    })
}

fn shown(proposal: &Proposal, state: &State) -> Value {
    let Proposal { id, ask, .. } = proposal;
    let mut told = json!({ "id": id, "ask": ask });
    if let (Some(told), Ok(Value::Object(state))) =
        (told.as_object_mut(), serde_json::to_value(state))
    {
        told.extend(state);
    }
    told
}

fn tell(desk: &Desk, proposal: &Proposal, what: &str) {
    desk.log.write(Line {
        id: Some(proposal.id.to_string()),
        host: proposal.ask.host().map(ToString::to_string),
        reason: Some(what.to_owned()),
        ..Line::new(Event::Proposal)
    });
}

//! As much of the Responses API as Codex CLI needs: text, one kind of tool, the step in the call's id.

use http::{Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use serde_json::{Value, json};

use crate::body::{self, Body};
use crate::conversation::marker;
use crate::setting::Step;

const PREFIX: &str = "call_";

/// The script of a request and the step it stands at; nothing where no prompt names one.
pub(crate) fn turn(asked: &Value) -> Option<(String, usize)> {
    let items = asked["input"].as_array()?;
    items.iter().rev().find_map(|item| {
        if let Some(call) = item["type"].as_str().filter(|kind| kind.ends_with("call_output")) {
            debug_assert!(!call.is_empty());
            return step_after(item["call_id"].as_str()?);
        }
        let texts = item["content"].as_array()?.iter().filter_map(|part| part["text"].as_str());
        let user = item["role"] == "user";
        let named = texts.filter(|_| user).find_map(marker)?;
        Some((named, 0))
    })
}

/// What a tool answered, newest call first.
pub(crate) fn outputs(asked: &Value) -> Vec<(String, String)> {
    let items = asked["input"].as_array().map(Vec::as_slice).unwrap_or_default();
    let output = |item: &Value| {
        let kind = item["type"].as_str()?;
        let text = match &item["output"] {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        kind.ends_with("call_output").then(|| Some((item["call_id"].as_str()?.to_owned(), text)))?
    };
    items.iter().filter_map(output).collect()
}

fn step_after(id: &str) -> Option<(String, usize)> {
    let mut parts = id.strip_prefix(PREFIX)?.rsplitn(3, '_');
    let _index: usize = parts.next()?.parse().ok()?;
    let step: usize = parts.next()?.parse().ok()?;
    Some((parts.next()?.to_owned(), step + 1))
}

/// One answer, as a stream of events.
pub(crate) fn answer(script: &str, index: usize, step: &Step) -> Response<Body> {
    let mut items: Vec<Value> = Vec::new();
    if !step.say.is_empty() {
        items.push(json!({"type": "message", "role": "assistant", "id": "msg_0",
            "content": [{"type": "output_text", "text": step.say, "annotations": []}]}));
    }
    for (nth, tool) in step.tools.iter().enumerate() {
        items.push(json!({"type": "function_call", "id": format!("fc_{nth}"),
            "call_id": format!("{PREFIX}{script}_{index}_{nth}"), "name": tool.name,
            "arguments": tool.input.to_string()}));
    }
    let id = format!("resp_{script}_{index}");
    let created = json!({"id": id, "status": "in_progress", "usage": null});
    let mut events = vec![event("response.created", &json!({"response": created}))];
    for (nth, item) in items.iter().enumerate() {
        let told = json!({"output_index": nth, "item": item});
        events.push(event("response.output_item.added", &told));
        events.push(event("response.output_item.done", &told));
    }
    let usage = json!({"input_tokens": 90, "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": 30, "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 120});
    let done = json!({"id": id, "status": "completed", "output": items, "usage": usage});
    events.push(event("response.completed", &json!({"response": done})));
    let whole = Full::new(events.concat().into()).boxed();
    body::with_type(StatusCode::OK, "text/event-stream", whole)
}

fn event(kind: &str, data: &Value) -> String {
    let mut data = data.clone();
    data["type"] = json!(kind);
    format!("event: {kind}\ndata: {data}\n\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_step_is_in_the_newest_call_or_the_script_in_the_prompt() {
        let prompt = json!({"type": "message", "role": "user",
            "content": [{"type": "input_text", "text": "do [[work]]"}]});
        let output = json!({"type": "function_call_output", "call_id": "call_work_1_0",
            "output": "it ran"});
        assert_eq!(turn(&json!({"input": [prompt]})), Some(("work".to_owned(), 0)));
        let asked = json!({"input": [prompt, output]});
        assert_eq!(turn(&asked), Some(("work".to_owned(), 2)));
        assert_eq!(outputs(&asked), [("call_work_1_0".to_owned(), "it ran".to_owned())]);
    }
}

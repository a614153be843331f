//! Writes one answer of the model, as the event stream of the Messages API or as one message.

use serde_json::{Value, json};

use crate::conversation::tool_id;
use crate::setting::Step;

/// Text is cut into pieces of this many characters: a real model never sends a block at once.
const PIECE: usize = 24;

/// An answer before it is written down.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    /// A running number, for the message's id.
    pub number: u64,
    /// The model's name, as it was asked for.
    pub model: String,
    pub script: String,
    pub index: usize,
    pub step: Step,
}

impl Answer {
    fn blocks(&self) -> Vec<Value> {
        let said =
            (!self.step.say.is_empty()).then(|| json!({"type": "text", "text": self.step.say}));
        let used = self.step.tools.iter().enumerate().map(|(index, tool)| {
            let id = tool_id(&self.script, self.index, index);
            json!({"type": "tool_use", "id": id, "name": tool.name, "input": tool.input})
        });
        said.into_iter().chain(used).collect()
    }

    fn stop_reason(&self) -> &'static str {
        if self.step.tools.is_empty() { "end_turn" } else { "tool_use" }
    }

    fn envelope(&self, content: &[Value], stop_reason: Option<&str>) -> Value {
        json!({
            "id": format!("msg_{:06}", self.number), "type": "message", "role": "assistant",
            "model": self.model, "content": content, "stop_reason": stop_reason,
            "stop_sequence": null,
            "usage": {"input_tokens": 100, "output_tokens": 20,
                      "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0}
        })
    }

    /// The answer to a request that does not ask for a stream.
    #[must_use]
    pub(crate) fn message(&self) -> Value {
        self.envelope(&self.blocks(), Some(self.stop_reason()))
    }

    /// The first event. It can go out before the model has thought.
    #[must_use]
    pub(crate) fn opening(&self) -> String {
        let message = self.envelope(&[], None);
        event("message_start", &json!({"type": "message_start", "message": message}))
    }

    /// Every event after the first.
    #[must_use]
    pub(crate) fn rest(&self) -> Vec<String> {
        let mut events = Vec::new();
        for (index, block) in self.blocks().into_iter().enumerate() {
            let (empty, deltas) = in_pieces(&block);
            events.push(event(
                "content_block_start",
                &json!({"type": "content_block_start", "index": index, "content_block": empty}),
            ));
            for delta in deltas {
                events.push(event(
                    "content_block_delta",
                    &json!({"type": "content_block_delta", "index": index, "delta": delta}),
                ));
            }
            events.push(event(
                "content_block_stop",
                &json!({"type": "content_block_stop", "index": index}),
            ));
        }
        events.push(event(
            "message_delta",
            &json!({"type": "message_delta", "usage": {"output_tokens": 20},
                    "delta": {"stop_reason": self.stop_reason(), "stop_sequence": null}}),
        ));
        events.push(event("message_stop", &json!({"type": "message_stop"})));
        events
    }
}

/// What keeps a stream alive while the model thinks.
#[must_use]
pub(crate) fn ping() -> String {
    event("ping", &json!({"type": "ping"}))
}

/// The empty block that opens, and the deltas that fill it. The input of a tool must come as deltas:
/// what stands in the opening block is ignored.
fn in_pieces(block: &Value) -> (Value, Vec<Value>) {
    let mut empty = block.clone();
    if block["type"] == "text" {
        empty["text"] = json!("");
        let text = block["text"].as_str().unwrap_or_default();
        let delta = |piece: String| json!({"type": "text_delta", "text": piece});
        return (empty, pieces(text).map(delta).collect());
    }
    empty["input"] = json!({});
    let delta = |piece: String| json!({"type": "input_json_delta", "partial_json": piece});
    (empty, pieces(&block["input"].to_string()).map(delta).collect())
}

fn pieces(text: &str) -> impl Iterator<Item = String> {
    let letters: Vec<char> = text.chars().collect();
    let pieces: Vec<String> =
        letters.chunks(PIECE).map(|piece| piece.iter().collect::<String>()).collect();
    pieces.into_iter()
}

fn event(name: &str, data: &Value) -> String {
    format!("event: {name}\ndata: {data}\n\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::setting::Tool;

    fn answer() -> Answer {
        let input = json!({"command": "echo a rather long line of text, more than one piece"});
        Answer {
            number: 7,
            model: "claude-opus".into(),
            script: "work".into(),
            index: 2,
            step: Step {
                say: "Running it.".into(),
                tools: vec![Tool { name: "Bash".into(), input }],
                hold: false,
            },
        }
    }

    #[test]
    fn the_input_of_a_tool_comes_in_pieces_that_make_the_whole() {
        let events = answer().rest();
        let data = events.iter().filter_map(|event| event.split_once("data: "));
        let values = data.map(|(_, data)| serde_json::from_str::<Value>(data.trim()).unwrap());
        let mut whole = String::new();
        for value in values {
            whole.push_str(value["delta"]["partial_json"].as_str().unwrap_or_default());
        }
        let input: Value = serde_json::from_str(&whole).unwrap();
        assert_eq!(input, answer().step.tools[0].input);
    }

    #[test]
    fn the_stream_opens_and_ends_as_the_api_says() {
        let answer = answer();
        assert!(answer.opening().starts_with("event: message_start\ndata: {"));
        let rest = answer.rest().concat();
        assert!(rest.contains(r#""id":"toolu_work_2_0""#));
        assert!(rest.contains(r#""stop_reason":"tool_use""#));
        assert!(rest.ends_with("event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"));
    }

    #[test]
    fn an_answer_without_tools_ends_the_turn() {
        let mut answer = answer();
        answer.step.tools.clear();
        assert_eq!(answer.message()["stop_reason"], "end_turn");
    }
}

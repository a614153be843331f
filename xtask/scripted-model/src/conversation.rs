//! Reads a Messages request: which script is played, and at which step it stands.
//!
//! The request carries the whole history, so the server keeps none: the step is in the id of the
//! newest tool result, which the model gave when it asked for the tool.

use serde::Serialize;
use serde_json::Value;

const PREFIX: &str = "toolu_";

/// Where a conversation stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Turn {
    /// The side call that asks for a title. It repeats the prompt, so it is told apart first.
    Title,
    Step {
        script: String,
        step: usize,
    },
    /// The newest prompt names no script.
    Unscripted,
}

/// What a tool answered, as the agent sent it back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ToolResult {
    pub id: String,
    pub is_error: bool,
    pub text: String,
}

/// The id that carries the step.
#[must_use]
pub(crate) fn tool_id(script: &str, step: usize, index: usize) -> String {
    format!("{PREFIX}{script}_{step}_{index}")
}

fn parse_id(id: &str) -> Option<(String, usize)> {
    let mut parts = id.strip_prefix(PREFIX)?.rsplitn(3, '_');
    let _index: usize = parts.next()?.parse().ok()?;
    let step = parts.next()?.parse().ok()?;
    Some((parts.next()?.to_owned(), step))
}

/// Says where the conversation of this request stands.
#[must_use]
pub(crate) fn turn(request: &Value) -> Turn {
    if request["tools"].as_array().is_none_or(Vec::is_empty) {
        return Turn::Title;
    }
    for message in newest_first(request) {
        // A message may hold results and text: the results answer the model, so they come first.
        let newest = results(message).into_iter().rev().find_map(|result| parse_id(&result.id));
        if let Some((script, step)) = newest {
            return Turn::Step { script, step: step + 1 };
        }
        let texts = prompts(message);
        if let Some(script) = texts.iter().rev().find_map(|text| marker(text)) {
            return Turn::Step { script, step: 0 };
        }
        if !texts.is_empty() {
            return Turn::Unscripted;
        }
    }
    Turn::Unscripted
}

/// The tool results that this request brings for the first time.
#[must_use]
pub(crate) fn newest_results(request: &Value) -> Vec<ToolResult> {
    newest_first(request).map(results).find(|found| !found.is_empty()).unwrap_or_default()
}

/// User messages alone: `messages` also has the role `system`, and one can come last.
fn newest_first(request: &Value) -> impl Iterator<Item = &Value> {
    let messages = request["messages"].as_array().map(Vec::as_slice).unwrap_or_default();
    messages.iter().rev().filter(|message| message["role"] == "user")
}

fn results(message: &Value) -> Vec<ToolResult> {
    blocks(message)
        .iter()
        .filter(|block| block["type"] == "tool_result")
        .map(|block| ToolResult {
            id: block["tool_use_id"].as_str().unwrap_or_default().to_owned(),
            is_error: block["is_error"].as_bool().unwrap_or(false),
            text: text_of(&block["content"]),
        })
        .collect()
}

fn blocks(message: &Value) -> &[Value] {
    message["content"].as_array().map(Vec::as_slice).unwrap_or_default()
}

fn text_of(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(items) => {
            let texts: Vec<&str> = items.iter().filter_map(|item| item["text"].as_str()).collect();
            texts.join("\n")
        }
        _ => String::new(),
    }
}

/// What a person wrote; the reminders that the agent adds are no prompt.
fn prompts(message: &Value) -> Vec<&str> {
    let texts: Vec<&str> = match &message["content"] {
        Value::String(text) => vec![text],
        _ => blocks(message).iter().filter_map(|block| block["text"].as_str()).collect(),
    };
    texts.into_iter().filter(|text| !text.trim_start().starts_with("<system-reminder>")).collect()
}

/// The name in the last `[[name]]`.
pub(crate) fn marker(text: &str) -> Option<String> {
    let (before, _) = text.rsplit_once("]]")?;
    let (_, name) = before.rsplit_once("[[")?;
    let plain = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit();
    let good = !name.is_empty() && name.chars().all(|letter| plain(letter) || letter == '-');
    good.then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn asked(messages: &Value) -> Turn {
        turn(&json!({"tools": [{"name": "Bash"}], "messages": messages}))
    }

    fn at(script: &str, step: usize) -> Turn {
        Turn::Step { script: script.into(), step }
    }

    #[test]
    fn a_prompt_starts_the_script_it_names() {
        let reminder =
            json!({"type": "text", "text": "<system-reminder>[[other]]</system-reminder>"});
        let prompt = json!({"type": "text", "text": "fix it [[work]]"});
        let messages = json!([
            {"role": "user", "content": [reminder, prompt]},
            {"role": "system", "content": "[[wrong]]"}
        ]);
        assert_eq!(asked(&messages), at("work", 0));
        assert_eq!(
            asked(&json!([{"role": "user", "content": "say [[one-two]]"}])),
            at("one-two", 0)
        );
        assert_eq!(asked(&json!([{"role": "user", "content": "hello"}])), Turn::Unscripted);
    }

    #[test]
    fn a_result_leads_to_the_step_after_its_own() {
        let result =
            json!({"type": "tool_result", "tool_use_id": "toolu_work_3_0", "content": "ok"});
        let text = json!({"type": "text", "text": "and [[other]]"});
        let messages = json!([
            {"role": "user", "content": "[[work]]"},
            {"role": "assistant", "content": []},
            {"role": "user", "content": [result, text]}
        ]);
        assert_eq!(asked(&messages), at("work", 4));
        let request = json!({"messages": messages});
        assert_eq!(
            newest_results(&request),
            [ToolResult { id: "toolu_work_3_0".into(), is_error: false, text: "ok".into() }]
        );
    }

    #[test]
    fn a_second_prompt_starts_afresh() {
        let result =
            json!({"type": "tool_result", "tool_use_id": "toolu_work_3_0", "content": "ok"});
        let messages = json!([
            {"role": "user", "content": [result]},
            {"role": "user", "content": "now [[other]]"}
        ]);
        assert_eq!(asked(&messages), at("other", 0));
    }

    #[test]
    fn a_call_without_tools_asks_for_a_title() {
        let request = json!({"tools": [], "messages": [{"role": "user", "content": "[[work]]"}]});
        assert_eq!(turn(&request), Turn::Title);
    }

    #[test]
    fn ids_come_back_as_they_went_out() {
        assert_eq!(parse_id(&tool_id("work", 12, 1)), Some(("work".into(), 12)));
        assert_eq!(parse_id("toolu_01ABC"), None);
    }
}

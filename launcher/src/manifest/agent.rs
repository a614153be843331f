//! `agents:` the program in the bottle, and how it is set up.

use super::Agent;
use super::check;
use super::node::{Node, Value};
use super::reader::{Reader, list, nearest};

/// The keys of an agent.
pub(crate) const KEYS: &[&str] = &["bottle", "command", "prompt", "skills"];
/// More skills than an agent reads.
const MAX_SKILLS: usize = 64;

pub(super) fn read(reader: &mut Reader, node: &Node, bottles: &[&str]) -> Option<Agent> {
    let fields = reader.fields(node, "an agent", KEYS)?;
    let bottle = reader.required(&fields, "bottle").and_then(|node| {
        let name = reader.line(node, "an agent's `bottle`")?.to_owned();
        if !bottles.contains(&name.as_str()) {
            let advice = match nearest(&name, bottles) {
                Some(near) => format!("did you mean `{near}`?"),
                None if bottles.is_empty() => "`bottles` names none".to_owned(),
                None => format!("`bottles` names {}", list(bottles)),
            };
            let shown = name.escape_debug();
            reader.fault(node.position, format!("there is no bottle `{shown}`; {advice}"));
        }
        Some(name)
    });
    let command = reader.required(&fields, "command").map(|node| {
        let words = reader.items(node, "an agent's `command`");
        let words: Vec<String> = words
            .iter()
            .filter_map(|word| reader.text(word, "a word of a command").map(str::to_owned))
            .collect();
        let named = words.first().is_some_and(|program| !program.is_empty());
        if !named && matches!(node.value, Value::List(_)) {
            reader.fault(node.position, "a command begins with the name of a program");
        }
        words
    });
    let prompt = fields.get("prompt").and_then(|node| check::file(reader, node, "the prompt"));
    let skills = fields.get("skills").map(|node| skills(reader, node)).unwrap_or_default();
    Some(Agent { bottle: bottle?, command: command?, prompt, skills })
}

fn skills(reader: &mut Reader, node: &Node) -> Vec<std::path::PathBuf> {
    let items = reader.items(node, "an agent's `skills`");
    if items.len() > MAX_SKILLS {
        reader.fault(node.position, format!("more than {MAX_SKILLS} skills"));
    }
    let mut found: Vec<std::path::PathBuf> = Vec::new();
    for item in items {
        let Some(folder) = check::folder(reader, item, "the skill") else { continue };
        if !folder.join("SKILL.md").is_file() {
            let shown = folder.display();
            reader.fault(item.position, format!("the skill `{shown}` has no `SKILL.md`"));
        }
        match folder.file_name() {
            None => reader.fault(item.position, "a skill is a folder with a name"),
            Some(name) if found.iter().any(|other| other.file_name() == Some(name)) => {
                let name = name.to_string_lossy().into_owned();
                reader.fault(item.position, format!("two skills are called `{name}`"));
            }
            Some(_) => found.push(folder),
        }
    }
    found
}

//! Bodies that look like the real ones: prose, code and ids, the same in every run, no credential.

use bytes::Bytes;
use serde_json::{Value, json};

const WORDS: [&str; 32] = [
    "the", "function", "returns", "a", "list", "of", "open", "files", "when", "request", "is",
    "served", "from", "cache", "and", "no", "error", "was", "seen", "before", "deadline", "passed",
    "while", "client", "reads", "slowly", "test", "should", "cover", "this", "case", "too",
];
const CODE: [&str; 6] = [
    "    let mut buffer = Vec::with_capacity(limit);\n",
    "    for (index, entry) in entries.iter().enumerate() {\n",
    "        if entry.name.starts_with(\"src/\") && !seen.insert(entry.name.clone()) { continue; }\n",
    "    assert_eq!(report.lines().count(), expected, \"{report}\");\n",
    "export const handler = async (event: Event): Promise<Response> => respond(event.path);\n",
    "def read_config(path: str, strict: bool = True) -> dict[str, object]:\n",
];

/// A small generator of numbers: bodies need no good one, only the same one.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn pick<'a>(&mut self, of: &[&'a str]) -> &'a str {
        let len = of.len() as u64;
        let at = usize::try_from(self.next() % len.max(1)).unwrap_or(0);
        of.get(at).copied().unwrap_or_default()
    }

    fn text(&mut self) -> String {
        if self.next().is_multiple_of(3) {
            return (0..6).map(|_| self.pick(&CODE)).collect();
        }
        let words: Vec<_> = (0..60).map(|_| self.pick(&WORDS)).collect();
        words.join(" ")
    }
}

/// A chat of about that many bytes, as agents send it with every turn.
pub(crate) fn chat(bytes: usize) -> Bytes {
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    let (mut messages, mut length) = (Vec::new(), 0);
    while length < bytes {
        let text = numbers.text();
        length += text.len() + 90;
        let role = if messages.len() % 2 == 0 { "user" } else { "assistant" };
        messages.push(json!({"role": role, "content": [{"type": "text", "text": text}]}));
    }
    written(&json!({"model": "a-model", "max_tokens": 1024, "messages": messages}), bytes)
}

/// A listing of exactly that many bytes.
pub(crate) fn listing(bytes: usize) -> Bytes {
    let mut numbers = Numbers(0x2545_f491_4f6c_dd1d);
    let (mut entries, mut length) = (Vec::new(), 0);
    while length < bytes {
        let text = numbers.text();
        length += text.len() + 100;
        let id = format!("{:016x}", numbers.next());
        entries.push(json!({"id": id, "size": numbers.next() % 100_000, "text": text}));
    }
    written(&json!({"entries": entries}), bytes)
}

/// A file of exactly that many bytes, which nothing makes smaller.
pub(crate) fn file(bytes: usize) -> Bytes {
    let mut numbers = Numbers(0x6a09_e667_f3bc_c909);
    let mut file = Vec::with_capacity(bytes + 8);
    while file.len() < bytes {
        file.extend_from_slice(&numbers.next().to_le_bytes());
    }
    file.truncate(bytes);
    Bytes::from(file)
}

/// JSON of exactly that many bytes: white space at the end makes no difference to any reader.
fn written(value: &Value, bytes: usize) -> Bytes {
    let mut text = value.to_string().into_bytes();
    text.resize(bytes, b' ');
    Bytes::from(text)
}

/// One server-sent event, as a model's words come.
pub(crate) fn event(number: usize) -> Bytes {
    let word = WORDS.get(number % WORDS.len()).copied().unwrap_or_default();
    let delta = json!({"type": "content_block_delta", "index": 0,
                       "delta": {"type": "text_delta", "text": format!("{word} ")}});
    Bytes::from(format!("event: content_block_delta\ndata: {delta}\n\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_have_the_length_that_was_asked_for_and_are_the_same_every_time() {
        assert_eq!(listing(70_000).len(), 70_000);
        assert_eq!(chat(70_000), chat(70_000));
    }
}

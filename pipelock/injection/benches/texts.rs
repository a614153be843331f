//! Texts to look through: a listing in JSON as the proxy's benchmark serves it, English prose, this
//! workspace's source code, and its documents, which speak of much that rules look for.

use std::path::Path;

const SIZE: usize = 4 * 1024 * 1024;

const WORDS: [&str; 32] = [
    "the", "function", "returns", "a", "list", "of", "open", "files", "when", "request", "is",
    "served", "from", "cache", "and", "no", "error", "was", "seen", "before", "deadline", "passed",
    "while", "client", "reads", "slowly", "test", "should", "cover", "this", "case", "too",
];
/// As a JSON string writes it.
const CODE: [&str; 6] = [
    r"    let mut buffer = Vec::with_capacity(limit);\n",
    r"    for (index, entry) in entries.iter().enumerate() {\n",
    r#"        if entry.name.starts_with(\"src/\") && !seen.insert(entry.name.clone()) { continue; }\n"#,
    r#"    assert_eq!(report.lines().count(), expected, \"{report}\");\n"#,
    r"export const handler = async (event: Event): Promise<Response> => respond(event.path);\n",
    r"def read_config(path: str, strict: bool = True) -> dict[str, object]:\n",
];
/// Sentences of books whose rights have long ended: Austen, Melville, Dickens, Darwin, Doyle.
const SENTENCES: &str = include_str!("prose.txt");

/// Every text and its name.
pub(crate) fn all() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("json", listing()),
        ("prose", prose()),
        ("source", files("../tls-intercept/src", "rs")),
        ("documents", files("../../docs", "md")),
    ]
}

/// A small generator of numbers: the same text in every run.
struct Numbers(u64);

impl Numbers {
    const fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn pick<'a>(&mut self, of: &[&'a str]) -> &'a str {
        let at = usize::try_from(self.next() % of.len() as u64).unwrap_or(0);
        of[at]
    }
}

fn listing() -> Vec<u8> {
    let mut numbers = Numbers(0x2545_f491_4f6c_dd1d);
    let mut text = b"{\"entries\":[".to_vec();
    while text.len() < SIZE {
        let words = if numbers.next().is_multiple_of(3) {
            (0..6).map(|_| numbers.pick(&CODE)).collect()
        } else {
            (0..60).map(|_| numbers.pick(&WORDS)).collect::<Vec<_>>().join(" ")
        };
        let (id, size) = (numbers.next(), numbers.next() % 100_000);
        let entry = format!(r#"{{"id":"{id:016x}","size":{size},"text":"{words}"}},"#);
        text.extend_from_slice(entry.as_bytes());
    }
    text.truncate(SIZE);
    text
}

/// Sentences in an order that no branch predictor learns.
fn prose() -> Vec<u8> {
    let mut numbers = Numbers(0x6a09_e667_f3bc_c909);
    let sentences: Vec<_> = SENTENCES.lines().collect();
    let mut text = Vec::new();
    while text.len() < SIZE {
        text.extend_from_slice(numbers.pick(&sentences).as_bytes());
        text.push(if numbers.next().is_multiple_of(5) { b'\n' } else { b' ' });
    }
    text.truncate(SIZE);
    text
}

/// All files of a folder that end so, repeated.
fn files(folder: &str, ending: &str) -> Vec<u8> {
    let mut text = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|found| found == ending) {
                text.extend(std::fs::read(path).unwrap_or_default());
            }
        }
    }
    assert!(!text.is_empty(), "nothing to look through");
    text.iter().copied().cycle().take(SIZE).collect()
}

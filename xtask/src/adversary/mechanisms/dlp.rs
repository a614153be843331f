//! What the scanner's findings stand on.

use super::Mechanism;
use super::Needs::Nothing;

pub(super) const MECHANISMS: &[Mechanism] = &[
    Mechanism {
        name: "what-may-go-on-is-held-back",
        file: "pipelock/dlp/src/stream.rs",
        on: "edge = edge.min(open).min(last_stretch(&self.buffer)).max(self.settled);",
        off: "edge = edge.min(open).max(self.settled);",
        package: "dlp",
        tests: &["e10_any_chunking_"],
        needs: Nothing,
    },
    Mechanism {
        name: "matches-beyond-a-word-are-waited-for",
        file: "pipelock/dlp/src/set.rs",
        on: "if part.more && compiled.shape.spans && compiled.is_alive(rest) {",
        off: "if part.more && compiled.shape.spans && compiled.is_alive(rest) && false {",
        package: "dlp",
        tests: &["e10_any_chunking_"],
        needs: Nothing,
    },
    Mechanism {
        name: "what-stands-behind-is-waited-for",
        file: "pipelock/dlp/src/set.rs",
        on: "if part.more && behind.len() < SURROUNDINGS {",
        off: "if part.more && behind.len() < SURROUNDINGS && false {",
        package: "dlp",
        tests: &["e10_what_stands_behind_"],
        needs: Nothing,
    },
    Mechanism {
        name: "long-rows-are-cut-where-they-say",
        file: "pipelock/dlp/src/stream.rs",
        on: "if end - start > HORIZON {",
        off: "if end - start > HORIZON && false {",
        package: "dlp",
        tests: &["e10_any_chunking_", "memory_is_bounded_"],
        needs: Nothing,
    },
    Mechanism {
        name: "decoded-text-is-looked-through",
        file: "pipelock/dlp/src/view.rs",
        on: "rules.pass(part, &mut inner);",
        off: "let _ = (rules, part, &mut inner);",
        package: "dlp",
        tests: &["e10_the_key_"],
        needs: Nothing,
    },
    Mechanism {
        name: "the-whole-value-decides",
        file: "pipelock/dlp/src/own.rs",
        on: "self.key.mac(value).is_some_and(|mac| mac.verify_slice(&known.mac).is_ok())",
        off: "self.key.mac(value).is_some()",
        package: "dlp",
        tests: &["g4_a_rolling_hash_"],
        needs: Nothing,
    },
];

//! What an adversary's test sent and what came back, told to `cargo xtask adversary`.

use std::fmt::Display;
use std::io::Write as _;

/// The file that `cargo xtask adversary` reads; absent in an ordinary run.
const RECORD_VARIABLE: &str = "BOTTLE_ADVERSARY_RECORD";

/// Records one attempt of a row of the threat model: what was sent and what came back.
///
/// The line goes to the file named by `BOTTLE_ADVERSARY_RECORD` in one append, so tests of
/// several processes do not tear each other's lines. Without it nothing happens.
pub fn record(row: &str, sent: impl Display, came_back: impl Display) {
    let Some(path) = std::env::var_os(RECORD_VARIABLE) else { return };
    let entry = serde_json::json!({
        "row": row, "sent": sent.to_string(), "came_back": came_back.to_string(),
    });
    let file = std::fs::OpenOptions::new().create(true).append(true).open(&path);
    let written = file.and_then(|mut file| file.write_all(format!("{entry}\n").as_bytes()));
    assert!(written.is_ok(), "cannot record to {}: {written:?}", path.display());
}

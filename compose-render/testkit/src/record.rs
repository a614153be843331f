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

/// The same for the rows that the running test is named for: `e6_f1_…` is of both. In a test that
/// is of no row, nothing happens.
pub fn told(sent: impl Display, came_back: impl Display) {
    let thread = std::thread::current();
    for row in rows(thread.name().unwrap_or_default()) {
        record(&row, &sent, &came_back);
    }
}

/// The ids that a test's name begins with.
fn rows(test: &str) -> Vec<String> {
    let name = test.rsplit("::").next().unwrap_or(test);
    let is_id = |word: &&str| {
        let mut letters = word.chars();
        letters.next().is_some_and(|letter| ('a'..='k').contains(&letter))
            && letters.as_str().parse::<u8>().is_ok()
    };
    name.split('_').take_while(is_id).map(str::to_ascii_uppercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_is_of_every_row_that_its_name_begins_with() {
        assert_eq!(rows("it::framing::e6_f1_upgrades_are_refused"), ["E6", "F1"]);
        assert_eq!(rows("a_service_a1_without"), Vec::<String>::new());
    }
}

//! Runs the rows' tests once and prints each row with what was sent and what came back.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;

use super::ground::{cargo, container_environment, say};
use super::rows::{ROWS, Row};
use crate::checkout::Checkout;

/// One recorded attempt; the test kit's `record` writes it.
#[derive(Deserialize)]
struct Attempt {
    row: String,
    sent: String,
    came_back: String,
}

pub(super) fn rows(checkout: &Checkout, only: &[String]) -> Result<()> {
    let wanted: Vec<&Row> = ROWS.iter().filter(|row| is_wanted(row, only)).collect();
    if wanted.is_empty() {
        bail!("no row is named {}", only.join(", "));
    }
    let record = tempfile::NamedTempFile::new().context("cannot make the record")?;
    let mut environment = container_environment(checkout)?;
    environment.push(("BOTTLE_ADVERSARY_RECORD".to_owned(), record.path().into()));
    let mut args = vec!["test", "--workspace", "--no-fail-fast", "--"];
    let filters: Vec<String> = wanted.iter().map(|row| prefix(row)).collect();
    args.extend(filters.iter().map(String::as_str));
    let (_, output) = cargo(checkout, &args, &environment)?;
    let attempts = read(&fs_err::read_to_string(record.path())?)?;
    report(&wanted, &results(&output), &attempts)
}

fn is_wanted(row: &Row, only: &[String]) -> bool {
    only.is_empty() || only.iter().any(|word| word.eq_ignore_ascii_case(row.id))
}

fn prefix(row: &Row) -> String {
    format!("{}_", row.id.to_ascii_lowercase())
}

/// Whether the test names the row among those it begins with: `e6_f1_…` is of both.
fn is_of(test: &str, row: &Row) -> bool {
    let is_id = |word: &&str| {
        let mut letters = word.chars();
        letters.next().is_some_and(|letter| ('a'..='k').contains(&letter))
            && letters.as_str().parse::<u8>().is_ok()
    };
    let name = test.rsplit("::").next().unwrap_or(test);
    name.split('_').take_while(is_id).any(|id| id.eq_ignore_ascii_case(row.id))
}

fn read(text: &str) -> Result<Vec<Attempt>> {
    text.lines().map(|line| serde_json::from_str(line).context("a torn record")).collect()
}

/// The verdict of every test by its name, from libtest's `test NAME ... ok`.
fn results(output: &str) -> BTreeMap<&str, bool> {
    let lines = output.lines().filter_map(|line| line.strip_prefix("test "));
    lines
        .filter_map(|line| line.split_once(" ... "))
        .filter(|(_, verdict)| verdict.starts_with("ok") || verdict.starts_with("FAILED"))
        .map(|(name, verdict)| (name, verdict.starts_with("ok")))
        .collect()
}

fn report(wanted: &[&Row], results: &BTreeMap<&str, bool>, attempts: &[Attempt]) -> Result<()> {
    let mut wrong = Vec::new();
    for row in wanted {
        let tests: Vec<_> = results.iter().filter(|(name, _)| is_of(name, row)).collect();
        say(&format!("\n{:<4} {}", row.id, row.what));
        for (name, ok) in &tests {
            say(&format!("     {} {name}", if **ok { "holds" } else { "FAILS" }));
        }
        for attempt in attempts.iter().filter(|attempt| attempt.row == row.id) {
            say(&format!("       sent {}", attempt.sent));
            say(&format!("       back {}", attempt.came_back));
        }
        if tests.is_empty() {
            wrong.push(format!("{} has no test", row.id));
        }
        wrong.extend(tests.iter().filter(|(_, ok)| !**ok).map(|(name, _)| format!("{name} fails")));
    }
    say("");
    if wrong.is_empty() {
        say(&format!("{} rows hold", wanted.len()));
        return Ok(());
    }
    bail!("{} of the threat model: {}", wrong.len(), wrong.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_libtests_lines() {
        let output =
            "running 2 tests\ntest a::a1_x ... ok\ntest a4_y ... FAILED\n\ntest result: ok. 1";
        let read = results(output);
        assert_eq!(read.into_iter().collect::<Vec<_>>(), [("a4_y", false), ("a::a1_x", true)]);
    }

    #[test]
    fn a_test_is_of_every_row_it_begins_with() {
        let rows = |test| ROWS.iter().filter(|row| is_of(test, row)).map(|row| row.id).collect();
        let named: Vec<_> = rows("it::framing::e6_f1_upgrades_are_refused");
        assert_eq!(named, ["E6", "F1"]);
        assert_eq!(rows("a_service_a1_without"), Vec::<&str>::new());
        assert_eq!(rows("a10_no_secret"), ["A10"]);
    }

    #[test]
    fn a_row_without_a_test_fails_the_run() {
        assert!(report(&[&ROWS[0]], &BTreeMap::new(), &[]).is_err());
        let held = BTreeMap::from([("it::topology::a1_nothing_arrives", true)]);
        assert!(report(&[&ROWS[0]], &held, &[]).is_ok());
    }
}

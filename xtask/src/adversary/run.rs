//! Runs the rows' tests once and prints each row with what was sent and what came back.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;

use super::cargo::{Outcome, outcome, short};
use super::ground::{Environment, container_environment, say};
use super::rows::{self, ROWS, Row};
use crate::checkout::Checkout;
use crate::test::binaries::{self, Binary};
use crate::ui;

/// One recorded attempt; the test kit's `record` writes it.
#[derive(Debug, Deserialize)]
struct Attempt {
    row: String,
    sent: String,
    came_back: String,
}

/// What every test of the rows came to.
#[derive(Debug, Default)]
struct Results {
    /// The second time counts, and is told.
    held: BTreeMap<String, Held>,
    failed: BTreeMap<String, String>,
    /// Binaries that ended before their tests did.
    torn: Vec<String>,
}

/// How a test held.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Held {
    AtOnce,
    /// Two cores and many containers: it failed among the others and held alone.
    Alone,
}

pub(super) fn rows(checkout: &Checkout, only: &[String]) -> Result<()> {
    let is_wanted =
        |row: &&Row| only.is_empty() || only.iter().any(|word| word.eq_ignore_ascii_case(row.id));
    let wanted: Vec<&Row> = ROWS.iter().filter(is_wanted).collect();
    if let Some(word) = only.iter().find(|word| rows::find(word).is_none()) {
        bail!("no row is named {word}");
    }
    let record = tempfile::NamedTempFile::new().context("cannot make the record")?;
    let mut environment = container_environment(checkout)?;
    environment.push(("BOTTLE_ADVERSARY_RECORD".to_owned(), record.path().into()));
    let mut results = Results::default();
    for binary in binaries::build(checkout, &[])? {
        let listed = binary.program().arg("--list").read()?;
        let tests = listed.lines().filter_map(|line| line.strip_suffix(": test"));
        let of_any = |test: &&str| wanted.iter().any(|row| rows::is_of(test, row));
        let tests: Vec<&str> = tests.filter(of_any).collect();
        if !tests.is_empty() {
            results.add(&binary, &tests, &environment)?;
        }
    }
    let attempts = read(&fs_err::read_to_string(record.path())?)?;
    report(&wanted, &results, &attempts)
}

impl Results {
    /// Runs those tests of one binary; what fails once more, alone.
    fn add(&mut self, binary: &Binary, tests: &[&str], environment: &Environment) -> Result<()> {
        ui::say(format!("-- {}: {} tests of the rows", binary.name, tests.len()));
        let first = ran(binary, tests, &[], environment)?;
        let again: Vec<&str> =
            tests.iter().copied().filter(|test| !first.passed.contains(*test)).collect();
        self.held.extend(first.passed.into_iter().map(|test| (test, Held::AtOnce)));
        if again.is_empty() {
            return Ok(());
        }
        ui::say(format!("-- {}: {} once more, alone", binary.name, again.len()));
        let second = ran(binary, &again, &["--test-threads=1"], environment)?;
        let seen: BTreeSet<_> = second.passed.iter().chain(second.failed.keys()).collect();
        if again.iter().any(|test| !seen.contains(&(*test).to_owned())) {
            self.torn.push(binary.name.clone());
        }
        self.held.extend(second.passed.into_iter().map(|test| (test, Held::Alone)));
        self.failed.extend(second.failed);
        Ok(())
    }
}

fn ran(
    binary: &Binary,
    tests: &[&str],
    flags: &[&str],
    environment: &Environment,
) -> Result<Outcome> {
    let program = binary.program().arg("--exact").args(flags.iter().copied());
    let program = program.args(tests.iter().copied());
    let program =
        environment.iter().fold(program, |program, (name, value)| program.env(name, value));
    let mut lines = Vec::new();
    let code = binaries::lines(&program, |line| {
        if line.starts_with("test ") {
            ui::say(line);
        }
        lines.push(line.to_owned());
    })?;
    Ok(outcome(code.unwrap_or(-1), &lines))
}

fn read(text: &str) -> Result<Vec<Attempt>> {
    text.lines().map(|line| serde_json::from_str(line).context("a torn record")).collect()
}

fn report(wanted: &[&Row], results: &Results, attempts: &[Attempt]) -> Result<()> {
    let mut wrong: Vec<String> =
        results.torn.iter().map(|name| format!("{name} ended before its tests did")).collect();
    let mut hold = 0;
    for row in wanted {
        say(&format!("\n{:<4} {}", row.id, row.what));
        let is_of = |test: &&String| rows::is_of(test, row);
        let held: Vec<_> = results.held.iter().filter(|(test, _)| is_of(test)).collect();
        let failed: Vec<_> = results.failed.iter().filter(|(test, _)| is_of(test)).collect();
        for (test, how) in &held {
            let alone = if **how == Held::Alone { " (the second time, alone)" } else { "" };
            say(&format!("     holds {test}{alone}"));
        }
        for (test, said) in &failed {
            say(&format!("     FAILS {test}: {said}"));
            wrong.push(format!("{test} fails"));
        }
        let mut last = None;
        for attempt in attempts.iter().filter(|attempt| attempt.row == row.id) {
            let shown = (line(&attempt.sent), line(&attempt.came_back));
            if last.as_ref() == Some(&shown) {
                continue;
            }
            say(&format!("       sent {}", shown.0));
            say(&format!("       back {}", shown.1));
            last = Some(shown);
        }
        if held.is_empty() && failed.is_empty() {
            wrong.push(format!("{} has no test", row.id));
        }
        hold += usize::from(!held.is_empty() && failed.is_empty());
    }
    say("");
    if !wrong.is_empty() {
        bail!("{} of the threat model: {}", wrong.len(), wrong.join(", "));
    }
    say(&format!("{hold} rows hold, by {} tests", results.held.len()));
    Ok(())
}

/// One line of what may be many, and hostile.
fn line(text: &str) -> String {
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let plain: String = words.chars().flat_map(shown).collect();
    if plain.is_empty() { "nothing".to_owned() } else { short(&plain) }
}

fn shown(c: char) -> Vec<char> {
    if c.is_ascii() && !c.is_control() || c.is_alphanumeric() {
        vec![c]
    } else {
        c.escape_default().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(test: &str) -> Results {
        let held = BTreeMap::from([(test.to_owned(), Held::AtOnce)]);
        Results { held, ..Results::default() }
    }

    #[test]
    fn a_row_without_a_test_fails_the_run() {
        let row = rows::find("A1").unwrap();
        assert!(report(&[row], &Results::default(), &[]).is_err());
        assert!(report(&[row], &held("it::topology::a1_nothing_arrives"), &[]).is_ok());
        assert!(report(&[row], &held("it::topology::a10_nothing_is_found"), &[]).is_err());
    }

    #[test]
    fn a_test_that_fails_and_a_binary_that_dies_fail_the_run() {
        let row = rows::find("A1").unwrap();
        let mut results = held("a1_nothing_arrives");
        results.failed.insert("a1_nor_this".to_owned(), "it left".to_owned());
        assert!(report(&[row], &results, &[]).is_err());
        let torn = Results { torn: vec!["launcher it".to_owned()], ..held("a1_nothing_arrives") };
        assert!(report(&[row], &torn, &[]).is_err());
    }

    #[test]
    fn what_came_back_is_one_line_without_control_characters() {
        assert_eq!(line("a\n\n  b\u{1b}[2J"), "a b\\u{1b}[2J");
        assert_eq!(line(" \n"), "nothing");
    }
}

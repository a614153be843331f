//! Cargo's tests as the adversary runs them: listed first, then run by their exact names.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader};

use anyhow::{Context as _, Result};

use super::ground::Environment;
use crate::checkout::Checkout;
use crate::program::{Program, cargo};

/// A call of cargo that takes longer hangs: its tests, or what they wait for.
const LONGEST: &str = "1800";
/// So much of what a test said is told.
const SHOWN: usize = 200;
/// By then `timeout` has ended it.
const ENDED_BY_TIMEOUT: [i32; 2] = [124, 137];

/// One test binary, as cargo's own flags choose it.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Target {
    pub(super) package: String,
    flags: Vec<String>,
}

/// What a run of tests came to.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) passed: BTreeSet<String>,
    /// With what each said when it failed.
    pub(super) failed: BTreeMap<String, String>,
    pub(super) end: End,
}

/// How cargo ended.
#[derive(Debug, Default, Eq, PartialEq)]
pub(super) enum End {
    /// Every test has its verdict.
    #[default]
    Whole,
    NotBuilt(String),
    Hung,
    /// A test binary ended before its tests did.
    Torn,
}

/// Every test of some packages, by the binary that holds it.
pub(super) fn tests_of(
    checkout: &Checkout,
    packages: &[&str],
    environment: &Environment,
) -> Result<BTreeMap<Target, Vec<String>>, String> {
    let mut found = BTreeMap::new();
    // A name says which package a binary is of only when there is but one.
    for package in packages {
        let args = ["test", "--package", package, "--tests", "--", "--list"];
        let mut lines = Vec::new();
        let code = watched(checkout, &args, environment, |line| lines.push(line.to_owned()))
            .map_err(|error| format!("{error:#}"))?;
        if code != 0 {
            return Err(first_error(&lines));
        }
        let mut target = None;
        for line in &lines {
            if let Some(flags) = flags_of(line) {
                target = Some(Target { package: (*package).to_owned(), flags });
            } else if let (Some(target), Some(name)) = (&target, line.strip_suffix(": test")) {
                found.entry(target.clone()).or_insert_with(Vec::new).push(name.to_owned());
            }
        }
    }
    Ok(found)
}

/// Runs those tests of one binary, and tells each line as it comes.
pub(super) fn run<'a>(
    checkout: &Checkout,
    target: &'a Target,
    tests: impl IntoIterator<Item = &'a str>,
    environment: &Environment,
    mut tell: impl FnMut(&str),
) -> Result<Outcome> {
    let mut args = vec!["test", "--package", target.package.as_str()];
    args.extend(target.flags.iter().map(String::as_str));
    args.extend(["--", "--exact"]);
    args.extend(tests);
    let mut lines = Vec::new();
    let code = watched(checkout, &args, environment, |line| {
        tell(line);
        lines.push(line.to_owned());
    })?;
    Ok(outcome(code, &lines))
}

/// Runs cargo and hands on its lines as they come; its exit code.
fn watched(
    checkout: &Checkout,
    args: &[&str],
    environment: &Environment,
    mut line: impl FnMut(&str),
) -> Result<i32> {
    let program = Program::new("timeout")
        .args(["--kill-after=10", LONGEST])
        .arg(cargo())
        .args(args.iter().copied())
        .within(&checkout.root)
        .env("CARGO_TARGET_DIR", &checkout.target);
    let program =
        environment.iter().fold(program, |program, (name, value)| program.env(name, value));
    let reader = program.expression().stderr_to_stdout().unchecked().reader()?;
    for text in BufReader::new(&reader).split(b'\n') {
        line(&String::from_utf8_lossy(&text.context("cargo's output cannot be read")?));
    }
    let output = reader.try_wait()?.context("cargo closed its output and goes on")?;
    Ok(output.status.code().unwrap_or(-1))
}

/// `Running unittests src/main.rs (target/debug/deps/bottle-0f3a)`: how to choose that binary.
fn flags_of(line: &str) -> Option<Vec<String>> {
    let (source, binary) = line.trim_start().strip_prefix("Running ")?.split_once(" (")?;
    let file = binary.trim_end_matches(')').rsplit('/').next()?;
    let name = file.rsplit_once('-')?.0;
    Some(match source {
        "unittests src/lib.rs" => vec!["--lib".to_owned()],
        // The file's name has other dashes than the program's.
        source if source.starts_with("unittests ") => vec!["--bins".to_owned()],
        _ => vec!["--test".to_owned(), name.to_owned()],
    })
}

pub(super) fn outcome(code: i32, lines: &[String]) -> Outcome {
    let mut outcome = Outcome::default();
    let mut whole = false;
    for line in lines {
        whole |= line.starts_with("test result: ");
        // Two tests at once: one's verdict may stand behind another's words.
        let Some((name, verdict)) = line.strip_prefix("test ").and_then(|l| l.rsplit_once(" ... "))
        else {
            continue;
        };
        let name = name.strip_suffix(" - should panic").unwrap_or(name).to_owned();
        if verdict.starts_with("ok") {
            outcome.passed.insert(name);
        } else if verdict.starts_with("FAILED") {
            let said = said_by(&name, lines);
            outcome.failed.insert(name, said);
        }
    }
    outcome.end = match code {
        _ if whole => End::Whole,
        code if ENDED_BY_TIMEOUT.contains(&code) => End::Hung,
        _ if lines.iter().any(|line| line.starts_with("running ")) => End::Torn,
        _ => End::NotBuilt(first_error(lines)),
    };
    outcome
}

/// What a test that failed said: the words of its panic.
fn said_by(name: &str, lines: &[String]) -> String {
    let begin = format!("---- {name} stdout ----");
    let said = lines.iter().skip_while(|line| **line != begin).skip(1);
    let words = said
        .take_while(|line| !line.starts_with("---- ") && !line.starts_with("failures:"))
        .skip_while(|line| !line.contains(" panicked at "))
        .skip(1)
        .take_while(|line| !line.starts_with("note: ") && !line.starts_with("== "))
        .map(|line| line.trim())
        .filter(|line| !line.is_empty())
        .take(3);
    short(&words.collect::<Vec<_>>().join(" "))
}

/// So much of a text that a line holds it.
pub(super) fn short(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

fn first_error(lines: &[String]) -> String {
    let found = lines.iter().find(|line| line.starts_with("error"));
    found.map_or_else(|| "cargo named no error".to_owned(), Clone::clone)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<String> {
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn a_binary_is_chosen_by_where_cargo_says_it_is_from() {
        let flags = |line: &str| flags_of(line).map(|flags| flags.join(" "));
        let of =
            |source: &str| flags(&format!("     Running {source} (/t/debug/deps/bottle-0f3a)"));
        assert_eq!(of("unittests src/lib.rs").unwrap(), "--lib");
        assert_eq!(of("unittests src/main.rs").unwrap(), "--bins");
        assert_eq!(of("tests/it/main.rs").unwrap(), "--test bottle");
        assert_eq!(flags("a1_x: test"), None);
    }

    #[test]
    fn reads_what_each_test_came_to_and_said() {
        let text = "running 2 tests\ntest a::a1_x ... ok\ntest a4_y ... FAILED\n\nfailures:\n\n\
                    ---- a4_y stdout ----\n\nthread 'a4_y' (7) panicked at it/a.rs:1:2:\n\
                    assertion failed: it left\nnote: run with\n\n\nfailures:\n    a4_y\n\n\
                    test result: FAILED. 1 passed; 1 failed";
        let read = outcome(101, &lines(text));
        assert_eq!(read.end, End::Whole);
        assert!(read.passed.contains("a::a1_x"));
        assert_eq!(read.failed["a4_y"], "assertion failed: it left");
    }

    #[test]
    fn what_is_no_verdict_of_a_test_is_told_apart() {
        let broken = outcome(101, &lines("error[E0425]: cannot find value"));
        assert_eq!(broken.end, End::NotBuilt("error[E0425]: cannot find value".to_owned()));
        assert_eq!(outcome(101, &lines("running 1 test\n")).end, End::Torn);
        assert_eq!(outcome(124, &lines("running 1 test\n")).end, End::Hung);
    }
}

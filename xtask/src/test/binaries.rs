//! Builds the test binaries and runs them one after the other; what fails is run once more, alone.
//!
//! Container tests share two cores with everything else here. A test that fails in the crowd and
//! passes alone does not cost the run, but it is named.

use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, bail};
use cargo_metadata::Message;

use super::outcome::Outcome;
use crate::checkout::Checkout;
use crate::program::Program;
use crate::ui::say;

/// A binary that takes longer hangs.
const LONGEST: Duration = Duration::from_mins(35);
/// Tests at once: most of a container test is waiting, on two cores as on many.
const AT_ONCE: &str = "4";

/// One test binary, as cargo built it.
#[derive(Debug)]
pub(crate) struct Binary {
    pub(crate) name: String,
    package: String,
    folder: PathBuf,
    executable: PathBuf,
}

/// What its tests came to.
#[derive(Debug, Default, PartialEq, Eq)]
struct Results {
    passed: Vec<String>,
    failed: Vec<String>,
}

/// Builds every test of the workspace, or of some packages.
pub(crate) fn build(checkout: &Checkout, packages: &[String]) -> anyhow::Result<Vec<Binary>> {
    let format = "--message-format=json-render-diagnostics";
    let cargo = Program::cargo(checkout).args(["test", "--quiet", "--no-run", format]);
    let cargo = chosen(cargo, packages);
    let output = cargo.expression().stdout_capture().unchecked().run()?;
    if !output.status.success() {
        bail!("the tests do not compile");
    }
    let mut binaries = Vec::new();
    for message in Message::parse_stream(output.stdout.as_slice()) {
        let Message::CompilerArtifact(artifact) = message? else { continue };
        let Some(executable) = artifact.executable.filter(|_| artifact.profile.test) else {
            continue;
        };
        let folder = artifact.manifest_path.parent().context("a manifest lies in a folder")?;
        let package = folder.file_name().unwrap_or_default();
        binaries.push(Binary {
            name: format!("{package} {}", artifact.target.name),
            package: package.to_owned(),
            folder: folder.into(),
            executable: executable.into(),
        });
    }
    binaries.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(binaries)
}

fn chosen(cargo: Program, packages: &[String]) -> Program {
    if packages.is_empty() {
        return cargo.arg("--workspace");
    }
    packages.iter().fold(cargo, |cargo, package| cargo.args(["--package", package]))
}

/// Runs one binary, and once more what failed in it.
pub(super) fn run(
    binary: &Binary,
    environment: &[(&str, OsString)],
    outcome: &mut Outcome,
) -> anyhow::Result<()> {
    let program = environment
        .iter()
        .fold(binary.program(), |program, (name, value)| program.env(name, value))
        .env("RUST_TEST_THREADS", AT_ONCE);
    say(format!("-- {}", binary.name));
    let (results, ended_well) = watched(&program)?;
    outcome.passed(results.passed.len());
    if results.failed.is_empty() {
        if !ended_well {
            outcome.test_failed(format!("{}: ended before its tests did", binary.name));
        }
        return Ok(());
    }
    say(format!("-- {}: {} failed; once more, alone", binary.name, results.failed.len()));
    let again = program.args(["--exact", "--test-threads=1"]).args(&results.failed);
    let (second, _) = watched(&again)?;
    for test in results.failed {
        let name = format!("{}: {test}", binary.name);
        if second.passed.contains(&test) {
            outcome.test_was_flaky(name);
        } else {
            outcome.test_failed(name);
        }
    }
    Ok(())
}

/// The examples in doc comments; they need no second chance.
pub(super) fn run_doc_tests(
    checkout: &Checkout,
    packages: &[String],
    outcome: &mut Outcome,
) -> anyhow::Result<()> {
    say("-- examples in the documentation");
    let cargo = chosen(Program::cargo(checkout).args(["test", "--quiet", "--doc"]), packages);
    // `--quiet` prints dots; pretty output names the tests.
    let (results, ended_well) = watched(&cargo.args(["--", "--format=pretty"]))?;
    outcome.passed(results.passed.len());
    if !ended_well && results.failed.is_empty() {
        outcome.test_failed("the examples in the documentation".to_owned());
    }
    for test in results.failed {
        outcome.test_failed(test);
    }
    Ok(())
}

/// Runs a program whose output a person sees as it comes.
fn watched(program: &Program) -> anyhow::Result<(Results, bool)> {
    let mut results = Results::default();
    let code = lines(program, |line| {
        results.read(line);
        say(line);
    })?;
    Ok((results, code == Some(0)))
}

/// Runs a program and hands on its lines as they come, and its exit code where it has one. A
/// program that hangs is ended.
pub(crate) fn lines(program: &Program, mut each: impl FnMut(&str)) -> anyhow::Result<Option<i32>> {
    let reader = program.expression().stderr_to_stdout().unchecked().reader()?;
    std::thread::scope(|scope| {
        let (finished, running) = std::sync::mpsc::channel::<()>();
        let reader = &reader;
        scope.spawn(move || {
            let waited = running.recv_timeout(LONGEST);
            if waited == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
                say("the tests hang; ending them");
                reader.kill().ok();
            }
        });
        for line in BufReader::new(reader).split(b'\n') {
            // An error here is the end of a program that did not end well.
            let Ok(line) = line else { break };
            each(&String::from_utf8_lossy(&line));
        }
        drop(finished);
        Ok(reader.try_wait()?.and_then(|output| output.status.code()))
    })
}

impl Binary {
    /// The binary as cargo would run it.
    pub(crate) fn program(&self) -> Program {
        Program::new(&self.executable)
            .within(&self.folder)
            .env("CARGO_MANIFEST_DIR", &self.folder)
            .env("CARGO_PKG_NAME", &self.package)
    }
}

impl Results {
    /// `test NAME ... ok`; a test that should panic says so after its name.
    fn read(&mut self, line: &str) {
        let Some((name, verdict)) =
            line.strip_prefix("test ").and_then(|line| line.rsplit_once(" ... "))
        else {
            return;
        };
        let name = name.strip_suffix(" - should panic").unwrap_or(name).to_owned();
        match verdict.split(' ').next() {
            Some("ok") => self.passed.push(name),
            Some("FAILED") => self.failed.push(name),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_test_binary_says() {
        let mut results = Results::default();
        for line in [
            "running 3 tests",
            "test slug::tests::takes_a_label ... ok",
            "test container::denies_a_host ... FAILED",
            "test a::b - should panic ... ok",
            "test result: FAILED. 2 passed; 1 failed",
        ] {
            results.read(line);
        }
        assert_eq!(results.passed, ["slug::tests::takes_a_label", "a::b"]);
        assert_eq!(results.failed, ["container::denies_a_host"]);
    }

    #[test]
    fn a_program_that_fails_is_no_success() {
        let (results, well) = watched(&Program::new("false")).unwrap();
        assert_eq!(results, Results::default());
        assert!(!well);
        let (_, well) = watched(&Program::new("true")).unwrap();
        assert!(well);
    }
}

//! The run itself: `bottle start implementer`, as a person would type it.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde::Deserialize;

use super::person::Person;
use super::script;
use super::stage::{GIT_HOST, Stage};
use crate::program::{Program, terminate};
use crate::ui::say;

/// A first start builds the agent's image, which downloads a few hundred megabytes.
const LONGEST_START: Duration = Duration::from_mins(20);
/// Networks are made at the outset, beside images that may still be built.
const LONGEST_NETWORK: Duration = Duration::from_mins(2);
const LONGEST_TEARDOWN: Duration = Duration::from_mins(3);
const LOOK_EVERY: Duration = Duration::from_millis(300);

/// A bottle that runs.
#[derive(Debug)]
pub(super) struct Bottle {
    handle: duct::Handle,
    began: Instant,
    output: PathBuf,
}

/// What the model has seen, as its `report` says.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Report {
    pub(super) calls: u64,
    pub(super) holding: bool,
    pub(super) requests: Vec<Request>,
    pub(super) tool_results: Vec<ToolResult>,
    pub(super) arrivals: Vec<Arrival>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Request {
    pub(super) from: String,
    pub(super) path: String,
    pub(super) user_agent: String,
    pub(super) credential: Credential,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Credential {
    pub(super) values: usize,
    pub(super) expected: bool,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct ToolResult {
    pub(super) id: String,
    pub(super) is_error: bool,
    pub(super) text: String,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Arrival {
    pub(super) from: String,
    pub(super) what: String,
}

impl Bottle {
    pub(super) fn start(stage: &Stage, sidecars: &Path) -> anyhow::Result<Self> {
        let output = stage.folder.join("agent.jsonl");
        let program = Program::new(&stage.program)
            .args(["start", "implementer", "--name", &stage.slug])
            .args(["--stand-in", &stage.image, "--stand-in-ca"])
            .arg(stage.authority())
            .args(["--", "-p", script::PROMPT, "--output-format", "stream-json", "--verbose"])
            .within(&stage.folder)
            .env("BOTTLE_STATE_DIR", stage.state())
            .env("BOTTLE_SIDECARS", sidecars)
            .env("BOTTLE_MANIFEST", stage.manifest())
            .env("BOTTLE_TIMES", stage.folder.join("times.json"))
            // A manifest of this user's would take the place of the built-in one.
            .env("XDG_CONFIG_HOME", stage.folder.join("config"))
            .env("ANTHROPIC_API_KEY", &stage.key);
        say(format!("$ {}", shown(stage)));
        let expression = program
            .expression()
            .env_remove("CLAUDE_CODE_OAUTH_TOKEN")
            .stdin_null()
            .stdout_path(&output);
        let handle = expression.unchecked().start().context("cannot run `bottle`")?;
        if let Some(git) = &stage.git {
            // As soon as the network is there: the start clones from it.
            git.join(&stage.uplink(), GIT_HOST, LONGEST_NETWORK)?;
        }
        Ok(Self { handle, began: Instant::now(), output })
    }

    /// Waits until the agent has done its work and waits for the model's last words.
    pub(super) fn until_held(
        &self,
        stage: &Stage,
        person: &mut Person<'_>,
    ) -> anyhow::Result<Report> {
        let mut told = 0;
        while self.began.elapsed() < LONGEST_START {
            if let Some(output) = self.handle.wait_timeout(LOOK_EVERY)? {
                bail!("the bottle ended early, with {}: {}", output.status, self.last_words());
            }
            let Ok(report) = report(stage) else { continue };
            // The first call of the agent's: everything stands.
            if !report.requests.is_empty() {
                person.look()?;
            }
            for result in report.tool_results.iter().skip(told) {
                say(format!("   agent: {}", in_short(result)));
                told += 1;
            }
            if report.holding {
                return Ok(report);
            }
        }
        self.end();
        bail!("the agent did not finish within {} minutes", LONGEST_START.as_secs() / 60)
    }

    /// Lets the model speak its last words, and waits for the teardown.
    pub(super) fn release(&self, stage: &Stage) -> anyhow::Result<Duration> {
        stage.leave();
        let began = Instant::now();
        ask(stage, "release")?;
        let Some(output) = self.handle.wait_timeout(LONGEST_TEARDOWN)? else {
            self.end();
            bail!("the bottle did not end");
        };
        if !output.status.success() {
            bail!("`bottle start` ended with {}: {}", output.status, self.last_words());
        }
        Ok(began.elapsed())
    }

    /// What the agent printed.
    pub(super) fn printed(&self) -> anyhow::Result<String> {
        Ok(String::from_utf8_lossy(&fs_err::read(&self.output)?).into_owned())
    }

    /// Asks it to end, and gives it the time to take everything down.
    pub(super) fn end(&self) {
        for pid in self.handle.pids() {
            terminate(pid);
        }
        drop(self.handle.wait_timeout(LONGEST_TEARDOWN));
    }

    fn last_words(&self) -> String {
        let printed = self.printed().unwrap_or_default();
        let last = printed.lines().rev().take(3).collect::<Vec<_>>();
        last.into_iter().rev().collect::<Vec<_>>().join("\n")
    }
}

/// What the model has seen so far.
pub(super) fn report(stage: &Stage) -> anyhow::Result<Report> {
    Ok(serde_json::from_str(&ask(stage, "report")?)?)
}

fn ask(stage: &Stage, what: &str) -> anyhow::Result<String> {
    Program::docker().args(["exec", &stage.container("stand-in"), "/stand-in", what]).read()
}

fn shown(stage: &Stage) -> String {
    format!(
        "bottle start implementer --name {} --workspace basket --stand-in model -- -p '{}'",
        stage.slug,
        script::PROMPT
    )
}

fn in_short(result: &ToolResult) -> String {
    let last = result.text.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("(nothing)");
    let line: String = last.chars().filter(|letter| !letter.is_control()).take(90).collect();
    let step = script::step_of(&result.id).and_then(script::name_of).unwrap_or(&result.id);
    format!("{step:<28} {line}")
}

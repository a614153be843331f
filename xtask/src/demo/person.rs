//! The demo's person: looks at what the agent asks for, allows what carries no risk, and says no to
//! the rest. And the host that is asked for, which stands outside from then on.

use std::path::PathBuf;

use anyhow::Context as _;
use serde_json::Value;
use time::OffsetDateTime;

use super::script::WANTED_HOST;
use super::stage::Stage;
use crate::program::Program;
use crate::ui::say;

/// What the person says to the agent.
pub(super) const NO: &str = "one host is enough: name the page you need";

/// An answer, and what it was given on.
#[derive(Debug, Clone, Default)]
pub(super) struct Answer {
    pub(super) host: String,
    pub(super) allowed: bool,
    /// The change and the risks, as `bottle proposals` showed them.
    pub(super) change: String,
    pub(super) risks: Vec<String>,
    pub(super) seen: String,
    pub(super) done: String,
}

/// The person, and the host outside, which goes when this is dropped.
#[derive(Debug)]
pub(super) struct Person<'a> {
    stage: &'a Stage,
    sidecars: PathBuf,
    answers: Vec<Answer>,
    outside: Option<String>,
}

impl<'a> Person<'a> {
    pub(super) fn new(stage: &'a Stage, sidecars: PathBuf) -> Self {
        Self { stage, sidecars, answers: Vec::new(), outside: None }
    }

    /// What was answered so far.
    pub(super) fn answers(&self) -> Vec<Answer> {
        self.answers.clone()
    }

    /// Looks whether something is asked for, and answers it.
    pub(super) fn look(&mut self) -> anyhow::Result<()> {
        if self.outside.is_none() {
            self.outside = Some(self.stand_outside()?);
        }
        if self.answers.len() == 2 {
            return Ok(());
        }
        let shown = self.bottle(&["proposals", "--json"]).read()?;
        let shown: Vec<Value> = serde_json::from_str(&shown).context("no list of proposals")?;
        for one in shown {
            let answer = self.answer(&one)?;
            self.answers.push(answer);
        }
        Ok(())
    }

    fn answer(&self, one: &Value) -> anyhow::Result<Answer> {
        let seen = clock();
        let text = |name: &str| one[name].as_str().unwrap_or_default().to_owned();
        let (id, digest) = (text("id"), text("change"));
        let texts = |value: &Value, name: &str| -> Vec<String> {
            let all = value.as_array().map(Vec::as_slice).unwrap_or_default();
            let text = |one: &Value| one.as_str().or_else(|| one[name].as_str()).map(str::to_owned);
            all.iter().filter_map(text).collect()
        };
        let risks = texts(&one["risks"], "risk");
        let (new, allowed) = (texts(&one["new"], ""), risks.is_empty());
        let host = one["ask"]["host"].as_str().unwrap_or_default().to_owned();
        say(format!("   person: {host}: {}", if allowed { "yes" } else { "no" }));
        if allowed {
            self.bottle(&["approve", &id, "--change", &digest]).read()?;
        } else {
            self.bottle(&["deny", &id, "--reason", NO]).read()?;
        }
        Ok(Answer { host, allowed, change: new.join("; "), risks, seen, done: clock() })
    }

    fn bottle(&self, arguments: &[&str]) -> Program {
        Program::new(&self.stage.program)
            .args(arguments.iter().copied())
            .within(&self.stage.folder)
            .env("BOTTLE_STATE_DIR", self.stage.state())
            .env("BOTTLE_SIDECARS", &self.sidecars)
            .env("BOTTLE_MANIFEST", self.stage.manifest())
            .env("XDG_CONFIG_HOME", self.stage.folder.join("config"))
            .env("ANTHROPIC_API_KEY", &self.stage.key)
    }

    /// The host that is going to be asked for: the model's program under another name, on a network of
    /// its own that pipelock is on too. The bottle's own networks are never dialled.
    fn stand_outside(&self) -> anyhow::Result<String> {
        let name = self.stage.container("docs");
        Program::docker().args(["network", "create", "--internal", &name]).read()?;
        let pipelock = self.stage.container("pipelock");
        Program::docker().args(["network", "connect", &name, &pipelock]).read()?;
        Program::docker()
            .args(["create", "--name", &name, "--label", "bottle.demo=docs"])
            .args(["--network", &name, "--network-alias", WANTED_HOST])
            .arg(&self.stage.image)
            .read()?;
        for file in ["certificate.der", "key.der"] {
            let from = self.stage.folder.join("docs").join(file);
            Program::docker().arg("cp").arg(from).arg(format!("{name}:/{file}")).read()?;
        }
        Program::docker().args(["start", &name]).read()?;
        Ok(name)
    }

    /// Takes the host away: a network with somebody on it cannot go.
    pub(super) fn leave(&mut self) {
        if let Some(name) = self.outside.take() {
            drop(Program::docker().args(["rm", "--force", "--volumes", &name]).capture());
            let pipelock = self.stage.container("pipelock");
            let leave = ["network", "disconnect", "--force", &name, &pipelock];
            drop(Program::docker().args(leave).capture());
            drop(Program::docker().args(["network", "rm", &name]).capture());
        }
    }
}

impl Drop for Person<'_> {
    fn drop(&mut self) {
        self.leave();
    }
}

/// The time of day, as the sidecars write it.
fn clock() -> String {
    let now = OffsetDateTime::now_utc();
    let (hour, minute, second, milli) = now.to_hms_milli();
    format!("{hour:02}:{minute:02}:{second:02}.{milli:03}")
}

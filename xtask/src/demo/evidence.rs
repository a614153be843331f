//! Everything that is known of one run, gathered while the agent waits and after it is gone.

use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use serde::Deserialize;

use super::bottle::{self, Bottle, Report, ToolResult};
use super::person::Answer;
use super::search::{self, Searched};
use super::stage::{REPOSITORY, Stage};
use super::{control, script};
use crate::leftovers;
use crate::program::Program;

/// What the claims are judged on.
#[derive(Debug, Default)]
pub(super) struct Evidence {
    pub(super) nonce: String,
    pub(super) report: Report,
    pub(super) decisions: Vec<Decision>,
    /// What the demo's person answered.
    pub(super) answers: Vec<Answer>,
    /// What reached the listener on the host.
    pub(super) host: Vec<String>,
    pub(super) pipelock: Vec<String>,
    pub(super) commit: String,
    pub(super) claude: Claude,
    pub(super) listed: String,
    pub(super) searched: Vec<Searched>,
    pub(super) placeholder: String,
    /// The search finds the placeholder, so it would have found the key.
    pub(super) search_works: bool,
    pub(super) key_in_results: bool,
    /// Every ref of the upstream with its object, and what its server says of logins.
    pub(super) upstream: Upstream,
    /// Where the gate's key was looked for in the agent.
    pub(super) git_key: Vec<Searched>,
    pub(super) removed: Removed,
    pub(super) times: Vec<Time>,
}

/// The program that worked.
#[derive(Debug, Default)]
pub(super) struct Claude {
    pub(super) version: String,
    pub(super) sha256: String,
}

/// The git host after the pushes.
#[derive(Debug, Default)]
pub(super) struct Upstream {
    pub(super) refs: Vec<String>,
    /// The files of the branch that was pushed.
    pub(super) files: String,
    pub(super) login: String,
    /// What `main` was to begin with.
    pub(super) main: String,
}

/// One line of a sidecar's, and the same as it was written.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Decision {
    #[serde(default)]
    pub(super) time: String,
    #[serde(default)]
    pub(super) event: String,
    #[serde(default)]
    pub(super) id: String,
    #[serde(default)]
    pub(super) service: String,
    #[serde(default)]
    pub(super) host: String,
    #[serde(default)]
    pub(super) path: String,
    #[serde(default)]
    pub(super) reason: String,
    #[serde(default)]
    pub(super) rule: String,
    /// What was dialled.
    #[serde(default)]
    pub(super) address: Option<String>,
    #[serde(skip)]
    pub(super) line: String,
}

/// How long one step of the start took.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Time {
    pub(super) step: String,
    pub(super) ms: f64,
}

/// What was there during the run, and what is there after it.
#[derive(Debug, Default)]
pub(super) struct Removed {
    pub(super) during: Vec<String>,
    pub(super) after: Vec<String>,
    pub(super) keys_during: usize,
    pub(super) keys_after: usize,
    pub(super) log_bytes: u64,
    pub(super) workspace_bytes: u64,
    pub(super) key_in_state: bool,
    pub(super) teardown: Duration,
}

impl Evidence {
    /// Looks at everything while the agent waits for its model.
    pub(super) fn gather(stage: &Stage, report: &Report) -> anyhow::Result<Self> {
        let agent = stage.container("agent");
        let inside =
            |command: &str| Program::docker().args(["exec", &agent, "sh", "-c", command]).read();
        let placeholder = placeholder(report).unwrap_or_default();
        let mut evidence = Self {
            nonce: stage.nonce.clone(),
            commit: inside("cd /workspace && git log --patch --stat --format='%h %an: %s'")?,
            claude: Claude {
                version: inside("claude --version")?,
                sha256: inside("sha256sum \"$(readlink -f \"$(command -v claude)\")\"")?
                    .split_whitespace()
                    .next()
                    .unwrap_or_default()
                    .to_owned(),
            },
            listed: Program::new(&stage.program)
                .arg("list")
                .env("BOTTLE_STATE_DIR", stage.state())
                .read()?,
            pipelock: addresses(&stage.container("pipelock"))?,
            key_in_results: report.tool_results.iter().any(|r| r.text.contains(&stage.key)),
            search_works: !placeholder.is_empty() && search::finds(stage, &placeholder)?,
            searched: search::everywhere(stage)?,
            placeholder,
            ..Self::default()
        };
        control::run(stage)?;
        evidence.report = bottle::report(stage)?;
        evidence.host = stage.host.arrived();
        evidence.upstream = upstream(stage)?;
        evidence.git_key = git_key(stage)?;
        for service in ["pipelock", "egress", "git-gate", "supervise"] {
            let outbox = stage.bottle().join(service).join("outbox/decisions.jsonl");
            evidence.decisions.extend(decisions(&outbox)?);
        }
        evidence.removed.during = objects(stage)?;
        evidence.removed.keys_during = keys(&stage.bottle());
        Ok(evidence)
    }

    /// Looks at what is left when `bottle` has ended.
    pub(super) fn gather_rest(
        &mut self,
        stage: &Stage,
        bottle: &Bottle,
        teardown: Duration,
    ) -> anyhow::Result<()> {
        let state = stage.bottle();
        let size = |name: &str| fs_err::metadata(state.join(name)).map_or(0, |file| file.len());
        self.key_in_results |= bottle.printed()?.contains(&stage.key);
        self.removed.after = objects(stage)?;
        self.removed.keys_after = keys(&state);
        self.removed.log_bytes = size("compose.log");
        self.removed.workspace_bytes = size("workspace.tar");
        self.removed.key_in_state = search::state("what is left", stage)?.found;
        self.removed.teardown = teardown;
        let times = fs_err::read_to_string(stage.folder.join("times.json"));
        self.times =
            times.ok().and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
        Ok(())
    }

    /// What the tool of a step answered.
    pub(super) fn result(&self, step: usize) -> Option<&ToolResult> {
        self.report.tool_results.iter().find(|result| script::step_of(&result.id) == Some(step))
    }
}

/// The agent's own key, as its environment showed it.
fn placeholder(report: &Report) -> Option<String> {
    let result = report
        .tool_results
        .iter()
        .find(|result| script::step_of(&result.id) == Some(script::step::ENVIRONMENT))?;
    let line = result.text.lines().find_map(|line| line.strip_prefix("ANTHROPIC_API_KEY="))?;
    Some(line.to_owned())
}

fn upstream(stage: &Stage) -> anyhow::Result<Upstream> {
    let git = stage.git.as_ref().context("there is no git host")?;
    let ask = |command: &str| git.shell(&format!("cd {REPOSITORY} && {command}"));
    let refs = ask("git for-each-ref --format='%(refname) %(objectname)'")?;
    let pushed = format!("refs/heads/agent/{}/work", stage.slug);
    let logs = Program::docker().args(["logs", &git.container]).capture()?;
    let login = logs.stderr.lines().find(|line| line.contains("Accepted publickey"));
    Ok(Upstream {
        refs: refs.lines().map(str::to_owned).collect(),
        files: ask(&format!("git ls-tree -r --name-only {pushed}")).unwrap_or_default(),
        login: login.unwrap_or_default().to_owned(),
        main: ask("git rev-list --max-parents=0 main")?,
    })
}

/// A line of the private key, in everything that is the agent's.
fn git_key(stage: &Stage) -> anyhow::Result<Vec<Searched>> {
    let key = fs_err::read_to_string(stage.folder.join("key"))?;
    let line = key.lines().nth(2).context("the key has no such line")?;
    search::in_the_agent(stage, line)
}

fn decisions(file: &Path) -> anyhow::Result<Vec<Decision>> {
    let text = fs_err::read_to_string(file)?;
    text.lines()
        .map(|line| {
            let read: Decision = serde_json::from_str(line).context("a torn decision line")?;
            Ok(Decision { line: line.to_owned(), ..read })
        })
        .collect()
}

fn addresses(container: &str) -> anyhow::Result<Vec<String>> {
    let format = "{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}";
    let read = Program::docker().args(["inspect", "--format", format, container]).read()?;
    Ok(read.split_whitespace().map(str::to_owned).collect())
}

/// The containers, networks and volumes of this bottle.
fn objects(stage: &Stage) -> anyhow::Result<Vec<String>> {
    let found = leftovers::labelled(&format!("bottle.slug={}", stage.slug))?;
    Ok(found.into_iter().map(|(what, name)| format!("{what} {name}")).collect())
}

fn keys(bottle: &Path) -> usize {
    let key = |service: &&str| bottle.join(service).join("ca-key.pem").exists();
    ["pipelock", "egress"].into_iter().filter(key).count()
}

//! A warm start of the optimised `bottle` until the first byte of its agent's command.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, ensure};
use serde::Deserialize;
use serde_json::json;

use super::baseline::Baseline;
use super::figures::{Figures, heading};
use crate::checkout::Checkout;
use crate::demo::stage::Stage;
use crate::program::Program;
use crate::ui::{data, say};
use crate::{sidecars, tools};

/// The step that must cost nothing when everything is built.
const BUILD: &str = "build";
const BUILD_LIMIT_MS: f64 = 300.0;

/// One line of the times that `bottle` leaves.
#[derive(Debug, Deserialize)]
struct Time {
    step: String,
    ms: f64,
}

/// A stage on which bottles are started again and again.
#[derive(Debug)]
pub(super) struct Ground {
    pub(super) stage: Stage,
    pub(super) sidecars: PathBuf,
}

impl Ground {
    pub(super) fn set(checkout: &Checkout) -> anyhow::Result<Self> {
        tools::for_images()?;
        let sidecars = sidecars::build(checkout)?;
        Program::cargo(checkout)
            .args(["build", "--quiet", "--release", "--package", "launcher", "--bin", "bottle"])
            .run()?;
        let folder = checkout.target.join("bench/stage");
        let mut stage = Stage::set(checkout, &sidecars, folder)?;
        stage.program = checkout.target.join("release/bottle");
        fs_err::write(stage.folder.join("bottle.yaml"), MANIFEST)?;
        // Both sides use the same Compose: the host's may be another.
        let plugins = stage.folder.join("docker/cli-plugins");
        fs_err::create_dir_all(&plugins)?;
        fs_err::os::unix::fs::symlink(
            tools::compose_v2(checkout)?,
            plugins.join("docker-compose"),
        )?;
        Ok(Self { stage, sidecars })
    }

    /// `bottle`, with everything that keeps it to this stage.
    pub(super) fn bottle(&self, arguments: &[&str]) -> Program {
        Program::new(&self.stage.program)
            .args(arguments.iter().copied())
            .within(&self.stage.folder)
            .env("BOTTLE_STATE_DIR", self.stage.state())
            .env("BOTTLE_SIDECARS", &self.sidecars)
            .env("BOTTLE_MANIFEST", self.stage.folder.join("bottle.yaml"))
            .env("XDG_CONFIG_HOME", self.stage.folder.join("config"))
            .env("DOCKER_CONFIG", self.stage.folder.join("docker"))
            .env("ANTHROPIC_API_KEY", &self.stage.key)
    }

    /// The same, starting the bottle of that name.
    pub(super) fn start(&self, name: &str, more: &[&str]) -> Program {
        self.bottle(&["--quiet", "start", "bench", "--name", name, "--workspace"])
            .arg(self.stage.workspace())
            .args(["--stand-in", &self.stage.image, "--stand-in-ca"])
            .arg(self.stage.authority())
            .args(more.iter().copied())
    }
}

const MANIFEST: &str = "\
version: 1
agents:
  bench:
    bottle: default
    command: [printf, x]
bottles:
  default:
    workspace: copy
    egress:
      routes:
        - host: api.anthropic.com
          methods: [GET, POST]
          paths: [\"/v1/**\", \"/api/**\"]
          credential: {env: ANTHROPIC_API_KEY, header: x-api-key}
";

/// Pair by pair: one bottle, then the same containers by Docker alone.
pub(super) fn run(checkout: &Checkout, pairs: usize) -> anyhow::Result<()> {
    let ground = Ground::set(checkout)?;
    say("a first start, which builds what is missing");
    let slug = ground.stage.slug.clone();
    let baseline = Baseline::of(&ground, checkout)?;
    let (mut whole, mut docker) = (Figures::default(), Figures::default());
    let mut steps: BTreeMap<String, Figures> = BTreeMap::new();
    let mut order = Vec::new();
    for pair in 1..=pairs {
        say(format!("pair {pair} of {pairs}"));
        let (ms, times) = once(&ground, &format!("{slug}-{pair}"))?;
        whole.push(ms);
        for time in times {
            if !order.contains(&time.step) {
                order.push(time.step.clone());
            }
            steps.entry(time.step).or_default().push(time.ms);
        }
        docker.push(baseline.once()?);
    }
    let ratio = whole.over(&docker);
    data(heading("milliseconds"));
    for step in &order {
        data(steps.get(step).map_or_else(String::new, |figures| figures.row(&format!("  {step}"))));
    }
    data(whole.row("start until the first byte"));
    data(docker.row("2 networks, compose up"));
    data(ratio.row("ratio, pair by pair"));
    let of_steps: serde_json::Map<_, _> =
        steps.iter().map(|(step, figures)| (step.clone(), figures.json())).collect();
    let written = json!({
        "pairs": pairs, "unit": "ms", "start": whole.json(), "docker": docker.json(),
        "ratio": ratio.json(), "steps": of_steps,
    });
    fs_err::write(checkout.target.join("bench/start.json"), written.to_string())?;
    let built = steps.get(BUILD).map_or(0.0, Figures::median);
    ensure!(built < BUILD_LIMIT_MS, "a second start builds for {built:.0} ms");
    Ok(())
}

/// From nothing to the first byte that the agent's command prints.
fn once(ground: &Ground, name: &str) -> anyhow::Result<(f64, Vec<Time>)> {
    let times = ground.stage.folder.join("times.json");
    let program = ground.start(name, &[]).env("BOTTLE_TIMES", &times);
    let began = Instant::now();
    let mut reader = program.expression().stdin_null().reader().context("cannot run `bottle`")?;
    let mut first = [0; 1];
    reader.read_exact(&mut first).context("the agent's command printed nothing")?;
    let ms = began.elapsed().as_secs_f64() * 1000.0;
    // To the end: the next start must not meet this one's teardown.
    reader.read_to_end(&mut Vec::new())?;
    Ok((ms, serde_json::from_str(&fs_err::read_to_string(times)?)?))
}

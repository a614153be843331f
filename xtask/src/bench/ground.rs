//! Where bottles are started to be measured: a stage, and the programs as they were at the outset.

use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::checkout::Checkout;
use crate::demo::stage::Stage;
use crate::program::Program;
use crate::{sidecars, tools};

/// How `bottle` itself was built.
#[derive(Clone, Copy, Debug)]
pub(super) enum Built {
    /// As people use it.
    Optimised,
    /// As the tests do: quick to build.
    Plain,
}

/// A stage on which bottles are started again and again.
#[derive(Debug)]
pub(super) struct Ground {
    pub(super) stage: Stage,
    sidecars: PathBuf,
}

impl Ground {
    /// Builds what is measured and sets the stage of that name.
    pub(super) fn set(checkout: &Checkout, name: &str, built: Built) -> anyhow::Result<Self> {
        tools::for_images()?;
        let sidecars = sidecars::build(checkout)?;
        let (profile, program) = match built {
            Built::Optimised => ("release", checkout.target.join("release/bottle")),
            Built::Plain => ("dev", checkout.bottle()),
        };
        Program::cargo(checkout)
            .args(["build", "--quiet", "--profile", profile, "--package", "launcher"])
            .args(["--bin", "bottle"])
            .run()?;
        let folder = checkout.target.join("bench").join(name);
        let mut stage = Stage::set(checkout, &sidecars, folder)?;
        // A build meanwhile must not change what is measured.
        let programs = stage.folder.join("programs");
        let binaries = sidecars::SHIPPED.map(|binary| sidecars.join(binary));
        for binary in binaries.iter().chain([&program]) {
            copy_into(binary, &programs)?;
        }
        stage.program = programs.join("bottle");
        fs_err::write(stage.folder.join("bottle.yaml"), MANIFEST)?;
        // Both sides use the same Compose: the host's may be another.
        let plugins = stage.folder.join("docker/cli-plugins");
        fs_err::create_dir_all(&plugins)?;
        fs_err::os::unix::fs::symlink(
            tools::compose_v2(checkout)?,
            plugins.join("docker-compose"),
        )?;
        Ok(Self { stage, sidecars: programs })
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

    /// A name of this stage's own.
    pub(super) fn name(&self, number: usize) -> String {
        format!("{}-{number}", self.stage.slug)
    }
}

fn copy_into(file: &Path, folder: &Path) -> anyhow::Result<()> {
    fs_err::create_dir_all(folder)?;
    let name = file.file_name().context("a program has a name")?;
    fs_err::copy(file, folder.join(name))?;
    Ok(())
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
    resources: {memory: 512m}
    egress:
      routes:
        - host: api.anthropic.com
          methods: [GET, POST]
          paths: [\"/v1/**\", \"/api/**\"]
          credential: {env: ANTHROPIC_API_KEY, header: x-api-key}
";

//! Compose's verbs: `docker compose` (v2), or `docker-compose` (v1.29) where there is no other.

mod find;

use crate::{
    Docker, EscapeControls, RunError,
    process::{Call, Outcome},
};
use compose_render::{Secret, Slug};
use std::{
    collections::BTreeMap,
    fs::File,
    io::Write,
    path::{Path, PathBuf},
    time::Duration,
};

/// Nothing compose does for a bottle takes longer than this on a machine that works.
const UP_LIMIT: Duration = Duration::from_mins(5);
const DOWN_LIMIT: Duration = Duration::from_mins(3);
const LOGS_LIMIT: Duration = Duration::from_mins(2);

/// Settings of the user's own compose life that must not reach ours.
const FOREIGN: [&str; 8] = [
    "COMPOSE_FILE",
    "COMPOSE_PROJECT_NAME",
    "COMPOSE_PROFILES",
    "COMPOSE_ENV_FILES",
    "COMPOSE_PATH_SEPARATOR",
    "COMPOSE_REMOVE_ORPHANS",
    "COMPOSE_CONVERT_WINDOWS_PATHS",
    "COMPOSE_BAKE",
];

/// Which Compose this host has.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Flavour {
    /// The plugin or program of Compose v2.
    V2,
    /// The Python program, 1.29.
    V1,
}

/// The Compose of this host, found once.
#[derive(Clone, Debug)]
pub struct Compose {
    docker: Docker,
    flavour: Flavour,
    /// The program, where it is not a plugin of the client.
    program: Option<PathBuf>,
}

/// A project as compose is told of it: its name goes by `-p` alone.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ComposeProject {
    name: String,
    file: PathBuf,
}

/// The values of the variables that the compose file names without a value. They are in the
/// environment of the one child that needs them, and nowhere else.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Secrets(BTreeMap<String, Secret>);

/// No compose that we know.
#[derive(Debug, thiserror::Error)]
pub enum ComposeError {
    #[error("neither `docker compose` nor `docker-compose` is installed")]
    Absent,
    #[error("`{0}` is no Compose: `v1`, `v2` or the path of its program is")]
    Unknown(String),
    #[error(transparent)]
    Run(#[from] RunError),
}

impl Secrets {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a variable.
    pub fn set(&mut self, name: impl Into<String>, value: Secret) {
        self.0.insert(name.into(), value);
    }

    /// The value of that variable.
    pub fn value(&self, name: &str) -> Option<&Secret> {
        self.0.get(name)
    }

    /// The names of all of them.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

impl ComposeProject {
    /// The bottle's project, by its compose file.
    pub fn new(slug: &Slug, file: impl Into<PathBuf>) -> Self {
        Self { name: slug.project(), file: file.into() }
    }

    /// `bottle-<slug>`.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl Compose {
    /// Finds Compose without running it where that can be seen from the files: v2 as a plugin,
    /// else `docker-compose`. `forced` is what `BOTTLE_COMPOSE` says: `v1`, `v2` or a path.
    pub fn find(docker: &Docker, forced: Option<&str>) -> Result<Self, ComposeError> {
        let (flavour, program) = find::find(docker, forced)?;
        Ok(Self { docker: docker.clone(), flavour, program })
    }

    /// Which one was found.
    pub fn flavour(&self) -> Flavour {
        self.flavour
    }

    /// What it says its version is. v1 takes a third of a second to say it.
    pub fn version(&self) -> Result<String, RunError> {
        self.program().args(["version", "--short"]).timeout(LOGS_LIMIT).text()
    }

    /// How a person would call it: `docker compose` or `docker-compose`.
    pub fn command(&self) -> &'static str {
        let plugins = std::ffi::OsStr::new("cli-plugins");
        let is_plugin = |program: &PathBuf| {
            program.parent().and_then(Path::file_name).is_some_and(|folder| folder == plugins)
        };
        let alone = self.program.as_ref().is_some_and(|program| !is_plugin(program));
        if alone { "docker-compose" } else { "docker compose" }
    }

    /// Creates and starts the containers. Nothing is built or pulled: every image was found first.
    ///
    /// `hold` is the bottle's lock, which then lasts until this child has ended.
    pub fn up(
        &self,
        project: &ComposeProject,
        secrets: &Secrets,
        hold: Option<File>,
    ) -> Result<(), RunError> {
        let mut call = self.call(project).args(["up", "--detach", "--no-build"]);
        for (name, value) in &secrets.0 {
            call = call.env(name, value.expose());
        }
        held(call, hold).timeout(UP_LIMIT).run()
    }

    /// Stops and removes the containers and the project's volumes; not its networks, which are ours.
    pub fn down(
        &self,
        project: &ComposeProject,
        grace: Duration,
        hold: Option<File>,
    ) -> Result<(), RunError> {
        let grace = grace.as_secs().to_string();
        let call = self.call(project).args(["down", "--volumes", "--timeout", &grace]);
        held(call, hold).timeout(DOWN_LIMIT).run()
    }

    /// Writes the merged logs of all services with their times, control characters escaped.
    pub fn logs(
        &self,
        project: &ComposeProject,
        out: &mut (dyn Write + Send),
    ) -> Result<(), RunError> {
        let mut escaped = EscapeControls::new(out);
        let call = self.call(project).args(["logs", "--no-color", "--timestamps"]);
        call.timeout(LOGS_LIMIT).stream(&mut escaped)?;
        let finished = escaped.finish().map(drop);
        let command = format!("{} logs", self.command());
        finished.map_err(|source| RunError::Stream { command, source })
    }

    /// A call that follows the logs, to be attached to our stdout or streamed.
    pub fn follow<'a>(&self, project: &ComposeProject, services: &[&str]) -> Call<'a> {
        let call = self.call(project).args(["logs", "--no-color", "--timestamps", "--follow"]);
        call.args(services)
    }

    /// Whether compose understands the file. Needs no daemon.
    pub fn check(&self, project: &ComposeProject) -> Result<(), RunError> {
        self.call(project).args(["config", "--quiet"]).timeout(LOGS_LIMIT).run()
    }

    /// The file as compose understands it.
    pub fn config(&self, project: &ComposeProject) -> Result<Outcome, RunError> {
        self.call(project).arg("config").timeout(LOGS_LIMIT).outcome()
    }

    fn call<'a>(&self, project: &ComposeProject) -> Call<'a> {
        let folder = project.file.parent().unwrap_or_else(|| Path::new("/"));
        let mut call = self
            .program()
            .args(["--ansi", "never", "--project-name", &project.name, "--file"])
            .arg(&project.file)
            .arg("--project-directory")
            .arg(folder);
        for name in FOREIGN {
            call = call.without_env(name);
        }
        // v1 gives up on a busy daemon after 60 s.
        call.env("COMPOSE_HTTP_TIMEOUT", "240").env("COMPOSE_IGNORE_ORPHANS", "true")
    }

    fn program<'a>(&self) -> Call<'a> {
        match &self.program {
            Some(program) => Call::new(program),
            None => self.docker.call(["compose"]),
        }
    }
}

fn held(call: Call<'_>, hold: Option<File>) -> Call<'_> {
    match hold {
        Some(file) => call.input_file(file),
        None => call,
    }
}

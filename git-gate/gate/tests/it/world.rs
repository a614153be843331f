//! An upstream, the gate before it, and an agent's git: each in a folder of its own.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use std::time::Duration;

use compose_render::Slug;
use git_gate::{GateFile, Gated, PushRef};
use git_gate_server::{Gate, Ground};
use sidecar::{Environment, Log, Shutdown, Status};
use tempfile::TempDir;

/// A key's name in the form of a cloud's: what the rules find without a checksum.
pub(crate) const SECRET: &str = concat!("AKIA", "Q3EGRIZ5TL2WXPVY");

/// Everything that runs, until it is dropped.
pub(crate) struct World {
    pub(crate) folder: TempDir,
    pub(crate) address: SocketAddr,
    pub(crate) gate: Arc<Gate>,
    pub(crate) status: Arc<Status>,
    shutdown: Shutdown,
    _runtime: tokio::runtime::Runtime,
}

/// How one git ended.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) ok: bool,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl World {
    /// A gate before one repository with a commit on `main`.
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    /// The same, with another gate file.
    pub(crate) fn with(change: impl FnOnce(&mut GateFile)) -> Self {
        Self::within(Environment::default(), change)
    }

    /// The same, in another environment.
    pub(crate) fn within(environment: Environment, change: impl FnOnce(&mut GateFile)) -> Self {
        Self::made(environment, change, |gate| gate)
    }

    /// A gate that believes for so long what it fetched.
    pub(crate) fn knowing_for(known_for: Duration) -> Self {
        Self::made(Environment::default(), |_| {}, |gate| gate.knowing_for(known_for))
    }

    fn made(
        environment: Environment,
        change: impl FnOnce(&mut GateFile),
        set: impl FnOnce(Gate) -> Gate,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for name in ["upstream.git", "mirrors", "run", "inbox", "outbox", "home"] {
            std::fs::create_dir_all(at(name)).unwrap();
        }
        let slug: Slug = "b".parse().unwrap();
        let gated = Gated {
            url: "git@git.example.test:acme/widgets.git".parse().unwrap(),
            local: Some(at("upstream.git")),
            key: None,
            known_hosts: None,
            credential: None,
            push: vec![PushRef::own_branches()],
            protected: Vec::new(),
        };
        let mut file = GateFile::new(slug.clone(), Vec::new(), vec![gated]);
        // No gitleaks on the machine that tests: its opinion is asked in the image that has it.
        file.limits.second_opinion_bytes = 0;
        // Nobody answers in most tests.
        file.limits.hold_seconds = 0;
        change(&mut file);
        compose_run::replace(&at("gate.yaml"), file.render().as_bytes(), 0o600).unwrap();

        let runtime = tokio::runtime::Runtime::new().unwrap();
        let shutdown = Shutdown::new();
        let status = Arc::new(Status::new("git-gate", "0"));
        let outbox = at("outbox");
        let log = Log::new(
            compose_render::Role::GitGate,
            Some(&slug),
            Arc::clone(&status),
            Some(&outbox),
        );
        let ground = Ground::new(at("gate.yaml"), at("mirrors"), at("run"))
            .with_queue(at("inbox"), at("outbox"));
        let program = Path::new(env!("CARGO_BIN_EXE_git-gate-server"));
        let gate = Gate::load(ground, program, environment, &shutdown, &log, &status);
        let gate = Arc::new(set(gate.unwrap()));
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let _guard = runtime.enter();
        shutdown.spawn(Arc::clone(&gate).serve(listener));
        let world = Self { folder, address, gate, status, shutdown, _runtime: runtime };
        world.seed();
        world
    }

    /// Writes another gate file and tells the gate.
    pub(crate) fn configure(&self, change: impl FnOnce(&mut GateFile)) {
        let text = std::fs::read_to_string(self.path("gate.yaml")).unwrap();
        let mut file = GateFile::parse(&text).unwrap();
        change(&mut file);
        self.write("gate.yaml", file.render());
        self.gate.reload();
    }

    fn seed(&self) {
        let config = format!(
            "[user]\n\tname = Agent\n\temail = agent@example.test\n[init]\n\tdefaultBranch = main\n\
             [advice]\n\tdetachedHead = false\n[url \"http://{}/git.example.test/acme/widgets\"]\n\
             \tinsteadOf = https://git.example.test/acme/widgets\n\
             \tinsteadOf = git@git.example.test:acme/widgets\n",
            self.address
        );
        compose_run::replace(&self.path("home/.gitconfig"), config.as_bytes(), 0o600).unwrap();
        self.git("upstream.git", &["init", "--quiet", "--bare"]).must();
        self.git(".", &["init", "--quiet", "origin"]).must();
        self.write("origin/readme.md", "hello\n");
        self.commit("origin", "first");
        let upstream = self.path("upstream.git");
        self.git("origin", &["push", "--quiet", upstream.to_str().unwrap(), "main"]).must();
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The repository as the agent names it.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/git.example.test/acme/widgets.git", self.address)
    }

    /// A clone through the gate, on a branch that may be pushed.
    pub(crate) fn clone_to(&self, name: &str) {
        let said =
            self.git(".", &["clone", "--quiet", "git@git.example.test:acme/widgets.git", name]);
        said.must();
        self.git(name, &["switch", "--quiet", "-c", "agent/b/work"]).must();
    }

    pub(crate) fn write(&self, name: &str, contents: impl AsRef<[u8]>) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        compose_run::replace(&path, contents.as_ref(), 0o644).unwrap();
    }

    #[expect(clippy::disallowed_methods, reason = "a folder of the test's, which nobody reads")]
    pub(crate) fn rename(&self, from: &str, to: &str) {
        std::fs::rename(self.path(from), self.path(to)).unwrap();
    }

    pub(crate) fn commit(&self, name: &str, message: &str) {
        self.git(name, &["add", "--all"]).must();
        self.git(name, &["commit", "--quiet", "--allow-empty", "-m", message]).must();
    }

    /// A commit of 320 000 bytes that no packing makes fewer.
    pub(crate) fn noise(&self, name: &str) {
        let mut state = 88_172_645_463_325_252_u64;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state
        };
        let noise: Vec<u8> = (0..40_000).flat_map(|_| next().to_le_bytes()).collect();
        self.write(&format!("{name}/noise.bin"), noise);
        self.commit(name, "noise");
    }

    /// Pushes the current branch under the name it has.
    pub(crate) fn push(&self, name: &str) -> Said {
        self.git(name, &["push", "origin", "HEAD"])
    }

    /// What the upstream's ref names; empty where there is none.
    pub(crate) fn upstream(&self, name: &str) -> String {
        let args = ["for-each-ref", "--format=%(objectname)", name];
        self.git("upstream.git", &args).must().trim().to_owned()
    }

    /// Every ref of the upstream.
    pub(crate) fn refs(&self) -> Vec<String> {
        let args = ["for-each-ref", "--format=%(refname)"];
        self.git("upstream.git", &args).must().lines().map(str::to_owned).collect()
    }

    pub(crate) fn head(&self, name: &str) -> String {
        self.git(name, &["rev-parse", "HEAD"]).must().trim().to_owned()
    }

    /// The gate's decisions so far.
    pub(crate) fn decisions(&self) -> String {
        std::fs::read_to_string(self.path("outbox/decisions.jsonl")).unwrap_or_default()
    }

    /// git as a person or an agent runs it, in a folder of this world.
    pub(crate) fn git(&self, folder: &str, args: &[&str]) -> Said {
        self.git_with(folder, args, &[])
    }

    pub(crate) fn git_with(&self, folder: &str, args: &[&str], more: &[(&str, &str)]) -> Said {
        let output = self.command(folder, args).envs(more.iter().copied()).output();
        Said::of(&output.expect("git is needed: install it"))
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the agent's own git, which is no program of ours"
    )]
    pub(crate) fn command(&self, folder: &str, args: &[&str]) -> Command {
        let mut command = Command::new("git");
        command
            .args(args)
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("HOME", self.path("home"))
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_TERMINAL_PROMPT", "0")
            .current_dir(self.path(folder));
        command
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.shutdown.request();
    }
}

impl Said {
    fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self { ok: output.status.success(), out: text(&output.stdout), err: text(&output.stderr) }
    }

    /// What the gate said, in one line.
    pub(crate) fn told(&self) -> String {
        let lines = self.err.lines().filter_map(|line| line.strip_prefix("remote:"));
        let lines: Vec<_> = lines.map(str::trim).filter(|line| !line.is_empty()).collect();
        if lines.is_empty() { self.err.trim().to_owned() } else { lines.join(" / ") }
    }

    #[track_caller]
    pub(crate) fn must(&self) -> &str {
        assert!(self.ok, "{self:?}");
        &self.out
    }

    /// Fails unless it was refused with those words.
    #[track_caller]
    pub(crate) fn refused(&self, words: &[&str]) {
        assert!(!self.ok, "{self:?}");
        for word in words {
            assert!(self.err.contains(word), "{word:?} in:\n{}", self.err);
        }
    }
}

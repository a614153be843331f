//! The one door to other programs: git with an environment of ours and nothing else in it.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Child, Output};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use git_gate::Limits;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::ground::Ground;

const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Messages of git's object check that are warnings by default: names by which a checkout elsewhere
/// is turned against whoever makes it (their history is that of git's own advisories).
const FSCK_ERRORS: [&str; 7] = [
    "hasDot",
    "hasDotdot",
    "hasDotgit",
    "emptyName",
    "fullPathname",
    "nullSha1",
    "gitmodulesParse",
];

/// Waits for a child's end with an eye on the clock, and calls `tell` every few seconds. `None` when
/// it took too long: it is asked to end, and then made to.
pub(crate) fn finish(
    child: Child,
    until: Instant,
    every: Duration,
    mut tell: impl FnMut(),
) -> anyhow::Result<Option<Output>> {
    /// What a child gets to clean up behind it.
    const LEAVE: Duration = Duration::from_secs(5);
    let id = Pid::from_raw(i32::try_from(child.id())?);
    let (done, over) = mpsc::channel();
    let waiting = std::thread::spawn(move || {
        let output = child.wait_with_output();
        // Nobody listens once it was too late.
        done.send(()).ok();
        output
    });
    let left = || until.saturating_duration_since(Instant::now());
    // An end of the channel is an end of the thread.
    while over.recv_timeout(every.min(left())) == Err(RecvTimeoutError::Timeout) {
        if !left().is_zero() {
            tell();
            continue;
        }
        for signal in [Signal::SIGTERM, Signal::SIGKILL] {
            // Gone meanwhile is as good.
            kill(id, signal).ok();
            if over.recv_timeout(LEAVE) != Err(RecvTimeoutError::Timeout) {
                break;
            }
        }
        // What it started may hold its streams: whatever it still says is of no use.
        return Ok(None);
    }
    let output = waiting.join().map_err(|_| anyhow::anyhow!("a thread ended"))?;
    Ok(Some(output.context("cannot run a program")?))
}

/// A child that ends with this, where nobody waits for its end any more.
#[derive(Debug)]
pub(crate) struct Running(pub(crate) Child);

impl Drop for Running {
    fn drop(&mut self) {
        // Most often it has ended already.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// git's server for HTTP, by its path: asked of git once, since through `git` it would be a process
/// more for each request.
pub(crate) fn http_backend(ground: &Ground) -> anyhow::Result<PathBuf> {
    let output = Program::git(ground).args(["--exec-path"]).blocking().output();
    let said = String::from_utf8(output.context("cannot run git")?.stdout)?;
    let path = Path::new(said.trim_end()).join("git-http-backend");
    anyhow::ensure!(path.is_file(), "git has no `{}`", path.display());
    Ok(path)
}

/// A program about to be run.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    name: OsString,
    args: Vec<OsString>,
    environment: BTreeMap<OsString, OsString>,
    config: Vec<(String, String)>,
    folder: PathBuf,
}

impl Program {
    /// Any program.
    pub(crate) fn named(name: impl Into<OsString>, ground: &Ground) -> Self {
        let own = [("PATH", PATH), ("LANG", "C.UTF-8")];
        let environment = own.map(|(name, value)| (name.into(), value.into())).into();
        let (name, folder) = (name.into(), "/".into());
        let program = Self { name, args: Vec::new(), environment, config: Vec::new(), folder };
        program.variable("HOME", &ground.run)
    }

    /// git: no configuration of system or user, no prompt, no transport but those allowed later.
    pub(crate) fn git(ground: &Ground) -> Self {
        Self::of_git("git", ground)
    }

    fn of_git(name: impl Into<OsString>, ground: &Ground) -> Self {
        let mut git = Self::named(name, ground)
            .variable("GIT_CONFIG_NOSYSTEM", "1")
            .variable("GIT_CONFIG_GLOBAL", "/dev/null")
            .variable("GIT_TERMINAL_PROMPT", "0");
        let hooks = ground.hooks().to_string_lossy().into_owned();
        for (key, value) in [
            ("core.hooksPath", hooks.as_str()),
            ("core.fsmonitor", "false"),
            // Larger objects are streamed, not held.
            ("core.bigFileThreshold", "16m"),
            ("pack.windowMemory", "64m"),
            // The refs of a quarantine's own mirror are known without a process that lists them.
            ("core.alternateRefsCommand", "true"),
            ("gc.auto", "0"),
            ("maintenance.auto", "false"),
            // A mounted folder's owner may have another number outside.
            ("safe.directory", "*"),
            ("protocol.allow", "never"),
            ("protocol.version", "2"),
            ("credential.helper", ""),
        ] {
            git = git.setting(key, value);
        }
        git
    }

    /// git as it serves: what a mirror shows and takes. `backend` is its server's path.
    pub(crate) fn serving(backend: &Path, ground: &Ground, limits: &Limits) -> Self {
        let pack = limits.pack_bytes.to_string();
        let mut git = Self::of_git(backend, ground);
        for (key, value) in [
            ("http.receivepack", "true"),
            ("http.uploadpack", "true"),
            ("http.getanyfile", "false"),
            ("uploadpack.allowFilter", "true"),
            ("uploadpack.allowAnySHA1InWant", "false"),
            ("receive.maxInputSize", pack.as_str()),
            ("receive.fsckObjects", "true"),
            ("receive.advertisePushOptions", "true"),
            ("receive.autogc", "false"),
            ("receive.shallowUpdate", "false"),
            // Always indexed, never unpacked object by object: the bound on memory is the same.
            ("transfer.unpackLimit", "1"),
            ("transfer.advertiseSID", "false"),
        ] {
            git = git.setting(key, value);
        }
        for message in FSCK_ERRORS {
            git = git.setting(&format!("receive.fsck.{message}"), "error");
        }
        git
    }

    pub(crate) fn args<S: Into<OsString>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    pub(crate) fn variable(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.environment.insert(name.into(), value.as_ref().into());
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.environment.remove(OsStr::new(name));
        self
    }

    /// A setting of git's, above every file.
    pub(crate) fn setting(mut self, key: &str, value: &str) -> Self {
        self.config.push((key.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn within(mut self, folder: &Path) -> Self {
        folder.clone_into(&mut self.folder);
        self
    }

    /// Ready to be run while this thread waits.
    #[expect(clippy::disallowed_methods, reason = "the one door to programs in this container")]
    pub(crate) fn blocking(&self) -> std::process::Command {
        let mut command = std::process::Command::new(&self.name);
        command.args(&self.args).env_clear().envs(self.variables()).current_dir(&self.folder);
        command
    }

    /// Ready to be run while others are served, in a process group of its own.
    pub(crate) fn served(&self) -> tokio::process::Command {
        let mut command = tokio::process::Command::from(self.blocking());
        command.process_group(0).kill_on_drop(true);
        command
    }

    fn variables(&self) -> BTreeMap<OsString, OsString> {
        let mut all = self.environment.clone();
        if !self.config.is_empty() {
            all.insert("GIT_CONFIG_COUNT".into(), self.config.len().to_string().into());
        }
        for (index, (key, value)) in self.config.iter().enumerate() {
            all.insert(format!("GIT_CONFIG_KEY_{index}").into(), key.into());
            all.insert(format!("GIT_CONFIG_VALUE_{index}").into(), value.into());
        }
        all
    }
}

//! Where a bottle of a test stands: an account, a manifest, and removal of whatever is left.

use std::path::PathBuf;
use std::process;
use std::sync::atomic::{AtomicUsize, Ordering};

use compose_render::Slug;
use compose_run::{Docker, containers, networks};
use compose_testkit::{eventually, sidecars};
use duct::Handle;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::program::{Account, Said};

/// A bottle whose agent is a shell, quick to start: no routes, so pipelock alone.
const MANIFEST: &str = "\
version: 1
agents: {worker: {bottle: b, command: [sh]}}
bottles:
  b:
    resources: {cpus: 1, memory: 256m, pids: 128}
    pipelock: {allow: []}
";

/// One test's account, and the one bottle it is about.
#[derive(Debug)]
pub(crate) struct Ground {
    pub(crate) account: Account,
    pub(crate) docker: Docker,
    pub(crate) slug: Slug,
}

/// A `bottle` that runs beside the test.
#[derive(Debug)]
pub(crate) struct Beside {
    handle: Handle,
    out: PathBuf,
    err: PathBuf,
}

impl Ground {
    /// A ground for the test of that name.
    pub(crate) fn new(test: &str) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let slug = format!("{test}-{}-{count}", process::id()).parse().unwrap();
        let docker = Docker::find().expect("Docker is needed: install docker.io and start it");
        docker.run(["version"]).expect("the Docker daemon does not answer: start it");
        let mut account =
            Account::new().with("BOTTLE_SIDECARS", sidecars().dir().to_str().unwrap());
        // What is downloaded for images is shared: the first test to need one builds it.
        let cache = std::env::var_os("XDG_CACHE_HOME").or_else(|| {
            Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache").into_os_string())
        });
        if let Some(cache) = cache {
            account = account.with("XDG_CACHE_HOME", cache.to_str().unwrap());
        }
        for name in ["BOTTLE_COMPOSE", "DOCKER_HOST", "DOCKER_CONFIG"] {
            if let Some(value) = std::env::var_os(name) {
                account = account.with(name, value.to_str().unwrap());
            }
        }
        account.write("m.yaml", MANIFEST);
        account.write("work/file.txt", "of the host\n");
        Self { account, docker, slug }
    }

    /// Another name on the same ground.
    pub(crate) fn other_name(&self) -> Slug {
        format!("{}-b", self.slug).parse().unwrap()
    }

    /// `start`, of the bottle of that name, with more arguments.
    pub(crate) fn start_args<'a>(slug: &'a str, more: &[&'a str]) -> Vec<&'a str> {
        let mut args = vec!["start", "worker", "--manifest", "m.yaml", "--workspace", "work"];
        args.extend(["--name", slug]);
        args.extend(more);
        args
    }

    /// Starts the bottle and waits for the program's end.
    pub(crate) fn start(&self, more: &[&str]) -> Said {
        self.account.bottle(&Self::start_args(self.slug.as_str(), more))
    }

    /// Starts the bottle where no file may grow beyond 4 KiB.
    pub(crate) fn with_small_files(&self, more: &[&str]) -> Said {
        self.account.bottle_with_small_files(&Self::start_args(self.slug.as_str(), more))
    }

    /// Runs any command.
    pub(crate) fn bottle(&self, args: &[&str]) -> Said {
        self.account.bottle(args)
    }

    /// Starts the bottle beside the test.
    pub(crate) fn start_beside(&self, name: &str, more: &[&str]) -> Beside {
        let file = |end: &str| self.account.here().join(format!("{name}.{end}"));
        let (out, err) = (file("out"), file("err"));
        let args = Self::start_args(name, more);
        Beside { handle: self.account.spawn(&args, &out, &err), out, err }
    }

    /// Runs any command beside the test.
    pub(crate) fn beside(&self, args: &[&str]) -> Beside {
        let file = |end: &str| self.account.here().join(format!("{}.{end}", args.join("-")));
        let (out, err) = (file("out"), file("err"));
        // What an earlier one of that name printed is not its output.
        std::fs::remove_file(&out).ok();
        Beside { handle: self.account.spawn(args, &out, &err), out, err }
    }

    /// The word `list` has for the bottle.
    pub(crate) fn condition(&self, slug: &Slug) -> Option<String> {
        let said = self.bottle(&["list", "--json"]);
        assert_eq!(said.code, Some(0), "{said:?}");
        let rows: serde_json::Value = serde_json::from_str(&said.out).unwrap();
        let row = rows.as_array()?.iter().find(|row| row["slug"] == slug.as_str())?;
        row["condition"].as_str().map(str::to_owned)
    }

    /// Waits until `list` has that word for the bottle.
    pub(crate) fn until(&self, condition: &str) {
        eventually(&format!("`{}` {condition}", self.slug), || {
            let is = self.condition(&self.slug);
            if is.as_deref() == Some(condition) { Ok(()) } else { Err(format!("{is:?}")) }
        });
    }

    /// A file of the bottle's folder.
    pub(crate) fn state(&self, name: &str) -> PathBuf {
        let home = self.account.here().parent().unwrap().join("home");
        home.join(".local/state/bottle").join(self.slug.as_str()).join(name)
    }

    /// What the engine still has of the bottle, and which keys its folder still holds.
    pub(crate) fn traces(&self, slug: &Slug) -> Vec<String> {
        let containers = containers::list(&self.docker, Some(slug)).unwrap();
        let networks = networks::list(&self.docker).unwrap();
        let keys = ["pipelock/ca-key.pem", "egress/ca-key.pem", "pipelock/bottle.yaml"];
        let keys = keys.into_iter().filter(|key| self.state(key).exists());
        containers
            .into_iter()
            .map(|container| container.name)
            .chain(networks.into_iter().filter(|at| at.slug == *slug).map(|at| at.name))
            .chain(keys.map(str::to_owned))
            .collect()
    }

    /// Fails unless nothing is left.
    #[track_caller]
    pub(crate) fn assert_gone(&self) {
        assert_eq!(self.traces(&self.slug), Vec::<String>::new());
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        for slug in [&self.slug, &self.other_name()] {
            // Most often there is nothing, and a test that failed has said why.
            drop(containers::remove(&self.docker, slug));
            drop(networks::remove(&self.docker, slug));
        }
    }
}

impl Beside {
    /// What it has printed on stdout so far.
    pub(crate) fn out(&self) -> String {
        std::fs::read_to_string(&self.out).unwrap_or_default()
    }

    /// Waits until it has printed that.
    pub(crate) fn until_out(&self, text: &str) {
        eventually("output", || {
            let ended = self.handle.try_wait().unwrap().is_some();
            let err = std::fs::read_to_string(&self.err).unwrap_or_default();
            assert!(!ended || self.out().contains(text), "it ended: {err}");
            if self.out().contains(text) { Ok(()) } else { Err(err) }
        });
    }

    /// Waits for its end; how many bytes it printed on stdout.
    pub(crate) fn length_at_the_end(self) -> u64 {
        let code = self.handle.wait().unwrap().status.code();
        let err = std::fs::read_to_string(&self.err).unwrap_or_default();
        assert_eq!(code, Some(0), "{err}");
        std::fs::metadata(&self.out).unwrap().len()
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        let pid = self.handle.pids().first().copied().unwrap();
        kill(Pid::from_raw(pid.try_into().unwrap()), signal).unwrap();
    }

    /// Waits for its end.
    pub(crate) fn said(self) -> Said {
        let code = self.handle.wait().unwrap().status.code();
        let text = |path| std::fs::read_to_string(path).unwrap_or_default();
        Said { code, out: text(&self.out), err: text(&self.err) }
    }
}

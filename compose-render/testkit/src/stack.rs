//! A throwaway ground for one test: its own slug, state folder, Docker, and removal of all of it.

use crate::{
    container::Container,
    outside::{Outside, Sink},
    sweep,
};
use compose_render::{Addresses, Network, Slug};
use compose_run::{
    Compose, Docker, StateDir, containers, images,
    images::BuildFile,
    networks::{self, Pool, Uplink},
    standalone::Host,
};
use std::{
    ffi::OsStr,
    path::Path,
    process,
    sync::atomic::{AtomicUsize, Ordering},
};
use tempfile::TempDir;

/// The label of everything a test makes besides bottles: the stack's name.
pub(crate) const TEST_LABEL: &str = "bottle.test";

/// How the folder of a test is named, and with it the state of its bottles.
pub(crate) const FOLDER_PREFIX: &str = "bottle-test-";

/// The ground of one test. Dropped, it removes every container and network that carries its name;
/// after a panic it prints their logs first and keeps the folder.
#[derive(Debug)]
pub struct Stack {
    slug: Slug,
    docker: Docker,
    compose: Compose,
    state: StateDir,
    pool: Pool,
    folder: Option<TempDir>,
}

impl Stack {
    /// A stack for the test of that name (a word or two, `a-z`, `0-9` and `-`). Its slug is
    /// `<test>-<pid>-<n>`, and what earlier runs that ended badly left is swept away.
    ///
    /// # Panics
    ///
    /// Without Docker.
    pub fn new(test: &str) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let slug = format!("{test}-{}-{count}", process::id()).parse().expect("a test's name");
        let docker = Docker::find()
            .and_then(|docker| docker.engine().map(|_| docker))
            .unwrap_or_else(|error| fail(&format!("{error}: start the daemon, or install Docker")));
        let chosen = std::env::var_os("BOTTLE_COMPOSE");
        let chosen = chosen.as_deref().and_then(OsStr::to_str);
        let compose = Compose::find(&docker, chosen)
            .unwrap_or_else(|error| fail(&format!("{error}: install Docker Compose")));
        sweep::once(&docker);
        let folder = TempDir::with_prefix(FOLDER_PREFIX).expect("a folder for the test");
        let state = StateDir::open(folder.path().join("state")).expect("a state folder");
        Self { slug, docker, compose, state, pool: Pool::default(), folder: Some(folder) }
    }

    pub fn slug(&self) -> &Slug {
        &self.slug
    }

    pub fn docker(&self) -> &Docker {
        &self.docker
    }

    pub fn compose(&self) -> &Compose {
        &self.compose
    }

    pub fn state(&self) -> &StateDir {
        &self.state
    }

    pub fn pool(&self) -> &Pool {
        &self.pool
    }

    /// A folder of the test's own.
    pub fn folder(&self) -> &Path {
        self.folder.as_ref().expect("kept until the drop").path()
    }

    /// What `standalone::start` takes.
    pub fn host(&self, uplink: Uplink) -> Host<'_> {
        Host {
            docker: &self.docker,
            compose: &self.compose,
            state: &self.state,
            pool: &self.pool,
            uplink,
        }
    }

    /// The bottle's two networks without a bottle.
    pub fn networks(&self, uplink: Uplink) -> Addresses {
        networks::create(&self.docker, &self.slug, self.state.path(), &self.pool, uplink)
            .unwrap_or_else(|error| fail(&format!("no networks: {error}")))
    }

    /// A container with the test kit's client, idle, on that network of the stack's bottle.
    pub fn client(&self, name: &str, network: Network) -> Container<'_> {
        self.client_on(name, &network.name(&self.slug), &[])
    }

    /// The same on any network, with further arguments of `docker run`, such as `--ip`.
    pub fn client_on(&self, name: &str, network: &str, options: &[&str]) -> Container<'_> {
        Container::run(self, name, network, options, &["idle"])
    }

    /// A sink on any network, at the address that the options give it (`--ip`).
    pub fn sink_on(&self, name: &str, network: &str, options: &[&str], ports: &[u16]) -> Sink<'_> {
        Sink::run(self, name, network, options, ports)
    }

    /// What stands for the outside: a network of a documentation range with nothing beyond it.
    pub fn outside(&self) -> Outside<'_> {
        Outside::create(self)
    }

    /// The image with the test kit's binary at `/probe-client`.
    pub(crate) fn image(&self) -> String {
        let binary = BuildFile::path("probe-client", 0o755, crate::probe_client());
        let dockerfile =
            "FROM scratch\nCOPY probe-client /probe-client\nENTRYPOINT [\"/probe-client\"]\n";
        let image = images::ensure(&self.docker, "probe-client", dockerfile, &[binary], || ());
        image.unwrap_or_else(|error| fail(&format!("no image: {error:?}"))).to_string()
    }

    /// What it made besides bottles carries this label.
    pub(crate) fn label(&self) -> String {
        format!("{TEST_LABEL}={}", self.slug)
    }

    fn print_logs(&self) {
        for container in containers::list(&self.docker, Some(&self.slug)).unwrap_or_default() {
            print(&container.name, &containers::last_log_lines(&self.docker, &container.id, 60));
        }
        for id in sweep::containers(&self.docker, &self.label()) {
            print(&id, &containers::last_log_lines(&self.docker, &id, 60));
        }
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        let failed = std::thread::panicking();
        if failed {
            self.print_logs();
            if let Some(folder) = self.folder.take() {
                print("the test's folder is kept", &folder.keep().display().to_string());
            }
        }
        let cleaned = [
            // The bottle's first: one that joined the outside would keep that network.
            containers::remove(&self.docker, &self.slug),
            sweep::labelled(&self.docker, &self.label()),
            containers::remove_volumes(&self.docker, &self.slug),
            networks::remove(&self.docker, &self.slug),
        ];
        for error in cleaned.into_iter().filter_map(Result::err) {
            print("left behind", &error.to_string());
            assert!(failed, "the test left something behind: {error}");
        }
    }
}

#[expect(clippy::print_stderr, reason = "the log of a failed test is for whoever reads its output")]
fn print(title: &str, text: &str) {
    eprintln!("== {title}\n{text}");
}

#[expect(clippy::panic, reason = "this is how a test fails")]
pub(crate) fn fail(why: &str) -> ! {
    panic!("{why}")
}

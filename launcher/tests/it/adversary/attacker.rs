//! A bottle with routes and a credential, and the hostile program in its agent's container.

use std::io::Read;
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, Weak};

use compose_render::{Addresses, Network, Role};
use compose_run::Call;
use compose_testkit::record;
use serde_json::Value;

use crate::ground::Ground;

/// What the attacker runs: Python's standard library, which the base has.
pub(super) const ATTACK: &str = include_str!("attack.py");

/// The credential of the bottle's route, which must be nowhere but in egress.
pub(super) const CANARY: &str = "canary-7f3a9c51e2d84b60aa17";

/// Only wildcards: no request of the probe's leaves the host.
const MANIFEST: &str = "\
version: 1
agents: {worker: {bottle: b, command: [sh]}}
bottles:
  b:
    resources: {cpus: 1, memory: 256m, pids: 128}
    pipelock: {allow: ['*.allowed.example']}
    egress:
      routes:
        - {host: '*.routed.example', credential: {env: CANARY_TOKEN, scheme: bearer}}
    supervise: {enabled: true}
";

/// A bottle under attack.
#[derive(Debug)]
pub(super) struct Attacked {
    pub(super) ground: Ground,
    pub(super) addresses: Addresses,
    image: String,
}

impl Attacked {
    /// One bottle for tests that only look and knock: it lives as long as any of them holds it.
    pub(super) fn shared() -> Arc<Self> {
        static SHARED: Mutex<Weak<Attacked>> = Mutex::new(Weak::new());
        // A test that failed while it started one says so itself.
        let mut shared = SHARED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(attacked) = shared.upgrade() {
            return attacked;
        }
        let attacked = Arc::new(Self::start("adversary"));
        *shared = Arc::downgrade(&attacked);
        attacked
    }

    /// A bottle of the test's own.
    pub(super) fn start(test: &str) -> Self {
        let mut ground = Ground::new(test);
        ground.account.set("CANARY_TOKEN", CANARY);
        ground.account.write("m.yaml", MANIFEST);
        let started = ground.start(&["--detach"]);
        assert_eq!(started.code, Some(0), "{started:?}");
        let shown = ground.bottle(&["show", ground.slug.as_str(), "--json"]);
        let shown: Value = serde_json::from_str(&shown.out).unwrap();
        let addresses = serde_json::from_value(shown["metadata"]["addresses"].clone()).unwrap();
        let image = shown["metadata"]["images"]["agent"].as_str().unwrap().to_owned();
        Self { ground, addresses, image }
    }

    pub(super) fn container(&self, role: Role) -> String {
        role.container(&self.ground.slug)
    }

    /// Where the role stands for the agent, with that port.
    pub(super) fn at(&self, role: Role, port: u16) -> String {
        format!("{}:{port}", self.addresses.internal(role))
    }

    pub(super) fn network(&self, network: Network) -> String {
        network.name(&self.ground.slug)
    }

    /// The attack, from the agent's container.
    pub(super) fn attack(&self, words: &[&str]) -> Value {
        self.attack_as(None, words)
    }

    /// The same as another user of the agent's container.
    pub(super) fn attack_as(&self, user: Option<&str>, words: &[&str]) -> Value {
        self.attack_by(user, &["python3", "-"], words)
    }

    /// The attack with all the patience it takes to hear why a connection fails.
    pub(super) fn patient_attack(&self, words: &[&str]) -> Value {
        self.attack_by(None, &["env", "ATTACK_LIMIT=60", "python3", "-"], words)
    }

    fn attack_by(&self, user: Option<&str>, python: &[&str], words: &[&str]) -> Value {
        let agent = self.container(Role::Agent);
        let python = python.iter().map(|word| (*word).to_owned());
        read(self.ground.docker.exec(&agent, user, true, python).args(words), words)
    }

    /// The process of a role's container, as the host counts them.
    pub(super) fn pid(&self, role: Role) -> u64 {
        self.inspect(role)["State"]["Pid"].as_u64().unwrap()
    }

    /// The same attack from an ordinary container of the same image, with those options of
    /// `docker run`: where it arrives.
    pub(super) fn control(&self, options: &[&str], words: &[&str]) -> Value {
        let call = self.ground.docker.call(["run", "--rm", "--interactive"]).args(options);
        let call = call.args(["--env", "ATTACK_LIMIT=60"]);
        let call = call.args(["--entrypoint", "python3", &self.image, "-"]).args(words);
        read(call, words)
    }

    /// What the engine tells of a container of the bottle.
    pub(super) fn inspect(&self, role: Role) -> Value {
        let said = self.ground.docker.capture(["container", "inspect", &self.container(role)]);
        serde_json::from_str::<Value>(&said.unwrap()).unwrap()[0].take()
    }
}

fn read(call: Call<'_>, words: &[&str]) -> Value {
    let outcome = call.input(ATTACK).outcome().unwrap();
    let said = String::from_utf8_lossy(&outcome.stdout).into_owned();
    let last = said.lines().last().unwrap_or_default();
    serde_json::from_str(last)
        .unwrap_or_else(|_| panic!("{words:?}: {:?} {said} {}", outcome.status, outcome.stderr))
}

/// Fails for every attempt of the answer that came about, and records them all.
#[track_caller]
pub(super) fn assert_none(row: &str, what: &str, answer: &Value) {
    let attempts = answer.as_object().unwrap();
    assert!(!attempts.is_empty(), "{what}: nothing was tried");
    for (attempt, came) in attempts {
        let came = came.as_str().unwrap();
        record(row, format_args!("{what} {attempt}"), came);
        assert!(!came.starts_with("ok"), "{row}: {what} {attempt}: {came}");
    }
}

/// Fails unless every attempt of the control came about: only then does the silence mean anything.
#[track_caller]
pub(super) fn assert_all(row: &str, what: &str, answer: &Value) {
    for (attempt, came) in answer.as_object().unwrap() {
        let came = came.as_str().unwrap();
        record(row, format_args!("control: {what} {attempt}"), came);
        assert!(came.starts_with("ok"), "{row}: control: {what} {attempt}: {came}");
    }
}

/// An input that ends when the test lets go of its other end.
#[derive(Debug)]
pub(super) struct UntilDropped(pub(super) Receiver<()>);

impl Read for UntilDropped {
    fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
        // Nothing is ever sent: this is the end of the wait.
        self.0.recv().ok();
        Ok(0)
    }
}

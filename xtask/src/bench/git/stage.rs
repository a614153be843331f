//! A bottle with a git host on its uplink, and a client that stands on both of its networks.

use std::time::Duration;

use anyhow::{Context, ensure};

use super::material;
use crate::bench::ground::{Built, Ground};
use crate::checkout::Checkout;
use crate::git_host::{self, GitHost};
use crate::program::Program;
use crate::ui::say;

/// The git host's name on the uplink.
const HOST: &str = "git.example.com";
/// The repositories: one to clone, one that is pushed to through the gate and one without.
const REPOSITORIES: [&str; 3] = ["large", "small", "plain"];
/// Where the client works.
const WORK: &str = "/tmp/work";

const MANIFEST: &str = "\
version: 1
agents: {bench: {bottle: b, command: [sleep, infinity]}}
bottles:
  b:
    resources: {memory: 256m}
    pipelock: {allow: []}
    git:
      upstreams:
        - {url: \"git@git.example.com:acme/large.git\", key: key, known_hosts: known_hosts}
        - {url: \"git@git.example.com:acme/small.git\", key: key, known_hosts: known_hosts}
";

/// Everything that runs. `end` takes it down.
#[derive(Debug)]
pub(super) struct Stage {
    ground: Ground,
    slug: String,
    host: GitHost,
    client: Client,
}

/// A container that is removed when this is dropped.
#[derive(Debug)]
struct Client(String);

impl Drop for Client {
    fn drop(&mut self) {
        drop(Program::docker().args(["rm", "--force", &self.0]).capture());
    }
}

impl Stage {
    pub(super) fn set(checkout: &Checkout) -> anyhow::Result<Self> {
        // `bottle` only brings the gate up; what is measured is the gate, which is optimised.
        let ground = Ground::set(checkout, "git", Built::Plain)?;
        let slug = ground.name(1);
        let host = GitHost::start(&slug)?;
        say("making a repository of 50 000 objects");
        for name in REPOSITORIES {
            host.shell(&format!("su git -c 'git init --quiet --bare /home/git/acme/{name}.git'"))?;
        }
        host.shell(&format!(
            "cat > /tmp/large.sh <<'END'\n{}\nEND\ncd /home/git/acme/large.git && su git -c 'sh /tmp/large.sh'",
            material::LARGE
        ))?;
        for (name, text) in [
            ("bottle.yaml", MANIFEST.to_owned()),
            ("key", host.key()?),
            ("known_hosts", host.known_hosts(HOST)?),
        ] {
            fs_err::write(ground.stage.folder.join(name), text)?;
        }
        ground
            .bottle(&["--quiet", "start", "bench", "--name", &slug, "--detach", "--workspace"])
            .arg(ground.stage.workspace())
            .read()
            .context("cannot start the bottle")?;
        let network = |which: &str| format!("bottle-{slug}-{which}");
        host.join(&network("uplink"), HOST, Duration::from_secs(5))?;
        let client = client(&slug, &host, &network)?;
        let stage = Self { ground, slug, host, client };
        stage.client_shell(&format!(
            "git init --quiet {WORK} && cd {WORK} && git commit --quiet --allow-empty -m first && \
             git push --quiet {0} HEAD:main && git push --quiet {1} HEAD:main",
            Self::ssh_url("plain"),
            Self::ssh_url("small"),
        ))?;
        Ok(stage)
    }

    pub(super) fn gate_container(&self) -> String {
        format!("bottle-{}-git-gate", self.slug)
    }

    pub(super) fn gate_url(name: &str) -> String {
        format!("http://git-gate/{HOST}/acme/{name}.git")
    }

    pub(super) fn ssh_url(name: &str) -> String {
        format!("git@{HOST}:acme/{name}.git")
    }

    /// The same repository from stock `git http-backend`.
    pub(super) fn plain_url(name: &str) -> String {
        format!("http://{HOST}:8080/git/{name}.git")
    }

    /// A branch that the bottle may push.
    pub(super) fn own_branch(&self, name: &str) -> String {
        format!("agent/{}/{name}", self.slug)
    }

    /// Clones, and returns the milliseconds that git took.
    pub(super) fn clone_from(&self, url: &str) -> anyhow::Result<f64> {
        self.timed("rm -rf /tmp/clone", &format!("git clone --quiet {url} /tmp/clone"))
    }

    /// Makes a history that nobody has, and returns its branch.
    pub(super) fn history(&self, number: usize) -> anyhow::Result<String> {
        self.client_shell(&format!("cd {WORK} && {}", material::history(number)))?;
        Ok(format!("history{number}"))
    }

    pub(super) fn push(&self, branch: &str, url: &str, target: &str) -> anyhow::Result<f64> {
        self.timed(
            &format!("cd {WORK}"),
            &format!("git push --quiet {url} {branch}:refs/heads/{target}"),
        )
    }

    pub(super) fn begin_small(&self) -> anyhow::Result<()> {
        self.client_shell(&format!("cd {WORK} && git switch --quiet -C small main")).map(drop)
    }

    /// A small commit that nobody has, pushed on top of the one before.
    pub(super) fn push_small(&self, url: &str, target: &str) -> anyhow::Result<f64> {
        self.timed(
            &format!(
                "cd {WORK} && date +%N >> note.txt && git add note.txt && git commit --quiet -m small"
            ),
            &format!("git push --quiet {url} small:refs/heads/{target}"),
        )
    }

    /// A commit of a file of almost 1 MiB of text, on top of the small ones.
    pub(super) fn write_text(&self, number: usize) -> anyhow::Result<()> {
        let text = material::text(number);
        let commit = format!("git add text{number} && git commit --quiet -m text");
        self.client_shell(&format!("cd {WORK} && {text} > text{number} && {commit}")).map(drop)
    }

    /// How many megabytes of new objects a second are judged, without git's part of a push.
    pub(super) fn judged(&self) -> anyhow::Result<f64> {
        let mirror = format!("/mirrors/{HOST}+acme+small.git");
        let tip = format!("refs/heads/{}", self.own_branch("history3"));
        let said = Program::docker()
            .args(["exec", &self.gate_container(), "/git-gate", "judge", "--mirror", &mirror])
            .args([&tip, "refs/heads/main"])
            .read()?;
        let said: serde_json::Value = serde_json::from_str(&said)?;
        let number = |name: &str| said.get(name).and_then(serde_json::Value::as_f64);
        let (bytes, ms) = (number("bytes"), number("scanning_ms"));
        let (bytes, ms) = (bytes.context("no bytes")?, ms.context("no time")?);
        ensure!(bytes > 20e6, "only {bytes} bytes were judged");
        Ok(bytes / 1e6 / (ms / 1e3))
    }

    pub(super) fn end(self) -> anyhow::Result<()> {
        let Self { ground, slug, host, client } = self;
        drop((client, host));
        ground.bottle(&["--quiet", "stop", &slug]).read()?;
        crate::leftovers::Leftovers::of_bottles(&ground.stage.slug)?.none()
    }

    /// Prepares, then times one command inside the client by its own clock.
    fn timed(&self, before: &str, command: &str) -> anyhow::Result<f64> {
        let script = format!(
            "set -e; {before}; begun=$(date +%s%N); {command}; ended=$(date +%s%N); echo $((ended - begun))"
        );
        let nanoseconds: f64 = self.client_shell(&script)?.trim().parse().context("no time")?;
        Ok(nanoseconds / 1e6)
    }

    fn client_shell(&self, command: &str) -> anyhow::Result<String> {
        Program::docker().args(["exec", &self.client.0, "sh", "-c", command]).read()
    }
}

/// A client with git and ssh that logs in as the gate does.
fn client(slug: &str, host: &GitHost, network: &impl Fn(&str) -> String) -> anyhow::Result<Client> {
    let client = Client(format!("bottle-{slug}-client"));
    Program::docker()
        .args(["run", "--detach", "--name", &client.0, "--label", "bottle.demo=git-client"])
        .args(["--network", &network("uplink"), git_host::ensure_image()?, "sleep", "infinity"])
        .read()?;
    Program::docker().args(["network", "connect", &network("internal"), &client.0]).read()?;
    // On both networks the name could be either address, and the gate serves on the inner one.
    let format =
        format!("{{{{(index .NetworkSettings.Networks \"{}\").IPAddress}}}}", network("internal"));
    let gate = format!("bottle-{slug}-git-gate");
    let address = Program::docker().args(["inspect", "--format", &format, &gate]).read()?;
    let setup = format!(
        "echo {address} git-gate >> /etc/hosts && mkdir -p -m 700 /root/.ssh && cat > /root/.ssh/id_ed25519 <<'END'\n{}END\n\
         chmod 600 /root/.ssh/id_ed25519 && cat > /root/.ssh/known_hosts <<'END'\n{}END\n\
         git config --global user.name Bench && git config --global user.email bench@example.com && \
         git config --global init.defaultBranch main",
        host.key()?,
        host.known_hosts(HOST)?
    );
    Program::docker().args(["exec", &client.0, "sh", "-c", &setup]).read()?;
    Ok(client)
}

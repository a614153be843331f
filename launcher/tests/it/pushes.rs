//! git-gate in a whole bottle: a real git in the agent, a real SSH server with a forced command behind
//! the gate. Section H, row by row, and what goes wrong on the way.

mod alone;
mod asked;
mod behind_proxy;
mod cloned;
mod failing;
mod hidden;
mod over_https;

use std::path::PathBuf;

use compose_render::{Network, Role};
use compose_testkit::GitHost;

use crate::ground::Ground;
use crate::program::Said;

const HOST: &str = "git.example.test";
const MANIFEST: &str = "\
version: 1
agents: {worker: {bottle: b, command: [sh]}}
bottles:
  b:
    workspace: WORKSPACE
    resources: {cpus: 1, memory: 512m, pids: 128}
    pipelock: {allow: []}
    git:
      upstreams:
        - url: \"git@git.example.test:acme/widgets.git\"
          key: key
          known_hosts: known_hosts
          push: [\"refs/heads/agent/${bottle}/**\", \"refs/tags/*\"]
";

/// A bottle that runs, and the git host on its uplink.
struct Pushes<'a> {
    ground: &'a Ground,
    host: GitHost<'a>,
    branch: String,
}

impl<'a> Pushes<'a> {
    /// Starts both. With `clone` the workspace is a clone; else the agent has one in `/tmp/w`.
    fn start(ground: &'a Ground, workspace: &str) -> Self {
        let host = GitHost::start(&ground.docker, &ground.slug);
        ground.account.write("m.yaml", &MANIFEST.replace("WORKSPACE", workspace));
        ground.account.write("key", &host.key());
        ground.account.write("known_hosts", &host.known_hosts(HOST));
        let uplink = Network::Uplink.name(&ground.slug);
        std::thread::scope(|scope| {
            let joining = scope.spawn(|| host.join_once_there(&uplink, &[HOST]));
            let started = ground.start(&["--detach"]);
            assert_eq!(started.code, Some(0), "{started:?}");
            joining.join().unwrap();
        });
        let branch = format!("agent/{}/work", ground.slug);
        let pushes = Self { ground, host, branch };
        if workspace != "clone" {
            pushes.well(&format!(
                "git clone --quiet git@{HOST}:acme/widgets.git /tmp/w && cd /tmp/w && git switch --quiet -c {}",
                pushes.branch
            ));
        }
        pushes
    }

    /// Runs a script in the agent's container, in its clone.
    fn agent(&self, script: &str) -> Said {
        let script = format!("cd /tmp/w 2>/dev/null || cd /workspace; {script}");
        self.ground.bottle(&["exec", self.ground.slug.as_str(), "--", "sh", "-c", &script])
    }

    #[track_caller]
    fn well(&self, script: &str) -> String {
        let said = self.agent(script);
        assert_eq!(said.code, Some(0), "{script}: {said:?}");
        said.out
    }

    /// Fails unless the script's push was refused with those words, and nothing arrived.
    #[track_caller]
    fn refused(&self, script: &str, words: &[&str]) -> Said {
        let before = self.upstream();
        let said = self.agent(script);
        assert_ne!(said.code, Some(0), "{script}: {said:?}");
        for word in words {
            assert!(said.err.contains(word), "{word:?} after `{script}`:\n{}", said.err);
        }
        assert_eq!(self.upstream(), before, "{script}");
        said
    }

    /// Every ref of the upstream with its object.
    fn upstream(&self) -> String {
        self.host.git("git for-each-ref")
    }

    /// What the branch of the bottle names upstream; empty where there is none.
    fn arrived(&self) -> String {
        self.host
            .git(&format!("git for-each-ref --format=%\\(objectname\\) refs/heads/{}", self.branch))
    }

    /// Runs a script in the gate's container.
    fn gate(&self, script: &str) -> String {
        let gate = Role::GitGate.container(&self.ground.slug);
        self.ground.docker.exec(&gate, None, false, ["sh", "-c", script]).text().unwrap()
    }

    /// A file of the bottle's folder.
    fn state(&self, name: &str) -> PathBuf {
        self.ground.state(name)
    }

    fn stop(self) {
        let Self { ground, host, .. } = self;
        drop(host);
        let stopped = ground.bottle(&["stop", ground.slug.as_str()]);
        assert_eq!(stopped.code, Some(0), "{stopped:?}");
        ground.assert_gone();
    }
}

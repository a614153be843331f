//! An engine of a test's own: a daemon that can be killed, with networks, processes and mounts that
//! nobody else sees. The host's own engine is not touched.

use compose_run::program;
use compose_testkit::{eventually, sidecars};
use duct::Handle;

use crate::program::{Account, Said};

/// An image with a shell in it, from what every host has.
const IMAGE: &str = "localhost/bottle-test/shell:1";

const MANIFEST: &str = "\
version: 1
agents: {worker: {bottle: b, command: [sh]}}
bottles:
  b:
    image: {name: 'localhost/bottle-test/shell:1'}
    resources: {cpus: 1, memory: 256m, pids: 128}
    pipelock: {allow: []}
";

/// The first process of the engine's world: it starts the daemon again whenever it ends, as an init
/// system would.
const KEEP: &str = "\
ip link set lo up
while :; do
    rm -f \"$0/pid\"
    dockerd --config-file \"$0/config.json\" --data-root \"$0/data\" --exec-root \"$0/exec\" \\
        --pidfile \"$0/pid\" --host \"unix://$0/socket\" --storage-driver vfs --bridge none
    sleep 0.2
done
";

/// Puts the shell, what it needs and a few programs into an image.
const MAKE_IMAGE: &str = "\
set -eu
root=$(mktemp -d)
chmod 0755 \"$root\"
mkdir \"$root/bin\" \"$root/tmp\"
for name in sh cat sleep head; do cp -L \"$(command -v $name)\" \"$root/bin/$name\"; done
for library in $(ldd \"$root\"/bin/* | grep -o '/[^ ]*\\.so[^ ]*' | sort -u); do
    mkdir -p \"$root${library%/*}\"
    cp -L \"$library\" \"$root$library\"
done
tar -C \"$root\" -c . | docker --host \"$1\" import - \"$2\"
rm -rf \"$root\"
";

/// The engine, and an account that uses it.
#[derive(Debug)]
pub(crate) struct OwnEngine {
    pub(crate) account: Account,
    folder: tempfile::TempDir,
    keeper: Handle,
    /// The first process of its world, as the host numbers it.
    first: String,
}

impl OwnEngine {
    /// Starts it, and waits until it answers and has an image.
    pub(crate) fn new() -> Self {
        assert!(
            nix::unistd::geteuid().is_root(),
            "this test starts a daemon of its own: run it as root"
        );
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        compose_run::replace(&at.join("config.json"), b"{}", 0o600).unwrap();
        let place = at.display().to_string();
        let world = ["--net", "--pid", "--mount", "--fork", "--mount-proc", "--kill-child"];
        let keeper = command("unshare", &[&world[..], &["sh", "-c", KEEP, &place]].concat())
            .stderr_to_stdout()
            .stdout_path(at.join("log"))
            .start()
            .unwrap();
        let outer = keeper.pids().first().copied().unwrap();
        let first = eventually("the first process of the engine's world", || {
            let children = format!("/proc/{outer}/task/{outer}/children");
            let text = std::fs::read_to_string(children).unwrap_or_default();
            text.split_whitespace().next().map(str::to_owned).ok_or_else(|| "none".to_owned())
        });
        let mut account =
            Account::new().with("BOTTLE_SIDECARS", sidecars().dir().to_str().unwrap());
        account.enter(&first);
        account.set("DOCKER_HOST", &format!("unix://{place}/socket"));
        account.write("m.yaml", MANIFEST);
        account.write("work/file.txt", "of the host\n");
        let engine = Self { account, folder, keeper, first };
        engine.until_it_answers();
        engine.shell(MAKE_IMAGE, &[&engine.host(), IMAGE]);
        engine
    }

    /// Runs `bottle` beside the engine.
    pub(crate) fn bottle(&self, args: &[&str]) -> Said {
        self.account.bottle(args)
    }

    /// What a start of a bottle of that name is told.
    pub(crate) fn start_args<'a>(name: &'a str, more: &[&'a str]) -> Vec<&'a str> {
        let mut args = vec!["start", "worker", "--manifest", "m.yaml", "--workspace", "work"];
        args.extend(["--name", name]);
        args.extend(more);
        args
    }

    /// Asks the engine itself.
    pub(crate) fn docker(&self, args: &[&str]) -> String {
        program::call("docker").args(["--host", &self.host()]).args(args).text().unwrap()
    }

    /// Containers and networks of bottles that are there.
    pub(crate) fn traces(&self) -> Vec<String> {
        let filter = ["--filter", "label=bottle.slug", "--format"];
        let containers = [&["ps", "--all"][..], &filter, &["{{.Names}}"]].concat();
        let networks = [&["network", "ls"][..], &filter, &["{{.Name}}"]].concat();
        let all = [self.docker(&containers), self.docker(&networks)].join("\n");
        all.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()
    }

    /// Kills the daemon as a crash would, and waits until it was started again.
    pub(crate) fn crash(&self) {
        let pid = || std::fs::read_to_string(self.folder.path().join("pid")).unwrap_or_default();
        let before = pid();
        self.shell("kill -9 \"$1\"", &[&before]);
        eventually("another daemon", || {
            let now = pid();
            if now.is_empty() || now == before { Err(now) } else { Ok(()) }
        });
        self.until_it_answers();
    }

    /// Runs a script in its world, with these as `$1` and on.
    pub(crate) fn shell(&self, script: &str, args: &[&str]) -> String {
        let world = ["--target", &self.first, "--net", "--pid", "--mount"];
        let call = program::call("nsenter").args(world).args(["sh", "-c", script, "sh"]);
        call.args(args).text().unwrap()
    }

    /// The word `list` has for the bottle.
    pub(crate) fn condition(&self, name: &str) -> Option<String> {
        let said = self.bottle(&["list", "--json"]);
        assert_eq!(said.code, Some(0), "{said:?}");
        let rows: serde_json::Value = serde_json::from_str(&said.out).unwrap();
        let row = rows.as_array()?.iter().find(|row| row["slug"] == name)?;
        row["condition"].as_str().map(str::to_owned)
    }

    fn until_it_answers(&self) {
        eventually("the engine's answer", || {
            let version = program::call("docker").args(["--host", &self.host(), "version"]);
            version.run().map_err(|error| error.to_string())
        });
    }

    fn host(&self) -> String {
        format!("unix://{}/socket", self.folder.path().display())
    }
}

impl Drop for OwnEngine {
    fn drop(&mut self) {
        // Containers that are killed with their world would leave their control groups behind.
        let all = "docker --host \"$1\" rm --force $(docker --host \"$1\" ps --all --quiet)";
        let world = ["--target", &self.first, "--net", "--pid", "--mount"];
        let call = program::call("nsenter").args(world).args(["sh", "-c", all, "sh"]);
        drop(call.arg(self.host()).run());
        // A test that failed has said why.
        drop(self.keeper.kill());
    }
}

#[expect(clippy::disallowed_methods, reason = "a daemon of the test's own")]
fn command(program: &str, args: &[&str]) -> duct::Expression {
    duct::cmd(program, args).stdin_null().unchecked()
}

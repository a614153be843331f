//! A git host in a container, for the demo and for measuring: a real SSH server that lets one key do
//! git's commands and nothing else, and stock `git http-backend` behind a small web server.

use std::time::{Duration, Instant};

use anyhow::{Context, bail};

use crate::program::Program;
use crate::ui::say;

/// What it is made of. Built once; nothing of it is in what we ship.
const PACKAGES: &str = "git,lighttpd,openssh-server";
const IMAGE: &str = "localhost/bottle-demo/git-host:1";
/// Demos and measurements label what they leave for a moment.
const LABEL: &str = "bottle.demo=git-host";
/// What a container may take until it serves.
const READY: Duration = Duration::from_secs(30);
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// The server: keys of its own, one user, repositories below `/home/git/acme`, and the same ones to
/// read over HTTP.
const SETUP: &str = r#"set -e
mkdir -p /run/sshd /keys
useradd --create-home --password '*' --shell /bin/sh git
ssh-keygen -q -t ed25519 -N '' -C host -f /keys/host
ssh-keygen -q -t ed25519 -N '' -C gate -f /keys/client
mkdir -p /home/git/.ssh /home/git/acme
printf 'restrict,command="git-shell -c \\"$SSH_ORIGINAL_COMMAND\\"" %s\n' "$(cat /keys/client.pub)" > /home/git/.ssh/authorized_keys
git config --system safe.directory '*'
git config --system init.defaultBranch main
git config --system user.name Host
git config --system user.email host@example.com
cat > /keys/lighttpd.conf <<'END'
server.document-root = "/var/empty"
server.port = 8080
server.modules = ("mod_alias", "mod_cgi", "mod_setenv")
server.stream-response-body = 2
server.stream-request-body = 2
alias.url = ("/git" => "/usr/lib/git-core/git-http-backend")
setenv.set-environment = ("GIT_PROJECT_ROOT" => "/home/git/acme", "GIT_HTTP_EXPORT_ALL" => "1")
$HTTP["url"] =~ "^/git" { cgi.assign = ("" => "") }
END
mkdir -p /var/empty
chown -R git:git /home/git
lighttpd -f /keys/lighttpd.conf
touch /keys/ready
exec /usr/sbin/sshd -D -e -f /dev/null -h /keys/host -o UsePAM=no -o StrictModes=no -o PasswordAuthentication=no -o MaxStartups=100
"#;

/// A running git host. Dropped, it is removed.
#[derive(Debug)]
pub(crate) struct GitHost {
    pub(crate) container: String,
}

impl GitHost {
    pub(crate) fn start(name: &str) -> anyhow::Result<Self> {
        ensure_image()?;
        let container = format!("bottle-{name}-git-host");
        Program::docker()
            .args(["run", "--detach", "--name", &container, "--label", LABEL, IMAGE])
            .args(["sh", "-c", SETUP])
            .read()?;
        let host = Self { container };
        let begun = Instant::now();
        while host.shell("test -f /keys/ready").is_err() {
            if begun.elapsed() > READY {
                bail!("the git host does not come up");
            }
            pause();
        }
        Ok(host)
    }

    /// Stands on that network under that name, at its last address: the others are the bottle's,
    /// whose parts may come later. It waits for the network to be there.
    pub(crate) fn join(
        &self,
        network: &str,
        alias: &str,
        patience: Duration,
    ) -> anyhow::Result<()> {
        let begun = Instant::now();
        loop {
            let format = "{{(index .IPAM.Config 0).Subnet}}";
            let subnet = Program::docker()
                .args(["network", "inspect", "--format", format, network])
                .capture()?;
            if subnet.code == 0 {
                let last =
                    last_address(subnet.stdout.trim()).context("the network has no subnet")?;
                return Program::docker()
                    .args(["network", "connect", "--ip", &last, "--alias", alias, network])
                    .arg(&self.container)
                    .read()
                    .map(drop);
            }
            if begun.elapsed() > patience {
                bail!("there is no network `{network}`: {}", subnet.stderr.trim());
            }
            pause();
        }
    }

    /// Leaves that network, which can be removed then.
    pub(crate) fn leave(&self, network: &str) {
        let leave = ["network", "disconnect", "--force", network];
        // It may never have come so far.
        drop(Program::docker().args(leave).arg(&self.container).capture());
    }

    /// Runs a shell command in it.
    pub(crate) fn shell(&self, command: &str) -> anyhow::Result<String> {
        Program::docker().args(["exec", &self.container, "sh", "-c", command]).read()
    }

    /// The private key that may use the repositories.
    pub(crate) fn key(&self) -> anyhow::Result<String> {
        Ok(self.shell("cat /keys/client")? + "\n")
    }

    /// Its line for `known_hosts` under that name.
    pub(crate) fn known_hosts(&self, alias: &str) -> anyhow::Result<String> {
        Ok(format!("{alias} {}\n", self.shell("cut -d' ' -f1,2 /keys/host.pub")?))
    }
}

impl Drop for GitHost {
    fn drop(&mut self) {
        // The next run of the same name would say what is in its way.
        drop(Program::docker().args(["rm", "--force", "--volumes", &self.container]).capture());
    }
}

/// The image, for other containers that need git and ssh.
pub(crate) fn ensure_image() -> anyhow::Result<&'static str> {
    if Program::docker().args(["image", "inspect", IMAGE]).capture()?.code == 0 {
        return Ok(IMAGE);
    }
    say("building a git host from Debian's packages (20 s, once)");
    let folder = tempfile::tempdir().context("no folder for the image")?;
    let archive = folder.path().join("host.tar");
    Program::new("mmdebstrap")
        .args(["--quiet", "--variant=minbase", &format!("--include={PACKAGES}"), "trixie"])
        .arg(&archive)
        .read()
        .context("no git host: install `mmdebstrap`")?;
    Program::docker().arg("import").arg(&archive).arg(IMAGE).read()?;
    Ok(IMAGE)
}

/// The last address of a subnet that a container can have.
fn last_address(subnet: &str) -> Option<String> {
    let (base, length) = subnet.split_once('/')?;
    let base: std::net::Ipv4Addr = base.parse().ok()?;
    let size = 1_u32.checked_shl(32 - length.parse::<u32>().ok()?)?;
    Some(std::net::Ipv4Addr::from(u32::from(base).checked_add(size)?.checked_sub(2)?).to_string())
}

#[expect(
    clippy::disallowed_methods,
    reason = "a container is waited for, a bounded number of times"
)]
fn pause() {
    std::thread::sleep(LOOK_EVERY);
}

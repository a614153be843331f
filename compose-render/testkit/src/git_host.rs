//! A git host for tests: a real SSH server with one repository behind a forced command.

use crate::stack::{TEST_LABEL, fail};
use compose_render::{Slug, content_hash};
use compose_run::{Docker, images, program};

/// What it is made of. Built once: no registry is needed, and nothing of it is in what we ship.
const PACKAGES: &str = "git,lighttpd,lighttpd-mod-openssl,openssh-server,openssl";
const SUITE: &str = "trixie";

/// Prepares the server and waits: `acme/widgets.git`, one key that may do git's commands alone.
const SETUP: &str = r#"set -e
mkdir -p /run/sshd /keys
useradd --create-home --password '*' --shell /bin/sh git
ssh-keygen -q -t ed25519 -N '' -C host -f /keys/host
ssh-keygen -q -t ed25519 -N '' -C agentless -f /keys/client
ssh-keygen -q -t ed25519 -N '' -C stranger -f /keys/stranger
mkdir -p /home/git/.ssh
printf 'restrict,command="git-shell -c \\"$SSH_ORIGINAL_COMMAND\\"" %s\n' "$(cat /keys/client.pub)" > /home/git/.ssh/authorized_keys
export GIT_CONFIG_GLOBAL=/keys/gitconfig
git config --global safe.directory '*'
git config --global init.defaultBranch main
git config --global user.name Host
git config --global user.email host@example.test
git init --quiet --bare /home/git/acme/widgets.git
git init --quiet /tmp/seed
cd /tmp/seed
echo hello > readme.md
git add readme.md
git commit --quiet -m first
git push --quiet /home/git/acme/widgets.git main
chown -R git:git /home/git
mkdir -p /var/empty
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=git.example.test -addext subjectAltName=DNS:git.example.test -keyout /keys/tls.key -out /keys/tls.crt 2>/dev/null
cat /keys/tls.key /keys/tls.crt > /keys/tls.pem
echo token-user:first-token > /keys/users
cat > /keys/lighttpd.conf <<'END'
server.document-root = "/var/empty"
server.port = 443
server.modules = ("mod_alias", "mod_auth", "mod_authn_file", "mod_cgi", "mod_openssl", "mod_setenv")
ssl.engine = "enable"
ssl.pemfile = "/keys/tls.pem"
auth.backend = "plain"
auth.backend.plain.userfile = "/keys/users"
auth.require = ("/" => ("method" => "basic", "realm" => "git", "require" => "valid-user"))
alias.url = ("/git" => "/usr/lib/git-core/git-http-backend")
setenv.set-environment = ("GIT_PROJECT_ROOT" => "/home/git", "GIT_HTTP_EXPORT_ALL" => "1")
$HTTP["url"] =~ "^/git" { cgi.assign = ("" => "") }
END
git config --system safe.directory '*'
git config --system http.receivepack true
lighttpd -f /keys/lighttpd.conf
SSHD -h /keys/host
touch /keys/ready
exec sleep infinity
"#;

/// The SSH server, in the background: a test takes it down and brings it up again.
const SSHD: &str =
    "/usr/sbin/sshd -f /dev/null -o UsePAM=no -o StrictModes=no -o PasswordAuthentication=no";

/// A company's proxy: it connects to what it is told, writes down what that was, and wants a login.
const PROXY: &str = r#"use IO::Socket::INET; use IO::Select; $SIG{CHLD} = "IGNORE";
my $l = IO::Socket::INET->new(LocalPort => 3128, Listen => 50, ReuseAddr => 1) or die;
open(my $log, ">>", "/keys/proxied"); $log->autoflush(1);
while (my $c = $l->accept) {
  next if fork;
  my $h = ""; while ($h !~ /\r\n\r\n$/) { sysread($c, my $b, 1) or exit; $h .= $b }
  my ($to) = $h =~ /^CONNECT (\S+)/;
  unless ($h =~ /\r\nProxy-Authorization: Basic dXNlcjpwYXNzd29yZA==\r\n/) { print $c "HTTP/1.1 407 no\r\n\r\n"; exit }
  print $log "$to\n";
  my $u = IO::Socket::INET->new($to) or do { print $c "HTTP/1.1 502 no\r\n\r\n"; exit };
  syswrite $c, "HTTP/1.1 200 ok\r\n\r\n";
  my $s = IO::Select->new($c, $u);
  for (;;) { for my $r ($s->can_read) { my $n = sysread($r, my $b, 65536); exit unless $n; my $w = $r == $c ? $u : $c; my $o = 0; while ($o < $n) { $o += syswrite($w, $b, $n - $o, $o) } } }
}
"#;

/// A running git host. Dropped, it is removed.
#[derive(Debug)]
pub struct GitHost<'a> {
    docker: &'a Docker,
    name: String,
}

impl<'a> GitHost<'a> {
    /// Starts one for the test of that slug.
    pub fn start(docker: &'a Docker, slug: &Slug) -> Self {
        let image = image(docker);
        let name = format!("{}-git-host", slug.project());
        let label = format!("{TEST_LABEL}={slug}");
        let run = ["run", "--detach", "--name", &name, "--label", &label, &image];
        let setup = SETUP.replace("SSHD", SSHD);
        if let Err(error) = docker.call(run).args(["sh", "-c", &setup]).run() {
            fail(&format!("no git host: {error}"));
        }
        let host = Self { docker, name };
        crate::eventually("the git host is ready", || {
            let ready = host.docker.exec(&host.name, None, false, ["test", "-f", "/keys/ready"]);
            ready.run().map_err(|error| error.to_string())
        });
        host
    }

    /// Stands on that network under those names.
    pub fn join(&self, network: &str, aliases: &[&str]) {
        let aliases = aliases.iter().flat_map(|alias| ["--alias", alias]);
        let connect = self.docker.call(["network", "connect"]).args(aliases);
        if let Err(error) = connect.args([network, self.name.as_str()]).run() {
            fail(&format!("the git host cannot join `{network}`: {error}"));
        }
    }

    /// The same, once that network is there: for a bottle that needs the host while it starts.
    ///
    /// It takes the network's last address: the others are the bottle's, whose parts come later.
    pub fn join_once_there(&self, network: &str, aliases: &[&str]) {
        let format = "{{(index .IPAM.Config 0).Subnet}}";
        let subnet = crate::eventually("the network is there", || {
            let inspect = self.docker.capture(["network", "inspect", "--format", format, network]);
            inspect.map_err(|error| error.to_string())
        });
        let Some(last) = last_address(subnet.trim()) else { fail("the network has no subnet") };
        let aliases = aliases.iter().flat_map(|alias| ["--alias", alias]);
        let connect = self.docker.call(["network", "connect", "--ip", &last]).args(aliases);
        if let Err(error) = connect.args([network, self.name.as_str()]).run() {
            fail(&format!("the git host cannot join `{network}`: {error}"));
        }
    }

    /// Serves as a company's proxy as well, on port 3128, for the login `user:password`.
    pub fn serve_proxy(&self) {
        self.shell(&format!("cat > /keys/proxy.pl <<'END'\n{PROXY}END\n: > /keys/proxied"));
        self.shell("setsid perl /keys/proxy.pl > /dev/null 2>&1 < /dev/null &");
        let there = "perl -MIO::Socket::INET -e 'exit !IO::Socket::INET->new(\"127.0.0.1:3128\")'";
        self.shell(&format!("until {there}; do :; done"));
    }

    /// What that proxy was told to connect to, line by line.
    pub fn proxied(&self) -> String {
        self.shell("cat /keys/proxied")
    }

    /// Ends the SSH server and every session of it.
    pub fn end_ssh(&self) {
        self.shell(
            "for file in $(grep -l sshd /proc/[0-9]*/comm); do process=${file%/comm}; kill -KILL \
             ${process#/proc/} 2>/dev/null; done; true",
        );
    }

    /// Serves SSH again, with the host key it always had.
    pub fn serve_ssh(&self) {
        self.shell(&format!("{SSHD} -h /keys/host"));
    }

    /// Serves SSH with another host key.
    pub fn serve_ssh_as_another(&self) {
        self.shell(&format!("{SSHD} -h /keys/stranger"));
    }

    /// The certificate of its web server, which takes git for `token-user` under `/git` and is known as
    /// `git.example.test`.
    pub fn certificate(&self) -> String {
        self.shell("cat /keys/tls.crt") + "\n"
    }

    /// Takes that token, and no other, over https.
    pub fn set_token(&self, token: &str) {
        self.shell(&format!("echo token-user:{token} > /keys/users"));
    }

    /// The private key that may use the repository.
    pub fn key(&self) -> String {
        self.shell("cat /keys/client") + "\n"
    }

    /// A private key that may do nothing here.
    pub fn stranger(&self) -> String {
        self.shell("cat /keys/stranger") + "\n"
    }

    /// A line for `known_hosts` under that name that is not this host's.
    pub fn strange_hosts(&self, alias: &str) -> String {
        let public = self.shell("cut -d' ' -f1,2 /keys/stranger.pub");
        format!("{alias} {public}\n")
    }

    /// Its line for `known_hosts` under that name.
    pub fn known_hosts(&self, alias: &str) -> String {
        let public = self.shell("cut -d' ' -f1,2 /keys/host.pub");
        format!("{alias} {public}\n")
    }

    /// Runs a shell command as the repository's owner, in the repository.
    pub fn git(&self, command: &str) -> String {
        self.shell(&format!("cd /home/git/acme/widgets.git && su git -c '{command}'"))
    }

    fn shell(&self, command: &str) -> String {
        let call = self.docker.exec(&self.name, None, false, ["sh", "-c", command]);
        call.text().unwrap_or_else(|error| fail(&format!("the git host failed: {error}")))
    }
}

/// The last address of a subnet that a container can have.
fn last_address(subnet: &str) -> Option<String> {
    let (base, length) = subnet.split_once('/')?;
    let base: std::net::Ipv4Addr = base.parse().ok()?;
    let size = 1_u32.checked_shl(32 - length.parse::<u32>().ok()?)?;
    Some(std::net::Ipv4Addr::from(u32::from(base).checked_add(size)?.checked_sub(2)?).to_string())
}

impl Drop for GitHost<'_> {
    fn drop(&mut self) {
        let removed = self.docker.run(["rm", "--force", "--volumes", &self.name]);
        assert!(removed.is_ok() || std::thread::panicking(), "{removed:?}");
    }
}

fn image(docker: &Docker) -> String {
    let hash = content_hash([PACKAGES.as_bytes(), SUITE.as_bytes()]);
    let name = compose_render::ImageRef::local("test-git-host", &hash);
    if images::exists(docker, &name).unwrap_or_default() {
        return name.to_string();
    }
    let folder = tempfile::tempdir().unwrap_or_else(|error| fail(&error.to_string()));
    let archive = folder.path().join("host.tar");
    let include = format!("--include={PACKAGES}");
    let built = program::call("mmdebstrap")
        .args(["--quiet", "--variant=minbase", &include, SUITE])
        .arg(&archive)
        .run();
    if let Err(error) = built {
        fail(&format!("no git host: {error}: install `mmdebstrap`"));
    }
    let label = format!("LABEL {}=test-git-host", images::PART_LABEL);
    let import = docker.call(["import", "--change", &label]).arg(&archive).arg(name.as_str());
    if let Err(error) = import.run() {
        fail(&format!("no git host: {error}"));
    }
    name.to_string()
}

//! The way to an upstream: its URL for git, and the settings by which git reaches that and no other.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use compose_render::{Secret, base64};
use git_gate::{Gated, Transport, hex};
use sha2::{Digest as _, Sha256};

use crate::ground::Ground;
use crate::program::Program;
use crate::trouble::Trouble;

/// For so long a connection by ssh is kept after its last use, in seconds.
const KEPT: u32 = 120;

/// One contact with an upstream.
#[derive(Clone, Debug)]
pub(crate) struct Way<'a> {
    pub(crate) ground: &'a Ground,
    pub(crate) upstream: &'a Gated,
    /// The checked address; `None` for a folder.
    pub(crate) address: Option<IpAddr>,
    /// A port of loopback that leads to that address, where a proxy stands between.
    pub(crate) relay: Option<u16>,
    pub(crate) token: Option<&'a Secret>,
}

impl Way<'_> {
    /// What git is given as the repository: always a URL, never the name of a remote.
    pub(crate) fn url(&self) -> String {
        if let Some(folder) = &self.upstream.local {
            return folder.to_string_lossy().into_owned();
        }
        let url = &self.upstream.url;
        let (host, port, path) = (url.host(), url.port(), url.path());
        match url.transport() {
            Transport::Ssh if url.is_scp_like() => format!("{}@{host}:{path}", url.user()),
            Transport::Ssh => format!("ssh://{}@{host}:{port}/{path}", url.user()),
            Transport::Https => format!("https://{host}:{port}/{path}"),
        }
    }

    /// What went wrong, of what git and ssh printed.
    pub(crate) fn trouble(&self, stderr: &str) -> Trouble {
        match (Trouble::of(stderr), self.relay) {
            (Trouble::Unreachable, Some(_)) => Trouble::BehindProxy,
            (trouble, _) => trouble,
        }
    }

    /// Sets git up for this one upstream.
    pub(crate) fn open(&self, git: Program) -> Program {
        if self.upstream.local.is_some() {
            return git.setting("protocol.file.allow", "always");
        }
        match self.upstream.url.transport() {
            Transport::Ssh => git
                .setting("protocol.ssh.allow", "always")
                .variable("GIT_SSH_VARIANT", "ssh")
                .variable("GIT_SSH_COMMAND", self.ssh()),
            Transport::Https => self.https(git),
        }
    }

    /// ssh as the gate uses it: the checked address, one key, one list of host keys, no agent, no
    /// configuration of anybody. Every value here is ours or an address.
    fn ssh(&self) -> String {
        let url = &self.upstream.url;
        let folder = self.ground.folder();
        let file = |name: &Option<PathBuf>| {
            name.as_ref().map_or_else(
                || "/dev/null".to_owned(),
                |name| folder.join(name).to_string_lossy().into_owned(),
            )
        };
        let alias = match url.port() {
            22 => url.host().to_owned(),
            port => format!("[{}]:{port}", url.host()),
        };
        let dialled = self.relay.map(|_| IpAddr::from(Ipv4Addr::LOCALHOST)).or(self.address);
        let dialled = dialled.map_or_else(|| "0.0.0.0".to_owned(), |at| at.to_string());
        let mut options = vec![
            "BatchMode=yes".to_owned(),
            "IdentitiesOnly=yes".to_owned(),
            format!("IdentityFile={}", file(&self.upstream.key)),
            format!("UserKnownHostsFile={}", file(&self.upstream.known_hosts)),
            "GlobalKnownHostsFile=/dev/null".to_owned(),
            "StrictHostKeyChecking=yes".to_owned(),
            "CheckHostIP=no".to_owned(),
            "UpdateHostKeys=no".to_owned(),
            format!("HostKeyAlias={alias}"),
            format!("HostName={dialled}"),
            "ForwardAgent=no".to_owned(),
            "ClearAllForwardings=yes".to_owned(),
            "PermitLocalCommand=no".to_owned(),
            "PasswordAuthentication=no".to_owned(),
            "KbdInteractiveAuthentication=no".to_owned(),
            // Through a proxy, several addresses may be tried.
            format!("ConnectTimeout={}", if self.relay.is_some() { 20 } else { 10 }),
            "ServerAliveInterval=15".to_owned(),
            "ServerAliveCountMax=4".to_owned(),
            "LogLevel=ERROR".to_owned(),
            // One login for the fetch before a push, the push, and those soon after.
            "ControlMaster=auto".to_owned(),
            format!("ControlPersist={KEPT}"),
            format!("ControlPath={}", self.control().to_string_lossy()),
        ];
        // ssh takes the first port it is told, and git tells that of the URL after ours.
        options.extend(self.relay.map(|port| format!("Port={port}")));
        if self.upstream.key.is_none() {
            options.push("PubkeyAuthentication=no".to_owned());
        }
        let quoted: Vec<_> = options.iter().map(|option| format!("-o '{option}'")).collect();
        format!("ssh -F /dev/null {}", quoted.join(" "))
    }

    /// The socket of the connection that is kept: another for each upstream, address, key and list of
    /// host keys, so that no contact goes on as somebody else.
    fn control(&self) -> PathBuf {
        let folder = self.ground.folder();
        let mut sha = Sha256::new();
        let mut part = |bytes: &[u8]| {
            sha.update((bytes.len() as u64).to_be_bytes());
            sha.update(bytes);
        };
        part(self.upstream.url.as_str().as_bytes());
        part(self.address.map(|at| at.to_string()).unwrap_or_default().as_bytes());
        part(if self.relay.is_some() { b"through a proxy" } else { b"" });
        for name in [&self.upstream.key, &self.upstream.known_hosts].into_iter().flatten() {
            part(&std::fs::read(folder.join(name)).unwrap_or_default());
        }
        let digest = hex(sha.finalize().get(..8).unwrap_or_default());
        self.ground.run.join(format!("ssh-{digest}"))
    }

    fn https(&self, git: Program) -> Program {
        let url = &self.upstream.url;
        let proxy = self.relay.map(|port| format!("http://127.0.0.1:{port}")).unwrap_or_default();
        let mut git = git
            .setting("protocol.https.allow", "always")
            .setting("http.followRedirects", "false")
            .setting("http.sslVerify", "true")
            .setting("http.proxy", &proxy)
            .setting("http.lowSpeedLimit", "100")
            .setting("http.lowSpeedTime", "60");
        if let Some(address) = self.address {
            let address = match address {
                IpAddr::V4(v4) => v4.to_string(),
                IpAddr::V6(v6) => format!("[{v6}]"),
            };
            let resolve = format!("{}:{}:{address}", url.host(), url.port());
            git = git.setting("http.curloptResolve", &resolve);
        }
        if let Some(roots) = self.ground.roots() {
            git = git.setting("http.sslCAInfo", &roots.to_string_lossy());
        }
        if let (Some(credential), Some(token)) = (&self.upstream.credential, self.token) {
            let pair = format!("{}:{}", credential.user, token.expose());
            let header = format!("Authorization: Basic {}", base64(pair.as_bytes()));
            // In git's environment: in no argument and in no file.
            git = git.setting("http.extraHeader", &header);
        }
        git
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_the_published_one() {
        for (plain, coded) in [("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")]
        {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
    }

    #[test]
    fn h4_a_kept_login_is_of_one_key() {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("gate.yaml");
        let ground = Ground::new(config, "/m".into(), "/run".into());
        let upstream = Gated {
            url: "git@git.example.org:a/b.git".parse().unwrap(),
            local: None,
            key: Some("key".into()),
            known_hosts: None,
            credential: None,
            push: Vec::new(),
            protected: Vec::new(),
        };
        let control = |key: &str| {
            crate::ground::put(&folder.path().join("key"), key.as_bytes()).unwrap();
            let way = Way {
                ground: &ground,
                upstream: &upstream,
                address: None,
                relay: None,
                token: None,
            };
            way.control()
        };
        let first = control("one");
        assert_eq!(first, control("one"));
        assert_ne!(first, control("another"));
        // A socket's name may have a hundred bytes, and ssh adds some while it makes one.
        assert!(first.as_os_str().len() < 60);
    }

    #[test]
    fn h4_ssh_dials_the_checked_address_and_believes_one_list() {
        let ground = Ground::new("/config/gate.yaml".into(), "/m".into(), "/run".into());
        let upstream = Gated {
            url: "ssh://git@git.example.org:2222/a/b.git".parse().unwrap(),
            local: None,
            key: Some("keys/0".into()),
            known_hosts: Some("keys/0.known_hosts".into()),
            credential: None,
            push: Vec::new(),
            protected: Vec::new(),
        };
        let address = Some("192.0.2.7".parse().unwrap());
        let way = Way { ground: &ground, upstream: &upstream, address, relay: None, token: None };
        let ssh = way.ssh();
        for part in [
            "-F /dev/null",
            "'HostName=192.0.2.7'",
            "'HostKeyAlias=[git.example.org]:2222'",
            "'IdentityFile=/config/keys/0'",
            "'UserKnownHostsFile=/config/keys/0.known_hosts'",
            "'StrictHostKeyChecking=yes'",
            "'ForwardAgent=no'",
        ] {
            assert!(ssh.contains(part), "{part}: {ssh}");
        }
        assert_eq!(way.url(), "ssh://git@git.example.org:2222/a/b.git");
    }
}

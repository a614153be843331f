//! `gate.yaml`: what the launcher writes and the gate reads, checked the same way by both.

use std::path::PathBuf;

use compose_render::{Slug, UPSTREAM_PROXY_CREDENTIAL, UpstreamProxy};
use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::own_secrets::hex;
use crate::{FilePattern, PushRef, Rules, Token, UpstreamUrl};

/// The file's name in git-gate's folder.
pub const NAME: &str = "gate.yaml";

/// The most a file may hold.
const MAX_LEN: usize = 1024 * 1024;

/// What the gate stands before, and within which bounds it judges.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct GateFile {
    version: u32,
    pub bottle: Slug,
    /// Networks no upstream is dialled in: the bottle's own.
    pub never_dial: Vec<Ipv4Net>,
    pub limits: Limits,
    /// What every upstream is reached through: a company's proxy. Its login is in the environment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upstream_proxy: Option<UpstreamProxy>,
    pub upstreams: Vec<Gated>,
}

/// The bounds of one push.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Of the pack as it is sent.
    pub pack_bytes: u64,
    /// Of all new objects, unpacked.
    pub object_bytes: u64,
    /// Of one file.
    pub file_bytes: u64,
    /// Of what one archive unpacks to.
    pub unpacked_bytes: u64,
    pub objects: u64,
    pub refs: usize,
    /// From the first byte to the verdict.
    pub seconds: u64,
    /// Up to this much new text, gitleaks looks as well.
    pub second_opinion_bytes: u64,
    /// So long a push that a person has to allow is held, before it is refused.
    pub hold_seconds: u64,
}

impl Default for Limits {
    /// What a person's push stays well within, and a hostile one does not stall the gate by.
    fn default() -> Self {
        Self {
            pack_bytes: 512 << 20,
            object_bytes: 2 << 30,
            file_bytes: 100 << 20,
            unpacked_bytes: 256 << 20,
            objects: 2_000_000,
            refs: 32,
            seconds: 600,
            second_opinion_bytes: 1 << 20,
            hold_seconds: 60,
        }
    }
}

/// One repository behind the gate, as the data plane needs it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Gated {
    pub url: UpstreamUrl,
    /// A folder that takes the upstream's place. For tests: the launcher never writes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local: Option<PathBuf>,
    /// The key's file, below the folder of this file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<PathBuf>,
    /// The believed host keys' file, below the folder of this file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known_hosts: Option<PathBuf>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<Token>,
    pub push: Vec<PushRef>,
    /// Files that run elsewhere with more rights, and may be pushed all the same.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub protected: Vec<FilePattern>,
}

/// Why a gate file is refused.
#[derive(Debug, thiserror::Error)]
pub enum InvalidGate {
    #[error("it is larger than 1 MiB")]
    TooLarge,
    #[error("it is not in the form of a gate file")]
    Form(#[from] serde_yaml::Error),
    #[error("its version is {0}; this git-gate reads version 1")]
    Version(u32),
    #[error("two upstreams are `{0}` at the gate")]
    Twice(String),
    #[error("a proxy on the way upstream has one host and a port from 1 to 65535")]
    Proxy,
    #[error(
        "`{UPSTREAM_PROXY_CREDENTIAL}` is the name of the proxy's login, and an upstream's credential has it"
    )]
    ProxyLogin,
}

impl GateFile {
    pub fn new(bottle: Slug, never_dial: Vec<Ipv4Net>, upstreams: Vec<Gated>) -> Self {
        let limits = Limits::default();
        Self { version: 1, bottle, never_dial, limits, upstream_proxy: None, upstreams }
    }

    /// Reads and checks a gate file.
    ///
    /// # Errors
    ///
    /// Whatever is wrong with it.
    pub fn parse(text: &str) -> Result<Self, InvalidGate> {
        if text.len() > MAX_LEN {
            return Err(InvalidGate::TooLarge);
        }
        let file: Self = serde_yaml::from_str(text)?;
        if file.version != 1 {
            return Err(InvalidGate::Version(file.version));
        }
        if let Some(proxy) = &file.upstream_proxy {
            if proxy.host.is_wildcard() || proxy.port == 0 {
                return Err(InvalidGate::Proxy);
            }
            let mut tokens = file.upstreams.iter().filter_map(|one| one.credential.as_ref());
            if tokens.any(|token| token.env == UPSTREAM_PROXY_CREDENTIAL) {
                return Err(InvalidGate::ProxyLogin);
            }
        }
        let mut names: Vec<String> = file.upstreams.iter().map(|one| one.url.name()).collect();
        names.sort();
        match names.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => Err(InvalidGate::Twice(pair[0].clone())),
            None => Ok(file),
        }
    }

    /// The file's text. Every default is written out: the file shows the whole truth.
    pub fn render(&self) -> String {
        let body = serde_yaml::to_string(self).unwrap_or_default();
        format!("# Written by bottle. Changes by hand are replaced.\n{body}")
    }

    /// What `status` reports of a file that is in force: the SHA-256 of its bytes.
    pub fn digest(text: &str) -> String {
        hex(&Sha256::digest(text))
    }

    /// The rules of this bottle for that upstream.
    pub fn rules(&self, upstream: &Gated) -> Rules {
        Rules::new(self.bottle.clone(), upstream.push.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documentation_tells_the_limits_that_hold() {
        let text = include_str!("../../docs/git.md");
        let limits = Limits::default();
        let (mib, gib) = (1 << 20, 1 << 30);
        for told in [
            format!("({} refs, ", limits.refs),
            format!("{} GiB of new objects", limits.object_bytes / gib),
            format!("{} minutes)", limits.seconds / 60),
            format!("a file over {} MiB", limits.file_bytes / mib),
            format!("unpacks to more than {} MiB", limits.unpacked_bytes / mib),
            format!("Up to {} MiB of new text, gitleaks looks", limits.second_opinion_bytes / mib),
            format!("The push is held for {} s", limits.hold_seconds),
        ] {
            assert!(text.contains(&told), "{told}");
        }
    }

    #[test]
    fn c6_a_proxy_is_one_place_and_its_login_is_nobodys_token() {
        let upstream = |env: &str| {
            let text =
                format!("url: https://git.example.org/a/b\ncredential: {{env: {env}}}\npush: []\n");
            serde_yaml::from_str::<Gated>(&text).unwrap()
        };
        let text = |host: &str, port: u16, env: &str| {
            let mut file = GateFile::new("b".parse().unwrap(), Vec::new(), vec![upstream(env)]);
            file.upstream_proxy = Some(UpstreamProxy { host: host.parse().unwrap(), port });
            file.render()
        };
        assert!(GateFile::parse(&text("proxy.example.org", 3128, "TOKEN")).is_ok());
        assert!(GateFile::parse(&text("10.0.0.1", 3128, "TOKEN")).is_ok());
        for (host, port, env) in [
            ("*.example.org", 3128, "TOKEN"),
            ("proxy.example.org", 0, "TOKEN"),
            ("proxy.example.org", 3128, UPSTREAM_PROXY_CREDENTIAL),
        ] {
            assert!(GateFile::parse(&text(host, port, env)).is_err(), "{host} {port} {env}");
        }
    }
}

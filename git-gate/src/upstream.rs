//! Where a repository is: `git@host:owner/repo.git`, `ssh://…` or `https://…`, and nothing else.

use std::fmt;
use std::str::FromStr;

use compose_render::HostPattern;
use serde::{Deserialize, Serialize};

/// The URL of a repository the gate may speak to.
///
/// Only ssh and https: git's other transports run programs or read the gate's own disk.
#[derive(Clone, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct UpstreamUrl {
    text: String,
    transport: Transport,
    user: String,
    host: String,
    port: u16,
    path: String,
}

/// How a repository is reached.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Transport {
    Ssh,
    Https,
}

impl Transport {
    /// The port that a URL need not name.
    pub const fn port(self) -> u16 {
        match self {
            Self::Ssh => 22,
            Self::Https => 443,
        }
    }
}

/// A URL that names no repository the gate may speak to.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("`{}` is no git upstream: {why}", .text.escape_debug())]
pub struct InvalidUpstreamUrl {
    text: String,
    why: &'static str,
}

impl UpstreamUrl {
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The host's name, in lower case.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The repository on that host, without a leading slash: `acme/widgets.git`.
    pub fn path(&self) -> &str {
        &self.path
    }

    pub fn transport(&self) -> Transport {
        self.transport
    }

    /// Whether it is written as `host:path`, where the path begins in the user's home.
    pub fn is_scp_like(&self) -> bool {
        !self.text.contains("://")
    }

    /// Who logs in by ssh.
    pub fn user(&self) -> &str {
        &self.user
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// The repository at the gate, without `.git`: `github.com/acme/widgets`.
    pub fn name(&self) -> String {
        format!("{}/{}", self.host, self.path.strip_suffix(".git").unwrap_or(&self.path))
    }

    /// The beginnings of the URLs by which people and tools know the repository, to which `.git`
    /// or nothing is added.
    pub fn spellings(&self) -> Vec<String> {
        let (host, user) = (&self.host, &self.user);
        let path = self.path.strip_suffix(".git").unwrap_or(&self.path);
        let mut all = vec![
            format!("https://{host}/{path}"),
            format!("git@{host}:{path}"),
            format!("ssh://git@{host}/{path}"),
        ];
        let own = match self.transport {
            Transport::Ssh => [
                format!("{user}@{host}:{path}"),
                format!("ssh://{user}@{host}/{path}"),
                format!("ssh://{user}@{host}:{}/{path}", self.port),
            ]
            .to_vec(),
            Transport::Https => vec![format!("https://{host}:{}/{path}", self.port)],
        };
        let new = |spelling: &String| !all.contains(spelling);
        let own: Vec<String> = own.into_iter().filter(new).collect();
        all.extend(own);
        all
    }
}

impl FromStr for UpstreamUrl {
    type Err = InvalidUpstreamUrl;

    fn from_str(text: &str) -> Result<Self, InvalidUpstreamUrl> {
        let fault = |why| InvalidUpstreamUrl { text: text.to_owned(), why };
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(fault("it has a space or a control character in it"));
        }
        let mut transport = Transport::Ssh;
        let (authority, path) = if let Some(rest) = text.strip_prefix("ssh://") {
            rest.split_once('/').ok_or(fault("it names no repository"))?
        } else if let Some(rest) = text.strip_prefix("https://") {
            if rest.split('/').next().is_some_and(|authority| authority.contains('@')) {
                return Err(fault("a login in a URL ends in logs; name a credential instead"));
            }
            transport = Transport::Https;
            rest.split_once('/').ok_or(fault("it names no repository"))?
        } else if text.contains("://") || text.contains("::") {
            return Err(fault("only ssh and https are spoken"));
        } else {
            text.split_once(':').ok_or(fault("only ssh and https are spoken"))?
        };
        let (user, host) = authority.split_once('@').unwrap_or(("git", authority));
        let name_like = |part: &str| {
            !part.is_empty()
                && !part.starts_with(['-', '.'])
                && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._~+-".contains(&byte))
        };
        if !name_like(user) {
            return Err(fault("its user is no plain name"));
        }
        let (host, port) = match host.split_once(':') {
            Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => {
                (host, port.parse::<u16>().map_err(|_| fault("its port is no number"))?)
            }
            Some(_) => return Err(fault("its port is no number")),
            None => (host, transport.port()),
        };
        match host.parse::<HostPattern>() {
            Ok(pattern) if !pattern.is_wildcard() => {}
            _ => return Err(fault("its host is no host name")),
        }
        let path = path.trim_start_matches('/');
        if !path.split('/').all(name_like) || path.ends_with("/.git") {
            return Err(fault("its path is not made of plain names"));
        }
        let (host, user) = (host.to_ascii_lowercase(), user.to_owned());
        Ok(Self { text: text.to_owned(), transport, user, host, port, path: path.to_owned() })
    }
}

impl TryFrom<String> for UpstreamUrl {
    type Error = InvalidUpstreamUrl;

    fn try_from(text: String) -> Result<Self, InvalidUpstreamUrl> {
        text.parse()
    }
}

impl From<UpstreamUrl> for String {
    fn from(url: UpstreamUrl) -> Self {
        url.text
    }
}

impl fmt::Display for UpstreamUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_the_forms_people_copy() {
        for (text, host, path) in [
            ("git@github.com:acme/widgets.git", "github.com", "acme/widgets.git"),
            ("ssh://git@Git.Example.org:2222/acme/widgets", "git.example.org", "acme/widgets"),
            ("https://gitlab.com/group/sub/widgets.git", "gitlab.com", "group/sub/widgets.git"),
        ] {
            let url: UpstreamUrl = text.parse().unwrap();
            assert_eq!((url.host(), url.path(), url.as_str()), (host, path, text));
        }
    }

    #[test]
    fn knows_the_spellings_of_one_repository() {
        let url: UpstreamUrl = "ssh://me@Git.example.org:2222/acme/widgets.git".parse().unwrap();
        assert_eq!((url.name().as_str(), url.port()), ("git.example.org/acme/widgets", 2222));
        let all = url.spellings();
        for spelling in [
            "https://git.example.org/acme/widgets",
            "git@git.example.org:acme/widgets",
            "ssh://me@git.example.org:2222/acme/widgets",
        ] {
            assert!(all.iter().any(|one| one == spelling), "{spelling}: {all:?}");
        }
        let url: UpstreamUrl = "https://git.example.org/a/b".parse().unwrap();
        assert_eq!((url.transport(), url.port()), (Transport::Https, 443));
    }

    #[test]
    fn h4_refuses_every_transport_and_trick() {
        for text in [
            "",
            "/srv/repo.git",
            "../repo",
            "file:///srv/repo.git",
            "ext::sh -c id",
            "ext::id",
            "http://github.com/a/b",
            "git://github.com/a/b",
            "-oProxyCommand=id:a/b",
            "git@-oProxyCommand=id:a/b",
            "git@github.com:../other",
            "git@github.com:~user/x;id",
            "git@github.com:a/$(id)",
            "git@github.com:a/../b",
            "git@github.com:-upload-pack=x",
            "https://user:token@github.com/a/b",
            "https://github.com",
            "ssh://git@host:99999/a",
            "git@github.com:a\n/b",
            "git@*.github.com:a/b",
        ] {
            assert!(text.parse::<UpstreamUrl>().is_err(), "{text:?}");
        }
    }
}

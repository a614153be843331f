//! What a request asks of the gate, decided from its method, path and query alone.

use http::{Method, Uri};

/// Which of git's two services.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Service {
    Fetch,
    Push,
}

impl Service {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Fetch => "git-upload-pack",
            Self::Push => "git-receive-pack",
        }
    }
}

/// What is asked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Asked {
    /// Which refs there are, before a fetch or a push.
    Refs {
        name: String,
        service: Service,
    },
    /// The fetch or push itself.
    Exchange {
        name: String,
        service: Service,
    },
    /// The rules, as text.
    Policy,
    Lfs {
        name: String,
        /// Which of its services: `objects/batch`, `locks/verify`.
        rest: String,
    },
    /// git's old protocol, which hands out files.
    Dumb {
        name: String,
    },
    Nothing,
}

impl Asked {
    pub(crate) fn of(method: &Method, uri: &Uri) -> Self {
        let path = uri.path();
        if path == "/policy" && method == Method::GET {
            return Self::Policy;
        }
        let Some(path) = path.strip_prefix('/').filter(|path| path.bytes().all(plain)) else {
            return Self::Nothing;
        };
        if let Some((name, rest)) = path.split_once("/info/lfs") {
            let rest = rest.trim_start_matches('/').to_owned();
            return Self::Lfs { name: repository(name), rest };
        }
        if let Some(name) = path.strip_suffix("/info/refs").map(repository) {
            return match (method, uri.query()) {
                (&Method::GET, Some("service=git-upload-pack")) => {
                    Self::Refs { name, service: Service::Fetch }
                }
                (&Method::GET, Some("service=git-receive-pack")) => {
                    Self::Refs { name, service: Service::Push }
                }
                _ => Self::Dumb { name },
            };
        }
        for service in [Service::Fetch, Service::Push] {
            let end = format!("/{}", service.as_str());
            if let Some(name) = path.strip_suffix(&end).map(repository)
                && method == Method::POST
                && uri.query().is_none()
            {
                return Self::Exchange { name, service };
            }
        }
        Self::Nothing
    }
}

/// What a repository's name is made of; nothing here is ever decoded.
fn plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"/._~+-".contains(&byte)
}

/// The name of an upstream at the gate: the host in lower case, no `.git`.
fn repository(path: &str) -> String {
    let path = path.strip_suffix(".git").unwrap_or(path);
    match path.split_once('/') {
        Some((host, rest)) => format!("{}/{rest}", host.to_ascii_lowercase()),
        None => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(method: &Method, uri: &str) -> Asked {
        Asked::of(method, &uri.parse().unwrap())
    }

    #[test]
    fn knows_gits_four_requests() {
        let name = || "github.com/a/b".to_owned();
        for uri in ["/github.com/a/b.git", "/GitHub.com/a/b"] {
            let refs = asked(&Method::GET, &format!("{uri}/info/refs?service=git-receive-pack"));
            assert_eq!(refs, Asked::Refs { name: name(), service: Service::Push });
            let post = asked(&Method::POST, &format!("{uri}/git-upload-pack"));
            assert_eq!(post, Asked::Exchange { name: name(), service: Service::Fetch });
        }
    }

    #[test]
    fn h4_nothing_else_reaches_git() {
        for (method, uri) in [
            (Method::POST, "/github.com/a/b.git/info/refs?service=git-upload-pack"),
            (Method::GET, "/github.com/a/b.git/info/refs"),
            (Method::GET, "/github.com/a/b.git/info/refs?service=git-upload-archive"),
            (Method::GET, "/github.com/a/b.git/info/refs?service=git-receive-pack&x=1"),
            (Method::GET, "/github.com/a/b.git/git-receive-pack"),
            (Method::POST, "/github.com/a/b.git/git-receive-pack?x"),
            (Method::GET, "/github.com/a/b.git/HEAD"),
            (Method::GET, "/github.com/a/b.git/objects/info/packs"),
            (Method::POST, "/github.com/a/%2e%2e/b.git/git-receive-pack"),
            (Method::POST, "/github.com/a/b;id/git-receive-pack"),
            (Method::POST, "/github.com/a/$(id)/git-receive-pack"),
        ] {
            let asked = asked(&method, uri);
            let served = matches!(asked, Asked::Refs { .. } | Asked::Exchange { .. });
            assert!(!served, "{uri}: {asked:?}");
        }
    }
}

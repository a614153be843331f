//! What can be asked for. What cannot be said here cannot be asked for: no port, no value of a
//! credential, no change to a sidecar.

mod check;

use std::fmt;

use compose_render::HostPattern;
use serde::{Deserialize, Serialize};

/// The most methods or paths in one proposal.
const MAX_LIST: usize = 16;
/// The longest path.
const MAX_PATH: usize = 512;
/// The most hosts of a package.
const MAX_HOSTS: usize = 4;
/// The longest name of a credential, a package, an upstream or a ref.
const MAX_NAME: usize = 255;

/// What is asked for.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Ask {
    /// Requests to a host, without a credential.
    Egress(Requests),
    /// Requests to a host with a credential that the bottle has.
    CredentialUse(CredentialUse),
    /// That the gate lets one object pass to one ref, once.
    Push(Push),
    /// That a package manager reads from the hosts of a package.
    Package(Package),
}

/// Requests to one host.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Requests {
    pub host: HostPattern,
    /// Empty means each of them.
    #[serde(default)]
    pub methods: Vec<String>,
    /// Globs as in a route; empty means each path.
    #[serde(default)]
    pub paths: Vec<String>,
}

impl Requests {
    /// Whether it is for some methods or paths alone.
    pub const fn is_narrow(&self) -> bool {
        !(self.methods.is_empty() && self.paths.is_empty())
    }
}

/// Requests with a credential, which is named and never held by the agent.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct CredentialUse {
    /// The variable that the manifest names it by.
    pub credential: String,
    pub host: HostPattern,
    #[serde(default)]
    pub methods: Vec<String>,
    #[serde(default)]
    pub paths: Vec<String>,
}

/// One object for one ref of one upstream.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Push {
    /// As in the address at the gate: `git.example.org/acme/widgets`.
    pub upstream: String,
    /// In full: `refs/heads/fix-login`.
    pub reference: String,
    /// The object's name, in full.
    pub object: String,
}

/// A package, and the hosts that its manager reads from.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Package {
    pub manager: Manager,
    pub package: String,
    pub hosts: Vec<HostPattern>,
}

/// A package manager.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Manager {
    Apt,
    Cargo,
    Pip,
}

/// Why something cannot be asked for.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidAsk {
    #[error("more than {MAX_LIST} {0} in one proposal")]
    TooMany(&'static str),
    #[error("`{0}` is not an HTTP method that can be allowed, such as `GET`")]
    Method(String),
    #[error("`{0}` is not a path: it begins with `/`, has no query, and at most {MAX_PATH} bytes")]
    Path(String),
    #[error("`{0}` is not the name of a credential, such as `API_TOKEN`; `policy` names them")]
    Credential(String),
    #[error("`{0}` is not an upstream, such as `git.example.org/acme/widgets`")]
    Upstream(String),
    #[error("`{0}` is not a ref in full, such as `refs/heads/fix-login`")]
    Reference(String),
    #[error("`{0}` is not an object's name in full, as `git rev-parse HEAD` prints it")]
    Object(String),
    #[error("`{0}` is not the name of one package")]
    Package(String),
    #[error("a package has one to {MAX_HOSTS} hosts, each named whole")]
    Hosts,
    #[error("the reason is empty: a person is going to read it")]
    NoReason,
    #[error("the reason has more than {} bytes", crate::proposal::MAX_REASON)]
    LongReason,
    #[error("the id does not belong to what is asked for")]
    ForeignId,
    #[error("it is not in the form of a proposal")]
    Form,
}

impl Ask {
    /// The same with its lists in one order, so that asking twice is asking once.
    ///
    /// # Errors
    ///
    /// What cannot be asked for, or is too much.
    pub fn canonical(self) -> Result<Self, InvalidAsk> {
        Ok(match self {
            Self::Egress(mut at) => {
                check::requests(&mut at.methods, &mut at.paths)?;
                Self::Egress(at)
            }
            Self::CredentialUse(mut of) => {
                check::requests(&mut of.methods, &mut of.paths)?;
                check::credential(&of.credential)?;
                Self::CredentialUse(of)
            }
            Self::Push(push) => Self::Push(check::push(push)?),
            Self::Package(package) => Self::Package(check::package(package)?),
        })
    }

    /// The word for its kind.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Egress(_) => "egress",
            Self::CredentialUse(_) => "credential-use",
            Self::Push(_) => "push",
            Self::Package(_) => "package",
        }
    }

    /// The requests it comes to; none for a push.
    pub fn requests(&self) -> Vec<Requests> {
        match self {
            Self::Egress(requests) => vec![requests.clone()],
            Self::CredentialUse(of) => {
                let (host, methods, paths) =
                    (of.host.clone(), of.methods.clone(), of.paths.clone());
                vec![Requests { host, methods, paths }]
            }
            Self::Push(_) => Vec::new(),
            Self::Package(package) => {
                let methods = ["GET", "HEAD"].map(str::to_owned).to_vec();
                let of = |host| Requests { host, methods: methods.clone(), paths: Vec::new() };
                package.hosts.iter().cloned().map(of).collect()
            }
        }
    }

    /// The credential that would be used.
    pub fn credential(&self) -> Option<&str> {
        match self {
            Self::CredentialUse(of) => Some(&of.credential),
            Self::Egress(_) | Self::Push(_) | Self::Package(_) => None,
        }
    }

    /// The push it is about.
    pub const fn push(&self) -> Option<&Push> {
        match self {
            Self::Push(push) => Some(push),
            Self::Egress(_) | Self::CredentialUse(_) | Self::Package(_) => None,
        }
    }

    /// The host it is about, the first where there are several.
    pub fn host(&self) -> Option<&HostPattern> {
        match self {
            Self::Egress(at) => Some(&at.host),
            Self::CredentialUse(of) => Some(&of.host),
            Self::Package(package) => package.hosts.first(),
            Self::Push(_) => None,
        }
    }

    /// All of it, part by part, its kind first: what an id is made of.
    pub(crate) fn parts(&self) -> Vec<String> {
        let mut parts = vec![self.kind().to_owned()];
        let mut requests = |host: &HostPattern, lists: [&[String]; 2]| {
            parts.push(host.to_string());
            for texts in lists {
                parts.push(texts.len().to_string());
                parts.extend(texts.iter().cloned());
            }
        };
        match self {
            Self::Egress(at) => requests(&at.host, [&at.methods, &at.paths]),
            Self::CredentialUse(of) => {
                requests(&of.host, [&of.methods, &of.paths]);
                parts.push(of.credential.clone());
            }
            Self::Push(Push { upstream, reference, object }) => {
                parts.extend([upstream, reference, object].map(Clone::clone));
            }
            Self::Package(Package { manager, package, hosts }) => {
                parts.extend([manager.to_string(), package.clone()]);
                parts.extend(hosts.iter().map(ToString::to_string));
            }
        }
        parts
    }
}

impl fmt::Display for Manager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Apt => "apt",
            Self::Cargo => "cargo",
            Self::Pip => "pip",
        })
    }
}

impl fmt::Display for Requests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let any = |list: &[String], all: &str| match list {
            [] => all.to_owned(),
            some => some.join(" "),
        };
        let (methods, paths) = (any(&self.methods, "every method"), any(&self.paths, "every path"));
        write!(f, "{}: {methods}, {paths}", self.host)
    }
}

/// What is asked for, in a line.
impl fmt::Display for Ask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Egress(requests) => requests.fmt(f),
            Self::CredentialUse(of) => {
                self.requests().iter().try_for_each(|requests| requests.fmt(f))?;
                write!(f, ", with the credential {}", of.credential)
            }
            Self::Push(Push { upstream, reference, object }) => {
                let short: String = object.chars().take(12).collect();
                write!(f, "push {short} to {reference} of {upstream}, once")
            }
            Self::Package(Package { manager, package, hosts }) => {
                let hosts: Vec<_> = hosts.iter().map(ToString::to_string).collect();
                write!(f, "{manager} package {package}: reading from {}", hosts.join(" "))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Ask, String> {
        let ask: Ask = serde_json::from_str(text).map_err(|error| error.to_string())?;
        ask.canonical().map_err(|error| error.to_string())
    }

    #[test]
    fn j8_nothing_but_what_a_kind_says_can_be_asked_for() {
        let object = "0123456789012345678901234567890123456789";
        for (good, line) in [
            (r#"{"kind":"egress","host":"a.org"}"#, "a.org: every method, every path"),
            (
                r#"{"kind":"credential-use","credential":"A_KEY","host":"a.org","methods":["GET"]}"#,
                "a.org: GET, every path, with the credential A_KEY",
            ),
            (
                r#"{"kind":"package","manager":"pip","package":"six","hosts":["b.org","a.org"]}"#,
                "pip package six: reading from a.org b.org",
            ),
        ] {
            assert_eq!(read(good).unwrap().to_string(), line);
        }
        for bad in [
            r#"{"kind":"egress","host":"a.org","methods":[],"paths":[],"remove":"pipelock"}"#,
            r#"{"kind":"egress","host":"*","methods":[],"paths":[]}"#,
            r#"{"kind":"egress","host":"*.com","methods":[],"paths":[]}"#,
            r#"{"kind":"egress","host":"a.org","credential":"ANTHROPIC_API_KEY"}"#,
            r#"{"kind":"egress","host":"a.org:22"}"#,
            r#"{"kind":"egress","methods":["GET"]}"#,
            r#"{"kind":"egress","host":"a.org","methods":["TRACE"]}"#,
            r#"{"kind":"egress","host":"a.org","methods":["get"]}"#,
            r#"{"kind":"egress","host":"a.org","methods":["GET\r\nX"]}"#,
            r#"{"kind":"egress","host":"a.org","paths":["x"]}"#,
            r#"{"kind":"egress","host":"a.org","paths":["/a b"]}"#,
            r#"{"kind":"egress","host":"a.org","paths":["/a?q"]}"#,
            r#"{"kind":"egress","host":"a.org","paths":["/\u202ea"]}"#,
            r#"{"kind":"sidecar","remove":"pipelock"}"#,
            r#"{"kind":"credential-use","host":"a.org"}"#,
            r#"{"kind":"credential-use","host":"a.org","credential":"K","value":"x"}"#,
            r#"{"kind":"credential-use","host":"a.org","credential":"A KEY"}"#,
            r#"{"kind":"package","manager":"sh","package":"x","hosts":["a.org"]}"#,
            r#"{"kind":"package","manager":"pip","package":"x","hosts":[]}"#,
            r#"{"kind":"package","manager":"pip","package":"--pre","hosts":["a.org"]}"#,
            r#"{"kind":"package","manager":"pip","package":"x; id","hosts":["a.org"]}"#,
            r#"{"kind":"package","manager":"pip","package":"x","hosts":["*.a.org"]}"#,
            r#"{"host":"a.org"}"#,
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
        let push = |upstream: &str, reference: &str, object: &str| {
            read(&format!(
                r#"{{"kind":"push","upstream":"{upstream}","reference":"{reference}","object":"{object}"}}"#
            ))
        };
        let good = push("git.example.org/acme/widgets.git", "refs/heads/x", object).unwrap();
        assert_eq!(
            good.to_string(),
            "push 012345678901 to refs/heads/x of git.example.org/acme/widgets, once"
        );
        for (upstream, reference, object) in [
            ("git.example.org/../b", "refs/heads/x", object),
            ("git.example.org", "refs/heads/x", object),
            ("git.example.org/b", "main", object),
            ("git.example.org/b", "refs/heads/a b", object),
            ("git.example.org/b", "refs/heads/\\u202ex", object),
            ("git.example.org/b", "refs/heads/x", "HEAD"),
        ] {
            assert!(push(upstream, reference, object).is_err(), "{upstream} {reference} {object}");
        }
    }
}

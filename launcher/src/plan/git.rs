//! Keys and tokens of git upstreams: read here, held by git-gate, seen by no agent.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;

use compose_render::Secret;
use git_gate::{GitGate, Repository, check_key};

use super::make::Purpose;
use crate::environment::Environment;
use crate::manifest::{Fault, GitUpstream};

/// Longer than any key, and any list of host keys that people have.
const LIMIT: u64 = 4 << 20;

/// What became of a bottle's git upstreams.
#[derive(Debug, Default)]
pub(super) struct Upstreams {
    pub repositories: Vec<Repository>,
    /// Tokens, by the name git-gate asks for them under.
    pub secrets: BTreeMap<String, Secret>,
    /// What is missing or cannot be used, at the place of its upstream.
    pub faults: Vec<Fault>,
}

/// Reads what the upstreams name.
pub(super) fn read(
    upstreams: &[GitUpstream],
    environment: &Environment,
    purpose: Purpose,
) -> Upstreams {
    let mut found = Upstreams::default();
    for GitUpstream { position, upstream } in upstreams {
        let mut fault = |message| found.faults.push(Fault { position: *position, message });
        let url = &upstream.url;
        let key = upstream.key.as_deref().map(|path| match purpose {
            // Shown without: nobody needs a key to look at a plan.
            Purpose::Show => Ok(Secret::new(String::new())),
            Purpose::Start => key(path),
        });
        let known_hosts = upstream.known_hosts.as_deref().map(text);
        if let Some(token) = &upstream.credential {
            match (environment.get(&token.env), purpose) {
                (Some(value), _) if value.chars().any(char::is_control) => {
                    fault(format!("the value of `{}` holds a control character", token.env));
                }
                (Some(value), _) => {
                    let name = GitGate::variable_inside(&token.env);
                    found.secrets.insert(name, Secret::new(value.to_owned()));
                }
                (None, Purpose::Show) => {}
                (None, Purpose::Start) => {
                    fault(format!("`{}` is not set, and `{url}` needs it", token.env));
                }
            }
        }
        let mut taken = |read: Result<_, String>| read.map_err(&mut fault).ok();
        let known_hosts = known_hosts.and_then(&mut taken);
        let key = key.and_then(|read| read.map_err(&mut fault).ok());
        found.repositories.push(Repository {
            url: url.clone(),
            key,
            known_hosts,
            credential: upstream.credential.clone(),
            push: upstream.push.clone(),
            protected: upstream.protected.clone(),
        });
    }
    found
}

/// A key that the gate can use. It is in no sentence.
fn key(path: &Path) -> Result<Secret, String> {
    let text = text(path)?;
    check_key(&text).map_err(|error| {
        format!(
            "the key `{}` cannot be used: {error}; make one for this bottle alone (`ssh-keygen -t \
             ed25519 -N '' -f KEY`) and add it to the repository as a deploy key that may write",
            path.display()
        )
    })?;
    Ok(Secret::new(text))
}

fn text(path: &Path) -> Result<String, String> {
    let mut text = String::new();
    let read =
        std::fs::File::open(path).and_then(|file| file.take(LIMIT).read_to_string(&mut text));
    read.map(|_| text).map_err(|error| format!("cannot read `{}`: {error}", path.display()))
}

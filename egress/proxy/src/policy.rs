//! What is in force: the routes, the way on, and which version of them this is.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use arc_swap::ArcSwap;
use egress::{Routes, RoutesFile};
use sidecar::clock::now;
use sidecar::{Event, Line, Log, Status, chain};

use crate::upstream::WayOn;
use crate::vault::Vault;

/// The most of a routes file that is read.
const FILE_LIMIT: u64 = 1024 * 1024 + 1;

/// One version of the routes. A request is judged by the one in force when it came.
#[derive(Debug)]
pub(crate) struct Policy {
    pub(crate) generation: u64,
    pub(crate) routes: Routes,
    /// Whether the agent has somebody to ask.
    pub(crate) supervised: bool,
    pub(crate) way_on: Arc<WayOn>,
    /// The authority the upstream trusts: as long as it stays, so do the pooled connections.
    authority: String,
}

/// The policy in force and where the next one is read from.
#[derive(Debug)]
pub(crate) struct Policies {
    current: ArcSwap<Policy>,
    file: PathBuf,
}

impl Policies {
    /// Reads the first version.
    pub(crate) fn load(file: &Path, status: &Status, log: &Log) -> anyhow::Result<Self> {
        let text = read(file)?;
        let routes =
            RoutesFile::parse(&text).with_context(|| format!("`{}` is refused", file.display()))?;
        let policy = Policy::of(routes, 1, None)?;
        let digest = RoutesFile::digest(&text);
        status.config_loaded(&digest, 1);
        told(&digest, 1, log);
        Ok(Self { current: ArcSwap::from_pointee(policy), file: file.to_owned() })
    }

    pub(crate) fn current(&self) -> Arc<Policy> {
        self.current.load_full()
    }

    /// Takes routes out of force that have ended by themselves: a generation of its own, of the same
    /// file.
    pub(crate) fn end(&self, status: &Status, log: &Log) {
        let old = self.current();
        let generation = old.generation + 1;
        self.current.store(Arc::new(Policy {
            generation,
            routes: old.routes.clone().at(now()),
            supervised: old.supervised,
            way_on: Arc::clone(&old.way_on),
            authority: old.authority.clone(),
        }));
        if let Some(digest) = status.config_digest() {
            status.config_loaded(&digest, generation);
            told(&digest, generation, log);
        }
    }

    /// Reads the file again. What is wrong with a new version is told, and the old one stays.
    /// Returns whether another one is in force now.
    pub(crate) fn reload(&self, status: &Status, log: &Log, vault: &Vault) -> bool {
        let text = match read(&self.file) {
            Ok(text) => text,
            Err(error) => {
                refused("", &chain(error.as_ref()), status, log);
                return false;
            }
        };
        let digest = RoutesFile::digest(&text);
        let old = self.current();
        let next = RoutesFile::parse(&text)
            .map_err(anyhow::Error::from)
            .and_then(|routes| Policy::of(routes, old.generation + 1, Some(&old)));
        match next {
            Ok(policy) => {
                let generation = policy.generation;
                for sentence in vault.missing(&policy.routes) {
                    log.write(Line::failure(sentence));
                }
                self.current.store(Arc::new(policy));
                status.config_loaded(&digest, generation);
                told(&digest, generation, log);
                true
            }
            Err(error) => {
                refused(&digest, &chain(error.as_ref()), status, log);
                false
            }
        }
    }
}

impl Policy {
    fn of(file: RoutesFile, generation: u64, old: Option<&Self>) -> anyhow::Result<Self> {
        let (address, authority) = (file.pipelock.address, file.pipelock.authority);
        let kept = old
            .filter(|old| old.authority == authority && old.way_on.address == address)
            .map(|old| Arc::clone(&old.way_on));
        let way_on = match kept {
            Some(way_on) => way_on,
            None => Arc::new(WayOn::new(address, &authority)?),
        };
        let (routes, supervised) = (file.routes.at(now()), file.supervised);
        Ok(Self { generation, routes, supervised, way_on, authority })
    }
}

/// Says which version is in force.
fn told(digest: &str, generation: u64, log: &Log) {
    log.write(Line {
        digest: Some(digest.to_owned()),
        generation: Some(generation),
        ..Line::new(Event::Config)
    });
}

fn refused(digest: &str, because: &str, status: &Status, log: &Log) {
    status.config_refused(digest, because);
    log.write(Line {
        digest: Some(digest.to_owned()),
        reason: Some("config-refused".to_owned()),
        detail: Some(because.to_owned()),
        ..Line::new(Event::Config)
    });
}

pub(crate) fn read(file: &Path) -> anyhow::Result<String> {
    use std::io::Read as _;
    let cannot = || format!("cannot read `{}`", file.display());
    let mut text = String::new();
    let open = std::fs::File::open(file).with_context(cannot)?;
    open.take(FILE_LIMIT).read_to_string(&mut text).with_context(cannot)?;
    Ok(text)
}

//! A bottle's two networks: made before compose runs, so that every address is known.
//!
//! The internal one is `--internal` and its gateway address is nobody's (`inhibit_ipv4`): without
//! that, a container reaches the host through it. Both have subnets from a pool of ours.

mod host;
mod pool;

use crate::{
    Docker, RunError,
    containers::{self, is_absence},
    wait,
};
use compose_render::{Addresses, Network, Slug, contract};
use ipnet::Ipv4Net;
use serde::Serialize;
use std::{
    io,
    path::{Path, PathBuf},
    sync::Mutex,
    thread,
    time::Duration,
};

pub use self::pool::{InvalidPool, Pool};

const PATIENCE: Duration = Duration::from_mins(1);

/// How long a network may keep what has gone from it.
const LETTING_GO: Duration = Duration::from_secs(10);

/// How many subnets are tried before the pool counts as full. The engine refuses one that overlaps
/// with another network of its own, and only it can say so without a race.
const ATTEMPTS: usize = 300;

/// The label that names the state folder: an engine may serve several.
const STATE_LABEL: &str = "bottle.state";

/// The option that keeps the bridge from having an address, which is the way to the host.
const NO_GATEWAY: &str = "com.docker.network.bridge.inhibit_ipv4=true";

/// Whether the uplink leads out.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Uplink {
    /// To wherever the host reaches.
    Open,
    /// To the containers on it alone: for the demo and for tests, whose outside is a sink.
    Sealed,
}

/// A network of a bottle as the engine knows it.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct FoundNetwork {
    pub id: String,
    pub name: String,
    pub slug: Slug,
    /// The state folder of the bottle it was made for.
    pub state: Option<PathBuf>,
}

/// Networks that could not be made.
#[derive(Debug, thiserror::Error)]
pub enum NetworkError {
    #[error("network `{0}` exists already")]
    Taken(String),
    #[error("no subnet of {pool} is free: {refused} were tried")]
    Exhausted { pool: String, refused: usize },
    #[error("the routes and addresses of this host leave no subnet of {pool} free")]
    Routed { pool: String },
    #[error("cannot read the routes and addresses of this host")]
    Host(#[source] io::Error),
    #[error("the two subnets do not fit")]
    Subnets(#[from] compose_render::InvalidSubnet),
    #[error(transparent)]
    Run(#[from] RunError),
}

/// Creates both networks of a bottle of that state folder. Where one cannot be made, the other is
/// removed again.
pub fn create(
    docker: &Docker,
    slug: &Slug,
    state: &Path,
    pool: &Pool,
    uplink: Uplink,
) -> Result<Addresses, NetworkError> {
    let taken = host::taken().map_err(NetworkError::Host)?;
    let free = pool.free(&taken);
    if free.len() < 2 {
        return Err(NetworkError::Routed { pool: pool.to_string() });
    }
    create_from(Wanted { docker, slug, state, uplink }, pool, free)
}

impl Pool {
    /// How many of its subnets meet no route and no address of this host, networks of the engine
    /// included. A bottle takes two.
    pub fn free_subnets(&self) -> Result<usize, NetworkError> {
        let taken = host::taken().map_err(NetworkError::Host)?;
        Ok(self.free(&taken).len())
    }
}

/// What both networks have in common.
#[derive(Clone, Copy)]
struct Wanted<'a> {
    docker: &'a Docker,
    slug: &'a Slug,
    state: &'a Path,
    uplink: Uplink,
}

fn create_from(
    wanted: Wanted<'_>,
    pool: &Pool,
    free: Vec<Ipv4Net>,
) -> Result<Addresses, NetworkError> {
    let Wanted { docker, slug, .. } = wanted;
    // Both at once: each costs the engine a tenth of a second. They share what is left to try.
    let free = Mutex::new(free.into_iter().take(ATTEMPTS));
    let next = || free.lock().ok()?.next();
    let make = |network| create_one(wanted, network, pool, &next);
    let (internal, outer) = thread::scope(|scope| {
        let internal = scope.spawn(|| make(Network::Internal));
        let outer = make(Network::Uplink);
        (internal.join(), outer)
    });
    let internal =
        internal.unwrap_or_else(|_| Err(NetworkError::Host(io::ErrorKind::Other.into())));
    // Whose name was taken is another's network and must stay.
    match (internal, outer) {
        (Ok(internal), Ok(outer)) => Ok(Addresses::new(internal, outer)?),
        (Err(error), Ok(_)) => {
            remove_one(docker, &Network::Uplink.name(slug))?;
            Err(error)
        }
        (Ok(_), Err(error)) => {
            remove_one(docker, &Network::Internal.name(slug))?;
            Err(error)
        }
        (Err(error), Err(_)) => Err(error),
    }
}

fn create_one(
    wanted: Wanted<'_>,
    network: Network,
    pool: &Pool,
    next: &(dyn Fn() -> Option<Ipv4Net> + Sync),
) -> Result<Ipv4Net, NetworkError> {
    let name = network.name(wanted.slug);
    let mut refused = 0;
    while let Some(subnet) = next() {
        match run_create(wanted, &name, network, subnet) {
            Ok(()) => return Ok(subnet),
            Err(error) if overlaps(&error) => refused += 1,
            Err(error) if error.stderr().contains("already exists") => {
                return Err(NetworkError::Taken(name));
            }
            Err(error) => return Err(error.into()),
        }
    }
    Err(NetworkError::Exhausted { pool: pool.to_string(), refused })
}

fn run_create(
    wanted: Wanted<'_>,
    name: &str,
    network: Network,
    subnet: Ipv4Net,
) -> Result<(), RunError> {
    let Wanted { docker, slug, state, uplink } = wanted;
    let state = format!("{STATE_LABEL}={}", state.display());
    let gateway = Addresses::new(subnet, subnet.supernet().unwrap_or(subnet)).ok();
    let gateway = gateway.map_or_else(String::new, |at| at.gateway(network).to_string());
    let (subnet, label) = (subnet.to_string(), format!("{}={slug}", contract::SLUG_LABEL));
    let mut args = vec!["network", "create", "--driver", "bridge", "--ipv6=false"];
    args.extend(["--subnet", &subnet, "--gateway", &gateway]);
    args.extend(["--label", &label, "--label", &state]);
    match (network, uplink) {
        (Network::Internal, _) => args.extend(["--internal", "--opt", NO_GATEWAY]),
        (Network::Uplink, Uplink::Sealed) => args.push("--internal"),
        (Network::Uplink, Uplink::Open) => {}
    }
    docker.call(args).arg(name).timeout(PATIENCE).run()
}

/// The engine's words for a subnet that meets one of its own networks.
fn overlaps(error: &RunError) -> bool {
    let said = error.stderr().to_ascii_lowercase();
    said.contains("overlap") || said.contains("conflicts with network")
}

/// Removes both networks of a bottle. What is absent is well.
pub fn remove(docker: &Docker, slug: &Slug) -> Result<(), RunError> {
    let remove = |network: Network| remove_one(docker, &network.name(slug));
    thread::scope(|scope| {
        let internal = scope.spawn(|| remove(Network::Internal));
        let uplink = remove(Network::Uplink);
        let internal = internal.join().unwrap_or(Ok(()));
        internal.and(uplink)
    })
}

/// The engine may refuse for a moment: it is still letting go of containers that are gone, or holds
/// a lock of the packet filter.
fn remove_one(docker: &Docker, name: &str) -> Result<(), RunError> {
    let mut refusal = None;
    let removed = wait::until("the network's end", LETTING_GO, || {
        match docker.call(["network", "rm", name]).timeout(PATIENCE).run() {
            Err(error) if is_absence(&error) => Some(Ok(())),
            Err(error @ RunError::Failed { .. }) => {
                disconnect_the_gone(docker, name);
                refusal = Some(error);
                None
            }
            other => Some(other),
        }
    });
    removed.unwrap_or_else(|_| refusal.map_or(Ok(()), Err))
}

/// Frees a network of endpoints whose containers are gone (moby issue 23302). A container that is
/// there stays on it, whoever's it is.
fn disconnect_the_gone(docker: &Docker, name: &str) {
    let format = "{{range $id, $at := .Containers}}{{$id}}\t{{$at.Name}}\n{{end}}";
    let inspect = docker.call(["network", "inspect", "--format", format, name]).timeout(PATIENCE);
    let Ok(endpoints) = inspect.text() else { return };
    for (id, endpoint) in endpoints.lines().filter_map(|line| line.split_once('\t')) {
        if matches!(containers::life(docker, id), Ok(None)) {
            let args = ["network", "disconnect", "--force", name, endpoint];
            docker.call(args).timeout(PATIENCE).run().ok();
        }
    }
}

/// Every network of every bottle.
pub fn list(docker: &Docker) -> Result<Vec<FoundNetwork>, RunError> {
    let filter = format!("label={}", contract::SLUG_LABEL);
    let format = format!(
        "{{{{.ID}}}}\t{{{{.Name}}}}\t{{{{.Label \"{}\"}}}}\t{{{{.Label \"{STATE_LABEL}\"}}}}",
        contract::SLUG_LABEL
    );
    let args = ["network", "ls", "--no-trunc", "--filter", &filter, "--format", &format];
    let text = docker.call(args).timeout(PATIENCE).text()?;
    let read = |line: &str| {
        let mut fields = line.split('\t').map(str::to_owned);
        let (id, name) = (fields.next()?, fields.next()?);
        let slug = fields.next()?.parse().ok()?;
        let state = fields.next().filter(|state| !state.is_empty()).map(PathBuf::from);
        Some(FoundNetwork { id, name, slug, state })
    };
    Ok(text.lines().filter_map(read).collect())
}

//! Where a name is: asked of the engine's resolver, and only for names that were judged already.

use hickory_resolver::{
    TokioResolver,
    config::{LookupIpStrategy, ResolveHosts},
};
use std::{
    collections::BTreeMap,
    net::IpAddr,
    pin::Pin,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// What one question may take.
pub(crate) const DEADLINE: Duration = Duration::from_secs(5);
/// How long an answer is believed at most: a name that moves is followed.
pub(crate) const BELIEVED: Duration = Duration::from_secs(30);

/// An answer is given again for so long without asking, and checked again every time.
const MOMENT: Duration = Duration::from_secs(1);
/// So many answers are remembered.
pub(crate) const CACHED: u64 = 256;

/// The addresses of a name, or why there are none.
pub type Answer<'a> = Pin<Box<dyn Future<Output = Result<Vec<IpAddr>, Unresolved>> + Send + 'a>>;

/// Finds the addresses of a name. A trait, so that a test can be the attacker's name server.
pub trait Resolve: Send + Sync + 'static {
    /// Every address of the canonical name `name`.
    fn resolve<'a>(&'a self, name: &'a str) -> Answer<'a>;
}

/// A name whose addresses are not to be had.
#[derive(Debug, thiserror::Error)]
#[error("cannot resolve `{name}`")]
pub struct Unresolved {
    name: String,
    source: Box<dyn std::error::Error + Send + Sync>,
}

impl Unresolved {
    /// The name, and what the name server said.
    pub fn new(name: &str, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self { name: name.to_owned(), source: source.into() }
    }
}

/// The engine's resolver, of `/etc/resolv.conf`.
#[derive(Debug)]
pub struct EngineResolver {
    asked: TokioResolver,
    /// What was answered a moment ago: requests on one connection come faster than names move.
    recent: Mutex<BTreeMap<String, (Instant, Vec<IpAddr>)>>,
}

impl EngineResolver {
    /// Reads `/etc/resolv.conf`. `/etc/hosts` and search domains play no part.
    pub fn of_system() -> anyhow::Result<Self> {
        let mut builder = TokioResolver::builder_tokio()?;
        let options = builder.options_mut();
        options.ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
        options.use_hosts_file = ResolveHosts::Never;
        options.positive_max_ttl = Some(BELIEVED);
        options.negative_max_ttl = Some(BELIEVED);
        options.timeout = DEADLINE / 2;
        options.attempts = 2;
        options.cache_size = CACHED;
        Ok(Self { asked: builder.build()?, recent: Mutex::default() })
    }
}

impl EngineResolver {
    fn recent(&self, name: &str) -> Option<Vec<IpAddr>> {
        let recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, found) = recent.get(name)?;
        (at.elapsed() < MOMENT).then(|| found.clone())
    }

    fn remember(&self, name: &str, found: Vec<IpAddr>) -> Vec<IpAddr> {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        if recent.len() as u64 >= CACHED {
            recent.retain(|_, (at, _)| at.elapsed() < MOMENT);
        }
        if (recent.len() as u64) < CACHED {
            recent.insert(name.to_owned(), (Instant::now(), found.clone()));
        }
        found
    }
}

impl Resolve for EngineResolver {
    fn resolve<'a>(&'a self, name: &'a str) -> Answer<'a> {
        Box::pin(async move {
            if let Some(found) = self.recent(name) {
                return Ok(found);
            }
            // The last dot makes it a full name: no search domain is tried.
            let asked = self.asked.lookup_ip(format!("{name}."));
            match tokio::time::timeout(DEADLINE, asked).await {
                Ok(Ok(found)) => Ok(self.remember(name, found.iter().collect())),
                Ok(Err(error)) => Err(Unresolved::new(name, error)),
                Err(late) => Err(Unresolved::new(name, late)),
            }
        })
    }
}

//! Where a name is: asked of the engine's resolver, and only for names that were judged already.

use hickory_resolver::{
    TokioResolver,
    config::{LookupIpStrategy, ResolveHosts},
};
use std::{net::IpAddr, pin::Pin, time::Duration};

/// What one question may take.
pub(crate) const DEADLINE: Duration = Duration::from_secs(5);
/// How long an answer is believed at most: a name that moves is followed.
pub(crate) const BELIEVED: Duration = Duration::from_secs(30);

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
pub struct EngineResolver(TokioResolver);

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
        Ok(Self(builder.build()?))
    }
}

impl Resolve for EngineResolver {
    fn resolve<'a>(&'a self, name: &'a str) -> Answer<'a> {
        Box::pin(async move {
            // The last dot makes it a full name: no search domain is tried.
            let asked = self.0.lookup_ip(format!("{name}."));
            match tokio::time::timeout(DEADLINE, asked).await {
                Ok(Ok(found)) => Ok(found.iter().collect()),
                Ok(Err(error)) => Err(Unresolved::new(name, error)),
                Err(late) => Err(Unresolved::new(name, late)),
            }
        })
    }
}

//! Whom the way upstream believes.

use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Roots, and the TLS settings made of them. Made anew when a policy changes: connections made
/// under other roots are not used again.
#[derive(Clone, Debug)]
pub struct Trust {
    pub(crate) config: Arc<ClientConfig>,
    /// The same with HTTP/1.1 alone: what the agent speaks, and what becomes a `WebSocket`.
    pub(crate) http1: Arc<ClientConfig>,
    pub(crate) id: u64,
}

static NEXT: AtomicU64 = AtomicU64::new(1);

impl Trust {
    /// TLS 1.2 and 1.3 with ring, HTTP/2 preferred; these roots and no others.
    pub fn new(roots: RootCertStore) -> Result<Self, rustls::Error> {
        let provider = Arc::new(ring::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let http1 = Arc::new(config.clone());
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self { config: Arc::new(config), http1, id: NEXT.fetch_add(1, Ordering::Relaxed) })
    }
}

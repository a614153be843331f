//! Reads the certificate and the key that the model shows.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, anyhow};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

/// Builds the TLS setting from two DER files.
pub fn server(certificate: &Path, key: &Path) -> anyhow::Result<Arc<ServerConfig>> {
    let chain = vec![CertificateDer::from(fs_err::read(certificate)?)];
    let content = fs_err::read(key)?;
    let key = PrivateKeyDer::try_from(content)
        .map_err(|fault| anyhow!("cannot use `{}`: {fault}", key.display()))?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .context("the certificate and its key do not fit")?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

//! A secret of the bottle as pipelock knows it: by its fingerprint, and where it may go.

use compose_render::{HostPattern, Secret};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// What the launcher writes down of a credential. The value is in no file.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct KnownSecret {
    /// Of the value, in bytes.
    pub length: usize,
    /// The rolling hash of the whole value, in hexadecimal digits.
    pub rolling: String,
    /// HMAC-SHA-256 of the whole value under the bottle's key, in hexadecimal digits.
    pub mac: String,
    /// The hosts it belongs to: its routes'.
    pub hosts: Vec<HostPattern>,
    /// The variables that hold it: names, by which a change finds it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
}

/// What a bottle's key for fingerprints is derived from, besides its hop secret.
pub const FINGERPRINT_KEY_LABEL: &[u8] = b"bottle fingerprints\0";

/// A bottle's key for fingerprints: who makes them and who looks for them derive it alike.
pub fn fingerprint_key(hop_secret: &Secret) -> [u8; 32] {
    let label = Sha256::new().chain_update(FINGERPRINT_KEY_LABEL);
    label.chain_update(hop_secret.expose()).finalize().into()
}

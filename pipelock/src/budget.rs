//! What single hosts may take.

use compose_render::HostPattern;
use serde::{Deserialize, Serialize};

/// What a host may take in a minute. What is not named is not counted.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    pub host: HostPattern,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests: Option<u64>,
    /// Of bodies, both ways together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
}

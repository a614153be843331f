//! The manifest's `supervise:` section.

use serde::{Deserialize, Serialize};

/// Why a manifest with `supervise: {enabled: true}` is refused for now.
pub const NOT_BUILT: &str =
    "supervise is not available yet: write `supervise: {enabled: false}` or remove the section";

/// Whether and how an agent may ask for more.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Supervise {
    /// Whether the bottle has a supervisor. Off until said otherwise.
    #[serde(default)]
    pub enabled: bool,
}

//! supervise, the config model alone: what a bottle's `supervise:` section may say.
//!
//! The supervisor itself is not built yet, so the launcher refuses a manifest that switches it on,
//! with [`NOT_BUILT`]; a denial proposes nothing until then.

use serde::{Deserialize, Serialize};

/// Why a manifest with `supervise: {enabled: true}` is refused for now.
pub const NOT_BUILT: &str =
    "supervise is not available yet: write `supervise: {enabled: false}` or remove the section";

/// Whether and how an agent may ask for more.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Supervise {
    /// Whether the bottle has a supervisor. Off until said otherwise, since there is none yet.
    #[serde(default)]
    pub enabled: bool,
}

impl Supervise {
    /// The sentence by which the section is refused, where it asks for what is not built.
    pub fn refusal(self) -> Option<&'static str> {
        self.enabled.then_some(NOT_BUILT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_supervisor_that_is_asked_for_is_refused() {
        assert_eq!(Supervise::default().refusal(), None);
        assert_eq!(Supervise { enabled: true }.refusal(), Some(NOT_BUILT));
    }
}

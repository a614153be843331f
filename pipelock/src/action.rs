//! What is to happen when content is found that should not pass.

use serde::{Deserialize, Serialize};

/// What a finding in a request does. Parsed and handed on; scanning reads it.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// The request is denied.
    #[default]
    Block,
    /// The request passes, and the log says what was found.
    Warn,
}

/// What a finding in a response does.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ResponseAction {
    /// The response passes, and the log says what was found.
    #[default]
    Warn,
    /// What was found is taken out.
    Strip,
    /// The response is denied.
    Block,
}

impl Action {
    /// The word both files use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Block => "block",
            Self::Warn => "warn",
        }
    }
}

impl ResponseAction {
    /// The word both files use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Warn => "warn",
            Self::Strip => "strip",
            Self::Block => "block",
        }
    }
}

//! What is to happen when content is found that should not pass.

use serde::{Deserialize, Serialize};

/// What a finding in a request does.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// `Redact` where the host has a route, `Block` elsewhere: an agent that once printed a secret
    /// sends it to its model again with every turn, and is to go on working.
    #[default]
    ByHost,
    /// What was found in a body is overwritten, and the request passes; elsewhere it is denied.
    Redact,
    /// The request is denied.
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
    /// The word that `bottle.yaml` uses.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ByHost => "by-host",
            Self::Redact => "redact",
            Self::Block => "block",
            Self::Warn => "warn",
        }
    }

    /// The word of upstream's that comes nearest: it can deny or let pass.
    pub const fn upstream(self) -> &'static str {
        match self {
            Self::ByHost | Self::Redact | Self::Block => "block",
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

//! What a route's requests used, and how much they may.

use std::fmt;

use compose_render::HostPattern;
use serde::{Deserialize, Serialize};

/// The file of egress's outbox with what was used, which it reads again when it is restarted.
pub const USAGE_FILE: &str = "usage.json";

/// How much a route may use while its bottle lives. What is not named has no bound.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_tokens: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_tokens: Option<u64>,
}

/// What was used so far.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Usage {
    /// Requests that were sent on.
    pub requests: u64,
    /// All that models read, from a cache or not.
    pub input_tokens: u64,
    pub output_tokens: u64,
}

/// What one account used, as [`USAGE_FILE`] holds it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct UsageLine {
    /// The account: see [`crate::Route::account`].
    pub route: String,
    pub host: HostPattern,
    pub port: u16,
    #[serde(flatten)]
    pub used: Usage,
    /// Of the route as it was last, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<Budget>,
}

/// The contents of [`USAGE_FILE`].
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct UsageFile {
    pub routes: Vec<UsageLine>,
}

impl Budget {
    /// Whether nothing is bounded.
    pub fn is_unbounded(&self) -> bool {
        *self == Self::default()
    }

    /// Whether tokens are bounded, so that a response must be readable.
    pub fn counts_tokens(&self) -> bool {
        self.input_tokens.is_some() || self.output_tokens.is_some()
    }

    /// What of it is used up, in words; nothing where one more request may be sent.
    pub fn exhausted(&self, used: &Usage) -> Option<String> {
        let bounds = [
            ("requests", self.requests, used.requests),
            ("input tokens", self.input_tokens, used.input_tokens),
            ("output tokens", self.output_tokens, used.output_tokens),
        ];
        bounds.into_iter().find_map(|(what, bound, used)| {
            let bound = bound.filter(|bound| used >= *bound)?;
            Some(format!("{used} of {bound} {what}"))
        })
    }
}

impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bounds = [
            ("requests", self.requests),
            ("input tokens", self.input_tokens),
            ("output tokens", self.output_tokens),
        ];
        let mut between = "";
        for (what, bound) in bounds {
            if let Some(bound) = bound {
                write!(f, "{between}{bound} {what}")?;
                between = " and ";
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_exhausted_at_its_bound_and_what_it_does_not_name_has_none() {
        let budget = Budget { output_tokens: Some(100), ..Budget::default() };
        let used = |output_tokens| Usage { requests: 9, input_tokens: 1 << 40, output_tokens };
        assert_eq!(budget.exhausted(&used(99)), None);
        assert_eq!(budget.exhausted(&used(100)).unwrap(), "100 of 100 output tokens");
        assert_eq!(Budget::default().exhausted(&used(u64::MAX)), None);
        let nothing = Budget { requests: Some(0), ..budget };
        assert_eq!(nothing.exhausted(&Usage::default()).unwrap(), "0 of 0 requests");
        assert_eq!(nothing.to_string(), "0 requests and 100 output tokens");
    }
}

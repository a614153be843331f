//! A bottle's name, safe wherever it is put.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The longest slug, in bytes: `bottle-<slug>-internal` stays within a DNS label's 63.
const MAX_LEN: usize = 40;

/// A bottle's name: one lowercase DNS label, so it is safe in container, network and path names.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Slug(String);

/// A text that is no slug.
#[derive(Debug, thiserror::Error)]
#[error(
    "`{}` is no bottle name: 1 to {MAX_LEN} of a-z, 0-9 and `-`, beginning and ending with a letter or digit",
    .0.escape_debug()
)]
pub struct InvalidSlug(String);

impl Slug {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The compose project: `bottle-<slug>`.
    pub fn project(&self) -> String {
        format!("bottle-{self}")
    }
}

impl TryFrom<String> for Slug {
    type Error = InvalidSlug;

    fn try_from(text: String) -> Result<Self, InvalidSlug> {
        let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        let trimmed = text.trim_matches('-').len() == text.len();
        let is_label = trimmed && (1..=MAX_LEN).contains(&text.len()) && text.bytes().all(allowed);
        if is_label { Ok(Self(text)) } else { Err(InvalidSlug(text)) }
    }
}

impl FromStr for Slug {
    type Err = InvalidSlug;

    fn from_str(text: &str) -> Result<Self, InvalidSlug> {
        Self::try_from(text.to_owned())
    }
}

impl From<Slug> for String {
    fn from(slug: Slug) -> Self {
        slug.0
    }
}

impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_one_dns_label() {
        for good in ["a", "fix-login", "a1-b2", "0", &"a".repeat(MAX_LEN)] {
            assert_eq!(good.parse::<Slug>().unwrap().as_str(), good);
        }
    }

    #[test]
    fn i5_refuses_what_could_mean_more_than_a_name() {
        let long = "a".repeat(MAX_LEN + 1);
        for bad in [
            "", "-a", "a-", "A", "a_b", "a.b", "../a", "a/b", "a\n", "a b", "${x}", "ä", "a:b",
            &long,
        ] {
            assert!(bad.parse::<Slug>().is_err(), "{bad:?}");
        }
    }
}

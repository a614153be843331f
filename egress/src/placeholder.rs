//! What the agent holds where the secret would be: of the secret's shape, worth nothing.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest as _, Sha256};

/// In every placeholder, so that one that strays is known for what it is, also an invented one.
pub const MARK: &str = "BottlePlaceholder";

/// Prefixes by which programs know a kind of key; longest first, so that the closest one is kept.
const PREFIXES: &[&str] = &[
    "sk-ant-api03-",
    "sk-ant-oat01-",
    "github_pat_",
    "sk-svcacct-",
    "sk-proj-",
    "glpat-",
    "sk-ant-",
    "xoxb-",
    "xoxp-",
    "AIza",
    "ghp_",
    "gho_",
    "ghs_",
    "npm_",
    "hf_",
    "sk-",
];

/// Enough hexadecimal digits that two bottles never share one.
const MIN_TAIL: usize = 16;

/// A stand-in for a secret: it may be printed, logged and stored.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Placeholder(String);

impl Placeholder {
    /// Makes the placeholder of one secret in one bottle: the secret's known prefix and its length
    /// (never shorter than mark and tail need), and a tail that depends on `seed` alone.
    ///
    /// Nothing of the secret but a public prefix and its length is in it.
    pub fn of_shape(secret: &str, variable: &str, seed: &[u8]) -> Self {
        let prefix = PREFIXES.iter().find(|prefix| secret.starts_with(**prefix)).unwrap_or(&"");
        let fixed = prefix.len() + MARK.len();
        let tail = secret.len().min(512).saturating_sub(fixed).max(MIN_TAIL);
        let mut text = format!("{prefix}{MARK}");
        let mut block = 0_u32;
        while text.len() < fixed + tail {
            let digest = Sha256::new()
                .chain_update(seed)
                .chain_update([0])
                .chain_update(variable)
                .chain_update(block.to_be_bytes())
                .finalize();
            text.push_str(&hex(&digest));
            block += 1;
        }
        text.truncate(fixed + tail);
        Self(text)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Bytes as lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let digit = |half: u8| char::from_digit(u32::from(half), 16).unwrap_or_default();
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

impl fmt::Display for Placeholder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A text that cannot be a placeholder.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{0:?} is not a placeholder: it needs `{MARK}` in it and printable ASCII only")]
pub struct InvalidPlaceholder(String);

impl FromStr for Placeholder {
    type Err = InvalidPlaceholder;

    fn from_str(text: &str) -> Result<Self, InvalidPlaceholder> {
        let good = text.contains(MARK)
            && text.len() <= 1024
            && text.bytes().all(|byte| byte.is_ascii_graphic());
        if good { Ok(Self(text.to_owned())) } else { Err(InvalidPlaceholder(text.to_owned())) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_prefix_and_length_and_nothing_else() {
        let secret = format!("sk-ant-api03-{}", "Zq7".repeat(31));
        let placeholder = Placeholder::of_shape(&secret, "ANTHROPIC_API_KEY", b"one bottle");
        assert!(placeholder.as_str().starts_with("sk-ant-api03-BottlePlaceholder"));
        assert_eq!(placeholder.as_str().len(), secret.len());
        assert!(!placeholder.as_str().contains("Zq7"));
        assert_eq!(placeholder.to_string().parse(), Ok(placeholder));
    }

    #[test]
    fn differs_by_bottle_and_by_variable() {
        let of =
            |variable, seed: &[u8]| Placeholder::of_shape("ghp_aaaaaaaaaaaaaaaa", variable, seed);
        assert_ne!(of("A", b"1"), of("A", b"2"));
        assert_ne!(of("A", b"1"), of("B", b"1"));
        assert_eq!(of("A", b"1"), of("A", b"1"));
    }

    #[test]
    fn a_real_secret_is_no_placeholder() {
        assert!("sk-ant-api03-abcdefghijkl".parse::<Placeholder>().is_err());
    }
}

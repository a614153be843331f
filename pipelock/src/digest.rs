//! The digest by which host and sidecar agree on what is in force.

use sha2::{Digest as _, Sha256};
use std::fmt;

/// The SHA-256 over both files, each with its length before it so that they cannot run together.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest of these two texts.
    pub fn of(upstream: &str, bottle: &str) -> Self {
        let mut sha = Sha256::new();
        for text in [upstream, bottle] {
            sha.update((text.len() as u64).to_be_bytes());
            sha.update(text);
        }
        Self(sha.finalize().into())
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_files_count_and_do_not_run_together() {
        let digest = Digest::of("a", "b");
        assert_ne!(digest, Digest::of("a", "c"));
        assert_ne!(digest, Digest::of("ab", ""));
        assert_eq!(digest.to_string().len(), 64);
    }
}

//! Names of images: ours carry the hash of what they were made from.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::fmt;

/// An image's name, safe on a command line and in a compose file.
#[derive(Clone, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct ImageRef(String);

/// A text that names no image.
#[derive(Debug, thiserror::Error)]
#[error("`{}` names no image", .0.escape_debug())]
pub struct InvalidImage(String);

impl ImageRef {
    /// An image of ours: `localhost/bottle/<part>:<hash>`. `localhost/` is never pulled.
    pub fn local(part: &str, hash: &str) -> Self {
        Self(format!("localhost/bottle/{part}:{hash}"))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for ImageRef {
    type Error = InvalidImage;

    fn try_from(text: String) -> Result<Self, InvalidImage> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b"._-/:@".contains(&b);
        let begins = text.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric());
        if begins && text.len() <= 255 && text.bytes().all(allowed) {
            Ok(Self(text))
        } else {
            Err(InvalidImage(text))
        }
    }
}

impl From<ImageRef> for String {
    fn from(image: ImageRef) -> Self {
        image.0
    }
}

impl fmt::Display for ImageRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The tag of an image made from these parts, each fed with its length so that no two lists
/// of parts run together: the first 16 hexadecimal digits of their SHA-256.
pub fn content_hash<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut sha = Sha256::new();
    for part in parts {
        sha.update((part.len() as u64).to_be_bytes());
        sha.update(part);
    }
    let digest = sha.finalize();
    let first = digest.iter().take(8).fold(0_u64, |hash, &byte| hash << 8 | u64::from(byte));
    format!("{first:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_name_is_no_option_and_holds_no_metacharacter() {
        for bad in ["", "-v", "a b", "a\nb", "${x}", "a;b", "ä"] {
            assert!(ImageRef::try_from(bad.to_owned()).is_err(), "{bad:?}");
        }
        let digest = format!("debian@sha256:{}", "0".repeat(64));
        for good in ["debian:trixie-slim", "ghcr.io/a/b:1", digest.as_str()] {
            assert!(ImageRef::try_from(good.to_owned()).is_ok(), "{good}");
        }
    }

    #[test]
    fn parts_do_not_run_together() {
        let hash = |parts: &[&str]| content_hash(parts.iter().map(|part| part.as_bytes()));
        assert_ne!(hash(&["ab", "c"]), hash(&["a", "bc"]));
        assert_eq!(hash(&["ab", "c"]).len(), 16);
    }
}

//! A file that a sidecar's folder is to hold.

use crate::Secret;
use std::path::PathBuf;

/// A file as rendered: where it lies in its sidecar's folder, its mode and its contents.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RenderedFile {
    /// Relative to the sidecar's folder in the state folder.
    pub path: PathBuf,
    /// The file's permission bits; 0600 for whatever holds a secret.
    pub mode: u32,
    contents: Contents,
}

#[derive(Clone, Debug, Eq, PartialEq)]
enum Contents {
    Plain(String),
    Secret(Secret),
}

impl RenderedFile {
    /// A file whose contents may be shown (`bottle render` does). Private all the same.
    pub fn plain(path: impl Into<PathBuf>, contents: impl Into<String>) -> Self {
        Self { path: path.into(), mode: 0o600, contents: Contents::Plain(contents.into()) }
    }

    /// A file that holds a secret: 0600, and its contents are in no debug output.
    pub fn secret(path: impl Into<PathBuf>, contents: Secret) -> Self {
        Self { path: path.into(), mode: 0o600, contents: Contents::Secret(contents) }
    }

    /// What is to be written.
    pub fn contents(&self) -> &str {
        match &self.contents {
            Contents::Plain(text) => text,
            Contents::Secret(secret) => secret.expose(),
        }
    }

    /// Whether the contents must not be shown.
    pub fn is_secret(&self) -> bool {
        matches!(self.contents, Contents::Secret(_))
    }
}

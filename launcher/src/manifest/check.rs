//! Names and files a manifest may name, and those it may not.

use std::fs;
use std::path::{Path, PathBuf};

use super::fault::Position;
use super::node::Node;
use super::reader::Reader;

/// Variables that are bottle's own in the agent's container: another value would open a way
/// round a sidecar, or break the one there is.
pub(crate) fn is_reserved(name: &str) -> bool {
    const OWN: &[&str] = &[
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
        "NO_PROXY",
        "GRPC_PROXY",
        "FTP_PROXY",
        "NODE_EXTRA_CA_CERTS",
        "DENO_CERT",
        "DENO_TLS_CA_STORE",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        "REQUESTS_CA_BUNDLE",
        "CURL_CA_BUNDLE",
        "GIT_SSL_CAINFO",
        "PIP_CERT",
        "CARGO_HTTP_CAINFO",
        "AWS_CA_BUNDLE",
        "CODEX_CA_CERTIFICATE",
        "NIX_SSL_CERT_FILE",
        "HOME",
        "USER",
    ];
    let upper = name.to_ascii_uppercase();
    OWN.contains(&upper.as_str()) || upper.starts_with("BOTTLE_")
}

/// An agent's or a bottle's name: one DNS label, so that it is safe wherever it is put.
pub(super) fn name(reader: &mut Reader, name: &str, at: Position, what: &str, max: usize) {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    let trimmed = name.trim_matches('-').len() == name.len();
    if !(trimmed && (1..=max).contains(&name.len()) && name.bytes().all(allowed)) {
        let shown = name.escape_debug();
        reader.fault(
            at,
            format!(
                "`{shown}` cannot name {what}: 1 to {max} of a-z, 0-9 and `-`, not at the ends"
            ),
        );
    }
}

/// The name of an environment variable that a manifest may set or hand on.
pub(super) fn variable(reader: &mut Reader, name: &str, at: Position) -> bool {
    let begins = name.bytes().next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_');
    let rest = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if !(begins && rest && name.len() <= 128) {
        reader.fault(at, format!("`{}` is no variable's name", name.escape_debug()));
        return false;
    }
    if is_reserved(name) {
        reader.fault(at, format!("`{name}` is bottle's own in the agent's container"));
        return false;
    }
    true
}

/// A regular file that is there, and does not leave its folder by a symlink.
pub(super) fn file(reader: &mut Reader, node: &Node, what: &str) -> Option<PathBuf> {
    existing(reader, node, what, "a regular file", fs::Metadata::is_file)
}

/// A folder that is there, and is not led elsewhere by a symlink.
pub(super) fn folder(reader: &mut Reader, node: &Node, what: &str) -> Option<PathBuf> {
    existing(reader, node, what, "a folder", fs::Metadata::is_dir)
}

fn existing(
    reader: &mut Reader,
    node: &Node,
    what: &str,
    kind: &str,
    is_kind: fn(&fs::Metadata) -> bool,
) -> Option<PathBuf> {
    let path = reader.path(node, what)?;
    let shown = path.display();
    let metadata = match fs::metadata(&path) {
        Ok(metadata) => metadata,
        Err(error) => {
            reader.fault(node.position, format!("{what} `{shown}` cannot be read: {error}"));
            return None;
        }
    };
    if !is_kind(&metadata) {
        reader.fault(node.position, format!("{what} `{shown}` is not {kind}"));
        return None;
    }
    if leaves(&anchor(reader, node, &path), &path) {
        reader.fault(node.position, format!("{what} `{shown}` leaves its folder by a symlink"));
        return None;
    }
    Some(path)
}

/// The folder that a named file must not leave: the manifest's own for what lies below it as
/// written, else the one the file lies in.
fn anchor(reader: &Reader, node: &Node, path: &Path) -> PathBuf {
    let written = Path::new(node.as_str().unwrap_or_default());
    let climbs = written.components().any(|part| part == std::path::Component::ParentDir);
    if written.is_relative() && !climbs && !written.starts_with("~") {
        return reader.folder.clone();
    }
    path.parent().map(Path::to_owned).unwrap_or_default()
}

/// Whether a path ends up outside a folder once every symlink is followed. What cannot be
/// resolved leaves it.
pub(crate) fn leaves(folder: &Path, path: &Path) -> bool {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    match (folder.canonicalize(), path.canonicalize()) {
        (Ok(folder), Ok(path)) => !path.starts_with(folder),
        _ => true,
    }
}

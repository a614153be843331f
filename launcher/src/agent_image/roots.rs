//! The roots an agent's image trusts, taken out of it once: the bundle mounted into the bottle holds
//! them beside the bottle's own authorities.

use std::path::Path;

use anyhow::Context as _;
use compose_render::ImageRef;
use compose_run::{Docker, containers, replace};

use super::cache;

/// Where images keep their bundle: Debian and Alpine, Fedora, SUSE, and Alpine's other name.
const BUNDLES: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// More than any bundle.
const LIMIT: u64 = 8 << 20;

/// The roots of that image as PEM, empty where it has none. Asked once for each image, then cached.
///
/// The image never runs: the file is copied out of a container that was only created.
pub(crate) fn system_roots(
    docker: &Docker,
    cache: &Path,
    image: &ImageRef,
) -> anyhow::Result<String> {
    let id = docker.capture(["image", "inspect", "--format", "{{.Id}}", image.as_str()])?;
    let name: String = id.chars().filter(char::is_ascii_alphanumeric).collect();
    let folder = cache.join("roots");
    let path = folder.join(format!("{name}.pem"));
    if let Ok(text) = std::fs::read_to_string(&path) {
        return Ok(text);
    }
    cache::make(&folder)?;
    let container = docker.capture([
        "create",
        &containers::build_name(),
        "--network",
        "none",
        "--entrypoint",
        "true",
        image.as_str(),
    ])?;
    let found = BUNDLES.iter().find_map(|bundle| copy_out(docker, &container, bundle));
    docker.run(["rm", "--force", &container])?;
    let text = found.unwrap_or_default();
    replace(&path, text.as_bytes(), 0o600)
        .with_context(|| format!("cannot write `{}`", path.display()))?;
    Ok(text)
}

fn copy_out(docker: &Docker, container: &str, path: &str) -> Option<String> {
    let archive = docker.call(["cp", "--follow-link", &format!("{container}:{path}"), "-"]).bytes();
    let archive = archive.ok()?;
    let mut entries = tar::Archive::new(archive.as_slice());
    let mut entry = entries.entries().ok()?.next()?.ok()?;
    if !entry.header().entry_type().is_file() || entry.size() > LIMIT {
        return None;
    }
    let mut text = String::new();
    std::io::Read::read_to_string(&mut entry, &mut text).ok()?;
    Some(text)
}

//! Mints what the origin shows and what the proxy opens TLS with.

use std::path::Path;

use ca::{Authority, Subject};
use compose_render::{Role, Slug};
use time::OffsetDateTime;

/// Whom to trust at the origin.
pub(crate) const AUTHORITY: &str = "origin-ca.pem";
pub(crate) const CERTIFICATE: &str = "origin.der";
pub(crate) const KEY: &str = "origin-key.der";

/// Writes the origin's three files, and the two of the proxy's authority.
pub(crate) fn mint(host: &str, folder: &Path) -> anyhow::Result<()> {
    let now = OffsetDateTime::now_utc();
    let slug: Slug = "bench".parse()?;
    let authority = Authority::mint(&slug, Role::StandIn, now)?;
    let leaf = authority.issue(Subject::Name(host), now)?;
    fs_err::create_dir_all(folder)?;
    fs_err::write(folder.join(AUTHORITY), authority.certificate_pem())?;
    fs_err::write(folder.join(CERTIFICATE), &leaf.certificate)?;
    fs_err::write(folder.join(KEY), leaf.key.secret_der())?;
    for file in Authority::mint(&slug, Role::Pipelock, now)?.files()? {
        fs_err::write(folder.join(&file.path), file.contents())?;
    }
    Ok(())
}

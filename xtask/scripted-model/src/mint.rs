//! Mints the authority of one demo and the model's certificate, and throws the authority's key away.

use std::path::Path;

use ca::{Authority, Subject};
use compose_render::{Role, Slug};
use time::OffsetDateTime;

/// What the bottle's pipelock is told to trust.
pub const AUTHORITY: &str = "authority.pem";
/// What the model shows.
pub const CERTIFICATE: &str = "certificate.der";
pub const KEY: &str = "key.der";

/// Writes the three files; the name is the bottle's.
pub fn mint(slug: &Slug, host: &str, folder: &Path) -> anyhow::Result<()> {
    let now = OffsetDateTime::now_utc();
    let authority = Authority::mint(slug, Role::StandIn, now)?;
    let leaf = authority.issue(Subject::Name(host), now)?;
    fs_err::create_dir_all(folder)?;
    fs_err::write(folder.join(AUTHORITY), authority.certificate_pem())?;
    fs_err::write(folder.join(CERTIFICATE), &leaf.certificate)?;
    fs_err::write(folder.join(KEY), leaf.key.secret_der())?;
    Ok(())
}

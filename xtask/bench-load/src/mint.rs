//! Mints what the origin shows and what the proxy opens TLS with.

use std::path::Path;

use ca::{Authority, Subject};
use compose_render::{Role, Slug};
use time::OffsetDateTime;

/// Whom to trust at the origin.
pub(crate) const AUTHORITY: &str = "origin-ca.pem";
pub(crate) const CERTIFICATE: &str = "origin.der";
const CERTIFICATE_PEM: &str = "origin.pem";
const KEY_PEM: &str = "origin-key.pem";
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
    // The same for programs that read no DER.
    let pem = |kind: &str, bytes: &[u8]| {
        let text = base64(bytes);
        format!("-----BEGIN {kind}-----\n{text}\n-----END {kind}-----\n")
    };
    fs_err::write(folder.join(CERTIFICATE_PEM), pem("CERTIFICATE", &leaf.certificate))?;
    fs_err::write(folder.join(KEY_PEM), pem("PRIVATE KEY", leaf.key.secret_der()))?;
    for file in Authority::mint(&slug, Role::Egress, now)?.files()? {
        let path = folder.join("egress").join(&file.path);
        fs_err::create_dir_all(folder.join("egress"))?;
        fs_err::write(path, file.contents())?;
    }
    for file in Authority::mint(&slug, Role::Pipelock, now)?.files()? {
        fs_err::write(folder.join(&file.path), file.contents())?;
    }
    Ok(())
}

/// In lines as PEM has them.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for (nth, group) in bytes.chunks(3).enumerate() {
        if nth > 0 && nth % 16 == 0 {
            text.push('\n');
        }
        let byte = |at: usize| u32::from(group.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for place in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * place)) as usize & 63];
            text.push(if place <= group.len() { char::from(digit) } else { '=' });
        }
    }
    text
}

//! What was renewed, handed back to the host: a refresh token that was used is worth nothing.

use std::io;
use std::path::Path;
use std::sync::Arc;

use compose_render::Secret;
use egress::LOGIN_FILE_PREFIX;
use serde::Serialize;
use sidecar::replace;
use tokio::task::spawn_blocking;

/// One login as it stands.
pub(super) struct Login<'a> {
    pub(super) variable: &'a str,
    pub(super) access: Option<Arc<Secret>>,
    pub(super) refresh: Option<Arc<Secret>>,
    /// In seconds since 1970.
    pub(super) expires: u64,
}

#[derive(Serialize)]
struct Written<'a> {
    access_token: Option<&'a str>,
    refresh_token: Option<&'a str>,
    expires: u64,
}

/// Writes it where the host looks, for egress's user alone, whole or not at all.
pub(super) async fn back(folder: &Path, login: &Login<'_>) -> io::Result<()> {
    let written = Written {
        access_token: login.access.as_deref().map(Secret::expose),
        refresh_token: login.refresh.as_deref().map(Secret::expose),
        expires: login.expires,
    };
    let path = folder.join(format!("{LOGIN_FILE_PREFIX}{}.json", login.variable));
    let text = serde_json::to_vec(&written)?;
    spawn_blocking(move || replace(&path, &text, 0o600)).await?
}

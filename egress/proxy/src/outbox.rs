//! Files for the host: each is there whole, or as it was before.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// Replaces a file in one step, for egress's user alone.
#[expect(
    clippy::disallowed_methods,
    reason = "inside the container; `compose_run::replace` is the host's"
)]
pub(crate) fn replace(path: &Path, contents: &[u8]) -> io::Result<()> {
    let staged = path.with_extension("new");
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&staged)?;
    file.write_all(contents)?;
    file.sync_all()?;
    std::fs::rename(&staged, path)
}

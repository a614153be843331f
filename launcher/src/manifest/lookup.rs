//! Which manifest counts: the one that was named, the folder's once trusted, the user's own, and
//! last the built-in one.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::{Manifest, Origin};
use crate::cli::ManifestChoice;
use crate::environment::Environment;
use crate::exit::{self, Hint as _};
use crate::trust::{self, Standing, Trust};
use crate::ui::Ui;

/// The name looked for in the folder one is in, and in the user's configuration folder.
pub(crate) const FILE: &str = "bottle.yaml";
/// Larger than any manifest.
const MAX_SIZE: u64 = 1 << 20;

/// Finds the manifest that counts and reads it.
///
/// # Errors
///
/// A manifest that was named and is not there, one with faults, and one that was trusted and has
/// changed since: to go on under another policy than the one meant would be worse than to stop.
pub(crate) fn find(
    choice: &ManifestChoice,
    environment: &Environment,
    ui: &Ui,
) -> anyhow::Result<Manifest> {
    if let Some(path) = &choice.path {
        return open(path, environment);
    }
    if let Some(manifest) = of_this_folder(environment, ui)? {
        return Ok(manifest);
    }
    if let Some(path) = environment.config_folder().map(|folder| folder.join(FILE))
        && path.exists()
    {
        return open(&path, environment);
    }
    Ok(Manifest::built_in(environment)?)
}

/// Opens a manifest that a person named: naming it is trust enough.
pub(crate) fn open(path: &Path, environment: &Environment) -> anyhow::Result<Manifest> {
    let text = text(path)?;
    Ok(Manifest::read(&text, Origin::File(path.to_owned()), environment.path("HOME"))?)
}

/// The text of a manifest.
pub(crate) fn text(path: &Path) -> anyhow::Result<String> {
    let shown = path.display();
    let metadata = fs::metadata(path)
        .map_err(|error| exit::refused(format!("cannot read `{shown}`: {error}")))
        .hint("`bottle init` writes a manifest to begin with")?;
    if !metadata.is_file() {
        return Err(exit::refused(format!("`{shown}` is not a regular file")));
    }
    let mut bytes = Vec::new();
    let file = fs_err::File::open(path)?;
    file.take(MAX_SIZE + 1)
        .read_to_end(&mut bytes)
        .with_context(|| format!("cannot read `{shown}`"))?;
    if bytes.len() as u64 > MAX_SIZE {
        return Err(exit::refused(format!("`{shown}` is larger than {MAX_SIZE} bytes")));
    }
    String::from_utf8(bytes).map_err(|_| exit::refused(format!("`{shown}` is not UTF-8")))
}

/// `./bottle.yaml`, where it is there and trusted as it is now.
fn of_this_folder(environment: &Environment, ui: &Ui) -> anyhow::Result<Option<Manifest>> {
    let path = PathBuf::from(FILE);
    if fs::symlink_metadata(&path).is_err() {
        return Ok(None);
    }
    let trust = Trust::of(environment)?;
    if !trust.knows(&path) {
        ui.warn("`bottle.yaml` in this folder is not trusted and does not count; `bottle trust` shows what it asks for");
        return Ok(None);
    }
    let text = text(&path)?;
    let manifest = Manifest::read(&text, Origin::File(path.clone()), environment.path("HOME"))?;
    let fingerprint = trust::fingerprint(&text, &manifest)?;
    match trust.standing(&path, &fingerprint)? {
        Standing::Trusted => Ok(Some(manifest)),
        Standing::Unknown | Standing::Changed => Err(exit::refused(
            "`bottle.yaml`, or a file it names, has changed since it was trusted",
        ))
        .hint("`bottle trust` shows what it asks for now; `--manifest` names another"),
    }
}

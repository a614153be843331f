//! The static binaries that tests put into images.

use compose_run::{images::Sidecars, program};
use std::{
    env,
    path::{Path, PathBuf},
    sync::OnceLock,
};

/// The folder in which `cargo xtask` puts the sidecars.
///
/// # Panics
///
/// When they were not built.
pub fn sidecars() -> Sidecars {
    let sidecars = Sidecars::find(Some(folder()), Path::new("/"));
    assert!(
        sidecars.dir().is_dir(),
        "no sidecars in `{}`: run `cargo xtask sidecars` first",
        sidecars.dir().display()
    );
    sidecars
}

/// The test kit's own static binary, built where it is not there: it takes a second.
///
/// # Panics
///
/// When it cannot be built.
pub fn probe_client() -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| sidecars_or_build("probe-client")).clone()
}

fn folder() -> PathBuf {
    let chosen = env::var_os("BOTTLE_SIDECARS").map(PathBuf::from);
    chosen.unwrap_or_else(|| target().join("sidecars"))
}

fn sidecars_or_build(name: &str) -> PathBuf {
    let ready = folder().join(name);
    if ready.is_file() { ready } else { build(name) }
}

/// The same build as `cargo xtask sidecars` does, so that they share its result.
fn build(name: &str) -> PathBuf {
    let triple = format!("{}-unknown-linux-gnu", env::consts::ARCH);
    let cargo = env::var_os("CARGO").and_then(|cargo| cargo.into_string().ok());
    let built = program::call(cargo.as_deref().unwrap_or("cargo"))
        .args(["build", "--quiet", "--profile", "release", "--target", &triple, "--package", name])
        .env("RUSTFLAGS", " -C target-feature=+crt-static")
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")))
        .run();
    assert!(built.is_ok(), "cannot build `{name}`: {built:?}");
    target().join(triple).join("release").join(name)
}

/// The target folder: tests run from `<target>/<profile>/deps`.
fn target() -> PathBuf {
    let deps = env::current_exe().ok().and_then(|exe| exe.parent().map(Path::to_owned));
    let target = deps.as_deref().and_then(Path::parent).and_then(Path::parent).map(Path::to_owned);
    target.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target"))
}

//! The static binaries that tests put into images.

use compose_render::content_hash;
use compose_run::{images::Sidecars, program};
use std::{
    env, fs,
    path::{Path, PathBuf},
    sync::OnceLock,
};
use tempfile::Builder;

/// Debian's package, extracted.
const COMPOSE_IN_TOOLS: &str = "tools/compose/usr/libexec/docker/cli-plugins/docker-compose";

/// The folder in which `cargo xtask` puts the sidecars.
///
/// # Panics
///
/// When they were not built.
pub fn sidecars() -> Sidecars {
    let chosen = env::var_os("BOTTLE_SIDECARS").map(PathBuf::from);
    let folder = chosen.unwrap_or_else(|| target().join("sidecars"));
    assert!(
        folder.is_dir(),
        "no sidecars in `{}`: run `cargo xtask sidecars` first",
        folder.display()
    );
    Sidecars::find(Some(folder), Path::new("/"))
}

/// The program of Compose v2: `BOTTLE_COMPOSE_V2`, else where `cargo xtask` puts it.
///
/// # Panics
///
/// Where there is none.
pub fn compose_v2() -> PathBuf {
    let chosen = env::var_os("BOTTLE_COMPOSE_V2").map(PathBuf::from);
    let program = chosen.unwrap_or_else(|| target().join(COMPOSE_IN_TOOLS));
    assert!(
        program.is_file(),
        "no Compose v2 at `{}`: `cargo xtask test` brings it",
        program.display()
    );
    program
}

/// The test kit's own static binary, compiled where its source changed. By `rustc` alone: it uses
/// nothing but the standard library, and a cargo inside a test waits for every other cargo.
///
/// # Panics
///
/// When it cannot be compiled.
pub fn probe_client() -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(compile).clone()
}

fn compile() -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("client/src");
    let folder = target().join("tmp");
    let binary = folder.join(format!("probe-client-{}", hash(&source)));
    if binary.is_file() {
        return binary;
    }
    fs::create_dir_all(&folder).expect("a folder for what tests build");
    let staged = Builder::new().prefix("probe-client-").tempfile_in(&folder).expect("a file");
    let staged = staged.into_temp_path();
    let built = program::call("rustc")
        .args(["--edition", "2024", "--crate-name", "probe_client", "-C", "opt-level=2"])
        .args(["-C", "strip=symbols", "-C", "target-feature=+crt-static"])
        .args(["--target", &format!("{}-unknown-linux-gnu", env::consts::ARCH), "-o"])
        .arg(&*staged)
        .arg(source.join("main.rs"))
        .current_dir(&source)
        .run();
    assert!(built.is_ok(), "cannot compile `probe-client`: {built:?}");
    staged.persist(&binary).expect("the binary gets its name");
    binary
}

fn hash(source: &Path) -> String {
    let entries = fs::read_dir(source).expect("the client's source").flatten();
    let mut files: Vec<_> = entries.map(|entry| entry.path()).collect();
    files.sort();
    let texts: Vec<_> = files.iter().map(|file| fs::read(file).unwrap_or_default()).collect();
    content_hash(texts.iter().map(Vec::as_slice))
}

/// The target folder: tests run from `<target>/<profile>/deps`.
fn target() -> PathBuf {
    let deps = env::current_exe().ok().and_then(|exe| exe.parent().map(Path::to_owned));
    let target = deps.as_deref().and_then(Path::parent).and_then(Path::parent).map(Path::to_owned);
    target.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target"))
}

//! `cargo xtask tools`: what these tasks need and this host may lack.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};

use crate::checkout::Checkout;
use crate::program::{Program, found};
use crate::ui::say;

const COMPOSE_IN_PACKAGE: &str = "usr/libexec/docker/cli-plugins/docker-compose";
const LFS_IN_PACKAGE: &str = "usr/bin/git-lfs";

/// Docker itself nobody but its owner can install.
pub(crate) fn docker() -> anyhow::Result<()> {
    let output = Program::docker().args(["version", "--format", "{{.Server.Version}}"]).capture();
    match output {
        Ok(output) if output.code == 0 => Ok(()),
        Ok(output) => bail!("cannot reach the Docker Engine: {}", output.stderr.trim()),
        Err(_) => bail!("Docker is missing: install Docker Engine 20.10 or newer"),
    }
}

/// mmdebstrap builds the agent's base where no container registry can be reached. Where this user
/// may not install it, the start still goes on: a registry may be there.
pub(crate) fn for_images() -> anyhow::Result<()> {
    docker()?;
    if found("mmdebstrap") {
        return Ok(());
    }
    let line = "apt-get install --yes --no-install-recommends mmdebstrap";
    if !found("apt-get") || !is_root() {
        say(format!(
            "`mmdebstrap` is missing: without it, images are built only where Debian's can be \
             pulled\nhint: on Debian and Ubuntu, `sudo {line}`"
        ));
        return Ok(());
    }
    install("mmdebstrap")
}

/// A package of Debian's that a measurement cannot do without.
pub(crate) fn apt(package: &str) -> anyhow::Result<()> {
    let line = format!("apt-get install --yes --no-install-recommends {package}");
    ensure!(found("apt-get") && is_root(), "`{package}` is missing: `sudo {line}` installs it");
    install(package)
}

fn install(package: &str) -> anyhow::Result<()> {
    let install = apt_get(["install", "--yes", "--no-install-recommends", package]);
    say(format!("installing {package}: `{}`", install.shown()));
    if install.capture()?.code != 0 {
        // The lists of a fresh machine are empty.
        apt_get(["update"]).read()?;
        install.read()?;
    }
    Ok(())
}

/// Compose v2: the host's, else one that Debian packages, unpacked without installing it.
pub(crate) fn compose_v2(checkout: &Checkout) -> anyhow::Result<PathBuf> {
    for folder in ["/usr/libexec", "/usr/local/libexec", "/usr/lib", "/usr/local/lib"] {
        let plugin = PathBuf::from(folder).join("docker/cli-plugins/docker-compose");
        if plugin.is_file() {
            return Ok(plugin);
        }
    }
    unpacked(checkout, "compose", "docker-compose", COMPOSE_IN_PACKAGE)
}

/// The client for large files, which one test pushes with: the host's, else Debian's.
pub(crate) fn git_lfs(checkout: &Checkout) -> anyhow::Result<PathBuf> {
    let own = Path::new("/").join(LFS_IN_PACKAGE);
    if own.is_file() {
        return Ok(own);
    }
    unpacked(checkout, "git-lfs", "git-lfs", LFS_IN_PACKAGE)
}

/// One file of a package of Debian's, unpacked without installing it.
fn unpacked(
    checkout: &Checkout,
    name: &str,
    package: &str,
    within: &str,
) -> anyhow::Result<PathBuf> {
    let kept = checkout.tools().join(name).join(within);
    if kept.is_file() {
        return Ok(kept);
    }
    for_images()?;
    ensure!(
        found("mmdebstrap"),
        "`{package}` is missing, and `mmdebstrap`, which would fetch it, is missing too"
    );
    say(format!("fetching {package} from Debian's archive into `target/tools`"));
    fs_err::create_dir_all(checkout.tools())?;
    let unpacked = tempfile::tempdir_in(checkout.tools())?;
    let tree = unpacked.path().join("tree");
    Program::new("mmdebstrap")
        .args(["--quiet", "--variant=extract", &format!("--include={package}"), "trixie"])
        .arg(&tree)
        .read()?;
    fs_err::create_dir_all(kept.parent().context("a file lies in a folder")?)?;
    fs_err::rename(tree.join(within), &kept)?;
    Ok(kept)
}

fn apt_get<const N: usize>(arguments: [&str; N]) -> Program {
    Program::new("apt-get").args(arguments).env("DEBIAN_FRONTEND", "noninteractive")
}

/// Whose home it is tells too little under sudo; the process's own user is asked.
fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt as _;

    fs_err::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

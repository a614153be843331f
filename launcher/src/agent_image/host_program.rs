//! Programs of the host that a build needs: installed where we may, else named with the line that does.

use anyhow::{Context as _, bail};
use compose_run::program;

/// Makes sure that `name` is there. Root on a Debian or an Ubuntu installs `packages`, saying so.
pub(super) fn ensure(name: &str, packages: &[&str], tell: &dyn Fn(&str)) -> anyhow::Result<()> {
    if program::found(name).is_some() {
        return Ok(());
    }
    install(name, packages, tell)
}

/// Installs `packages`, by which `name` comes.
pub(super) fn install(name: &str, packages: &[&str], tell: &dyn Fn(&str)) -> anyhow::Result<()> {
    let packages = packages.join(" ");
    let line = format!("apt-get install --yes --no-install-recommends {packages}");
    if program::found("apt-get").is_none() {
        bail!("this needs `{name}`, which is not installed (on Debian and Ubuntu: `{line}`)");
    }
    if !nix::unistd::geteuid().is_root() {
        bail!("this needs `{name}`, which is not installed: run `sudo {line}`");
    }
    tell(&format!("installing `{name}`: {line}"));
    let attempt = || {
        program::call("apt-get")
            .env("DEBIAN_FRONTEND", "noninteractive")
            .args(line.split(' ').skip(1))
            .run()
    };
    // A fresh machine has no package lists.
    attempt()
        .or_else(|_| program::call("apt-get").arg("update").run().and_then(|()| attempt()))
        .with_context(|| format!("cannot install `{name}`"))
}

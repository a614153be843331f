//! `cargo xtask sidecars`: the static binaries that the sidecars' images are made of.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};

use crate::checkout::Checkout;
use crate::program::Program;
use crate::ui::say;

/// What `bottle` needs beside it; package and binary have one name.
pub(crate) const SHIPPED: [&str; 5] =
    ["pipelock-proxy", "egress-proxy", "supervise-server", "git-gate-server", "bottle-guest"];
/// What the demo and the tests need besides.
pub(crate) const MODEL: &str = "scripted-model";

/// Builds them all, quick to build, and returns the folder they are in.
pub(crate) fn build(checkout: &Checkout) -> anyhow::Result<PathBuf> {
    build_with(checkout, "release", &[])
}

/// Builds them all with a profile of cargo's, and what the environment says of it.
pub(crate) fn build_with(
    checkout: &Checkout,
    profile: &str,
    environment: &[(&str, &str)],
) -> anyhow::Result<PathBuf> {
    let all: Vec<_> = SHIPPED.into_iter().chain([MODEL]).collect();
    build_these(checkout, profile, environment, &all)
}

/// Builds some of them.
pub(crate) fn build_these(
    checkout: &Checkout,
    profile: &str,
    environment: &[(&str, &str)],
    binaries: &[&str],
) -> anyhow::Result<PathBuf> {
    let triple = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let mut flags = std::env::var_os("RUSTFLAGS").unwrap_or_default();
    flags.push(" -C target-feature=+crt-static");
    let mut cargo = Program::cargo(checkout)
        .args(["build", "--quiet", "--profile", profile, "--target", &triple])
        .env("RUSTFLAGS", flags);
    for (name, value) in environment {
        cargo = cargo.env(*name, *value);
    }
    for &binary in binaries {
        cargo = cargo.args(["--package", binary]);
    }
    if !checkout.sidecars().exists() {
        say("building the sidecars: the first time this takes a few minutes");
    }
    cargo.run().context("cannot build the sidecars")?;
    let folder = if profile == "dev" { "debug" } else { profile };
    let built = checkout.target.join(&triple).join(folder);
    let sidecars = match profile {
        "release" => checkout.sidecars(),
        other => checkout.target.join(format!("sidecars-{other}")),
    };
    fs_err::create_dir_all(&sidecars)?;
    for binary in binaries {
        put(&built.join(binary), &sidecars.join(binary))?;
    }
    Ok(sidecars)
}

/// Copies a binary when it is another one than before.
fn put(built: &Path, kept: &Path) -> anyhow::Result<()> {
    let content = fs_err::read(built)?;
    ensure!(
        is_static(&content),
        "`{}` needs a loader, so it runs in no empty image",
        built.display()
    );
    if fs_err::read(kept).is_ok_and(|before| before == content) {
        return Ok(());
    }
    // A running program cannot be written over, but its name can be given to another file.
    let next = kept.with_extension("next");
    fs_err::copy(built, &next)?;
    fs_err::rename(&next, kept)?;
    Ok(())
}

/// Whether this is a 64-bit ELF program that names no interpreter.
fn is_static(content: &[u8]) -> bool {
    const INTERPRETER: u32 = 3;
    let headers = || -> anyhow::Result<Vec<u32>> {
        if content.get(..5) != Some(b"\x7fELF\x02") {
            bail!("no 64-bit ELF file");
        }
        let offset = usize::try_from(u64::from_le_bytes(at(content, 32)?))?;
        let size = usize::from(u16::from_le_bytes(at(content, 54)?));
        let count = usize::from(u16::from_le_bytes(at(content, 56)?));
        (0..count)
            .map(|index| Ok(u32::from_le_bytes(at(content, offset + index * size)?)))
            .collect()
    };
    headers().is_ok_and(|kinds| !kinds.is_empty() && !kinds.contains(&INTERPRETER))
}

fn at<const N: usize>(content: &[u8], offset: usize) -> anyhow::Result<[u8; N]> {
    let bytes = content.get(offset..offset + N).context("the file is cut short")?;
    Ok(bytes.try_into()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_of_the_host_is_not_static() {
        let shell = fs_err::read("/bin/sh").unwrap();
        assert!(!is_static(&shell));
        assert!(!is_static(b"#!/bin/sh"));
    }
}

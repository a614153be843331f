//! `cargo xtask install`: `bottle` and its sidecars, optimised, for one machine's use.

use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::checkout::Checkout;
use crate::program::Program;
use crate::sidecars;
use crate::ui::say;

/// Where to.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// `bottle` goes to its `bin`, the sidecars to its `lib/bottle` [default: ~/.local]
    #[arg(long, value_name = "DIR")]
    prefix: Option<PathBuf>,
}

/// Builds with the `dist` profile and copies.
pub(crate) fn run(checkout: &Checkout, arguments: &Arguments) -> anyhow::Result<()> {
    let prefix = match &arguments.prefix {
        Some(prefix) => prefix.clone(),
        None => {
            PathBuf::from(std::env::var_os("HOME").context("`HOME` is not set")?).join(".local")
        }
    };
    Program::cargo(checkout)
        .args(["build", "--quiet", "--profile", "dist", "--package", "launcher", "--bin", "bottle"])
        .run()?;
    let sidecars = sidecars::build_with(checkout, "dist", &[])?;
    let (programs, library) = (prefix.join("bin"), prefix.join("lib/bottle"));
    copy(&checkout.target.join("dist/bottle"), &programs)?;
    for binary in sidecars::SHIPPED {
        copy(&sidecars.join(binary), &library)?;
    }
    say(format!("installed `{}`", programs.join("bottle").display()));
    Ok(())
}

/// A running program cannot be written over, but its name can be given to another file.
fn copy(file: &Path, folder: &Path) -> anyhow::Result<()> {
    fs_err::create_dir_all(folder)?;
    let target = folder.join(file.file_name().context("a program has a name")?);
    let next = target.with_extension("next");
    fs_err::copy(file, &next)?;
    fs_err::rename(&next, &target)?;
    Ok(())
}

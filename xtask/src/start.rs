//! `cargo xtask start`: the launcher from this checkout, with sidecars from this checkout.

use std::ffi::OsString;

use crate::checkout::Checkout;
use crate::program::{Program, cargo};
use crate::{sidecars, tools};

/// Never returns when it works: the launcher takes this process over. The working folder stays
/// the caller's, for it is the workspace.
pub(crate) fn run(checkout: &Checkout, arguments: Vec<OsString>) -> anyhow::Result<()> {
    tools::for_images()?;
    let sidecars = sidecars::build(checkout)?;
    let manifest = checkout.root.join("Cargo.toml");
    let program = Program::new(cargo())
        .args(["run", "--quiet", "--package", "launcher", "--bin", "bottle", "--manifest-path"])
        .arg(manifest)
        .args(["--", "start"])
        .args(arguments)
        .env("BOTTLE_SIDECARS", sidecars);
    Err(program.exec())
}

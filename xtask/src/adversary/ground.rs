//! The checkout, or a copy of it, as the adversary's runs need it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::checkout::Checkout;
use crate::program::Program;
use crate::{sidecars, tools, ui};

pub(super) type Environment = Vec<(String, OsString)>;

pub(super) fn say(line: &str) {
    ui::data(line);
}

/// Every file that git knows: a copy needs no more.
pub(super) fn tracked_files(checkout: &Checkout) -> Result<Vec<PathBuf>> {
    let listed = Program::new("git").args(["ls-files", "-z"]).within(&checkout.root).read()?;
    Ok(listed.split('\0').filter(|name| !name.is_empty()).map(PathBuf::from).collect())
}

/// A copy of the sources, with a target folder of its own.
pub(super) fn copy_of(checkout: &Checkout) -> Checkout {
    let adversary = checkout.target.join("adversary");
    Checkout { root: adversary.join("source"), target: adversary.join("build") }
}

/// What the container tests read from the environment; what they need is built first.
pub(super) fn container_environment(checkout: &Checkout) -> Result<Environment> {
    Ok(environment(tools::compose_v2(checkout)?, sidecars::build(checkout)?))
}

/// The same for a copy, whose sidecars are the quickest to build that there are.
pub(super) fn environment_of_copy(checkout: &Checkout, copy: &Checkout) -> Result<Environment> {
    Ok(environment(tools::compose_v2(checkout)?, sidecars::build_with(copy, "dev")?))
}

fn environment(compose: PathBuf, sidecars: PathBuf) -> Environment {
    vec![
        ("BOTTLE_SIDECARS".to_owned(), sidecars.into_os_string()),
        ("BOTTLE_COMPOSE_V2".to_owned(), compose.into_os_string()),
    ]
}

/// Runs cargo and returns whether it did well, and all that it printed.
pub(super) fn cargo(
    checkout: &Checkout,
    arguments: &[&str],
    environment: &Environment,
) -> Result<(bool, String)> {
    let cargo = Program::cargo(checkout).args(arguments.iter().copied());
    let program = environment.iter().fold(cargo, |program, (name, value)| program.env(name, value));
    let output = program.capture()?;
    Ok((output.code == 0, format!("{}{}", output.stdout, output.stderr)))
}

/// A scratch file that nobody else reads.
pub(super) fn put(path: &Path, text: &str) -> Result<()> {
    Ok(fs_err::write(path, text)?)
}

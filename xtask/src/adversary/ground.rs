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

/// The sources to be copied: of the checkout as it lies there, or of a commit.
#[derive(Debug)]
pub(super) struct Sources {
    pub(super) root: PathBuf,
    pub(super) files: Vec<PathBuf>,
}

impl Sources {
    /// Every file that git knows or would take: a copy needs no more.
    pub(super) fn of_checkout(checkout: &Checkout) -> Result<Self> {
        let wanted = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
        let listed = Program::new("git").args(wanted).within(&checkout.root).read()?;
        let files = paths(&listed).filter(|file| checkout.root.join(file).is_file());
        Ok(Self { files: files.collect(), root: checkout.root.clone() })
    }

    /// Every file of a commit, whatever lies in the checkout.
    pub(super) fn of_commit(checkout: &Checkout, commit: &str) -> Result<Self> {
        let folder = checkout.target.join("adversary/commit");
        let archive = checkout.target.join("adversary/commit.tar");
        if folder.exists() {
            fs_err::remove_dir_all(&folder)?;
        }
        fs_err::create_dir_all(&folder)?;
        let git = |args: &[&str]| Program::new("git").args(args).within(&checkout.root);
        git(&["archive", "--format=tar", "--output"]).arg(&archive).arg(commit).run()?;
        Program::new("tar").arg("-xf").arg(&archive).within(&folder).run()?;
        let listed = git(&["ls-tree", "-r", "-z", "--name-only", commit]).read()?;
        Ok(Self { files: paths(&listed).collect(), root: folder })
    }
}

fn paths(listed: &str) -> impl Iterator<Item = PathBuf> + '_ {
    listed.split('\0').filter(|name| !name.is_empty()).map(PathBuf::from)
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

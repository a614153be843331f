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

/// Nobody debugs a copy, and most of a build without debug information is quicker.
const LEAN: [(&str, &str); 2] = [("CARGO_PROFILE_DEV_DEBUG", "0"), ("RUST_BACKTRACE", "0")];

/// What every build of a copy reads.
pub(super) fn lean() -> Environment {
    LEAN.map(|(name, value)| (name.to_owned(), value.into())).into()
}

/// The same for a copy, whose sidecars are the quickest to build that there are.
pub(super) fn environment_of_copy(checkout: &Checkout, copy: &Checkout) -> Result<Environment> {
    // What a proof makes of a changed source lies beside it: these stay as they are.
    let kept = copy.target.join("sidecars-with");
    let built = sidecars::build_with(copy, "dev", &LEAN)?;
    if kept.exists() {
        fs_err::remove_dir_all(&kept)?;
    }
    fs_err::rename(built, &kept)?;
    Ok([lean(), environment(tools::compose_v2(checkout)?, kept)].concat())
}

/// The same with the sidecars of a source that was changed.
pub(super) fn environment_without(checkout: &Checkout, copy: &Checkout) -> Result<Environment> {
    let built = sidecars::build_with(copy, "dev", &LEAN)?;
    Ok([lean(), environment(tools::compose_v2(checkout)?, built)].concat())
}

fn environment(compose: PathBuf, sidecars: PathBuf) -> Environment {
    vec![
        ("BOTTLE_SIDECARS".to_owned(), sidecars.into_os_string()),
        ("BOTTLE_COMPOSE_V2".to_owned(), compose.into_os_string()),
    ]
}

/// A scratch file that nobody else reads.
pub(super) fn put(path: &Path, text: &str) -> Result<()> {
    Ok(fs_err::write(path, text)?)
}

//! Finds Compose by looking at files: v1 takes a third of a second to say its version.

use super::{ComposeError, Flavour};
use crate::{Docker, process::Call, program};
use std::{
    env,
    fs::File,
    io::Read as _,
    path::{Path, PathBuf},
    time::Duration,
};

/// Where the Docker client looks for plugins, after the user's own folder.
const PLUGIN_FOLDERS: [&str; 4] = [
    "/usr/local/lib/docker/cli-plugins",
    "/usr/local/libexec/docker/cli-plugins",
    "/usr/lib/docker/cli-plugins",
    "/usr/libexec/docker/cli-plugins",
];

const PATIENCE: Duration = Duration::from_secs(30);

type Found = (Flavour, Option<PathBuf>);

pub(super) fn find(docker: &Docker, forced: Option<&str>) -> Result<Found, ComposeError> {
    match forced.filter(|forced| !forced.is_empty()) {
        None => plugin(docker).or_else(standalone_v2).or_else(v1).ok_or(ComposeError::Absent),
        Some("v2") => plugin(docker).or_else(standalone_v2).ok_or(ComposeError::Absent),
        Some("v1") => v1().ok_or(ComposeError::Absent),
        Some(path) if path.contains('/') => {
            let found = program::found(path).and_then(|program| judge(&program));
            found.ok_or_else(|| ComposeError::Unknown(path.to_owned()))
        }
        Some(other) => Err(ComposeError::Unknown(other.to_owned())),
    }
}

/// The client's plugin: seen in one of its folders, else by asking the client. One that was seen is
/// run by itself: the client would start it twice for each call, once to ask what it is.
fn plugin(docker: &Docker) -> Option<Found> {
    let own = env::var_os("DOCKER_CONFIG")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".docker")));
    let own = own.map(|config| config.join("cli-plugins"));
    let folders = own.into_iter().chain(PLUGIN_FOLDERS.map(PathBuf::from));
    let seen = folders
        .map(|folder| folder.join("docker-compose"))
        .find(|program| program::is_executable(program));
    let answers = || docker.call(["compose", "version", "--short"]).timeout(PATIENCE).run().is_ok();
    (seen.is_some() || answers()).then_some((Flavour::V2, seen))
}

/// A `docker-compose` that is v2 all the same.
fn standalone_v2() -> Option<Found> {
    judge(&program::found("docker-compose")?).filter(|(flavour, _)| *flavour == Flavour::V2)
}

fn v1() -> Option<Found> {
    let first = program::found("docker-compose").and_then(|program| judge(&program));
    first.filter(|(flavour, _)| *flavour == Flavour::V1)
}

/// v1 is a Python script; what is none is asked.
fn judge(program: &Path) -> Option<Found> {
    let mut first = [0; 2];
    let read = File::open(program).and_then(|mut file| file.read_exact(&mut first));
    if read.is_ok() && &first == b"#!" {
        return Some((Flavour::V1, Some(program.to_owned())));
    }
    let version = Call::new(program).args(["version", "--short"]).timeout(PATIENCE).text().ok()?;
    let flavour =
        if version.trim_start_matches('v').starts_with("1.") { Flavour::V1 } else { Flavour::V2 };
    Some((flavour, Some(program.to_owned())))
}

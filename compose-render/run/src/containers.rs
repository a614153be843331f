//! The containers of bottles as the engine knows them, found by label and not by any file.

use crate::{Docker, EscapeControls, RunError, escape_controls};
use compose_render::{Role, Slug, contract};
use nix::{errno::Errno, sys::signal::kill, unistd::Pid};
use serde::{Deserialize, Serialize};
use std::{
    io::Write,
    path::PathBuf,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

const PATIENCE: Duration = Duration::from_mins(1);

/// Where both Composes note the folder of the project, which is the bottle's.
const FOLDER_LABEL: &str = "com.docker.compose.project.working_dir";

/// A container of a bottle.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Container {
    pub id: String,
    pub name: String,
    pub slug: Slug,
    /// `None` for a role this version does not know.
    pub role: Option<Role>,
    /// `running`, `exited`, `restarting`, `created`, `dead`, `paused`.
    pub state: String,
    /// The engine's words: `Up 3 minutes`.
    pub status: String,
    pub image: String,
    /// The bottle's folder, as compose noted it when it made the container.
    pub folder: Option<PathBuf>,
}

/// What `docker inspect` tells of a container's life.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Life {
    pub status: String,
    pub exit_code: i32,
    pub restarts: u64,
    pub oom_killed: bool,
    pub started_at: String,
}

/// Every container of every bottle, or of that bottle.
pub fn list(docker: &Docker, slug: Option<&Slug>) -> Result<Vec<Container>, RunError> {
    let format = format!(
        "{{{{.ID}}}}\t{{{{.Names}}}}\t{{{{.Label \"{}\"}}}}\t{{{{.Label \"{}\"}}}}\t{{{{.State}}}}\t{{{{.Image}}}}\t{{{{.Status}}}}\t{{{{.Label \"{FOLDER_LABEL}\"}}}}",
        contract::SLUG_LABEL,
        contract::ROLE_LABEL
    );
    let filter = filter(slug);
    let args = ["ps", "--all", "--no-trunc", "--filter", &filter, "--format", &format];
    let text = docker.call(args).timeout(PATIENCE).text()?;
    Ok(text.lines().filter_map(read).collect())
}

fn read(line: &str) -> Option<Container> {
    let mut fields = line.split('\t').map(str::to_owned);
    let (id, name) = (fields.next()?, fields.next()?);
    // A label that is no slug was not written by us.
    let slug = fields.next()?.parse().ok()?;
    let role = Role::named(&fields.next()?);
    let (state, image) = (fields.next()?, fields.next()?);
    let status = fields.next()?;
    let folder = fields.next().filter(|folder| !folder.is_empty()).map(PathBuf::from);
    Some(Container { id, name, slug, role, state, status, image, folder })
}

/// How a container is named that only serves to make an image, before its process and a number. By
/// its name and not by a label: a label would go on into the image, and from there into bottles. No
/// bottle's container has a dot in its name.
const BUILD_PREFIX: &str = "bottle.build.";

/// `--name` for such a container of this process.
pub fn build_name() -> String {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("--name={BUILD_PREFIX}{}.{count}", std::process::id())
}

/// Removes such containers of processes that are gone, and returns how many there were.
pub fn remove_abandoned_builds(docker: &Docker) -> Result<usize, RunError> {
    let filter = format!("name={BUILD_PREFIX}");
    let list = ["ps", "--all", "--filter", &filter, "--format", "{{.Names}}"];
    let text = docker.call(list).timeout(PATIENCE).text()?;
    let names: Vec<_> = text.lines().filter(|name| is_abandoned(name)).collect();
    each(docker, &["rm", "--force", "--volumes"], &names.join("\n"))?;
    Ok(names.len())
}

/// Whether it is named for a process that is gone. What cannot be told is left alone.
fn is_abandoned(name: &str) -> bool {
    let rest = name.strip_prefix(BUILD_PREFIX).and_then(|rest| rest.split('.').next());
    let pid = rest.and_then(|pid| pid.parse().ok());
    pid.is_some_and(|pid| pid > 1 && kill(Pid::from_raw(pid), None) == Err(Errno::ESRCH))
}

/// How it lives, or ended; `None` where there is no such container.
pub fn life(docker: &Docker, container: &str) -> Result<Option<Life>, RunError> {
    let format = concat!(
        r#"{"status":{{json .State.Status}},"exit_code":{{json .State.ExitCode}},"#,
        r#""restarts":{{json .RestartCount}},"oom_killed":{{json .State.OOMKilled}},"#,
        r#""started_at":{{json .State.StartedAt}}}"#
    );
    let args = ["container", "inspect", "--format", format, container];
    match docker.call(args).timeout(PATIENCE).text() {
        Ok(json) => serde_json::from_str(&json).map(Some).map_err(|error| RunError::Unexpected {
            command: "docker container inspect".to_owned(),
            detail: error.to_string(),
        }),
        Err(error) if is_absence(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether that container runs.
pub fn is_running(docker: &Docker, container: &str) -> Result<bool, RunError> {
    Ok(life(docker, container)?.is_some_and(|life| life.status == "running"))
}

/// Ends every container of the bottle and leaves it there; what does not end in time is killed.
pub fn stop(docker: &Docker, slug: &Slug, grace: Duration) -> Result<(), RunError> {
    let grace = grace.as_secs().to_string();
    each(docker, &["stop", "--time", &grace], &ids(docker, slug)?)
}

/// Removes every container of the bottle and its anonymous volumes, by force. None is well.
pub fn remove(docker: &Docker, slug: &Slug) -> Result<(), RunError> {
    each(docker, &["rm", "--force", "--volumes"], &ids(docker, slug)?)
}

/// Every container of the bottle, one on a line.
fn ids(docker: &Docker, slug: &Slug) -> Result<String, RunError> {
    let filter = filter(Some(slug));
    let args = ["ps", "--all", "--quiet", "--no-trunc", "--filter", &filter];
    docker.call(args).timeout(PATIENCE).text()
}

/// Removes every named volume of the bottle's project. None is well.
pub fn remove_volumes(docker: &Docker, slug: &Slug) -> Result<(), RunError> {
    let filter = format!("label=com.docker.compose.project={}", slug.project());
    let list = ["volume", "ls", "--quiet", "--filter", &filter];
    let names = docker.call(list).timeout(PATIENCE).text()?;
    each(docker, &["volume", "rm", "--force"], &names)
}

fn each(docker: &Docker, command: &[&str], names: &str) -> Result<(), RunError> {
    let names: Vec<_> = names.lines().collect();
    if names.is_empty() {
        return Ok(());
    }
    match docker.call(command).args(names).timeout(PATIENCE).run() {
        Err(error) if is_absence(&error) => Ok(()),
        other => other,
    }
}

/// The last lines a container printed, control characters escaped; empty where there are none.
pub fn last_log_lines(docker: &Docker, container: &str, lines: u32) -> String {
    let lines = lines.to_string();
    let call = docker.call(["logs", "--tail", &lines, container]).timeout(PATIENCE);
    match call.outcome() {
        Ok(outcome) => {
            let printed = escape_controls(&String::from_utf8_lossy(&outcome.stdout));
            [printed.trim(), &outcome.stderr].join("\n").trim().to_owned()
        }
        Err(_) => String::new(),
    }
}

/// Writes the logs of all the bottle's containers one after another: for a bottle whose compose
/// file is gone or broken.
pub fn logs(docker: &Docker, slug: &Slug, out: &mut (dyn Write + Send)) -> Result<(), RunError> {
    for container in list(docker, Some(slug))? {
        let name = container.role.map_or(container.name.clone(), |role| role.to_string());
        let mut lines = EscapeControls::with_prefix(&mut *out, &format!("{name:<9} | "));
        let call = docker.call(["logs", "--timestamps", &container.id]).timeout(PATIENCE);
        call.merge_stderr().stream(&mut lines)?;
        let finished = lines.finish().map(drop);
        let command = "docker logs".to_owned();
        finished.map_err(|source| RunError::Stream { command, source })?;
    }
    Ok(())
}

fn filter(slug: Option<&Slug>) -> String {
    match slug {
        Some(slug) => format!("label={}={slug}", contract::SLUG_LABEL),
        None => format!("label={}", contract::SLUG_LABEL),
    }
}

/// Whether the engine says that what was asked for is not there.
pub(crate) fn is_absence(error: &RunError) -> bool {
    let said = error.stderr().to_ascii_lowercase();
    said.contains("no such") || said.contains("not found")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_is_abandoned_when_its_process_is_gone_and_a_bottle_is_no_build() {
        let ours = build_name();
        assert!(!is_abandoned(ours.trim_start_matches("--name=")));
        assert!(is_abandoned("bottle.build.2147483647.0"));
        for other in ["bottle-build-2147483647-agent", "bottle.build.x.0", "bottle.build.1.0"] {
            assert!(!is_abandoned(other), "{other}");
        }
    }
}

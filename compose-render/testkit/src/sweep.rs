//! Removes what tests left: at the end of each, and at the beginning what a killed run could not.

use crate::stack::{FOLDER_PREFIX, TEST_LABEL};
use compose_render::Slug;
use compose_run::{Docker, RunError, containers, networks};
use nix::{sys::signal::kill, unistd::Pid};
use std::{path::PathBuf, sync::Once};

/// Removes what runs left whose process is gone. Once in a process.
pub(crate) fn once(docker: &Docker) {
    static SWEPT: Once = Once::new();
    SWEPT.call_once(|| {
        // Somebody else may sweep at the same time: what fails here is tried by the next run.
        for slug in bottles(docker) {
            containers::remove(docker, &slug).ok();
            networks::remove(docker, &slug).ok();
        }
        for name in tests(docker) {
            if is_orphan(&name) {
                labelled(docker, &format!("{TEST_LABEL}={name}")).ok();
            }
        }
    });
}

/// Removes every container and network with that label.
pub(crate) fn labelled(docker: &Docker, label: &str) -> Result<(), RunError> {
    let ids = containers(docker, label);
    if !ids.is_empty() {
        docker.call(["rm", "--force", "--volumes"]).args(&ids).run()?;
    }
    let filter = format!("label={label}");
    let networks = docker.capture(["network", "ls", "--quiet", "--filter", &filter])?;
    for id in networks.lines() {
        docker.run(["network", "rm", id])?;
    }
    Ok(())
}

/// The ids of the containers with that label.
pub(crate) fn containers(docker: &Docker, label: &str) -> Vec<String> {
    let filter = format!("label={label}");
    let ids = docker.capture(["ps", "--all", "--quiet", "--filter", &filter]);
    ids.unwrap_or_default().lines().map(str::to_owned).collect()
}

/// Bottles of stacks whose process is gone. A person's bottle may be named like one, but its state
/// is never in a test's folder.
fn bottles(docker: &Docker) -> Vec<Slug> {
    let containers = containers::list(docker, None).unwrap_or_default().into_iter();
    let networks = networks::list(docker).unwrap_or_default().into_iter();
    let in_containers = containers.map(|found| (found.slug, found.folder));
    let in_networks = networks.map(|found| (found.slug, found.state));
    let of_tests = |folder: Option<PathBuf>| {
        folder.is_some_and(|folder| folder.to_string_lossy().contains(FOLDER_PREFIX))
    };
    let all = in_containers.chain(in_networks);
    all.filter(|(slug, _)| is_orphan(slug.as_str()))
        .filter_map(|(slug, folder)| of_tests(folder).then_some(slug))
        .collect()
}

fn tests(docker: &Docker) -> Vec<String> {
    let (filter, format) =
        (format!("label={TEST_LABEL}"), format!("{{{{.Label \"{TEST_LABEL}\"}}}}"));
    let list = |what: &[&str]| {
        let call = docker.call(what).args(["--filter", &filter, "--format", &format]);
        call.text().unwrap_or_default()
    };
    let (containers, networks) = (list(&["ps", "--all"]), list(&["network", "ls"]));
    containers.lines().chain(networks.lines()).map(str::to_owned).collect()
}

/// Whether it is named like a stack, `<test>-<pid>-<n>`, of a process that is gone.
fn is_orphan(name: &str) -> bool {
    let mut parts = name.rsplit('-');
    let count = parts.next().and_then(|count| count.parse::<u32>().ok());
    let pid = parts.next().and_then(|pid| pid.parse::<i32>().ok());
    let is_stack = count.is_some() && parts.next().is_some();
    is_stack && pid.is_some_and(|pid| pid > 1 && kill(Pid::from_raw(pid), None).is_err())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_stack_of_a_process_that_is_gone_is_an_orphan() {
        assert!(!is_orphan(&format!("networks-{}-0", std::process::id())));
        assert!(is_orphan("networks-2147483647-0"));
        for other in ["implementer-abcd", "fix-2-login", "a-0-0", "fix-1"] {
            assert!(!is_orphan(other), "{other}");
        }
    }
}

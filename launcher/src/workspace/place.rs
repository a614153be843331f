//! Whether what is mounted is what was looked at. The engine follows a path when the container
//! starts; a folder that another bottle's agent works in could have become a link by then.

use std::fs::OpenOptions;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use anyhow::Context as _;
use compose_render::Mount;
use compose_run::Docker;
use nix::fcntl::{OFlag, OpenHow, ResolveFlag, openat2};

use crate::exit;
use crate::plan::guest;

/// Asks the container, in which nothing of the agent's runs yet, what stands where it was mounted.
pub(crate) fn check(docker: &Docker, agent: &str, mounts: &[Mount]) -> anyhow::Result<()> {
    let guests = mounts.iter().map(|mount| mount.guest.as_str());
    let command = [guest::BINARY, "place"].into_iter().chain(guests);
    let said = docker.exec(agent, None, false, command).text().context("cannot see the mounts")?;
    compare(mounts, &said)
}

/// Holds each line of the answer against the host's own folder.
fn compare(mounts: &[Mount], said: &str) -> anyhow::Result<()> {
    let mut lines = said.lines();
    for mount in mounts {
        let place = place(&mount.host);
        if place.is_none() || place.as_deref() != lines.next() {
            let sentence = format!(
                "`{}` was replaced by something else while the bottle started",
                mount.host.display()
            );
            return Err(exit::advise(
                exit::refused(sentence),
                "does another agent work in a folder above it? Take `workspace: copy`",
            ));
        }
    }
    Ok(())
}

/// What lies at a path that holds no link: its device and its number.
fn place(path: &Path) -> Option<String> {
    let root =
        OpenOptions::new().read(true).custom_flags(OFlag::O_DIRECTORY.bits()).open("/").ok()?;
    let how = OpenHow::new()
        .flags(OFlag::O_PATH | OFlag::O_CLOEXEC)
        .resolve(ResolveFlag::RESOLVE_NO_SYMLINKS);
    let there = std::fs::File::from(openat2(&root, path, how).ok()?).metadata().ok()?;
    Some(format!("{}:{}", there.dev(), there.ino()))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn i1_a_folder_that_became_a_link_before_it_was_mounted_is_refused() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        let (project, secret) = (root.join("project"), root.join("secret"));
        fs::create_dir(&project).unwrap();
        fs::create_dir(&secret).unwrap();
        let mount = Mount { host: project.clone(), guest: "/workspace".to_owned(), writable: true };
        let mounts = [mount];
        let seen = |path: &Path| {
            let metadata = fs::metadata(path).unwrap();
            format!("{}:{}\n", metadata.dev(), metadata.ino())
        };
        compare(&mounts, &seen(&project)).unwrap();
        // The engine went over the link; afterwards all looks as before.
        assert!(compare(&mounts, &seen(&secret)).is_err());
        assert!(compare(&mounts, "").is_err());
        // The link is still there, and leads where the container is.
        fs_err::rename(&project, root.join("aside")).unwrap();
        symlink(&secret, &project).unwrap();
        let refused = compare(&mounts, &seen(&project)).unwrap_err();
        assert_eq!(exit::Exit::of(&refused), exit::Exit::Refused);
        compose_testkit::told("a mounted folder that becomes a link to another", refused);
    }
}

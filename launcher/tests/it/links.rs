//! A link in the place of whatever of a bottle's state: none is followed.

use std::fs::Permissions;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use compose_testkit::record;

use crate::ground::Ground;

#[test]
fn i1_a_link_in_the_place_of_the_bottles_folder_or_a_file_of_it_is_refused() {
    let ground = Ground::new("trouble-link");
    let elsewhere = ground.account.here().join("elsewhere");
    std::fs::create_dir(&elsewhere).unwrap();
    std::fs::set_permissions(&elsewhere, Permissions::from_mode(0o700)).unwrap();
    // The state folder is made by any command.
    assert_eq!(ground.bottle(&["list"]).code, Some(0));
    let folder = ground.state("");
    let folder = folder.to_str().unwrap().trim_end_matches('/');
    symlink(&elsewhere, folder).unwrap();
    let said = ground.start(&["--", "-c", "true"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains("is a link"), "{said:?}");
    assert_eq!(std::fs::read_dir(&elsewhere).unwrap().count(), 0);
    std::fs::remove_file(folder).unwrap();

    std::fs::create_dir(folder).unwrap();
    std::fs::set_permissions(folder, Permissions::from_mode(0o700)).unwrap();
    let victim = elsewhere.join("victim");
    compose_run::replace(&victim, b"untouched", 0o600).unwrap();
    for name in ["lock", "metadata.json"] {
        symlink(&victim, ground.state(name)).unwrap();
        let said = ground.start(&["--", "-c", "true"]);
        assert_eq!(said.code, Some(1), "{name}: {said:?}");
        assert_eq!(std::fs::read(&victim).unwrap(), b"untouched", "{name}");
        std::fs::remove_file(ground.state(name)).unwrap();
    }
    ground.assert_gone();
}

#[test]
fn i1_a_link_in_the_place_of_any_file_of_a_stopped_bottle_is_never_followed() {
    let ground = Ground::new("trouble-links");
    let name = ground.slug.as_str();
    let started = ground.start(&["--", "-c", "echo made > made.txt"]);
    assert_eq!(started.code, Some(0), "{started:?}");
    let victim = ground.account.write("victim", "untouched canary\n");
    let files = all_below(&ground.state(""));
    for must in ["metadata.json", "compose.log", "workspace.tar", "docker-compose.yml", "lock"] {
        assert!(files.iter().any(|file| file.ends_with(must)), "{must}: {files:?}");
    }
    for file in files {
        let kept = file.with_extension("kept");
        fs_err::rename(&file, &kept).unwrap();
        symlink(&victim, &file).unwrap();
        for args in [
            &["list"][..],
            &["show", name],
            &["logs", name],
            &["audit", name],
            &["diff", name],
            &["stop", name],
            &["cleanup"],
        ] {
            let said = ground.bottle(args);
            assert!(!said.out.contains("canary"), "{}: {args:?}: {said:?}", file.display());
            assert!(!said.err.contains("canary"), "{}: {args:?}: {said:?}", file.display());
        }
        assert_eq!(std::fs::read(&victim).unwrap(), b"untouched canary\n", "{}", file.display());
        std::fs::remove_file(&file).unwrap();
        fs_err::rename(&kept, &file).unwrap();
    }
    record("I1", "a link in the place of each file of a stopped bottle", "none was followed");
}

#[test]
fn i1_links_in_the_place_of_what_a_teardown_writes_are_not_written_through() {
    let ground = Ground::new("trouble-written");
    let name = ground.slug.as_str();
    assert_eq!(ground.start(&["--detach"]).code, Some(0));
    let victim = ground.account.write("victim", "untouched");
    for file in ["compose.log", "workspace.tar"] {
        symlink(&victim, ground.state(file)).unwrap();
    }
    let stopped = ground.bottle(&["stop", name]);
    assert_eq!(std::fs::read(&victim).unwrap(), b"untouched");
    // The log cannot be saved, which is told; everything else is done.
    assert_eq!(stopped.code, Some(1), "{stopped:?}");
    assert!(stopped.err.contains("could not save the logs"), "{stopped:?}");
    ground.assert_gone();
    assert!(!ground.state("workspace.tar").is_symlink());
    record("I1", "links in the place of what a teardown writes", stopped.err.trim());
}

/// Every file below the folder.
fn all_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(all_below(&path));
        } else {
            files.push(path);
        }
    }
    files
}

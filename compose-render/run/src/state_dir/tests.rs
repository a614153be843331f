//! What the state folder holds, and what it refuses.

use super::*;
use crate::{Owner, replace};
use compose_render::{RenderedFile, Role, Secret};
use std::{
    fs::{self, Permissions},
    os::unix::fs::{PermissionsExt as _, symlink},
};

fn state() -> (tempfile::TempDir, StateDir) {
    let dir = tempfile::tempdir().unwrap();
    let state = StateDir::open(dir.path().join("deep/state")).unwrap();
    (dir, state)
}

fn slug(text: &str) -> Slug {
    text.parse().unwrap()
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777
}

#[test]
fn chooses_the_first_absolute_folder() {
    let os = |text| Some(OsStr::new(text));
    let choose = StateDir::choose;
    assert_eq!(choose(os("/s"), os("/x"), os("/h")), Some("/s".into()));
    assert_eq!(choose(os("s"), os("/x"), os("/h")), Some("/x/bottle".into()));
    assert_eq!(choose(None, os(""), os("/h")), Some("/h/.local/state/bottle".into()));
    assert_eq!(choose(None, None, None), None);
}

#[test]
fn folders_are_0700_and_files_0600() {
    let (_dir, state) = state();
    let claim = state.claim(&slug("a")).unwrap();
    let dirs = claim.dir().create_service(Role::Pipelock, Owner::host()).unwrap();
    let files = [
        RenderedFile::plain("pipelock.yaml", "a: 1\n"),
        RenderedFile::secret("keys/ca-key.pem", Secret::new("key".to_owned())),
    ];
    write_files(&dirs.config, &files, Owner::host()).unwrap();
    claim.dir().set_metadata(&Metadata::new(&slug("a"), "implementer")).unwrap();
    for dir in [state.path(), claim.dir().path(), &dirs.config, &dirs.inbox, &dirs.outbox] {
        assert_eq!(mode(dir), 0o700, "{}", dir.display());
    }
    assert_eq!(mode(&dirs.config.join("keys/ca-key.pem")), 0o600);
    for file in [claim.dir().lock_file(), claim.dir().metadata_file()] {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
}

#[test]
fn a_bottle_is_held_by_one() {
    let (_dir, state) = state();
    let claim = state.claim(&slug("a")).unwrap();
    assert!(state.bottle(&slug("a")).is_locked());
    assert!(matches!(state.claim(&slug("a")), Err(StateError::Taken(_))));
    state.claim(&slug("b")).unwrap();
    let hold = claim.hold().unwrap();
    drop(claim);
    assert!(state.bottle(&slug("a")).is_locked(), "a child still holds it");
    drop(hold);
    assert!(!state.bottle(&slug("a")).is_locked());
    state.claim_existing(&slug("a")).unwrap();
}

#[test]
fn a_removed_bottle_is_gone_and_can_be_made_again() {
    let (_dir, state) = state();
    let claim = state.claim(&slug("a")).unwrap();
    claim.dir().create_service(Role::Egress, Owner::of_sidecars()).unwrap();
    claim.remove().unwrap();
    assert!(!state.bottle(&slug("a")).exists());
    assert!(matches!(state.claim_existing(&slug("a")), Err(StateError::NoSuchBottle(_))));
    state.claim(&slug("a")).unwrap();
}

#[test]
fn lists_bottles_and_broken_ones_and_leaves_other_folders_alone() {
    let (_dir, state) = state();
    let well = state.claim(&slug("well")).unwrap();
    well.dir().set_metadata(&Metadata::new(&slug("well"), "implementer")).unwrap();
    drop(state.claim(&slug("new")).unwrap());
    drop(state.claim(&slug("broken")).unwrap());
    state.bottle(&slug("broken")).write("metadata.json", b"{").unwrap();
    fs::create_dir(state.path().join("Not_ours")).unwrap();
    let found = state.bottles().unwrap();
    let names: Vec<_> = found.iter().map(|found| found.dir.slug().as_str()).collect();
    assert_eq!(names, ["broken", "new", "well"]);
    assert!(matches!(found[0].metadata, Err(StateError::Metadata { .. })));
    assert!(matches!(found[1].metadata, Ok(None)));
    let metadata = found[2].metadata.as_ref().unwrap().as_ref().unwrap();
    assert_eq!((metadata.agent.as_str(), found[2].locked), ("implementer", true));
    assert!(!found[1].locked);
}

#[test]
fn i1_refuses_links_and_modes_that_let_others_in() {
    let (dir, state) = state();
    let claim = state.claim(&slug("a")).unwrap();
    let elsewhere = dir.path().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();

    symlink(&elsewhere, claim.dir().path().join("egress")).unwrap();
    let error = claim.dir().create_service(Role::Egress, Owner::host()).unwrap_err();
    assert!(matches!(error, StateError::Link(_)), "{error}");

    symlink("/etc/passwd", claim.dir().metadata_file()).unwrap();
    assert!(claim.dir().metadata().is_err());
    let metadata = Metadata::new(&slug("a"), "x");
    assert!(matches!(claim.dir().set_metadata(&metadata), Err(StateError::Link(_))));

    symlink(&elsewhere, state.path().join("linked")).unwrap();
    assert!(matches!(state.claim(&slug("linked")), Err(StateError::Link(_))));

    drop(state.claim(&slug("b")).unwrap());
    fs::remove_file(state.bottle(&slug("b")).lock_file()).unwrap();
    symlink(elsewhere.join("lock"), state.bottle(&slug("b")).lock_file()).unwrap();
    assert!(matches!(state.claim(&slug("b")), Err(StateError::Link(_))));
    assert!(!elsewhere.join("lock").exists());

    fs::set_permissions(claim.dir().path(), Permissions::from_mode(0o750)).unwrap();
    let error = claim.dir().metadata().unwrap_err();
    assert!(error.to_string().contains("mode 0750"), "{error}");

    fs::set_permissions(state.path(), Permissions::from_mode(0o755)).unwrap();
    assert!(matches!(StateDir::open(state.path()), Err(StateError::Mode { .. })));
}

#[test]
fn a_rendered_file_cannot_leave_its_folder() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["../x", "/x", "a/../../x", ""] {
        let files = [RenderedFile::plain(name, "x")];
        let error = write_files(dir.path(), &files, Owner::host()).unwrap_err();
        assert!(matches!(error, StateError::BadName(_)), "{name}: {error}");
    }
}

#[test]
fn a_lock_file_that_is_replaced_is_not_held_by_its_old_holder() {
    let (_dir, state) = state();
    let old = state.claim(&slug("a")).unwrap();
    fs::remove_file(old.dir().lock_file()).unwrap();
    replace(&old.dir().lock_file(), b"", 0o600).unwrap();
    state.claim(&slug("a")).unwrap();
}

#[test]
fn a_lock_handed_on_is_taken_over_and_another_file_is_not() {
    let (_dir, state) = state();
    let claim = state.claim(&slug("a")).unwrap();
    let hold = claim.hold().unwrap();
    let stranger = fs::File::open(claim.dir().lock_file()).unwrap();
    let refused = Claim::adopt(state.bottle(&slug("a")), stranger);
    assert!(matches!(refused, Err(StateError::Taken(_))));
    // Nor is a file that nobody holds, but that is not the lock.
    let other = claim.dir().path().join("other");
    replace(&other, b"", 0o600).unwrap();
    let refused = Claim::adopt(state.bottle(&slug("a")), fs::File::open(other).unwrap());
    assert!(matches!(refused, Err(StateError::Taken(_))));
    drop(claim);
    let adopted = Claim::adopt(state.bottle(&slug("a")), hold).unwrap();
    assert!(state.bottle(&slug("a")).is_locked());
    drop(adopted);
    assert!(!state.bottle(&slug("a")).is_locked());
}

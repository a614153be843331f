//! The disk of the state folder is full: at every write of a start, and at the end of a bottle.

use compose_testkit::{record, sidecars};

use crate::own_engine::OwnEngine;
use crate::program::Said;

/// A start needs fewer files than this.
const MOST_FILES: u32 = 60;
/// By how much the disk grows from one try to the next.
const STEP_KIBIBYTES: u64 = 24;
/// Whatever is written before the one large file, which is the guest's program, and after it.
const BESIDE_IT_KIBIBYTES: u64 = 600;

/// Leaves one mebibyte of room on the disk.
const NEARLY_FULL: &str = "\
used=$(df -k --output=used \"$1\" | tail -n 1)
mount -o remount,size=$((used + 1024))k \"$1\"
";

/// An engine, and a state folder on a disk of its own.
fn on_own_disk() -> (OwnEngine, String) {
    let mut engine = OwnEngine::new();
    let disk = engine.account.here().join("disk").display().to_string();
    engine.shell("mkdir \"$1\" && mount -t tmpfs -o mode=0700 none \"$1\"", &[&disk]);
    engine.account.set("BOTTLE_STATE_DIR", &format!("{disk}/state"));
    // What is built goes elsewhere, and is there before anything is tried.
    let first = engine.bottle(&OwnEngine::start_args("first", &["--", "-c", "true"]));
    assert_eq!(first.code, Some(0), "{first:?}");
    (engine, disk)
}

/// Starts on an empty disk of that size, and sees that a failure is told and leaves nothing. A bottle
/// that came to run and whose work found no room is there until it does.
fn start_on(engine: &OwnEngine, disk: &str, size: &str) -> Said {
    let empty = "umount \"$1\" && mount -t tmpfs -o \"mode=0700,$2\" none \"$1\"";
    engine.shell(empty, &[disk, size]);
    let said = engine.bottle(&OwnEngine::start_args("full", &["--", "-c", "true"]));
    if said.err.contains("the agent's work is not saved") {
        assert!(said.err.contains("hint: see why, make room"), "{size}: {said:?}");
        engine.shell("mount -o remount,size=64m,nr_inodes=1000 \"$1\"", &[disk]);
        assert_eq!(engine.bottle(&["cleanup"]).code, Some(0), "{size}: {said:?}");
    } else if said.code != Some(0) {
        assert!(said.err.contains("hint: make room on that disk"), "{size}: {said:?}");
    }
    if said.code != Some(0) {
        assert_eq!(said.code, Some(1), "{size}: {said:?}");
        assert!(said.err.contains("error: "), "{size}: {said:?}");
    }
    assert_eq!(engine.traces(), Vec::<String>::new(), "{size}: {said:?}");
    said
}

#[test]
fn k3_a_disk_without_room_for_one_more_file_is_told_at_every_file() {
    let (engine, disk) = on_own_disk();
    let enough = (2..MOST_FILES)
        .find(|files| start_on(&engine, &disk, &format!("nr_inodes={files}")).code == Some(0))
        .expect("a start that needs no more files than there may be");
    assert!(enough > 10, "only {enough} files: the disk was hardly ever full");
    record("K3", format_args!("a disk that is full at file 1 to {enough}"), "told, nothing left");
}

#[test]
fn k3_a_disk_that_is_full_at_some_byte_is_told() {
    let (engine, disk) = on_own_disk();
    let guest = std::fs::metadata(sidecars().dir().join("bottle-guest")).unwrap().len() / 1024;
    let before =
        (STEP_KIBIBYTES..BESIDE_IT_KIBIBYTES / 3).step_by(STEP_KIBIBYTES.try_into().unwrap());
    let after = (guest..guest + BESIDE_IT_KIBIBYTES).step_by(STEP_KIBIBYTES.try_into().unwrap());
    let enough = before
        .chain(after)
        .find(|size| start_on(&engine, &disk, &format!("size={size}k")).code == Some(0))
        .expect("a start that needs no more room than there may be");
    assert!(enough > guest, "the disk was never full");
    record("K3", format_args!("a disk that is full within {enough} KiB"), "told, nothing left");
}

#[test]
fn k3_work_for_which_there_is_no_room_stays_in_its_container_until_there_is() {
    let (engine, disk) = on_own_disk();
    let started = engine.bottle(&OwnEngine::start_args("work", &["--detach"]));
    assert_eq!(started.code, Some(0), "{started:?}");
    let make = "head -c 3000000 /dev/zero > large; echo made > made.txt";
    let made = engine.bottle(&["exec", "work", "--", "sh", "-c", make]);
    assert_eq!(made.code, Some(0), "{made:?}");
    // The work is three mebibytes.
    engine.shell(NEARLY_FULL, &[&disk]);

    let stopped = engine.bottle(&["stop", "work"]);
    assert_eq!(stopped.code, Some(1), "{stopped:?}");
    assert!(stopped.err.contains("the agent's work is not saved"), "{stopped:?}");
    assert!(stopped.err.contains("hint: see why, make room"), "{stopped:?}");
    record("K3", "stop on a full disk", &stopped.err);
    assert_eq!(engine.condition("work").as_deref(), Some("broken"));
    let state = ["ps", "--all", "--format", "{{.Names}} {{.State}}"];
    let containers = engine.docker(&state);
    assert!(containers.contains("bottle-work-agent exited"), "{containers}");
    assert!(!containers.contains("running"), "{containers}");
    // Nothing secret is kept for it.
    let key = engine.account.here().join("disk/state/work/pipelock/ca-key.pem");
    engine.shell("test ! -e \"$1\"", &[key.to_str().unwrap()]);
    assert_eq!(engine.bottle(&["cleanup"]).code, Some(1));

    engine.shell("mount -o remount,size=64m \"$1\"", &[&disk]);
    let cleaned = engine.bottle(&["cleanup"]);
    assert_eq!(cleaned.code, Some(0), "{cleaned:?}");
    assert_eq!(engine.traces(), Vec::<String>::new());
    let diff = engine.bottle(&["diff", "work", "--names"]);
    assert_eq!(diff.out, "A large\nA made.txt\n", "{diff:?}");
}

#[test]
fn k3_work_for_which_there_is_no_room_is_thrown_away_when_asked() {
    let (engine, disk) = on_own_disk();
    let started = engine.bottle(&OwnEngine::start_args("work", &["--detach"]));
    assert_eq!(started.code, Some(0), "{started:?}");
    let make = "head -c 3000000 /dev/zero > large";
    assert_eq!(engine.bottle(&["exec", "work", "--", "sh", "-c", make]).code, Some(0));
    engine.shell(NEARLY_FULL, &[&disk]);
    assert_eq!(engine.bottle(&["stop", "work"]).code, Some(1));
    assert_ne!(engine.traces(), Vec::<String>::new());
    let thrown = engine.bottle(&["cleanup", "--all"]);
    assert_eq!(thrown.code, Some(0), "{thrown:?}");
    assert_eq!(engine.traces(), Vec::<String>::new());
}

//! A clock that jumps: what was written before lies in the future or long ago, and neither ends a
//! bottle, nor loses work, nor keeps what is stale for ever.

use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use compose_testkit::record;

use crate::ground::Ground;

/// Seconds since 1970 of a day long ago, and of one that is far away.
const LONG_AGO: u64 = 10 * 365 * 24 * 3600;
const FAR_AWAY: u64 = 130 * 365 * 24 * 3600;

/// Everything in the bottle's folder was written then.
fn written_at(folder: &Path, seconds: u64) {
    let then: SystemTime = UNIX_EPOCH + Duration::from_secs(seconds);
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            written_at(&path, seconds);
        }
        File::open(&path).unwrap().set_modified(then).unwrap();
    }
}

/// The launcher's own word for when the bottle began.
fn began_at(metadata: &Path, text: &str) {
    let known = fs::read(metadata).unwrap();
    let mut known: serde_json::Value = serde_json::from_slice(&known).unwrap();
    known["created"] = text.into();
    compose_run::replace(metadata, known.to_string().as_bytes(), 0o600).unwrap();
}

#[test]
fn k3_a_bottle_outlives_a_clock_that_jumps() {
    let ground = Ground::new("clock-runs");
    let name = ground.slug.as_str();
    assert_eq!(ground.start(&["--detach"]).code, Some(0));
    let made = ground.bottle(&["exec", name, "--", "sh", "-c", "echo made > made.txt"]);
    assert_eq!(made.code, Some(0), "{made:?}");
    for (seconds, text) in [(FAR_AWAY, "2099-12-31T00:00:00Z"), (LONG_AGO, "1980-01-01T00:00:00Z")]
    {
        began_at(&ground.state("metadata.json"), text);
        written_at(&ground.state(""), seconds);
        for args in [&["cleanup"][..], &["show", name], &["exec", name, "--", "true"]] {
            let said = ground.bottle(args);
            assert_eq!(said.code, Some(0), "{text}: {args:?}: {said:?}");
        }
        assert_eq!(ground.condition(&ground.slug).as_deref(), Some("running"), "{text}");
        record("K3", format_args!("a bottle that began {text}"), "running, and cleanup leaves it");
    }
    let stopped = ground.bottle(&["stop", name]);
    assert_eq!(stopped.code, Some(0), "{stopped:?}");
    ground.assert_gone();

    // However old it is, work that was saved is never stale.
    for seconds in [FAR_AWAY, LONG_AGO] {
        written_at(&ground.state(""), seconds);
        assert_eq!(ground.bottle(&["cleanup"]).code, Some(0));
        assert!(ground.state("workspace.tar").exists());
    }
    // What is kept beside it is stale after days, and not while it lies in the future.
    fs::remove_file(ground.state("workspace.tar")).unwrap();
    written_at(&ground.state(""), FAR_AWAY);
    assert_eq!(ground.bottle(&["cleanup"]).code, Some(0));
    assert!(ground.state("metadata.json").exists());
    written_at(&ground.state(""), LONG_AGO);
    assert_eq!(ground.bottle(&["cleanup"]).code, Some(0));
    assert!(!ground.state("").exists());
}

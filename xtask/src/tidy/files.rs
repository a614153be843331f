//! What every file owes: its size, its first sentence, its lints, its place in the test binary.

use std::collections::BTreeMap;
use std::path::Path;

use walkdir::{DirEntry, WalkDir};

const LONGEST_FILE: usize = 500;

/// Written apart, so that this file is not a find of its own.
const UNFINISHED: [&str; 4] = [
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("to", "do!("),
    concat!("unimple", "mented!("),
];

const DOOR: &str = concat!("clippy::disallowed_", "methods");

/// The one home of each mechanism: the files that may open a door that `clippy.toml` closes, and
/// how often each does.
///
/// The guest and the gate are alone in their containers: they have doors of their own, and tests
/// may do as they like.
const DOORS: [(&str, usize); 19] = [
    ("compose-render/run/src/process/run.rs", 1),
    ("compose-render/run/src/wait.rs", 1),
    ("compose-render/sidecar/src/log/ring.rs", 1),
    ("compose-render/sidecar/src/log/writer.rs", 1),
    ("compose-render/sidecar/src/replace.rs", 1),
    ("git-gate/gate/src/relay.rs", 1),
    ("git-gate/gate/src/program.rs", 1),
    ("launcher/guest/src/logged.rs", 1),
    ("launcher/guest/src/pack.rs", 1),
    ("launcher/guest/src/session.rs", 2),
    ("launcher/guest/src/session/keeper.rs", 2),
    ("xtask/scripted-model/src/mirror.rs", 1),
    ("xtask/scripted-model/src/model.rs", 1),
    ("xtask/src/bench/approvals/asking.rs", 1),
    ("xtask/src/bench/dashboard.rs", 1),
    ("xtask/src/bench/git.rs", 1),
    ("xtask/src/bench/git/memory.rs", 1),
    ("xtask/src/git_host.rs", 1),
    ("xtask/src/program.rs", 2),
];

/// Checks the whole checkout, build products apart.
pub(super) fn faults(root: &Path) -> anyhow::Result<Vec<String>> {
    let mut faults = Vec::new();
    let mut doors = BTreeMap::new();
    let kept = |entry: &DirEntry| {
        let name = entry.file_name().to_string_lossy();
        entry.depth() == 0 || !(name.starts_with('.') || name == "target")
    };
    for entry in WalkDir::new(root).sort_by_file_name().into_iter().filter_entry(kept) {
        let entry = entry?;
        let path = entry.path();
        let shown = path.strip_prefix(root)?.display().to_string();
        let name = entry.file_name().to_string_lossy();
        if name == "Cargo.toml" && entry.depth() > 1 {
            let text = fs_err::read_to_string(path)?;
            if !text.contains("[lints]\nworkspace = true") {
                faults.push(format!("`{shown}` does not inherit the workspace's lints"));
            }
        }
        if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs_err::read_to_string(path)?;
            source(&shown, &text, &mut faults);
            let opened = text.matches(DOOR).count();
            if opened > 0 && !shown.contains("/tests/") && name != "tests.rs" {
                doors.insert(shown.clone(), opened);
            }
        }
        if entry.file_type().is_dir() && path.ends_with("tests/it") {
            forgotten(path, &shown, &mut faults)?;
        }
    }
    faults.extend(door_faults(&doors));
    Ok(faults)
}

fn source(shown: &str, text: &str, faults: &mut Vec<String>) {
    let lines = text.lines().count();
    if lines > LONGEST_FILE {
        faults.push(format!("`{shown}` has {lines} lines, more than {LONGEST_FILE}"));
    }
    if !text.starts_with("//!") {
        faults.push(format!("`{shown}` does not open with a sentence that says what it is for"));
    }
    if shown.ends_with("/mod.rs") {
        faults.push(format!("`{shown}`: a module's file has the module's name"));
    }
    for word in UNFINISHED {
        if text.contains(word) {
            faults.push(format!("`{shown}` says `{word}`"));
        }
    }
}

/// A file that `main.rs` does not name is a test that never runs.
fn forgotten(folder: &Path, shown: &str, faults: &mut Vec<String>) -> anyhow::Result<()> {
    let Ok(main) = fs_err::read_to_string(folder.join("main.rs")) else {
        faults.push(format!("`{shown}` has no `main.rs`, so no test in it runs"));
        return Ok(());
    };
    for entry in fs_err::read_dir(folder)? {
        let path = entry?.path();
        let is_module = path.extension().is_some_and(|extension| extension == "rs");
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        if is_module && stem != "main" && !main.contains(&format!("mod {stem};")) {
            faults.push(format!("`{shown}/{stem}.rs` is not named in its `main.rs`"));
        }
    }
    Ok(())
}

fn door_faults(found: &BTreeMap<String, usize>) -> Vec<String> {
    let allowed =
        |path: &str| DOORS.iter().find(|(door, _)| *door == path).map_or(0, |door| door.1);
    let mut faults = Vec::new();
    for (path, count) in found {
        if *count != allowed(path) {
            faults.push(format!("`{path}` opens {count} doors, and may open {}", allowed(path)));
        }
    }
    for (path, _) in DOORS {
        if !found.contains_key(path) {
            faults.push(format!("`{path}` opens no door any more, but is in the list"));
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(shown: &str, text: &str) -> Vec<String> {
        let mut faults = Vec::new();
        source(shown, text, &mut faults);
        faults
    }

    #[test]
    fn a_good_file_has_no_fault() {
        assert!(judged("a/src/lib.rs", "//! Says what it is for.\n").is_empty());
    }

    #[test]
    fn every_fault_of_a_file_is_named() {
        let text = format!("fn main() {{}}\n// {} later\n{}", UNFINISHED[0], "\n".repeat(500));
        assert_eq!(judged("a/src/x/mod.rs", &text).len(), 4);
    }

    #[test]
    fn a_door_outside_the_list_is_a_fault_and_so_is_a_stale_row() {
        let found: BTreeMap<_, _> =
            DOORS.iter().map(|(path, n)| ((*path).to_owned(), *n)).collect();
        assert!(door_faults(&found).is_empty());
        let mut more = found.clone();
        more.insert("egress/src/lib.rs".into(), 1);
        assert_eq!(door_faults(&more).len(), 1);
        assert_eq!(door_faults(&BTreeMap::new()).len(), DOORS.len());
    }
}

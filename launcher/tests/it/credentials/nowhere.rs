//! Where a credential must not be found after a bottle was used.

use std::fs;
use std::path::Path;

use compose_render::Role;
use compose_testkit::record;
use serde_json::Value;

use crate::ground::Ground;

/// The agent's search of its own container: files, environments, command lines.
const ATTACK: &str = include_str!("../adversary/attack.py");

/// In a file of every agent.
const SHOWN: &str = "BEGIN CERTIFICATE";

/// Fails where one of the canaries is in anything but egress's own environment and memory.
#[track_caller]
pub(super) fn found_nowhere(ground: &Ground, canaries: &[&str]) {
    in_the_agent(ground, canaries);
    told_by_the_engine(ground, canaries);
    in_the_state_folder(ground, canaries);
    printed(ground, canaries);
}

#[track_caller]
fn in_the_agent(ground: &Ground, canaries: &[&str]) {
    let agent = Role::Agent.container(&ground.slug);
    for user in [None, Some("0")] {
        let call = ground.docker.exec(&agent, user, true, ["python3", "-", "search"]);
        let call = call.args(canaries).args([SHOWN]);
        let said = String::from_utf8(call.input(ATTACK).outcome().unwrap().stdout).unwrap();
        let said: Value = serde_json::from_str(said.lines().last().unwrap()).unwrap();
        let what = format!("a search of {} files and processes as {user:?}", said["looked"]);
        for canary in canaries {
            assert_eq!(said["found"][canary], serde_json::json!([]), "{what}");
        }
        // What is there for the agent shows that the search finds.
        assert!(!said["found"][SHOWN].as_array().unwrap().is_empty(), "{what}");
        record("G7", what, "no credential");
    }
}

#[track_caller]
fn told_by_the_engine(ground: &Ground, canaries: &[&str]) {
    let docker = &ground.docker;
    let ids = compose_run::containers::list(docker, Some(&ground.slug)).unwrap();
    for container in ids {
        let inspected = docker.capture(["container", "inspect", &container.id]).unwrap();
        let logs = docker.call(["logs", &container.id]).outcome().unwrap();
        let logs = String::from_utf8_lossy(&logs.stdout).into_owned() + &logs.stderr;
        let whole: Value = serde_json::from_str(&inspected).unwrap();
        let image = whole[0]["Config"]["Image"].as_str().unwrap();
        let history = ["history", "--no-trunc", "--format", "{{json .}}", image];
        let mut texts = vec![
            ("logs", logs),
            ("image", docker.capture(["image", "inspect", image]).unwrap()),
            ("layers", docker.capture(history).unwrap()),
            ("labels", whole[0]["Config"]["Labels"].to_string()),
            ("command", whole[0]["Args"].to_string()),
        ];
        // Whoever may ask the engine sees their environment: the README says so.
        if !matches!(container.role, Some(Role::Egress | Role::GitGate)) {
            texts.push(("inspect", inspected));
        }
        for (what, text) in &texts {
            for canary in canaries {
                assert!(!text.contains(canary), "{} of {}", what, container.name);
            }
        }
        record("G7", format_args!("what the engine tells of {}", container.name), "no credential");
    }
}

#[track_caller]
fn in_the_state_folder(ground: &Ground, canaries: &[&str]) {
    let files = below(&ground.state(""));
    for file in &files {
        // What a login came to is handed back to the host in a file of egress's own.
        let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if name.starts_with(egress::LOGIN_FILE_PREFIX) {
            continue;
        }
        let Ok(bytes) = fs::read(file) else { continue };
        let text = String::from_utf8_lossy(&bytes);
        for canary in canaries {
            assert!(!text.contains(canary), "{}", file.display());
        }
    }
    record("G7", format_args!("{} files of the state folder", files.len()), "no credential");
}

#[track_caller]
fn printed(ground: &Ground, canaries: &[&str]) {
    let slug = ground.slug.as_str();
    let commands = [
        &["show", slug, "--json"][..],
        &["logs", slug],
        &["audit", slug, "--json"],
        &["metrics", slug],
        &["policy", slug, "--json"],
    ];
    for args in commands {
        let said = ground.bottle(args);
        for canary in canaries {
            assert!(!said.out.contains(canary) && !said.err.contains(canary), "{args:?}");
        }
    }
}

fn below(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            found.extend(below(&entry.path()));
        } else if kind.is_file() {
            found.push(entry.path());
        }
    }
    found
}

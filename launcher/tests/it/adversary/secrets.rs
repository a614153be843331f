//! Where a secret must not be: the agent's container, its image, what the engine tells of it, the
//! state folder, what commands print.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use compose_render::{Role, contract};
use compose_testkit::record;

use super::attacker::{Attacked, CANARY};

/// The line above a key; the words alone are in programs too.
const KEY: &str = "PRIVATE KEY-----\n";

#[test]
fn a10_no_secret_is_anywhere_the_agent_can_look() {
    let attacked = Attacked::shared();
    let hop = hop_secret(&attacked);
    // What is there for the agent shows that the search finds.
    let authority = "BEGIN CERTIFICATE";
    for user in [None, Some("0")] {
        let said = attacked.attack_as(user, &["search", CANARY, &hop, KEY, authority]);
        let found = &said["found"];
        record("A10", format_args!("a search of {} files as {user:?}", said["looked"]), found);
        assert_eq!(found[CANARY], serde_json::json!([]));
        assert_eq!(found[&hop], serde_json::json!([]));
        let keys = found[KEY].as_array().unwrap();
        assert!(keys.is_empty(), "{keys:?}");
        assert!(!found[authority].as_array().unwrap().is_empty(), "the search finds nothing");
    }
}

#[test]
fn a10_no_secret_is_in_what_the_engine_tells_of_the_agent_or_any_image() {
    let attacked = Attacked::shared();
    let hop = hop_secret(&attacked);
    let docker = &attacked.ground.docker;
    let mut told = vec![attacked.inspect(Role::Agent).to_string()];
    told.push(attacked.inspect(Role::Supervise).to_string());
    for role in [Role::Agent, Role::Pipelock, Role::Egress, Role::Supervise] {
        let inspected = attacked.inspect(role);
        told.push(inspected["Config"]["Labels"].to_string());
        told.push(inspected["Args"].to_string());
        let image = inspected["Config"]["Image"].as_str().unwrap().to_owned();
        let history = ["history", "--no-trunc", "--format", "{{json .}}", &image];
        told.push(docker.capture(history).unwrap());
        told.push(docker.capture(["image", "inspect", &image]).unwrap());
    }
    for text in &told {
        for secret in [CANARY, &hop, KEY] {
            assert!(!text.contains(secret), "{secret}");
        }
    }
    record("A10", "docker inspect, history and labels", "no secret");
    // Whoever may ask the engine sees egress' environment: the README says so.
    assert!(attacked.inspect(Role::Egress)["Config"]["Env"].to_string().contains(CANARY));
}

#[test]
fn a10_no_secret_is_in_the_state_folder_and_each_key_is_its_sidecars_alone() {
    let attacked = Attacked::shared();
    let hop = hop_secret(&attacked);
    let mut keys = keys_in_state(&attacked, &hop);
    keys.sort();
    assert_eq!(keys, [Path::new("egress/ca-key.pem"), Path::new("pipelock/ca-key.pem")]);
    for folder in ["", "egress", "pipelock", "supervise"] {
        let mode = fs::metadata(attacked.ground.state(folder)).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "`{folder}` is open to others: {mode:o}");
    }
}

#[test]
fn a10_no_command_prints_a_secret() {
    let attacked = Attacked::shared();
    let (hop, slug) = (hop_secret(&attacked), attacked.ground.slug.as_str());
    for args in [
        &["show", slug, "--json"][..],
        &["show", slug],
        &["logs", slug],
        &["audit", slug, "--json"],
        &["metrics", slug],
        &["list", "--json"],
        &["policy", slug],
        &["render", "worker", "--manifest", "m.yaml", "--workspace", "work"],
        &["render", "worker", "--manifest", "m.yaml", "--workspace", "work", "--json"],
    ] {
        let said = attacked.ground.bottle(args);
        for secret in [CANARY, &hop, KEY] {
            assert!(!said.out.contains(secret) && !said.err.contains(secret), "{args:?}");
        }
        record("A10", format_args!("`bottle {}`", args[0]), "no secret");
    }
}

/// The keys in the state folder, each readable by its owner alone. Fails where a secret is there.
#[track_caller]
pub(super) fn keys_in_state(attacked: &Attacked, hop: &str) -> Vec<PathBuf> {
    let state = attacked.ground.state("");
    let files = files_below(&state);
    record("A10", format_args!("{} files of the state folder", files.len()), "no secret");
    let mut keys = Vec::new();
    for file in files {
        let Ok(bytes) = fs::read(&file) else { continue };
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains(CANARY) && !text.contains(hop), "{}", file.display());
        if text.contains(KEY) {
            assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
            keys.push(file.strip_prefix(&state).unwrap().to_owned());
        }
    }
    keys
}

pub(super) fn hop_secret(attacked: &Attacked) -> String {
    let told = attacked.inspect(Role::Egress);
    let variables = told["Config"]["Env"].as_array().unwrap();
    let prefix = format!("{}=", contract::HOP_SECRET_VARIABLE);
    let hop = variables.iter().find_map(|variable| variable.as_str()?.strip_prefix(&prefix));
    let hop = hop.unwrap().to_owned();
    assert!(hop.len() >= 32, "a secret nobody guesses");
    hop
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            found.extend(files_below(&entry.path()));
        } else if kind.is_file() {
            found.push(entry.path());
        }
    }
    found
}

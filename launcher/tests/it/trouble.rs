//! What goes wrong on the host: each a sentence and a hint, and nothing half done.

use std::fs::Permissions;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use crate::ground::Ground;

#[test]
fn without_docker_it_says_so_with_code_3_and_makes_nothing() {
    let mut ground = Ground::new("trouble-absent");
    ground.account.set("PATH", "/nonexistent");
    for args in [&["list"][..], &["stop", "x"], &["doctor"]] {
        let said = ground.bottle(args);
        assert_eq!(said.code, Some(3), "{args:?}: {said:?}");
    }
    let said = ground.start(&["--", "-c", "true"]);
    assert_eq!(said.code, Some(3), "{said:?}");
    assert!(said.err.contains("hint: install Docker Engine"), "{said:?}");
    assert!(!ground.state("").exists());
}

#[test]
fn a_daemon_that_does_not_answer_is_code_3_and_nothing_is_made() {
    let mut ground = Ground::new("trouble-silent");
    ground.account.set("DOCKER_HOST", "unix:///nonexistent/docker.sock");
    let said = ground.start(&["--", "-c", "true"]);
    assert_eq!(said.code, Some(3), "{said:?}");
    assert!(said.err.contains("cannot reach the Docker daemon"), "{said:?}");
    assert!(!ground.state("").exists());
}

#[test]
fn a_state_folder_that_others_can_enter_is_refused() {
    let ground = Ground::new("trouble-open");
    let root = ground.state("").parent().unwrap().to_owned();
    std::fs::create_dir_all(&root).unwrap();
    std::fs::set_permissions(&root, Permissions::from_mode(0o755)).unwrap();
    let said = ground.start(&["--", "-c", "true"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains("has mode 0755 and lets others in"), "{said:?}");
    assert!(said.err.contains("\nhint: "), "{said:?}");
    ground.assert_gone();
}

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
fn k3_a_disk_that_is_full_fails_the_step_and_nothing_is_left() {
    let ground = Ground::new("trouble-full");
    // A file may grow to 4 KiB: what is larger fails as on a full disk.
    let said = ground.with_small_files(&["--", "-c", "true"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains("the step `"), "{said:?}");
    assert!(said.err.contains("cannot write `"), "{said:?}");
    ground.assert_gone();
}

#[test]
fn a_manifest_image_that_cannot_be_pulled_is_named() {
    let ground = Ground::new("trouble-pull");
    let manifest = "version: 1\nagents: {worker: {bottle: b, command: [sh]}}\n\
                    bottles: {b: {image: {name: 'localhost:1/none:0'}}}\n";
    ground.account.write("m.yaml", manifest);
    let said = ground.start(&["--", "-c", "true"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains("localhost:1/none:0"), "{said:?}");
    ground.assert_gone();
}

#[test]
fn doctor_names_each_condition_with_its_remedy() {
    let mut ground = Ground::new("trouble-doctor");
    ground.account.set("ANTHROPIC_API_KEY", "sk-ant-demo-0123456789abcdef");
    let said = ground.bottle(&["doctor", "--json"]);
    let findings: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    let checks: Vec<_> =
        findings.as_array().unwrap().iter().map(|at| at["check"].as_str().unwrap()).collect();
    for check in ["docker", "engine", "place", "limits", "compose", "state", "sidecars", "subnets"]
    {
        assert!(checks.contains(&check), "{check}: {said:?}");
    }
    ground.account.set("BOTTLE_SIDECARS", "/nonexistent");
    ground.account.set("BOTTLE_SUBNETS", "8.8.8.0/24");
    let said = ground.bottle(&["doctor"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.out.contains("FAILS the sidecar binary `pipelock-proxy` is not in"), "{said:?}");
    assert!(said.out.contains("is not private address space"), "{said:?}");
    let remedies = said.out.lines().filter(|line| line.trim_start().starts_with("remedy: "));
    let bad = said.out.lines().filter(|line| line.starts_with("FAILS") || line.starts_with("weak"));
    assert_eq!(remedies.count(), bad.count(), "{said:?}");
}

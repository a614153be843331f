//! What goes wrong on the host: each a sentence and a hint, and nothing half done.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;

use compose_testkit::record;

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
fn a_state_folder_or_a_bottles_of_somebody_else_is_refused() {
    let ground = Ground::new("trouble-owner");
    assert!(nix::unistd::geteuid().is_root(), "only root can give a folder away: run it as root");
    assert_eq!(ground.bottle(&["list"]).code, Some(0));
    let bottle = ground.state("").to_str().unwrap().trim_end_matches('/').to_owned();
    let root = std::path::Path::new(&bottle).parent().unwrap().to_owned();
    std::fs::create_dir(&bottle).unwrap();
    std::fs::set_permissions(&bottle, Permissions::from_mode(0o700)).unwrap();
    for folder in [std::path::Path::new(&bottle), &root] {
        std::os::unix::fs::chown(folder, Some(4242), None).unwrap();
        let said = ground.start(&["--", "-c", "true"]);
        assert_eq!(said.code, Some(1), "{said:?}");
        assert!(said.err.contains("belongs to uid 4242, not to 0"), "{said:?}");
        assert!(said.err.contains("\nhint: "), "{said:?}");
        std::os::unix::fs::chown(folder, Some(0), None).unwrap();
    }
    ground.assert_gone();
}

#[test]
fn a_git_key_that_is_missing_or_has_a_passphrase_is_refused_before_anything_is_made() {
    let ground = Ground::new("trouble-key");
    let locked = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n\
                  -----END RSA PRIVATE KEY-----\n";
    ground.account.write("locked", locked);
    ground.account.write("known_hosts", "git.example.org ssh-ed25519 AAAA\n");
    for (key, sentence) in [("absent", "cannot be read"), ("locked", "it has a passphrase")] {
        let manifest = format!(
            "version: 1\nagents: {{worker: {{bottle: b, command: [sh]}}}}\n\
             bottles: {{b: {{git: {{upstreams: [{{url: 'git@git.example.org:a/b.git', \
             key: {key}, known_hosts: known_hosts}}]}}}}}}\n"
        );
        ground.account.write("m.yaml", &manifest);
        let said = ground.start(&["--", "-c", "true"]);
        assert_eq!(said.code, Some(4), "{key}: {said:?}");
        assert!(said.err.contains(sentence) && said.err.contains(key), "{key}: {said:?}");
        assert!(!ground.state("").exists(), "{key}");
    }
}

#[test]
fn gvisor_that_the_engine_does_not_have_is_refused_with_what_to_do() {
    let ground = Ground::new("trouble-runsc");
    let info = ["info", "--format", "{{json .Runtimes}}"];
    let there = ground.docker.capture(info).unwrap().contains("\"runsc\"");
    let manifest = "version: 1\nagents: {worker: {bottle: b, command: [sh]}}\n\
                    bottles: {b: {runtime: runsc, pipelock: {allow: []}}}\n";
    ground.account.write("m.yaml", manifest);
    let said = ground.start(&["--", "-c", "echo ran"]);
    if there {
        assert_eq!((said.code, said.out.as_str()), (Some(0), "ran\n"), "{said:?}");
    } else {
        assert_eq!(said.code, Some(1), "{said:?}");
        assert!(said.err.contains("the engine has no runtime `runsc`"), "{said:?}");
        assert!(said.err.contains("hint: install gVisor"), "{said:?}");
        assert!(!ground.state("").exists());
    }
    ground.assert_gone();
}

#[test]
fn k2_subnets_that_are_taken_are_told_with_what_frees_them() {
    let mut ground = Ground::new("trouble-subnets");
    // Room for two networks, and somebody has one of them.
    ground.account.set("BOTTLE_SUBNETS", "10.214.96.0/27");
    let name = format!("{}-other", ground.slug);
    let taken = ["network", "create", "--subnet", "10.214.96.16/28", &name];
    ground.docker.run(taken).unwrap();
    let said = ground.start(&["--", "-c", "true"]);
    ground.docker.run(["network", "rm", &name]).unwrap();
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains("10.214.96.0/27"), "{said:?}");
    assert!(said.err.contains("hint: `bottle cleanup` frees"), "{said:?}");
    record("K2", "a pool of two subnets, one of them taken", said.err.trim());
    ground.assert_gone();
    let again = ground.start(&["--", "-c", "echo fine"]);
    assert_eq!((again.code, again.out.as_str()), (Some(0), "fine\n"), "{again:?}");
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

//! A bottle with git-gate before a real SSH server: the agent uses the URLs it knows, the key is
//! nowhere near it, and what must not leave does not.

use compose_render::{Network, Role};
use compose_testkit::GitHost;

use crate::ground::Ground;
use crate::program::Said;

const HOST: &str = "git.example.test";
const MANIFEST: &str = "\
version: 1
agents: {worker: {bottle: b, command: [sh]}}
bottles:
  b:
    resources: {cpus: 1, memory: 512m, pids: 128}
    pipelock: {allow: []}
    git:
      upstreams:
        - {url: \"git@git.example.test:acme/widgets.git\", key: key, known_hosts: known_hosts}
        - {url: \"git@forged.example.test:acme/widgets.git\", key: key, known_hosts: forged}
        - {url: \"git@shut.example.test:acme/widgets.git\", key: stranger, known_hosts: shut}
        - {url: \"git@away.example.test:acme/widgets.git\", key: key, known_hosts: known_hosts}
";

/// Runs a script in the agent's container.
fn agent(ground: &Ground, script: &str) -> Said {
    ground.bottle(&["exec", ground.slug.as_str(), "--", "sh", "-c", script])
}

#[track_caller]
fn well(said: &Said) {
    assert_eq!(said.code, Some(0), "{said:?}");
}

#[test]
fn an_agent_clones_and_pushes_by_ssh_and_holds_no_key() {
    let ground = Ground::new("gate-ssh");
    let host = GitHost::start(&ground.docker, &ground.slug);
    ground.account.write("m.yaml", MANIFEST);
    ground.account.write("key", &host.key());
    ground.account.write("known_hosts", &host.known_hosts(HOST));
    ground.account.write("forged", &host.strange_hosts("forged.example.test"));
    ground.account.write("stranger", &host.stranger());
    ground.account.write("shut", &host.known_hosts("shut.example.test"));
    let started = ground.start(&["--detach"]);
    assert_eq!(started.code, Some(0), "{started:?}");
    let names = [HOST, "forged.example.test", "shut.example.test"];
    host.join(&Network::Uplink.name(&ground.slug), &names);

    // A clone by each of the URLs that people know; a branch of the bottle's own arrives.
    let branch = format!("agent/{}/work", ground.slug);
    well(&agent(&ground, "git clone --quiet git@git.example.test:acme/widgets.git /tmp/a"));
    well(&agent(&ground, "git clone --quiet https://git.example.test/acme/widgets.git /tmp/b"));
    let work = format!(
        "cd /tmp/a && git switch --quiet -c {branch} && echo x > x.txt && git add x.txt \
         && git commit --quiet -m 'add x' && git push --quiet origin HEAD && git rev-parse HEAD"
    );
    let pushed = agent(&ground, &work);
    well(&pushed);
    assert_eq!(host.git(&format!("git rev-parse refs/heads/{branch}")), pushed.out.trim());

    // A secret is refused with its rule and place; nothing of it arrives.
    let secret = concat!("AKIA", "Q3EGRIZ5TL2WXPVY");
    let leak = format!(
        "cd /tmp/a && echo 'key = {secret}' > conf.ini && git add conf.ini \
         && git commit --quiet -m 'add conf' && git push origin HEAD"
    );
    let refused = agent(&ground, &leak);
    assert_ne!(refused.code, Some(0), "{refused:?}");
    for word in ["aws-access-key-id", "`conf.ini` line 1", "remote rejected"] {
        assert!(refused.err.contains(word), "{word}: {refused:?}");
    }
    assert!(!refused.err.contains(secret), "{refused:?}");
    assert_eq!(host.git(&format!("git rev-parse refs/heads/{branch}")), pushed.out.trim());
    // Another branch is not this bottle's.
    let main = agent(
        &ground,
        "cd /tmp/b && git commit --quiet --allow-empty -m m && git push origin HEAD:main",
    );
    assert!(main.code != Some(0) && main.err.contains("ref-not-allowed"), "{main:?}");

    // What gitleaks alone knows is found as well, and its own mark hides nothing.
    let other = concat!("duffel", "_live_", "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8s9T0u1V");
    let leak = format!(
        "cd /tmp/a && git reset --quiet --hard HEAD~1 && echo 'duffel: {other} # gitleaks:allow' > d.txt \
         && git add d.txt && git commit --quiet -m d && git push origin HEAD"
    );
    let refused = agent(&ground, &leak);
    assert!(refused.code != Some(0) && refused.err.contains("gitleaks:duffel"), "{refused:?}");
    assert!(!refused.err.contains(other), "{refused:?}");

    // Each trouble with an upstream is its own sentence.
    for (name, words) in [
        ("forged", "host key is not the one in `known_hosts`"),
        ("shut", "refused the gate's key or token"),
        ("away", "cannot be resolved"),
    ] {
        let clone = format!("git clone git@{name}.example.test:acme/widgets.git /tmp/{name}");
        let said = agent(&ground, &clone);
        assert!(said.code != Some(0) && said.err.contains(words), "{name}: {said:?}");
    }

    // The key is nowhere in the agent; the gate's copy is private and goes at the stop.
    let key = host.key();
    let line = key.lines().nth(3).unwrap();
    let places = "/etc /home /root /run /tmp /var /workspace";
    let search = format!("grep -rsF -- '{line}' {places} /proc/1/environ && echo found; env");
    let found = agent(&ground, &search);
    assert!(!found.out.contains("found") && !found.out.contains(line), "{found:?}");
    let copy = ground.state("git-gate/keys/0");
    let mode = std::os::unix::fs::PermissionsExt::mode(&copy.metadata().unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    let inspect = ["container", "inspect", &Role::GitGate.container(&ground.slug)];
    assert!(!ground.docker.capture(inspect).unwrap().contains(line));

    drop(host);
    well(&ground.bottle(&["stop", ground.slug.as_str()]));
    assert!(!copy.exists());
    ground.assert_gone();
    let audit = ground.bottle(&["audit", ground.slug.as_str()]);
    assert!(audit.out.contains("aws-access-key-id"), "{audit:?}");
}

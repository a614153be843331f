//! H3: what goes wrong on the way. Refused in a sentence, nothing half done, and what the upstream has
//! is the truth.

use compose_render::Role;
use compose_testkit::{eventually, record};

use super::Pushes;
use crate::ground::Ground;

/// Kills, with that signal, the first process of that name that comes up in the gate's container.
fn kill(signal: &str, name: &str) -> String {
    format!(
        "n=0; while [ $n -lt 20000 ]; do n=$((n+1)); for p in /proc/[0-9]*; do \
         if read c < $p/comm 2>/dev/null && [ \"$c\" = {name} ]; then kill -{signal} ${{p#/proc/}} && echo killed && exit 0; \
         fi; done; done; exit 1"
    )
}

/// A text file of the size that gitleaks looks at, and takes a while for.
const TEXT: &str = "perl -e 'for (1..20000) { print \"line of words \", $_ * 7919, \" and more words\\n\" }' > text.txt \
                    && git add -A && git commit --quiet -m text";

#[test]
fn h3_a_scanner_or_a_hook_that_is_killed_pushes_nothing() {
    let ground = Ground::new("gate-killed");
    let pushes = Pushes::start(&ground, "copy");
    pushes.well(TEXT);
    for (signal, name, words) in [
        ("KILL", "gitleaks", &["gitleaks failed", "nothing was pushed"][..]),
        ("KILL", "pre-receive", &["[remote rejected]"]),
    ] {
        std::thread::scope(|scope| {
            let killing = scope.spawn(|| pushes.gate(&kill(signal, name)));
            let said = pushes.refused("git push origin HEAD", words);
            assert_eq!(killing.join().unwrap().trim(), "killed", "{name}: {said:?}");
            record("H3", format!("a push whose {name} is killed"), said.err.trim().to_owned());
        });
    }
    // A scanner that hangs, where a push may take five seconds: the gate reads its file again.
    let file = pushes.state("git-gate/gate.yaml");
    let text = std::fs::read_to_string(&file).unwrap();
    let short = text.replace("seconds: 600\n", "seconds: 5\n");
    assert_ne!(text, short);
    let put = |text: &str| {
        let owner = compose_run::Owner::of_sidecars();
        compose_run::replace_owned(&file, text.as_bytes(), 0o600, owner).unwrap();
        let gate = Role::GitGate.container(&ground.slug);
        ground.docker.run(["kill", "--signal", "HUP", &gate]).unwrap();
        let digest = git_gate::GateFile::digest(text);
        eventually("the gate has read it", || {
            let status = pushes.gate("/git-gate status --json");
            if status.contains(&digest) { Ok(()) } else { Err(status) }
        });
    };
    put(&short);
    std::thread::scope(|scope| {
        let stopping = scope.spawn(|| pushes.gate(&kill("STOP", "gitleaks")));
        pushes.refused("git push origin HEAD", &["gitleaks took too long", "nothing was pushed"]);
        assert_eq!(stopping.join().unwrap().trim(), "killed");
    });
    put(&text);
    pushes.well("git push --quiet origin HEAD");
    assert_eq!(pushes.arrived(), pushes.well("git rev-parse HEAD").trim());
    pushes.stop();
}

#[test]
fn h3_a_gate_that_is_killed_loses_nothing() {
    let ground = Ground::new("gate-restart");
    let pushes = Pushes::start(&ground, "copy");
    let gate = Role::GitGate.container(&ground.slug);
    pushes.well("git commit --quiet --allow-empty -m one && git push --quiet origin HEAD");
    // The upstream holds the next push until it may go on.
    let hook = "hooks/pre-receive";
    pushes.host.git(&format!(
        "printf \"#!/bin/sh\\ntouch /tmp/here\\nn=0\\nwhile ! test -e /tmp/go && test \\$n -lt 600; do n=\\$((n+1)); sleep 0.1; done\\n\" > {hook} && chmod +x {hook}"
    ));
    let before = pushes.arrived();
    pushes.well("git commit --quiet --allow-empty -m two");
    std::thread::scope(|scope| {
        let push = scope.spawn(|| pushes.agent("git push origin HEAD"));
        eventually("the upstream is asked", || {
            let asked = pushes.host.git("ls /tmp");
            if asked.contains("here") { Ok(()) } else { Err(asked) }
        });
        ground.docker.run(["kill", "--signal", "KILL", &gate]).unwrap();
        let said = push.join().unwrap();
        assert_ne!(said.code, Some(0), "{said:?}");
        record("H3", "a push whose gate is killed half way", said.err.trim().to_owned());
    });
    // Nobody has it, or the upstream has it: what it says now is what a fetch shows.
    pushes.host.git(&format!("touch /tmp/go && rm {hook}"));
    ground.docker.run(["start", &gate]).unwrap();
    eventually("the gate is back", || {
        let said = pushes.agent("git fetch --quiet");
        if said.code == Some(0) { Ok(()) } else { Err(said.err) }
    });
    let seen = pushes.well(&format!("git rev-parse origin/{}", pushes.branch));
    assert_eq!(seen.trim(), pushes.arrived());
    let head = pushes.well("git rev-parse HEAD");
    assert!([before.as_str(), head.trim()].contains(&seen.trim()), "{seen}");
    // Which branches the bottle made is known still: it may force its own, and no other.
    pushes.well(
        "git commit --quiet --amend --allow-empty -m three && git push --quiet --force origin HEAD",
    );
    assert_eq!(pushes.arrived(), pushes.well("git rev-parse HEAD").trim());
    pushes.stop();
}

#[test]
fn h3_an_upstream_that_is_down_or_another_than_before_is_said() {
    let ground = Ground::new("gate-down");
    let pushes = Pushes::start(&ground, "copy");
    pushes.well("git commit --quiet --allow-empty -m one && git push --quiet origin HEAD");
    pushes.well("git commit --quiet --allow-empty -m two");
    // The connection that was kept goes with the server.
    pushes.host.end_ssh();
    let push = "sleep 3; git push origin HEAD";
    let said = pushes.agent(push);
    assert!(said.code != Some(0) && said.err.contains("cannot be reached"), "{said:?}");
    record("H3", "a push while the upstream is down", said.err.trim().to_owned());
    pushes.host.serve_ssh_as_another();
    let said = pushes.agent(push);
    assert!(said.code != Some(0) && said.err.contains("host key is not the one"), "{said:?}");
    record("H3", "a push after the host key changed", said.err.trim().to_owned());
    pushes.host.end_ssh();
    pushes.host.serve_ssh();
    pushes.well(push);
    assert_eq!(pushes.arrived(), pushes.well("git rev-parse HEAD").trim());
    pushes.stop();
}

/// The gate alone, its mirrors on a disk of 96 MiB that others fill.
#[test]
fn h3_a_full_disk_refuses_early_and_keeps_nothing() {
    let ground = Ground::new("gate-disk");
    let pushes = Pushes::start(&ground, "copy");
    let gate = Role::GitGate.container(&ground.slug);
    let image = ground.docker.capture(["inspect", "--format", "{{.Config.Image}}", &gate]).unwrap();
    let name = format!("{}-alone", ground.slug.project());
    let label = format!("bottle.test={}", ground.slug);
    let run = [
        "run",
        "--detach",
        "--name",
        &name,
        "--label",
        &label,
        "--user",
        "0:0",
        "--network",
        "none",
    ];
    let mounts = [
        "--tmpfs",
        "/mirrors:size=96m",
        "--tmpfs",
        "/run",
        "--tmpfs",
        "/config",
        "--tmpfs",
        "/outbox",
        "--tmpfs",
        "/up",
    ];
    let idle = ["--entrypoint", "sh", image.trim(), "-c", "sleep 600"];
    ground.docker.call(run).args(mounts).args(idle).run().unwrap();
    let inside = |script: &str| {
        ground
            .docker
            .exec(&name, None, false, ["sh", "-c", script])
            .text()
            .map_err(|error| error.to_string())
    };
    let file = "version: 1\nbottle: b\nnever_dial: []\nlimits: {pack_bytes: 536870912, object_bytes: 2147483648, \
                file_bytes: 536870912, unpacked_bytes: 268435456, objects: 2000000, refs: 32, seconds: 600, \
                second_opinion_bytes: 0, hold_seconds: 0}\nupstreams:\n- {url: \\\"git@h.example.test:a/b.git\\\", \
                local: /up/b.git, push: [\\\"refs/heads/agent/b/**\\\"]}\n";
    inside(&format!(
        "mkdir -p /run/git-gate && printf \"{file}\" > /config/gate.yaml && cd /up && git init --quiet --bare b.git && \
         (/git-gate run --config /config/gate.yaml --listen 127.0.0.1:80 >/run/log 2>&1 &) ; \
         git init --quiet seed && cd seed && git config user.email a@b && git config user.name a && \
         git commit --quiet --allow-empty -m first && git push --quiet /up/b.git HEAD:main"
    ))
    .unwrap();
    eventually("the gate serves", || {
        inside(
            "cd /up && rm -rf w && git clone --quiet http://127.0.0.1/h.example.test/a/b.git w && cd w && \
                git config user.email a@b && git config user.name a",
        )
    });
    let big = "cd /up/w && head -c 110000000 /dev/urandom > big && git add big && git commit --quiet -m big";
    inside(big).unwrap();
    let push = "cd /up/w && git push origin HEAD:refs/heads/agent/b/x";
    // Half way.
    let said = inside(push).unwrap_err();
    assert!(said.contains("No space left") || said.contains("full"), "{said}");
    record(
        "H3",
        "a push that fills the disk of the mirrors",
        said.lines().last().unwrap_or_default().to_owned(),
    );
    // Before it begins.
    inside("head -c 50000000 /dev/zero > /mirrors/fill").unwrap();
    let said = inside(push).unwrap_err();
    assert!(said.contains("the disk of the mirrors is full"), "{said}");
    assert_eq!(inside("git -C /up/b.git for-each-ref refs/heads/agent").unwrap(), "");
    // Nothing of it was kept: with room again, a small push goes through.
    inside("rm /mirrors/fill").unwrap();
    inside("cd /up/w && git reset --quiet --hard origin/main && git commit --quiet --allow-empty -m small").unwrap();
    inside(push).unwrap();
    ground.docker.run(["rm", "--force", &name]).unwrap();
    pushes.stop();
}

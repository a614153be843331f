//! The policy of a bottle that runs, changed: in force in every sidecar, or in none.

use compose_render::Role;
use compose_testkit::record;
use serde_json::Value;

use crate::ground::Ground;
use crate::program::Said;

/// The credential of the bottle's route at its start.
const VALUE: &str = "canary-5b1c0e7d93aa4f28";

/// The bottle's manifest with those hosts allowed.
fn manifest(allow: &str) -> String {
    format!(
        "\
version: 1
agents: {{worker: {{bottle: b, command: [sh]}}}}
bottles:
  b:
    resources: {{cpus: 1, memory: 256m, pids: 128}}
    pipelock: {{allow: [{allow}], passthrough: [{allow}]}}
    egress:
      routes:
        - {{host: '*.routed.example', credential: {{env: CANARY_TOKEN, scheme: bearer}}}}
    git:
      upstreams:
        - {{url: https://git.example.org/acme/widgets.git, push: ['refs/heads/{}/**']}}
",
        allow.replace(|c: char| !c.is_ascii_alphanumeric(), "")
    )
}

/// A bottle that runs under that manifest.
fn started(test: &str) -> Ground {
    let mut ground = Ground::new(test);
    ground.account.set("CANARY_TOKEN", VALUE);
    ground.account.write("m.yaml", &manifest("'*.first.example'"));
    let said = ground.start(&["--detach"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    ground
}

fn apply(ground: &Ground, allow: &str) -> Said {
    ground.account.write("m.yaml", &manifest(allow));
    ground.bottle(&["apply", ground.slug.as_str(), "--manifest", "m.yaml"])
}

/// What a sidecar says that it has loaded.
fn loaded(ground: &Ground, role: Role) -> Value {
    let container = role.container(&ground.slug);
    let argv = [format!("/{role}"), "status".to_owned(), "--json".to_owned()];
    let said = ground.docker.exec(&container, None, false, argv).text().unwrap();
    serde_json::from_str(&said).unwrap()
}

/// Whether a name leads anywhere for the agent.
fn resolves(ground: &Ground, name: &str) -> bool {
    let agent = Role::Agent.container(&ground.slug);
    let code = "import socket,sys; socket.gethostbyname(sys.argv[1])";
    let call = ground.docker.exec(&agent, None, false, ["python3", "-c", code, name]);
    call.outcome().unwrap().status.success()
}

/// Fails unless what lies in the folder is what both sidecars have loaded.
#[track_caller]
fn assert_agreed(ground: &Ground) {
    let text = |name: &str| std::fs::read_to_string(ground.state(name)).unwrap();
    let routes = egress_digest(&text("egress/routes.yaml"));
    assert_eq!(loaded(ground, Role::Egress)["config_digest"], routes);
    let gate = git_gate::GateFile::digest(&text("git-gate/gate.yaml"));
    assert_eq!(loaded(ground, Role::GitGate)["config_digest"], gate);
    let both = [text("pipelock/pipelock.yaml"), text("pipelock/bottle.yaml")];
    assert_eq!(loaded(ground, Role::Pipelock)["config_digest"], pipelock_digest(&both));
    assert!(!ground.state("apply.json").exists());
}

fn egress_digest(text: &str) -> String {
    egress::RoutesFile::digest(text)
}

fn pipelock_digest([upstream, bottle]: &[String; 2]) -> String {
    pipelock::Digest::of(upstream, bottle).to_string()
}

#[test]
fn j6_a_new_policy_is_in_force_when_the_command_comes_back() {
    let ground = started("apply");
    let name = ground.slug.as_str();
    assert!(resolves(&ground, "a.first.example") && !resolves(&ground, "a.second.example"));
    let before = loaded(&ground, Role::Pipelock)["generation"].as_u64().unwrap();

    let shown = ground.bottle(&["apply", name, "--manifest", "m.yaml", "--dry-run", "--json"]);
    assert_eq!(shown.code, Some(0), "{shown:?}");
    let shown: Value = serde_json::from_str(&shown.out).unwrap();
    assert_eq!(
        (&shown["gone"], &shown["new"]),
        (&Value::from(vec![""; 0]), &Value::from(vec![""; 0]))
    );

    let said = apply(&ground, "'*.second.example'");
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.out.contains("- allow *.first.example"), "{said:?}");
    assert!(said.out.contains("+ allow *.second.example"), "{said:?}");
    assert!(said.out.contains("- TLS of *.first.example passes unopened"), "{said:?}");
    assert!(!resolves(&ground, "a.first.example") && resolves(&ground, "a.second.example"));
    let after = loaded(&ground, Role::Pipelock);
    assert!(after["generation"].as_u64().unwrap() > before);
    record("J6", "apply of another allowlist", &after["config_digest"]);
    assert_agreed(&ground);

    // By hand: seen, refused, undone.
    let file = ground.state("pipelock/pipelock.yaml");
    let text = std::fs::read_to_string(&file).unwrap();
    let widened = text.replace("second.example", "third.example");
    compose_run::replace_owned(&file, widened.as_bytes(), 0o600, compose_run::Owner::of_sidecars())
        .unwrap();
    let refused = apply(&ground, "'*.fourth.example'");
    assert_eq!(refused.code, Some(4), "{refused:?}");
    assert!(refused.err.contains("changed by hand"), "{refused:?}");
    record("J5", "an edit by hand, then an apply", &refused.err);
    let back = ground.bottle(&["rollback", name, "1"]);
    assert_eq!(back.code, Some(0), "{back:?}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
    assert_agreed(&ground);

    let back = ground.bottle(&["rollback", name, "0"]);
    assert_eq!(back.code, Some(0), "{back:?}");
    assert!(resolves(&ground, "a.first.example") && !resolves(&ground, "a.second.example"));
    assert_agreed(&ground);

    // A manifest that is wrong changes nothing; one for another kind of bottle neither.
    let wrong = apply(&ground, "'*.com'");
    assert_eq!(wrong.code, Some(4), "{wrong:?}");
    assert_agreed(&ground);

    // J4: a credential gets no other host by an edit.
    let moved = manifest("'*.first.example'").replace(
        "      routes:\n",
        "      routes:\n        - {host: other.example, credential: {env: CANARY_TOKEN, scheme: bearer}}\n",
    );
    ground.account.write("m.yaml", &moved);
    let moved = ground.bottle(&["apply", name, "--manifest", "m.yaml"]);
    assert_eq!(moved.code, Some(4), "{moved:?}");
    record("J4", "a credential for another host", &moved.err);
    assert_agreed(&ground);

    assert_eq!(ground.bottle(&["stop", name]).code, Some(0));
    let gone = apply(&ground, "'*.second.example'");
    assert_eq!(gone.code, Some(1), "{gone:?}");
    ground.assert_gone();
}

#[test]
fn j6_a_change_that_is_cut_short_is_undone_or_finished() {
    let mut ground = started("apply-cut");
    let name = ground.slug.as_str().to_owned();
    let mut hosts = (0..).map(|n| format!("'*.n{n}.example'"));
    let places = [
        "begun", "intent", "pipelock", "git-gate", "files", "loaded", "kept", "noted", "told",
        "answered", "removed",
    ];
    for place in places {
        let before = std::fs::read_to_string(ground.state("pipelock/pipelock.yaml")).unwrap();
        let wanted = hosts.next().unwrap();
        // As `kill -9` there.
        ground.account.set("BOTTLE_FAULT", &format!("after:apply-{place}"));
        assert_eq!(apply(&ground, &wanted).code, None, "{place}");
        ground.account.set("BOTTLE_FAULT", "");
        // The next command on the bottle, whichever.
        let shown = ground.bottle(&["show", &name]);
        assert_eq!(shown.code, Some(0), "{place}: {shown:?}");
        assert_agreed(&ground);
        let after = std::fs::read_to_string(ground.state("pipelock/pipelock.yaml")).unwrap();
        let finished = after != before;
        record(
            "J6",
            format_args!("kill -9 after {place}"),
            if finished { "finished" } else { "undone" },
        );
        let late = ["loaded", "kept", "noted", "told", "answered", "removed"];
        assert_eq!(finished, late.contains(&place), "{place}");
    }
    // An undo that is cut short is undone again.
    for place in ["undo-files", "undo-loaded"] {
        let before = std::fs::read_to_string(ground.state("pipelock/pipelock.yaml")).unwrap();
        ground.account.set("BOTTLE_FAULT", "after:apply-files");
        assert_eq!(apply(&ground, &hosts.next().unwrap()).code, None, "{place}");
        ground.account.set("BOTTLE_FAULT", &format!("after:{place}"));
        assert_eq!(ground.bottle(&["rollback", &name]).code, None, "{place}");
        ground.account.set("BOTTLE_FAULT", "");
        assert_eq!(ground.bottle(&["show", &name]).code, Some(0), "{place}");
        assert_agreed(&ground);
        let after = std::fs::read_to_string(ground.state("pipelock/pipelock.yaml")).unwrap();
        assert_eq!(after, before, "{place}");
    }
    // Whatever died, each version that came to be is written down once.
    let audit = ground.bottle(&["audit", &name, "--verify"]);
    assert_eq!(audit.code, Some(0), "{audit:?}");
    let text = std::fs::read_to_string(ground.state("audit.jsonl")).unwrap();
    let mut versions: Vec<u64> = text
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).unwrap()["version"].as_u64())
        .collect();
    let all: Vec<u64> = (1..=versions.len() as u64).collect();
    versions.sort_unstable();
    assert_eq!(versions, all, "{text}");
    // A failure that is no crash puts back by itself.
    for place in ["intent", "pipelock", "files"] {
        let before = std::fs::read_to_string(ground.state("pipelock/pipelock.yaml")).unwrap();
        ground.account.set("BOTTLE_FAULT", &format!("fail:apply-{place}"));
        let said = apply(&ground, &hosts.next().unwrap());
        ground.account.set("BOTTLE_FAULT", "");
        assert_eq!(said.code, Some(1), "{said:?}");
        assert!(said.err.contains("the old one was put back"), "{said:?}");
        let after = std::fs::read_to_string(ground.state("pipelock/pipelock.yaml")).unwrap();
        assert_eq!(after, before);
        assert_agreed(&ground);
    }
    assert_eq!(ground.bottle(&["stop", &name]).code, Some(0));
    ground.assert_gone();
}

#[test]
fn g9_a_new_value_reaches_egress_and_no_file() {
    let mut ground = started("apply-value");
    let fresh = "canary-0f9e8d7c6b5a4321";
    ground.account.set("CANARY_TOKEN", fresh);
    let said = apply(&ground, "'*.first.example'");
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.err.contains("egress has the values"), "{said:?}");
    // pipelock knows the new one wherever it strays, and the old one still.
    let text = |name: &str| std::fs::read_to_string(ground.state(name)).unwrap();
    let [upstream, bottle] = ["pipelock/pipelock.yaml", "pipelock/bottle.yaml"].map(text);
    let secrets = pipelock::Policy::read(&upstream, &bottle).unwrap().policy.secrets;
    let (named, keys): (Vec<_>, Vec<_>) = secrets.iter().partition(|known| !known.names.is_empty());
    let lengths: Vec<_> = named.iter().map(|known| known.length).collect();
    assert_eq!(lengths, [VALUE.len(), fresh.len()]);
    // The keys of both authorities are at home nowhere, before and after.
    assert!(keys.len() == 2 && keys.iter().all(|known| known.hosts.is_empty()), "{keys:?}");
    assert_agreed(&ground);
    let told = std::fs::read_to_string(ground.state("egress/outbox/decisions.jsonl")).unwrap();
    assert!(told.contains("credentials-replaced") && !told.contains(fresh), "{told}");
    let folder = ground.state("");
    for entry in walk(&folder) {
        let bytes = std::fs::read(&entry).unwrap_or_default();
        let found = bytes.windows(fresh.len()).any(|window| window == fresh.as_bytes());
        assert!(!found, "{}", entry.display());
    }
    assert_eq!(ground.bottle(&["stop", ground.slug.as_str()]).code, Some(0));
    ground.assert_gone();
}

fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if entry.file_type().unwrap().is_dir() {
            found.extend(walk(&path));
        } else {
            found.push(path);
        }
    }
    found
}

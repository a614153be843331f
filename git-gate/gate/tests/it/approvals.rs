//! Pushes that a person has to allow: held, refused with the id of a proposal, and let through once.

use compose_testkit::{eventually, record};
use git_gate::{PushProposal, Pushed};

use crate::world::{SECRET, World};

const BRANCH: &str = "refs/heads/agent/b/work";
const FILE: &str = ".github/workflows/ci.yml";

impl World {
    /// What waits for a person.
    fn proposals(&self) -> Vec<PushProposal> {
        let files = std::fs::read_dir(self.path("outbox")).unwrap().flatten();
        let named = |name: &str| {
            name.strip_suffix(".json").is_some_and(|name| name.starts_with("proposal-"))
        };
        let files = files.filter(|file| named(file.file_name().to_str().unwrap()));
        let mut all: Vec<PushProposal> = files
            .map(|file| serde_json::from_slice(&std::fs::read(file.path()).unwrap()).unwrap())
            .collect();
        all.sort_by_key(|one| one.attempt);
        all
    }

    /// What the host writes when a person answers.
    fn answer(&self, id: &str, verdict: &str, pushed: &Pushed) {
        let push = serde_json::to_string(pushed).unwrap();
        let text = format!(
            "{{\"id\":\"{id}\",\"verdict\":\"{verdict}\",\"reason\":\"not now\",\"answered\":1,\
             \"by\":\"somebody\",\"push\":{push}}}"
        );
        self.write(&format!("inbox/answer-{id}.json"), text);
    }

    fn workflow(&self, text: &str) {
        self.write(&format!("work/{FILE}"), text);
        self.commit("work", "a workflow");
    }
}

fn with_workflow() -> World {
    let world = World::new();
    world.clone_to("work");
    world.workflow("on: push\n");
    world
}

#[test]
fn j2_what_a_person_allowed_passes_once() {
    let world = with_workflow();
    let head = world.head("work");
    let said = world.push("work");
    let waiting = world.proposals();
    assert_eq!(waiting.len(), 1);
    let (id, pushed) = (waiting[0].id.clone(), waiting[0].pushed().clone());
    said.refused(&["protected-file", FILE, &format!("bottle approve {id}")]);
    record("H2", "a push that changes a workflow", said.told());
    assert_eq!((pushed.reference.as_str(), pushed.object.as_str()), (BRANCH, head.as_str()));
    assert!(waiting[0].found[0].contains(FILE), "{waiting:?}");
    // Asked twice it is one.
    world.push("work").refused(&[&id]);
    assert_eq!(world.proposals().len(), 1);
    world.answer(&id, "approved", &pushed);
    world.push("work").must();
    assert_eq!(world.upstream(BRANCH), head);
    eventually("the decision is written", || {
        let told = ["\"pushed\"", "\"approver\":\"somebody\"", &format!("\"id\":\"{id}\"")];
        let decisions = world.decisions();
        if told.iter().all(|part| decisions.contains(part)) { Ok(()) } else { Err(decisions) }
    });
    // It is used up: the same once more is asked again, under another id.
    world.git("work", &["push", "origin", &format!(":{BRANCH}")]).must();
    let said = world.push("work");
    let next = world.proposals().pop().unwrap();
    said.refused(&[&next.id]);
    assert_ne!(next.id, id);
    assert_eq!(world.upstream(BRANCH), "");
}

#[test]
fn j2_an_approval_is_for_that_object_that_ref_and_that_upstream() {
    let world = with_workflow();
    world.push("work").refused(&["protected-file"]);
    let waiting = world.proposals().remove(0);
    let (id, pushed) = (waiting.id.clone(), waiting.pushed().clone());
    for other in [
        Pushed { object: "0".repeat(40), ..pushed.clone() },
        Pushed { reference: "refs/heads/main".to_owned(), ..pushed.clone() },
        Pushed { upstream: "git.example.test/acme/other".to_owned(), ..pushed.clone() },
    ] {
        // What was made to have this id, or is answered under it by mistake.
        world.answer(&id, "approved", &other);
        world.push("work").refused(&["protected-file"]);
    }
    world.answer(&id, "approved", &pushed);
    // The same under another name, and another object under the same name.
    let elsewhere = world.git("work", &["push", "origin", "HEAD:refs/heads/agent/b/elsewhere"]);
    elsewhere.refused(&["protected-file"]);
    world.workflow("on: [push, pull_request]\n");
    world.push("work").refused(&["protected-file"]);
    assert_eq!(world.refs(), ["refs/heads/main"]);
    world.git("work", &["push", "origin", &format!("HEAD~1:{BRANCH}")]).must();
    assert_eq!(world.upstream(BRANCH), pushed.object);
}

#[test]
fn what_waits_is_held_and_goes_on_when_a_person_says_yes() {
    let world = World::with(|file| file.limits.hold_seconds = 60);
    world.clone_to("work");
    world.workflow("on: push\n");
    let said = std::thread::scope(|scope| {
        let push = scope.spawn(|| world.push("work"));
        eventually("it is asked", || match world.proposals().pop() {
            Some(one) => {
                world.answer(&one.id, "approved", one.pushed());
                Ok(())
            }
            None => Err("nothing yet".to_owned()),
        });
        push.join().unwrap()
    });
    said.must();
    assert!(said.err.contains("waiting for a person to allow this push"), "{said:?}");
    assert_eq!(world.upstream(BRANCH), world.head("work"));
}

#[test]
fn i3_no_number_of_harmless_files_hides_what_runs_elsewhere_from_a_person() {
    let world = World::new();
    world.clone_to("work");
    for n in 0..21 {
        let sealed = [&b"7z\xbc\xaf\x27\x1c"[..], n.to_string().as_bytes()].concat();
        world.write(&format!("work/a{n:02}.7z"), sealed);
        let out = world.path(&format!("work/.a{n:02}"));
        std::os::unix::fs::symlink("/nowhere", out).unwrap();
    }
    world.workflow("on: push\n");
    world.push("work").refused(&["sealed-archive", "protected-file", "link-leaves-the-tree"]);
    let told = world.proposals().remove(0).found;
    assert!(told[0].contains(FILE) && told.len() == 20, "{told:?}");
    assert_eq!(told[19], "and more, which is not listed");
}

#[test]
fn a_no_is_told_with_its_reason() {
    let world = with_workflow();
    world.push("work").refused(&["protected-file"]);
    let waiting = world.proposals().remove(0);
    world.answer(&waiting.id, "denied", waiting.pushed());
    world.push("work").refused(&["said no: not now", "nothing was pushed"]);
    assert_eq!(world.upstream(BRANCH), "");
    assert_eq!(world.proposals().len(), 1);
}

/// It is answered, so it waits no more: the same is asked again, under another id.
#[test]
fn j2_an_approval_that_was_taken_back_allows_nothing_and_is_asked_again() {
    let world = with_workflow();
    world.push("work").refused(&["protected-file"]);
    let first = world.proposals().remove(0);
    world.answer(&first.id, "revoked", first.pushed());
    let said = world.push("work");
    let next = world.proposals().pop().unwrap();
    assert_eq!((next.attempt, next.id == first.id), (1, false));
    said.refused(&["protected-file", &format!("bottle approve {}", next.id)]);
    world.answer(&next.id, "approved", next.pushed());
    world.push("work").must();
    assert_eq!(world.upstream(BRANCH), world.head("work"));
}

/// Where a person said beforehand that it is no credential; never for one of the bottle's own.
#[test]
fn h1_a_person_may_say_that_it_is_no_credential_but_not_of_the_bottles_own() {
    let value = "internal-service-7fkq0Zr3vXw1";
    let world = World::new();
    world.write("keys/own-secrets", git_gate::fingerprints([7; 32], [value].into_iter()).unwrap());
    world.clone_to("work");
    let allow = || {
        let pushed = Pushed {
            upstream: "git.example.test/acme/widgets".to_owned(),
            reference: BRANCH.to_owned(),
            object: world.head("work"),
        };
        world.answer(&pushed.id(0), "approved", &pushed);
    };
    world.write("work/own.txt", value);
    world.commit("work", "own");
    allow();
    world.push("work").refused(&["bottle-secret", "nothing was pushed"]);
    assert_eq!(world.upstream(BRANCH), "");
    world.git("work", &["reset", "--quiet", "--hard", "origin/main"]).must();
    world.write("work/example.txt", SECRET);
    world.commit("work", "an example of a key");
    world.push("work").refused(&["aws-access-key-id", "propose_push"]);
    assert!(world.proposals().is_empty(), "a finding alone asks nobody");
    allow();
    world.push("work").must();
    assert_eq!(world.upstream(BRANCH), world.head("work"));
}

/// Whatever else is found before it, and however much.
#[test]
fn h1_no_number_of_findings_hides_one_of_the_bottles_own() {
    let value = "internal-service-7fkq0Zr3vXw1";
    let world = World::new();
    world.write("keys/own-secrets", git_gate::fingerprints([7; 32], [value].into_iter()).unwrap());
    world.clone_to("work");
    for n in 0..20 {
        world.write(&format!("work/a{n:02}.txt"), format!("{SECRET}\n{n}\n"));
    }
    world.write("work/b.txt", value);
    world.commit("work", "examples of keys, and one that is none");
    let pushed = Pushed {
        upstream: "git.example.test/acme/widgets".to_owned(),
        reference: BRANCH.to_owned(),
        object: world.head("work"),
    };
    world.answer(&pushed.id(0), "approved", &pushed);
    world.push("work").refused(&["aws-access-key-id", "bottle-secret", "nothing was pushed"]);
    assert_eq!(world.upstream(BRANCH), "");
}

#[test]
fn j3_a_flood_of_pushes_asks_a_person_twenty_times() {
    let world = with_workflow();
    let refs: Vec<String> = (0..21).map(|n| format!("HEAD:refs/heads/agent/b/{n}")).collect();
    let mut args = vec!["push", "origin"];
    args.extend(refs.iter().map(String::as_str));
    world.git("work", &args).refused(&["too many pushes wait for a person already"]);
    assert_eq!(world.proposals().len(), 20);
    assert_eq!(world.refs(), ["refs/heads/main"]);
}

#[test]
fn an_approval_comes_back_when_the_upstream_takes_nothing() {
    let world = with_workflow();
    world.push("work").refused(&["protected-file"]);
    let waiting = world.proposals().remove(0);
    world.answer(&waiting.id, "approved", waiting.pushed());
    let hook = world.path("upstream.git/hooks/pre-receive");
    std::fs::create_dir_all(hook.parent().unwrap()).unwrap();
    compose_run::replace(&hook, b"#!/bin/sh\nexit 1\n", 0o755).unwrap();
    world.push("work").refused(&["the upstream refused it"]);
    std::fs::remove_file(hook).unwrap();
    world.push("work").must();
    assert_eq!(world.upstream(BRANCH), world.head("work"));
}

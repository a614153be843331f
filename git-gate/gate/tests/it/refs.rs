//! H2, H3, H4, H8: what may happen to which ref, all or nothing, and in no other repository.

use compose_testkit::record;

use crate::world::World;

const BRANCH: &str = "refs/heads/agent/b/work";

fn pushed() -> World {
    let world = World::new();
    world.clone_to("work");
    world.write("work/one.txt", "one\n");
    world.commit("work", "one");
    world.push("work").must();
    world
}

#[test]
fn h2_whatever_is_typed_only_own_branches_move() {
    let world = pushed();
    let main = world.upstream("refs/heads/main");
    world.commit("work", "two");
    world.git("work", &["tag", "v1"]).must();
    world.git("work", &["notes", "add", "-m", "a note"]).must();
    world.git("work", &["update-ref", "refs/pull/1/head", "HEAD"]).must();
    world.git("work", &["branch", "agent/other/x"]).must();
    // A name that stands for another on this side is a name like any other on that one.
    let link = ["symbolic-ref", "refs/heads/agent/b/link", "refs/heads/agent/b/work"];
    world.git("work", &link).must();
    for (refspecs, rule) in [
        (&["HEAD:refs/heads/main"][..], "ref-not-allowed"),
        (&["+HEAD:refs/heads/main"], "ref-not-allowed"),
        (&[":refs/heads/main"], "ref-not-allowed"),
        (&["@:refs/heads/main"], "ref-not-allowed"),
        (&["--", "HEAD:main"], "ref-not-allowed"),
        (&["+refs/heads/*:refs/heads/*"], "ref-not-allowed"),
        (&["refs/heads/agent/b/link:refs/heads/main"], "ref-not-allowed"),
        (&["HEAD:refs/remotes/origin/main"], "reserved-ref"),
        (&["refs/*:refs/*"], "reserved-ref"),
        (&["--all"], "ref-not-allowed"),
        (&["--mirror"], "reserved-ref"),
        (&["--tags"], "tag-not-allowed"),
        (&["HEAD:refs/tags/agent/b/x"], "tag-not-allowed"),
        (&["refs/notes/commits"], "reserved-ref"),
        (&["refs/pull/1/head"], "reserved-ref"),
        (&["HEAD:refs/replace/0000000000000000000000000000000000000001"], "reserved-ref"),
        (&["HEAD:refs/changes/01/1/1"], "reserved-ref"),
        (&["agent/other/x"], "ref-not-allowed"),
        (&["HEAD:refs/heads/agent/b"], "ref-not-allowed"),
        (&["HEAD:refs/heads/agent/bb/x"], "ref-not-allowed"),
    ] {
        let args: Vec<&str> = if refspecs[0].starts_with("--") && refspecs.len() == 1 {
            ["push"].iter().chain(refspecs).chain(&["origin"]).copied().collect()
        } else {
            ["push", "origin"].iter().chain(refspecs).copied().collect()
        };
        let said = world.git("work", &args);
        said.refused(&[rule, "[remote rejected]"]);
        record("H2", format!("git {}", args.join(" ")), said.told());
        assert_eq!(world.upstream("refs/heads/main"), main, "{refspecs:?}");
        assert_eq!(world.refs(), [BRANCH, "refs/heads/main"], "{refspecs:?}");
    }
    // The test can fail: the same commit goes to the branch that is its own.
    world.push("work").must();
    assert_eq!(world.upstream(BRANCH), world.head("work"));
}

#[test]
fn h2_force_and_delete_only_what_the_bottle_made() {
    let world = pushed();
    // A branch of the same name pattern that somebody else made.
    let upstream = world.path("upstream.git");
    let theirs = "refs/heads/agent/b/theirs";
    let args = ["push", "--quiet", upstream.to_str().unwrap(), &format!("main:{theirs}")];
    world.git("origin", &args).must();
    compose_testkit::eventually("the fetch sees it", || {
        world.git("work", &["fetch", "--quiet"]).must();
        let seen = world.git("work", &["rev-parse", "--verify", "origin/agent/b/theirs"]);
        if seen.ok { Ok(()) } else { Err(seen.err) }
    });
    let before = world.upstream(theirs);
    world.git("work", &["switch", "--quiet", "--orphan", "new"]).must();
    world.commit("work", "unrelated");
    let force = world.git("work", &["push", "--force", "origin", &format!("HEAD:{theirs}")]);
    force.refused(&["force-not-allowed"]);
    record("H2", "a force push to a branch of another", force.told());
    world.git("work", &["push", "origin", &format!(":{theirs}")]).refused(&["delete-not-allowed"]);
    assert_eq!(world.upstream(theirs), before);
    // Its own it may.
    world.git("work", &["push", "--force", "origin", &format!("HEAD:{BRANCH}")]).must();
    assert_eq!(world.upstream(BRANCH), world.head("work"));
    world.git("work", &["push", "origin", &format!(":{BRANCH}")]).must();
    assert_eq!(world.upstream(BRANCH), "");
}

/// What can be pushed can be approved: a person reads the name, and a proposal holds it.
#[test]
fn j2_a_ref_of_an_odd_name_is_refused_in_a_sentence() {
    let world = pushed();
    world.commit("work", "two");
    for name in ["refs/heads/agent/b/w\u{43e}rk", "refs/heads/agent/b/it's"] {
        let said = world.git("work", &["push", "origin", &format!("HEAD:{name}")]);
        said.refused(&["odd-name", "letters from a to z", "[remote rejected]"]);
        record("J2", format!("git push origin HEAD:{name}"), said.told());
    }
    assert_eq!(world.refs(), [BRANCH, "refs/heads/main"]);
    world.git("work", &["push", "origin", "HEAD:refs/heads/agent/b/fix-#12"]).must();
}

#[test]
fn h2_push_options_are_refused_and_not_passed_on() {
    let world = pushed();
    world.commit("work", "two");
    let said = world.git("work", &["push", "-o", "merge_request.create", "origin", "HEAD"]);
    said.refused(&["push options"]);
    record("H2", "git push -o merge_request.create", said.told());
    assert_ne!(world.upstream(BRANCH), world.head("work"));
}

#[test]
fn h3_one_ref_that_is_refused_takes_the_others_along() {
    let world = pushed();
    world.commit("work", "two");
    let before = world.upstream(BRANCH);
    let said = world.git("work", &["push", "origin", "HEAD", "HEAD:refs/heads/main"]);
    said.refused(&["ref-not-allowed", "nothing was pushed"]);
    record("H3", "two refs, of which one is not allowed", said.told());
    assert_eq!(world.upstream(BRANCH), before);
}

#[test]
fn h3_an_upstream_that_moved_meanwhile_is_not_overwritten() {
    let world = pushed();
    // Somebody else moves the branch upstream behind the mirror's back, within its lifetime.
    world.git(".", &["clone", "--quiet", "upstream.git", "other"]).must();
    world.git("other", &["switch", "--quiet", "agent/b/work"]).must();
    world.commit("other", "theirs");
    world.git("other", &["push", "--quiet", "origin", "HEAD"]).must();
    let theirs = world.upstream(BRANCH);
    world.commit("work", "mine");
    let said = world.push("work");
    assert!(!said.ok, "{said:?}");
    let forced = world.git("work", &["push", "--force-with-lease", "origin", "HEAD"]);
    assert!(!forced.ok, "{forced:?}");
    record("H3", "a push while the upstream moved", said.told());
    assert_eq!(world.upstream(BRANCH), theirs);
}

/// A push soon after another asks nobody beforehand: the upstream is the judge of what it has.
#[test]
fn h3_what_others_did_since_the_last_push_is_found_by_the_next() {
    let world = pushed();
    let first = world.head("work");
    world.git("upstream.git", &["update-ref", "-d", BRANCH]).must();
    world.commit("work", "two");
    world.push("work").refused(&["is not what you last fetched", "nothing was pushed"]);
    assert_eq!(world.upstream(BRANCH), "");
    // The refusal had the mirror asked anew: the branch is one to be made again.
    world.push("work").must();
    assert_eq!(world.upstream(BRANCH), world.head("work"));
    // Somebody puts it back; not even force goes over that.
    world.git("upstream.git", &["update-ref", BRANCH, &first]).must();
    world.git("work", &["commit", "--quiet", "--amend", "--allow-empty", "-m", "three"]).must();
    let forced = world.git("work", &["push", "--force", "origin", "HEAD"]);
    forced.refused(&["is not what you last fetched"]);
    record("H3", "a forced push over what another did meanwhile", forced.told());
    assert_eq!(world.upstream(BRANCH), first);
}

#[test]
fn h3_an_upstream_that_says_no_is_believed() {
    let world = pushed();
    let hook = world.path("upstream.git/hooks/pre-receive");
    std::fs::create_dir_all(hook.parent().unwrap()).unwrap();
    compose_run::replace(&hook, b"#!/bin/sh\necho no from upstream >&2\nexit 1\n", 0o755).unwrap();
    let before = world.upstream(BRANCH);
    world.commit("work", "two");
    let said = world.push("work");
    said.refused(&["the upstream refused it", "[remote rejected]"]);
    assert_eq!(world.upstream(BRANCH), before);
    // The mirror did not take it either: a clone shows what upstream has.
    std::fs::remove_file(hook).unwrap();
    world.git(".", &["clone", "--quiet", &world.url(), "again"]).must();
    let seen = world.git("again", &["rev-parse", "origin/agent/b/work"]).must().trim().to_owned();
    assert_eq!(seen, before);
    world.push("work").must();
}

#[test]
fn h3_a_client_that_dies_leaves_nothing_half_done() {
    let world = pushed();
    let (here, go) = (world.path("here"), world.path("go"));
    let hook = format!(
        "#!/bin/sh\ntouch {}\nwhile ! test -e {}; do sleep 0.05; done\n",
        here.display(),
        go.display()
    );
    world.write("upstream.git/hooks/pre-receive", hook);
    let hook = world.path("upstream.git/hooks/pre-receive");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&hook, mode).unwrap();
    world.commit("work", "two");
    let mut client = world.command("work", &["push", "--quiet", "origin", "HEAD"]);
    let mut client =
        std::os::unix::process::CommandExt::process_group(&mut client, 0).spawn().unwrap();
    compose_testkit::eventually("the upstream is asked", || {
        if here.exists() { Ok(()) } else { Err("it is not".to_owned()) }
    });
    // With its helper, which holds the connection.
    let group = nix::unistd::Pid::from_raw(i32::try_from(client.id()).unwrap());
    nix::sys::signal::killpg(group, nix::sys::signal::Signal::SIGKILL).unwrap();
    client.wait().unwrap();
    world.write("go", "");
    // What the upstream took, the mirror shows: the push went on to its end without its client.
    compose_testkit::eventually("both have it", || {
        world.git("work", &["fetch", "--quiet"]).must();
        let seen =
            world.git("work", &["rev-parse", "origin/agent/b/work"]).must().trim().to_owned();
        let all = [seen, world.upstream(BRANCH)];
        if all.iter().all(|one| *one == world.head("work")) {
            Ok(())
        } else {
            Err(format!("{all:?}"))
        }
    });
    world.commit("work", "three");
    world.push("work").must();
}

#[test]
fn h3_an_upstream_that_is_gone_is_said_and_nothing_is_kept() {
    let world = pushed();
    world.rename("upstream.git", "away.git");
    world.commit("work", "two");
    compose_testkit::eventually("the upstream is missed", || {
        let said = world.push("work");
        if said.ok { Err(said.err) } else { Ok(()) }
    });
    world.rename("away.git", "upstream.git");
    compose_testkit::eventually("it goes on", || {
        let said = world.push("work");
        if said.ok { Ok(()) } else { Err(said.err) }
    });
}

#[test]
fn h4_h8_no_other_repository_is_reached() {
    let world = World::new();
    world.git(".", &["init", "--quiet", "--bare", "secret.git"]).must();
    let gate = format!("http://{}", world.address);
    for path in [
        "git.example.test/acme/private.git",
        "git.example.test/acme/widgets-private.git",
        "git.example.test/acme/widgets/../../../../secret.git",
        "git.example.test/acme/%2e%2e/secret.git",
        "secret.git",
        "../secret.git",
        "~root/secret.git",
        "git.example.test+acme+widgets.git",
        "",
    ] {
        let url = format!("{gate}/{path}");
        let said = world.git(".", &["clone", "--quiet", &url, "stolen"]);
        assert!(!said.ok, "{path}: {said:?}");
        assert!(!world.path("stolen").exists(), "{path}");
        record("H4", format!("git clone {path}"), said.told());
    }
    let said =
        world.git(".", &["clone", &format!("{gate}/git.example.test/acme/private.git"), "x"]);
    said.refused(&["git-gate has no repository", "git.example.test/acme/widgets"]);
    record("H8", "git clone of a repository that is not the bottle's", said.told());
}

#[test]
fn a_read_only_upstream_takes_nothing() {
    let world = World::with(|file| file.upstreams[0].push.clear());
    world.clone_to("work");
    world.commit("work", "one");
    world.push("work").refused(&["only reads"]);
    assert_eq!(world.refs(), ["refs/heads/main"]);
}

//! A daemon that restarts under a bottle, and a clock that jumps.

use compose_testkit::{eventually, record};

use crate::own_engine::OwnEngine;
use crate::program::Said;

#[track_caller]
fn done(said: &Said) {
    assert_eq!(said.code, Some(0), "{said:?}");
}

#[test]
fn k3_a_bottle_that_waits_is_broken_after_the_daemon_died_and_its_work_is_saved() {
    let engine = OwnEngine::new();
    done(&engine.bottle(&OwnEngine::start_args("waits", &["--detach"])));
    done(&engine.bottle(&["exec", "waits", "--", "sh", "-c", "echo made > made.txt"]));
    engine.crash();
    assert_eq!(engine.condition("waits").as_deref(), Some("broken"));
    let attached = engine.bottle(&["attach", "waits"]);
    assert_eq!(attached.code, Some(1), "{attached:?}");
    assert!(attached.err.contains("hint: `bottle cleanup`"), "{attached:?}");
    let taken = engine.bottle(&OwnEngine::start_args("waits", &["--detach"]));
    assert!(taken.err.contains("was left behind"), "{taken:?}");

    let stopped = engine.bottle(&["stop", "waits"]);
    done(&stopped);
    assert_eq!(engine.traces(), Vec::<String>::new());
    let diff = engine.bottle(&["diff", "waits", "--names"]);
    assert_eq!(diff.out, "A made.txt\n", "{diff:?}");
    record("K3", "kill -9 of the daemon under a bottle", "broken; stop saves its work");
    let script = ["--resume", "waits", "--", "-c", "cat made.txt"];
    let again = engine.bottle(&OwnEngine::start_args("waits", &script));
    assert_eq!((again.code, again.out.as_str()), (Some(0), "made\n"), "{again:?}");
    assert_eq!(engine.traces(), Vec::<String>::new());
}

#[test]
fn k3_a_start_that_is_attached_outlasts_the_daemon_and_takes_its_bottle_down() {
    let engine = OwnEngine::new();
    let (out, err) = (engine.account.here().join("out"), engine.account.here().join("err"));
    let script = ["--", "-c", "echo made > made.txt; echo up; sleep 600"];
    let start = engine.account.spawn(&OwnEngine::start_args("works", &script), &out, &err);
    eventually("the agent at work", || {
        let text = std::fs::read_to_string(&out).unwrap_or_default();
        if text.contains("up") { Ok(()) } else { Err(text) }
    });
    engine.crash();
    let code = start.wait().unwrap().status.code();
    let said = std::fs::read_to_string(&err).unwrap();
    assert_ne!(code, Some(0), "{said}");
    assert!(said.contains("the agent's container ended under it"), "{said}");
    assert!(said.contains("`bottle diff works`"), "{said}");
    assert_eq!(engine.traces(), Vec::<String>::new());
    assert_eq!(engine.condition("works").as_deref(), Some("stopped"));
    record("K3", "kill -9 of the daemon under an attached start", "its work saved, nothing left");
}

#[test]
fn k3_without_a_daemon_each_command_says_so_with_code_3_and_the_bottle_is_there_afterwards() {
    let mut engine = OwnEngine::new();
    done(&engine.bottle(&OwnEngine::start_args("stays", &["--detach"])));
    let host = engine.account.replaced("DOCKER_HOST", "unix:///nonexistent/socket");
    for args in [&["list"][..], &["show", "stays"], &["stop", "stays"], &["cleanup"]] {
        let said = engine.bottle(args);
        assert_eq!(said.code, Some(3), "{args:?}: {said:?}");
        assert!(said.err.contains("\nhint: "), "{args:?}: {said:?}");
    }
    engine.account.set("DOCKER_HOST", &host);
    assert_eq!(engine.condition("stays").as_deref(), Some("running"));
    done(&engine.bottle(&["stop", "stays"]));
    assert_eq!(engine.traces(), Vec::<String>::new());
}

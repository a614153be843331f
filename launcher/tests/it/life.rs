//! The life of a bottle against a real engine: it starts, works and is gone, however it ends.

use std::thread;

use compose_run::networks;
use compose_testkit::{eventually, record};
use nix::sys::signal::Signal;

use crate::ground::Ground;

/// Every step of a start that can fail or die.
const STEPS: [&str; 8] =
    ["claim", "networks", "build", "mint", "render", "up", "provision", "probe"];

#[test]
fn a_command_runs_in_the_bottle_and_everything_is_gone_after() {
    let ground = Ground::new("life-runs");
    let said = ground.start(&["--", "-c", "cat file.txt; echo made > made.txt; exit 7"]);
    assert_eq!((said.code, said.out.as_str()), (Some(7), "of the host\n"), "{said:?}");
    ground.assert_gone();
    assert_eq!(ground.condition(&ground.slug).as_deref(), Some("stopped"));
    assert!(ground.state("workspace.tar").exists());
    assert!(!ground.account.here().join("work/made.txt").exists());
    // The log outlives the bottle, one service of it as well.
    let all = ground.bottle(&["logs", ground.slug.as_str()]);
    assert!(all.out.contains(r#""service":"pipelock""#), "{all:?}");
    let agent = ground.bottle(&["logs", ground.slug.as_str(), "--service", "agent"]);
    assert!(!agent.out.contains(r#""service":"pipelock""#), "{agent:?}");
    let audit = ground.bottle(&["audit", ground.slug.as_str()]);
    assert!(audit.out.contains("pipelock"), "{audit:?}");
}

#[test]
fn a_bottle_lives_under_compose_v2_and_under_the_hosts_own() {
    let v2 = std::env::var_os("BOTTLE_COMPOSE_V2").expect("run `cargo xtask test`: it fetches v2");
    for compose in [v2.to_str().unwrap(), ""] {
        let mut ground = Ground::new("life-compose");
        ground.account.set("BOTTLE_COMPOSE", compose);
        let said = ground.start(&["--", "-c", "echo fine"]);
        assert_eq!((said.code, said.out.as_str()), (Some(0), "fine\n"), "{compose}: {said:?}");
        ground.assert_gone();
        let logs = ground.bottle(&["logs", ground.slug.as_str(), "--service", "pipelock"]);
        assert!(logs.out.contains(r#""service":"pipelock""#), "{compose}: {logs:?}");
    }
}

#[test]
fn a_step_that_fails_is_named_and_undone() {
    for step in STEPS {
        let mut ground = Ground::new("life-fails");
        ground.account.set("BOTTLE_FAULT", &format!("fail:{step}"));
        let said = ground.start(&["--", "-c", "true"]);
        assert_eq!(said.code, Some(1), "{step}: {said:?}");
        assert!(said.err.contains(&format!("the step `{step}` failed")), "{step}: {said:?}");
        ground.assert_gone();
        // Where containers ran, their logs were saved; before that nothing stays at all.
        let ran = ["up", "provision", "probe"].contains(&step);
        assert_eq!(ground.state("compose.log").exists(), ran, "{step}");
        assert_eq!(ground.state("lock").exists(), ran, "{step}");
    }
}

#[test]
fn k1_after_kill_9_at_any_step_cleanup_removes_every_trace() {
    for step in STEPS {
        let mut ground = Ground::new("life-dies");
        ground.account.set("BOTTLE_FAULT", &format!("after:{step}"));
        let said = ground.start(&["--", "-c", "true"]);
        assert_eq!(said.code, None, "{step}: it was to die: {said:?}");
        ground.until("broken");
        let cleaned = ground.bottle(&["cleanup"]);
        assert_eq!(cleaned.code, Some(0), "{step}: {cleaned:?}");
        ground.assert_gone();
        assert_ne!(ground.condition(&ground.slug).as_deref(), Some("broken"), "{step}");
        record(
            "K1",
            format_args!("the launcher dies after `{step}`"),
            "broken; cleanup: nothing left",
        );
        let ran = ["up", "provision", "probe"].contains(&step);
        assert_eq!(ground.state("compose.log").exists(), ran, "{step}");
    }
}

#[test]
fn k1_the_test_can_fail_what_a_killed_launcher_leaves_is_there_until_cleanup() {
    let mut ground = Ground::new("life-left");
    ground.account.set("BOTTLE_FAULT", "after:up");
    ground.start(&["--", "-c", "true"]);
    ground.until("broken");
    let traces = ground.traces(&ground.slug);
    assert!(traces.iter().any(|trace| trace.ends_with("-agent")), "{traces:?}");
    assert!(traces.iter().any(|trace| trace.ends_with("-internal")), "{traces:?}");
    assert!(traces.iter().any(|trace| trace.ends_with("ca-key.pem")), "{traces:?}");
    // The name is not free while something of it is there, and free at once after the cleanup.
    ground.account.set("BOTTLE_FAULT", "");
    let refused = ground.start(&["--", "-c", "true"]);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.err.contains("hint: `bottle cleanup`"), "{refused:?}");
    assert_eq!(ground.bottle(&["cleanup"]).code, Some(0));
    std::fs::remove_file(ground.state("workspace.tar")).ok();
    let again = ground.start(&["--", "-c", "echo again"]);
    assert_eq!((again.code, again.out.as_str()), (Some(0), "again\n"), "{again:?}");
    ground.assert_gone();
}

#[test]
fn k1_after_kill_9_in_the_middle_of_up_nothing_stays() {
    let ground = Ground::new("life-during");
    let start = ground.start_beside(ground.slug.as_str(), &["--", "-c", "true"]);
    eventually("a first container", || {
        let traces = ground.traces(&ground.slug);
        let there = traces.iter().any(|trace| trace.ends_with("-pipelock"));
        if there { Ok(()) } else { Err(format!("{traces:?}")) }
    });
    start.signal(Signal::SIGKILL);
    assert_eq!(start.said().code, None);
    // Compose goes on for a moment, and holds the lock as long: nothing comes after the cleanup.
    ground.until("broken");
    assert_eq!(ground.bottle(&["cleanup"]).code, Some(0));
    ground.assert_gone();
}

#[test]
fn k1_after_kill_9_while_the_agent_works_its_work_is_saved() {
    let ground = Ground::new("life-midst");
    let script = "echo made > made.txt; echo up; sleep 600";
    let start = ground.start_beside(ground.slug.as_str(), &["--", "-c", script]);
    start.until_out("up");
    assert_eq!(ground.condition(&ground.slug).as_deref(), Some("running"));
    start.signal(Signal::SIGKILL);
    assert_eq!(start.said().code, None);
    ground.until("broken");
    assert_eq!(ground.bottle(&["cleanup"]).code, Some(0));
    ground.assert_gone();
    let diff = ground.bottle(&["diff", ground.slug.as_str(), "--names"]);
    assert!(diff.out.contains("A made.txt"), "{diff:?}");
}

#[test]
fn k3_the_work_in_a_container_that_died_is_saved_all_the_same() {
    let ground = Ground::new("life-work");
    let name = ground.slug.as_str();
    assert_eq!(ground.start(&["--detach"]).code, Some(0));
    let made = ground.bottle(&["exec", name, "--", "sh", "-c", "echo made > made.txt"]);
    assert_eq!(made.code, Some(0), "{made:?}");
    // As after a restart of the daemon: the containers are there and do not run.
    ground.docker.run(["kill", &format!("bottle-{name}-agent")]).unwrap();
    ground.until("broken");
    let cleaned = ground.bottle(&["cleanup"]);
    assert_eq!(cleaned.code, Some(0), "{cleaned:?}");
    assert!(cleaned.err.contains(&format!("`bottle diff {name}`")), "{cleaned:?}");
    ground.assert_gone();
    let diff = ground.bottle(&["diff", name, "--names"]);
    assert!(diff.out.contains("A made.txt"), "{diff:?}");
}

#[test]
fn a_kept_bottle_stays_until_stop_and_resume_goes_on_with_its_work() {
    let mut ground = Ground::new("life-keep");
    let name = ground.slug.to_string();
    let start = ground.start(&["--keep", "--", "-c", "echo one > one.txt; exit 4"]);
    assert_eq!(start.code, Some(4), "{start:?}");
    assert_eq!(ground.condition(&ground.slug).as_deref(), Some("running"));
    let twice = ground.start(&["--", "-c", "true"]);
    assert!(twice.err.contains(&format!("bottle `{name}` is running")), "{twice:?}");
    assert_eq!(ground.bottle(&["stop", &name]).code, Some(0));
    ground.assert_gone();
    // Work that was saved is not overwritten by a new bottle of the name.
    let again = ground.start(&["--", "-c", "true"]);
    assert_eq!(again.code, Some(1), "{again:?}");
    assert!(again.err.contains("holds the work of its agent"), "{again:?}");
    let args =
        ["start", "worker", "--manifest", "m.yaml", "--workspace", "work", "--resume", &name];
    let resumed = ground.bottle(&[&args[..], &["--", "-c", "cat one.txt"]].concat());
    assert_eq!((resumed.code, resumed.out.as_str()), (Some(0), "one\n"), "{resumed:?}");
    ground.assert_gone();
    ground.account.set("BOTTLE_FAULT", "fail:up");
    let failed = ground.bottle(&[&args[..], &["--", "-c", "true"]].concat());
    assert_eq!(failed.code, Some(1), "{failed:?}");
    assert!(ground.state("workspace.tar").exists(), "a start that failed loses no work");
}

#[test]
fn k1_a_signal_ends_in_the_same_teardown() {
    for signals in [
        &[Signal::SIGINT][..],
        &[Signal::SIGTERM],
        &[Signal::SIGHUP],
        &[Signal::SIGQUIT],
        &[Signal::SIGINT, Signal::SIGINT, Signal::SIGTERM],
    ] {
        let ground = Ground::new("life-signal");
        let start = ground.start_beside(ground.slug.as_str(), &["--", "-c", "echo up; sleep 600"]);
        start.until_out("up");
        for &signal in signals {
            start.signal(signal);
        }
        let said = start.said();
        assert_eq!(said.code, Some(130), "{signals:?}: {said:?}");
        ground.assert_gone();
        assert!(ground.state("workspace.tar").exists(), "{signals:?}");
        record("K1", format_args!("{signals:?}"), "130, nothing left, the work saved");
    }
}

#[test]
fn k1_a_signal_in_the_middle_of_a_start_ends_in_the_same_teardown() {
    let ground = Ground::new("life-early");
    let start = ground.start_beside(ground.slug.as_str(), &["--", "-c", "sleep 600"]);
    eventually("a beginning", || {
        if ground.state("metadata.json").exists() { Ok(()) } else { Err("nothing yet".to_owned()) }
    });
    start.signal(Signal::SIGINT);
    let said = start.said();
    assert_eq!(said.code, Some(130), "{said:?}");
    assert!(said.err.contains("was interrupted"), "{said:?}");
    ground.assert_gone();
}

#[test]
fn k2_of_two_starts_with_one_name_one_wins() {
    let ground = Ground::new("life-one");
    let args = ["--", "-c", "sleep 4; echo won"];
    let name = ground.slug.as_str();
    let (one, two) = thread::scope(|scope| {
        let one = scope.spawn(|| ground.start(&args));
        let two = ground.account.bottle(&Ground::start_args(name, &args));
        (one.join().unwrap(), two)
    });
    let mut codes = [one.code, two.code];
    codes.sort_unstable();
    assert_eq!(codes, [Some(0), Some(1)], "{one:?} {two:?}");
    let lost = if one.code == Some(1) { one } else { two };
    assert!(lost.err.contains(&format!("bottle `{name}` is running")), "{lost:?}");
    assert!(lost.err.contains("hint: choose another `--name`"), "{lost:?}");
    record("K2", "two starts with one name at once", lost.err.lines().next().unwrap_or_default());
    ground.assert_gone();
}

#[test]
fn k2_two_starts_at_once_do_not_collide() {
    let ground = Ground::new("life-two");
    let other = ground.other_name();
    let args = ["--", "-c", "echo fine"];
    let (one, two) = thread::scope(|scope| {
        let one = scope.spawn(|| ground.start(&args));
        let two = ground.account.bottle(&Ground::start_args(other.as_str(), &args));
        (one.join().unwrap(), two)
    });
    for said in [one, two] {
        assert_eq!((said.code, said.out.as_str()), (Some(0), "fine\n"), "{said:?}");
    }
    ground.assert_gone();
    assert_eq!(ground.traces(&other), Vec::<String>::new());
    record("K2", "two starts at once", "both ran, nothing left of either");
}

#[test]
fn k3_a_network_of_somebody_else_with_our_name_is_told_and_stays() {
    let ground = Ground::new("life-stale");
    let name = format!("bottle-{}-internal", ground.slug);
    ground.docker.run(["network", "create", "--internal", &name]).unwrap();
    let said = ground.start(&["--", "-c", "true"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains(&format!("network `{name}` exists already")), "{said:?}");
    assert!(said.err.contains("docker network rm"), "{said:?}");
    record("K3", "a stale network of our name", said.err.trim());
    let stays = ground.docker.capture(["network", "inspect", "--format", "{{.Name}}", &name]);
    assert_eq!(stays.unwrap(), name);
    assert!(!ground.state("").exists());
    networks::remove(&ground.docker, &ground.slug).unwrap();
}

#[test]
fn k3_an_image_that_is_not_there_is_a_sentence_and_nothing_is_left() {
    let ground = Ground::new("life-image");
    let manifest = "version: 1\nagents: {worker: {bottle: b, command: [sh]}}\n\
                    bottles: {b: {image: {name: 'localhost/bottle/none:0'}}}\n";
    ground.account.write("m.yaml", manifest);
    let said = ground.start(&["--", "-c", "true"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains("localhost/bottle/none:0"), "{said:?}");
    record("K3", "an image that vanished", said.err.trim());
    ground.assert_gone();
    assert!(!ground.state("").exists());
}

#[test]
fn k4_stop_says_so_only_when_nothing_is_left() {
    let ground = Ground::new("life-stop");
    let name = ground.slug.as_str();
    let start = ground.start(&["--detach"]);
    assert_eq!((start.code, start.out.trim()), (Some(0), name), "{start:?}");
    assert_eq!(ground.condition(&ground.slug).as_deref(), Some("running"));
    // A living bottle is none of cleanup's.
    assert_eq!(ground.bottle(&["cleanup"]).code, Some(0));
    let inside = ground.bottle(&["exec", name, "--", "sh", "-c", "echo hi; exit 3"]);
    assert_eq!((inside.code, inside.out.as_str()), (Some(3), "hi\n"), "{inside:?}");
    let shown = ground.bottle(&["show", name, "--json"]);
    let shown: serde_json::Value = serde_json::from_str(&shown.out).unwrap();
    assert_eq!(shown["condition"], "running");
    let services = shown["services"].as_array().unwrap();
    for name in ["pipelock", "agent"] {
        assert!(services.iter().any(|service| service["service"] == name), "{shown}");
    }
    let metrics = ground.bottle(&["metrics", name]);
    assert!(metrics.out.contains("service=\"pipelock\"} 1"), "{metrics:?}");
    let stop = ground.bottle(&["stop", name]);
    assert_eq!(stop.code, Some(0), "{stop:?}");
    ground.assert_gone();
    record("K4", "stop of a bottle that runs", "0, and the engine has nothing left of it");
    assert_eq!(ground.condition(&ground.slug).as_deref(), Some("stopped"));
}

/// Ends whoever packs the work, as often as it is tried; there is enough of it to be in time.
const HOLDS_UP: &str = "
echo made > made.txt; truncate -s 400M large.bin
python3 -c '
import os, signal
os.fork() and os._exit(0)
os.setsid()
while True:
    for pid in filter(str.isdigit, os.listdir(\"/proc\")):
        try:
            if b\"\\0pack\\0\" in open(f\"/proc/{pid}/cmdline\", \"rb\").read():
                os.kill(int(pid), signal.SIGKILL)
        except OSError:
            pass
' < /dev/null > /dev/null 2>&1
echo up; sleep 600";

#[test]
fn k4_an_agent_that_ends_whoever_packs_its_work_is_stopped_all_the_same() {
    let ground = Ground::new("life-holds");
    let start = ground.start_beside(ground.slug.as_str(), &["--", "-c", HOLDS_UP]);
    start.until_out("up");
    let stopped = ground.bottle(&["stop", ground.slug.as_str()]);
    record("K4", "stop of an agent that kills whoever packs its work", &stopped.err);
    assert_eq!(stopped.code, Some(0), "{stopped:?}");
    start.said();
    ground.assert_gone();
    let diff = ground.bottle(&["diff", ground.slug.as_str(), "--names"]);
    assert!(diff.out.contains("A made.txt"), "{diff:?}");
}

#[test]
fn k4_stop_ends_a_start_that_has_a_terminal_elsewhere() {
    let ground = Ground::new("life-held");
    let start = ground.start_beside(ground.slug.as_str(), &["--", "-c", "echo up; sleep 600"]);
    start.until_out("up");
    let stop = ground.bottle(&["stop", ground.slug.as_str()]);
    assert_eq!(stop.code, Some(0), "{stop:?}");
    ground.assert_gone();
    assert_eq!(start.said().code, Some(130));
}

#[test]
fn a_detached_agent_works_alone_and_its_bottle_ends_with_it() {
    let ground = Ground::new("life-alone");
    let name = ground.slug.as_str();
    let start =
        ground.start(&["--detach", "--", "-c", "echo begun; sleep 5; echo made > x; exit 5"]);
    assert_eq!(start.code, Some(0), "{start:?}");
    eventually("its output", || {
        let logs = ground.bottle(&["logs", name, "--service", "agent"]);
        if logs.out.contains("begun") { Ok(()) } else { Err(format!("{logs:?}")) }
    });
    ground.until("stopped");
    ground.assert_gone();
    let list: serde_json::Value =
        serde_json::from_str(&ground.bottle(&["list", "--json"]).out).unwrap();
    let row = list.as_array().unwrap().iter().find(|row| row["slug"] == name).unwrap();
    assert_eq!(row["exit_code"], 5);
    assert!(ground.state("workspace.tar").exists());
    assert!(ground.bottle(&["logs", name]).out.contains("begun"));
}

#[test]
fn one_sidecar_starts_alone_and_stops_alone() {
    let ground = Ground::new("life-sidecar");
    let name = ground.slug.as_str();
    let args = ["--manifest", "m.yaml", "--agent", "worker"];
    let rendered = ground.bottle(&[&["pipelock", "render", "--name", name][..], &args].concat());
    assert!(rendered.out.contains("# docker-compose.yml"), "{rendered:?}");
    let start = ground.bottle(&[&["pipelock", "start", "--name", name][..], &args].concat());
    assert_eq!((start.code, start.out.trim()), (Some(0), name), "{start:?}");
    let shown = ground.bottle(&["show", name, "--json"]);
    let shown: serde_json::Value = serde_json::from_str(&shown.out).unwrap();
    assert_eq!(shown["services"][0]["status"]["ready"], true, "{shown}");
    // It is no bottle to go into, and no egress.
    assert_eq!(ground.bottle(&["shell", name]).code, Some(1));
    assert_eq!(ground.bottle(&["egress", "stop", name]).code, Some(1));
    let stop = ground.bottle(&["pipelock", "stop", name]);
    assert_eq!(stop.code, Some(0), "{stop:?}");
    ground.assert_gone();
}

#[test]
fn k5_a_hundred_million_bytes_pass_through_whole() {
    let ground = Ground::new("life-bytes");
    let script = "head -c 100000000 /dev/zero";
    let start = ground.start_beside(ground.slug.as_str(), &["--", "-c", script]);
    assert_eq!(start.length_at_the_end(), 100_000_000);
    record("K5", "100 000 000 bytes out of the agent", "as many on our stdout");
    ground.assert_gone();
}

#[test]
fn logs_follow_until_they_are_told_to_end() {
    let ground = Ground::new("life-follow");
    let name = ground.slug.as_str();
    let script = "for n in 1 2 3 4 5 6 7 8 9; do echo line $n; sleep 1; done; sleep 600";
    assert_eq!(ground.start(&["--detach", "--", "-c", script]).code, Some(0));
    for args in [&["logs", "-f", name][..], &["logs", "-f", name, "--service", "agent"]] {
        let logs = ground.beside(args);
        logs.until_out("line 9");
        logs.signal(Signal::SIGINT);
        assert_eq!(logs.said().code, Some(130));
    }
    assert_eq!(ground.bottle(&["stop", name]).code, Some(0));
    ground.assert_gone();
}

#[test]
fn k1_a_container_of_a_build_that_was_killed_is_cleaned_up() {
    let ground = Ground::new("life-build");
    assert_eq!(ground.start(&["--detach"]).code, Some(0));
    let agent = format!("bottle-{}-agent", ground.slug);
    let image = ground.docker.capture(["inspect", "--format", "{{.Image}}", &agent]).unwrap();
    let name = format!("bottle.build.2147483647.{}", ground.slug);
    ground.docker.run(["create", "--name", &name, "--network", "none", &image, "true"]).unwrap();
    assert_eq!(ground.bottle(&["cleanup"]).code, Some(0));
    assert!(ground.docker.run(["inspect", "--type", "container", &name]).is_err());
    assert_eq!(ground.condition(&ground.slug).as_deref(), Some("running"));
    assert_eq!(ground.bottle(&["stop", ground.slug.as_str()]).code, Some(0));
}

#[test]
fn a_sidecar_that_died_comes_back_and_show_counts_it() {
    let ground = Ground::new("life-crash");
    let name = ground.slug.as_str();
    assert_eq!(ground.start(&["--detach"]).code, Some(0));
    let container = format!("bottle-{name}-pipelock");
    let pid = ["inspect", "--format", "{{.State.Pid}}", &container];
    let pid = ground.docker.capture(pid).unwrap();
    let image = ["inspect", "--format", "{{.Image}}", &format!("bottle-{name}-agent")];
    let image = ground.docker.capture(image).unwrap();
    // As the kernel would end it: `docker kill` would cancel the restart.
    let killer = ["run", "--rm", "--pid", "host", "--network", "none", "--user", "0", &image];
    ground.docker.call(killer).args(["kill", "-9", &pid]).run().unwrap();
    eventually("its return", || {
        let said = ground.bottle(&["show", name, "--json"]);
        let shown: serde_json::Value =
            serde_json::from_str(&said.out).map_err(|e| e.to_string())?;
        let services = shown["services"].as_array().cloned().unwrap_or_default();
        let pipelock = services.iter().find(|service| service["service"] == "pipelock");
        let again = pipelock.is_some_and(|service| {
            service["life"]["restarts"] == 1 && service["status"]["ready"] == true
        });
        if again { Ok(()) } else { Err(said.out) }
    });
    assert_eq!(ground.bottle(&["stop", name]).code, Some(0));
    ground.assert_gone();
}

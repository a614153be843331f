//! Another gate file: in force at once and as a whole, or not at all.

use compose_testkit::eventually;
use git_gate::GateFile;

use crate::world::World;

const BRANCH: &str = "refs/heads/agent/b/work";

fn status(world: &World) -> serde_json::Value {
    serde_json::from_str(&world.status.to_json()).unwrap()
}

#[test]
fn another_file_is_in_force_at_once_and_says_its_digest() {
    let world = World::new();
    world.clone_to("work");
    world.write("work/one.txt", "one\n");
    world.commit("work", "one");
    world.configure(|file| file.upstreams[0].push.clear());
    let text = std::fs::read_to_string(world.path("gate.yaml")).unwrap();
    assert_eq!(status(&world)["config_digest"], GateFile::digest(&text));
    assert_eq!(status(&world)["generation"], 2);
    world.push("work").refused(&["only reads"]);
    world.configure(|file| file.upstreams[0].push.push("refs/heads/agent/b/*".parse().unwrap()));
    world.push("work").must();
    assert_eq!(world.upstream(BRANCH), world.head("work"));
    // The same once more is no new generation.
    world.configure(|_| {});
    assert_eq!(status(&world)["generation"], 3);
}

#[test]
fn c7_a_bad_file_keeps_the_old_one_in_force() {
    let world = World::new();
    world.clone_to("work");
    let before = status(&world);
    world.write("gate.yaml", "version: 1\nbottle: b\nupstreams: []\nallow_all: true\n");
    world.gate.reload();
    let after = status(&world);
    assert_eq!(after["config_digest"], before["config_digest"]);
    assert_ne!(after["refused_digest"], serde_json::Value::Null);
    assert_eq!(after["generation"], 1);
    eventually("the refusal is written", || {
        let said = world.decisions();
        if said.contains("config-refused") { Ok(()) } else { Err(said) }
    });
    // Pushes are judged as before, and not by the file that was refused.
    world.write("work/one.txt", "one\n");
    world.commit("work", "one");
    world.push("work").must();
    world.git("work", &["push", "origin", "HEAD:main"]).refused(&["ref-not-allowed"]);
}

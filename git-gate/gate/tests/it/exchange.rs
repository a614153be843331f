//! Clones, fetches and pushes that are well go through.

use crate::world::World;

#[test]
fn a_clone_a_push_and_a_fetch_go_through() {
    let world = World::new();
    world.clone_to("work");
    assert_eq!(world.head("work"), world.head("origin"));
    world.write("work/src/main.rs", "fn main() {}\n");
    world.commit("work", "add main");
    world.push("work").must();
    let name = "refs/heads/agent/b/work";
    assert_eq!(world.upstream(name), world.head("work"));
    // What others pushed upstream meanwhile is there at the next fetch.
    world.write("origin/more.md", "more\n");
    world.commit("origin", "more");
    let upstream = world.path("upstream.git");
    world.git("origin", &["push", "--quiet", upstream.to_str().unwrap(), "main"]).must();
    compose_testkit::eventually("the fetch sees it", || {
        world.git("work", &["fetch", "--quiet"]).must();
        let seen = world.git("work", &["rev-parse", "origin/main"]).must().trim().to_owned();
        if seen == world.head("origin") { Ok(()) } else { Err(seen) }
    });
    compose_testkit::eventually("the decision is written", || {
        let decisions = world.decisions();
        let told = [
            "\"pushed\"",
            "\"ref\":\"refs/heads/agent/b/work\"",
            "\"objects\":4",
            "\"old\":\"0000",
        ];
        if told.iter().all(|part| decisions.contains(part)) { Ok(()) } else { Err(decisions) }
    });
}

/// git asks by an empty push whether it may, before one that is larger than its buffer.
#[test]
fn a_large_push_is_written_down_once() {
    let world = World::new();
    world.clone_to("work");
    world.noise("work");
    let push = ["-c", "http.postBuffer=65536", "push", "origin", "HEAD"];
    let said = world.git_with("work", &push, &[("GIT_CURL_VERBOSE", "1")]);
    said.must();
    // The test can fail: there were two requests.
    assert_eq!(said.err.matches("POST /git.example.test").count(), 2, "{}", said.err);
    compose_testkit::eventually("the decision is written", || {
        let decisions = world.decisions();
        if decisions.contains("\"pushed\"") { Ok(()) } else { Err(decisions) }
    });
    let decisions = world.decisions();
    assert_eq!(decisions.matches("\"event\":\"push\"").count(), 1, "{decisions}");
}

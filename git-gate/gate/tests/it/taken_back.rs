//! H1, I3: what people take out of the upstream is new again: a clone that has it still brings it back
//! past nobody.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use compose_testkit::{eventually, record};

use crate::world::{SECRET, World};

const LEAK: &str = "refs/heads/agent/b/leak";
const NONE: &str = "0000000000000000000000000000000000000000";
/// The pack of a client that sends no object, since the gate's mirror has them all.
const EMPTY_PACK: &[u8] =
    b"PACK\0\0\0\x02\0\0\0\0\x02\x9d\x08\x82\x3b\xd8\xa8\xea\xb5\x10\xad\x6a\xc7\x5c\x82\x3c\xfd\x3e\xd3\x1e";

/// An upstream with a key on `main` and a workflow on a branch, and a clone that knows of both.
struct Leaked {
    world: World,
    /// `main` before the key.
    before: String,
    key: String,
    workflow: String,
}

impl Leaked {
    fn known_for(known_for: Duration) -> Self {
        let world = World::knowing_for(known_for);
        let before = world.head("origin");
        world.git("origin", &["switch", "--quiet", "-c", "flow"]).must();
        world.write("origin/.github/workflows/ci.yml", "x\n");
        world.commit("origin", "a workflow");
        let workflow = world.head("origin");
        world.git("origin", &["switch", "--quiet", "main"]).must();
        world.write("origin/conf.ini", format!("id = {SECRET}\n"));
        world.commit("origin", "a key");
        let key = world.head("origin");
        let upstream = world.path("upstream.git");
        world.git("origin", &["push", "--quiet", upstream.to_str().unwrap(), "--all"]).must();
        world.clone_to("work");
        world.git("work", &["reset", "--quiet", "--hard", &before]).must();
        let leaked = Self { world, before, key, workflow };
        leaked.harmless();
        leaked
    }

    /// What the agent does meanwhile.
    fn harmless(&self) {
        self.world.commit("work", "harmless");
        self.world.push("work").must();
    }

    /// A person takes both out of the upstream.
    fn take_back(&self) {
        let main = ["update-ref", "refs/heads/main", &self.before];
        self.world.git("upstream.git", &main).must();
        self.world.git("upstream.git", &["update-ref", "-d", "refs/heads/flow"]).must();
    }

    /// A client of the agent's own making, which asks for no refs and sends no object. Returns what it
    /// is told.
    fn crafted(&self, before_the_pack: impl FnOnce()) -> String {
        let line = format!("{NONE} {} {LEAK}\0 report-status side-band-64k\n", self.key);
        let commands = format!("{:04x}{line}0000", line.len() + 4);
        let head = format!(
            "POST /git.example.test/acme/widgets.git/git-receive-pack HTTP/1.1\r\nhost: git-gate\r\n\
             connection: close\r\ncontent-type: application/x-git-receive-pack-request\r\n\
             content-length: {}\r\n\r\n{commands}",
            commands.len() + EMPTY_PACK.len()
        );
        let mut stream = TcpStream::connect(self.world.address).unwrap();
        stream.write_all(head.as_bytes()).unwrap();
        before_the_pack();
        stream.write_all(EMPTY_PACK).unwrap();
        let mut told = Vec::new();
        stream.read_to_end(&mut told).unwrap();
        String::from_utf8_lossy(&told).into_owned()
    }

    #[track_caller]
    fn told(&self, attempt: &str, told: &str) {
        assert!(told.contains("aws-access-key-id"), "{told}");
        assert_eq!(self.world.upstream(LEAK), "");
        let told = told.lines().find(|line| line.contains("aws-access-key-id"));
        record("H1", attempt, told.unwrap_or_default().to_owned());
    }
}

fn wait(known_for: Duration) {
    let begun = Instant::now();
    eventually("what was known is old", || {
        if begun.elapsed() > known_for { Ok(()) } else { Err("it is not".to_owned()) }
    });
}

#[test]
fn h1_i3_what_upstream_took_back_is_judged_however_often_others_are_pushed() {
    const KNOWN_FOR: Duration = Duration::from_secs(5);
    let leaked = Leaked::known_for(KNOWN_FOR);
    let world = &leaked.world;
    leaked.take_back();
    let begun = Instant::now();
    while begun.elapsed() < KNOWN_FOR {
        leaked.harmless();
    }
    let said = world.git("work", &["push", "origin", &format!("{}:{LEAK}", leaked.key)]);
    said.refused(&["aws-access-key-id", "nothing was pushed"]);
    leaked.told("a key that upstream took back, pushed again", &said.err);
    let flow = format!("{}:refs/heads/agent/b/flow", leaked.workflow);
    let said = world.git("work", &["push", "origin", &flow]);
    said.refused(&["protected-file", ".github/workflows/ci.yml"]);
    record("I3", "a workflow that upstream took back, pushed again", said.told());
    assert_eq!(world.refs(), ["refs/heads/agent/b/work", "refs/heads/main"]);
}

#[test]
fn h1_a_client_that_asks_for_no_refs_is_judged_against_what_upstream_has() {
    const KNOWN_FOR: Duration = Duration::from_secs(1);
    let leaked = Leaked::known_for(KNOWN_FOR);
    leaked.take_back();
    wait(KNOWN_FOR);
    let told = leaked.crafted(|| {});
    leaked.told("a key that upstream took back, by a client that asks for no refs", &told);
}

#[test]
fn h1_a_client_that_takes_its_time_is_judged_against_what_upstream_has_then() {
    const KNOWN_FOR: Duration = Duration::from_secs(10);
    let leaked = Leaked::known_for(KNOWN_FOR);
    let told = leaked.crafted(|| {
        leaked.take_back();
        wait(KNOWN_FOR);
    });
    leaked.told("a key that upstream took back while the push was under way", &told);
}

/// The other side of it: what upstream has is not judged again, and soon after a fetch nobody is asked.
#[test]
fn what_upstream_has_passes_and_a_push_soon_after_a_fetch_asks_nobody_first() {
    let leaked = Leaked::known_for(Duration::from_mins(10));
    let mirror = leaked.world.path("mirrors/git.example.test+acme+widgets.git");
    leaked.take_back();
    leaked.harmless();
    let told = leaked.crafted(|| {});
    assert!(told.contains(&format!("ok {LEAK}")), "{told}");
    assert_eq!(leaked.world.upstream(LEAK), leaked.key);
    let args = ["rev-parse", "refs/heads/flow"];
    let seen = leaked.world.git(mirror.to_str().unwrap(), &args);
    assert_eq!(seen.must().trim(), leaked.workflow);
}

//! What a push carries to where others run it, and what is asked of the gate besides git.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use crate::world::World;

const BRANCH: &str = "refs/heads/agent/b/work";

#[test]
fn i3_files_that_run_elsewhere_need_a_grant() {
    let world = World::new();
    world.clone_to("work");
    for name in [".github/workflows/ci.yml", "sub/.claude/settings.json", ".mcp.json"] {
        world.write(&format!("work/{name}"), "x\n");
        world.commit("work", name);
        world.push("work").refused(&["protected-file", name, "bottle approve"]);
        // Hidden under a later commit it is there all the same.
        std::fs::remove_file(world.path(&format!("work/{name}"))).unwrap();
        world.commit("work", "without");
        world.push("work").refused(&["protected-file"]);
        world.git("work", &["reset", "--quiet", "--hard", "origin/main"]).must();
    }
    world.git("work", &["mv", "readme.md", ".gitlab-ci.yml"]).must();
    world.commit("work", "an old file under a new name");
    world.push("work").refused(&["protected-file"]);
    world.git("work", &["reset", "--quiet", "--hard", "origin/main"]).must();
    std::os::unix::fs::symlink("../../etc/passwd", world.path("work/link")).unwrap();
    world.commit("work", "link");
    world.push("work").refused(&["link-leaves-the-tree"]);
    world.git("work", &["reset", "--quiet", "--hard", "origin/main"]).must();
    let head = world.head("work");
    let entry = format!("160000,{head},sub");
    world.git("work", &["update-index", "--add", "--cacheinfo", &entry]).must();
    world.git("work", &["commit", "--quiet", "-m", "submodule"]).must();
    world.push("work").refused(&["submodule"]);
    assert_eq!(world.upstream(BRANCH), "");
}

#[test]
fn i3_what_is_granted_or_was_there_before_passes() {
    let world = World::with(|file| {
        file.upstreams[0].protected.push(".github/workflows/**".parse().unwrap());
    });
    world.write("origin/.mcp.json", "{}\n");
    world.commit("origin", "of the people");
    let upstream = world.path("upstream.git");
    world.git("origin", &["push", "--quiet", upstream.to_str().unwrap(), "main"]).must();
    world.clone_to("work");
    world.write("work/.github/workflows/ci.yml", "x\n");
    world.write("work/src.txt", "x\n");
    std::os::unix::fs::symlink("src.txt", world.path("work/link")).unwrap();
    world.commit("work", "granted");
    world.push("work").must();
    assert_eq!(world.upstream(BRANCH), world.head("work"));
}

fn ask(world: &World, request: &str) -> String {
    let mut stream = TcpStream::connect(world.address).unwrap();
    let head = format!("{request} HTTP/1.1\r\nhost: git-gate\r\nconnection: close\r\n");
    stream.write_all(format!("{head}content-length: 0\r\n\r\n").as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn the_rules_can_be_read_beforehand() {
    let world = World::new();
    let answer = ask(&world, "GET /policy");
    assert!(answer.contains("push: refs/heads/agent/b/**"), "{answer}");
    assert!(answer.contains("git.example.test"), "{answer}");
}

#[test]
fn other_services_are_refused_with_a_sentence() {
    let world = World::new();
    let name = "/git.example.test/acme/widgets.git";
    let lfs = ask(&world, &format!("POST {name}/info/lfs/objects/batch"));
    assert!(lfs.starts_with("HTTP/1.1 422") && lfs.contains("does not carry LFS"), "{lfs}");
    let dumb = ask(&world, &format!("GET {name}/info/refs"));
    assert!(dumb.starts_with("HTTP/1.1 403") && dumb.contains("smart HTTP"), "{dumb}");
    for path in [format!("{name}/objects/info/packs"), format!("{name}/config"), "/".to_owned()] {
        let answer = ask(&world, &format!("GET {path}"));
        assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
    }
}

#[test]
fn h3_two_pushes_of_one_branch_race_and_one_wins() {
    let world = World::new();
    world.clone_to("one");
    world.clone_to("two");
    world.write("one/one.txt", "one\n");
    world.commit("one", "one");
    world.write("two/two.txt", "two\n");
    world.commit("two", "two");
    let said: Vec<_> = std::thread::scope(|scope| {
        let pushes = ["one", "two"].map(|name| scope.spawn(|| world.push(name)));
        pushes.into_iter().map(|push| push.join().unwrap()).collect()
    });
    let won: Vec<_> = ["one", "two"].into_iter().zip(&said).filter(|(_, said)| said.ok).collect();
    assert_eq!(won.len(), 1, "{said:?}");
    assert_eq!(world.upstream(BRANCH), world.head(won[0].0));
}

//! H5: objects that are made to harm whoever takes them, and pushes that are beyond a limit.

use compose_testkit::record;

use crate::world::World;

const BRANCH: &str = "refs/heads/agent/b/work";

/// Makes a commit of a tree that no git would make by itself.
fn commit_of(world: &World, entries: &[(&str, &str, &str)]) {
    let mut tree = Vec::new();
    for (mode, name, object) in entries {
        tree.extend(format!("{mode} {name}\0").into_bytes());
        for pair in object.as_bytes().chunks(2) {
            tree.push(u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap());
        }
    }
    world.write("tree.bin", tree);
    let file = world.path("tree.bin");
    let hash = ["hash-object", "-t", "tree", "--literally", "-w", file.to_str().unwrap()];
    let tree = world.git("work", &hash).must().trim().to_owned();
    let commit = world.git("work", &["commit-tree", "-p", "HEAD", "-m", "x", &tree]);
    let commit = commit.must().trim().to_owned();
    world.git("work", &["update-ref", "refs/heads/agent/b/work", &commit]).must();
}

fn blob(world: &World, contents: &str) -> String {
    world.write("blob.bin", contents);
    let file = world.path("blob.bin");
    let hash = ["hash-object", "-w", file.to_str().unwrap()];
    world.git("work", &hash).must().trim().to_owned()
}

#[test]
fn h5_names_by_which_a_checkout_is_turned_are_refused() {
    for name in [".git", ".GIT", "git~1", "..", ".", ".git ", "a/b"] {
        let world = World::new();
        world.clone_to("work");
        let inner = blob(&world, "[core]\n\tfsmonitor = id\n");
        commit_of(&world, &[("100644", name, &inner)]);
        let said = world.git("work", &["push", "origin", BRANCH]);
        assert!(!said.ok, "{name}: {said:?}");
        assert_eq!(world.upstream(BRANCH), "", "{name}");
        record("H5", format!("a tree with an entry `{name}`"), said.told());
    }
    let world = World::new();
    world.clone_to("work");
    let inner = blob(&world, "well\n");
    commit_of(&world, &[("100644", "well.txt", &inner)]);
    world.git("work", &["push", "origin", BRANCH]).must();
}

#[test]
fn h5_options_in_a_submodules_url_are_refused() {
    for url in ["--upload-pack=id", "-oProxyCommand=id", "ext::sh -c id"] {
        let world = World::new();
        world.clone_to("work");
        let path = if url.starts_with('-') { "x" } else { "-x" };
        let text = format!("[submodule \"x\"]\n\tpath = {path}\n\turl = {url}\n");
        let modules = blob(&world, &text);
        commit_of(&world, &[("100644", ".gitmodules", &modules)]);
        let said = world.git("work", &["push", "origin", BRANCH]);
        assert!(!said.ok, "{url}: {said:?}");
        assert_eq!(world.upstream(BRANCH), "", "{url}");
        record("H5", format!("a submodule at `{url}`"), said.told());
    }
}

#[test]
fn h5_what_is_beyond_a_limit_is_refused_in_a_sentence() {
    let world = World::with(|file| {
        file.limits.file_bytes = 1 << 20;
        file.limits.refs = 2;
        file.limits.objects = 50;
    });
    world.clone_to("work");
    // It packs to almost nothing.
    world.write("work/bomb", vec![0; 3 << 20]);
    world.commit("work", "bomb");
    world.push("work").refused(&["`bomb`: it has 3 MiB", "file-too-large", "nothing was pushed"]);
    world.git("work", &["reset", "--quiet", "--hard", "origin/main"]).must();
    let refs: Vec<String> = (0..3).map(|n| format!("HEAD:refs/heads/agent/b/{n}")).collect();
    let mut args = vec!["push", "origin"];
    args.extend(refs.iter().map(String::as_str));
    world.git("work", &args).refused(&["3 refs at once"]);
    for n in 0..60 {
        world.write(&format!("work/{n}.txt"), format!("{n}\n"));
    }
    world.commit("work", "many");
    world.push("work").refused(&["more objects than are judged at once"]);
    assert_eq!(world.refs(), ["refs/heads/main"]);
}

#[test]
fn h5_a_pack_beyond_its_size_is_refused() {
    let world = World::with(|file| file.limits.pack_bytes = 64 * 1024);
    world.clone_to("work");
    world.noise("work");
    let said = world.push("work");
    assert!(!said.ok, "{said:?}");
    assert_eq!(world.upstream(BRANCH), "");
}

#[test]
fn h5_an_archive_that_unpacks_to_too_much_is_refused() {
    use std::io::Write as _;
    let world = World::with(|file| file.limits.unpacked_bytes = 1 << 20);
    world.clone_to("work");
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&vec![0; 2 << 20]).unwrap();
    world.write("work/bomb.gz", gzip.finish().unwrap());
    world.commit("work", "bomb");
    world.push("work").refused(&["an archive in it unpacks to more"]);
}

/// A zip as `zip --encrypt` leaves it: the bit that says so, and contents that nobody here can read.
fn sealed_zip() -> Vec<u8> {
    use std::io::Write as _;
    let mut out = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let stored =
        zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    out.start_file("inner.txt", stored).unwrap();
    out.write_all(b"whatever it is").unwrap();
    let mut bytes = out.finish().unwrap().into_inner();
    // The flags stand six bytes into the entry's head, and eight into its line of the list.
    let listed = bytes.windows(4).position(|four| four == b"PK\x01\x02").unwrap();
    bytes[6] |= 1;
    bytes[listed + 8] |= 1;
    bytes
}

#[test]
fn h1_what_cannot_be_looked_into_needs_a_person() {
    use std::io::Write as _;
    let gzip = |bytes: &[u8]| {
        let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        out.write_all(bytes).unwrap();
        out.finish().unwrap()
    };
    let deep = gzip(&gzip(&gzip(b"x")));
    for (name, contents) in [
        ("sealed.zip", sealed_zip()),
        ("broken.zip", b"PK\x03\x04 and no list at its end".to_vec()),
        ("work.7z", b"7z\xbc\xaf\x27\x1c\0\x04".to_vec()),
        ("work.xz", b"\xfd7zXZ\0\0\x04".to_vec()),
        ("work.enc", b"Salted__01234567".to_vec()),
        ("mail.asc", b"-----BEGIN PGP MESSAGE-----\n\nhQEMA\n".to_vec()),
        ("deep.gz", deep),
        ("behind.gz", [gzip(b"x"), b"PK and more".to_vec()].concat()),
    ] {
        let world = World::new();
        world.clone_to("work");
        world.write(&format!("work/{name}"), contents);
        world.commit("work", name);
        let said = world.push("work");
        said.refused(&[&format!("`{name}`"), "sealed-archive", "bottle approve"]);
        record("H1", format!("a push with {name}"), said.told());
        assert_eq!(world.upstream(BRANCH), "", "{name}");
    }
    // What can be looked into goes through.
    let world = World::new();
    world.clone_to("work");
    world.write("work/twice.gz", [gzip(b"one"), gzip(&gzip(b"two"))].concat());
    world.commit("work", "two members, and two layers");
    world.push("work").must();
}

/// A long chain of deltas and a shallow clone are no attack: they go through.
#[test]
fn h5_what_only_looks_odd_goes_through() {
    let world = World::new();
    world.git(".", &["clone", "--quiet", "--depth", "1", &world.url(), "work"]).must();
    world.git("work", &["switch", "--quiet", "-c", "agent/b/work"]).must();
    let mut lines: Vec<_> = (0..200).map(|n| format!("line {n}")).collect();
    for n in 0..60 {
        lines.push(format!("more {n}"));
        world.write("work/long.txt", lines.join("\n"));
        world.commit("work", &format!("more {n}"));
    }
    world.git("work", &["repack", "-adfq", "--depth=250", "--window=250"]).must();
    world.push("work").must();
    assert_eq!(world.upstream(BRANCH), world.head("work"));
    world.git(".", &["clone", "--quiet", "--filter=blob:none", &world.url(), "partial"]).must();
}

//! H1: wherever in a push a secret hides, it is found, told with its place, and never shown.

use std::io::Write as _;

use compose_testkit::record;

use crate::world::{SECRET, Said, World};

const BRANCH: &str = "refs/heads/agent/b/work";

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

fn utf32(text: &str) -> Vec<u8> {
    text.chars().flat_map(|c| u32::from(c).to_be_bytes()).collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}

fn zip(bytes: &[u8]) -> Vec<u8> {
    let mut out = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    out.start_file("inner.txt", zip::write::SimpleFileOptions::default()).unwrap();
    out.write_all(bytes).unwrap();
    out.finish().unwrap().into_inner()
}

#[track_caller]
fn found(world: &World, said: &Said, words: &[&str]) {
    said.refused(&["aws-access-key-id", "[remote rejected]", "nothing was pushed"]);
    said.refused(words);
    let place = words.first().copied().unwrap_or("a tag of a file");
    record("H1", format!("a push with a secret in {place}"), said.told());
    assert!(!said.err.contains(SECRET), "the secret itself is told:\n{}", said.err);
    assert!(!world.decisions().contains(SECRET));
    let others = world.refs().iter().any(|name| name != "refs/heads/main");
    assert!(!others, "{:?}", world.refs());
}

#[test]
fn h1_in_every_kind_of_file() {
    let line = format!("first\nkey = {SECRET}\n");
    let big = [&b"x".repeat(1 << 20)[..], b"\n", line.as_bytes()].concat();
    let edge = [&b"\n".repeat(64 * 1024 - 10)[..], line.as_bytes()].concat();
    let wide_edge = [&utf16(&"\n".repeat(32 * 1024 - 10))[..], &utf16(&line)].concat();
    for (name, contents, place) in [
        ("plain.txt", line.clone().into_bytes(), "`plain.txt` line 2"),
        ("big.txt", big, "`big.txt` line 3"),
        ("edge.txt", edge, "`edge.txt`"),
        ("binary.dat", [b"\0\x01\x02", line.as_bytes()].concat(), "`binary.dat`"),
        ("wide.txt", utf16(&line), "`wide.txt`"),
        ("wide-edge.txt", wide_edge, "`wide-edge.txt`"),
        ("wider.txt", utf32(&line), "`wider.txt`"),
        ("notes.gz", gzip(line.as_bytes()), "`notes.gz`"),
        ("notes.zip", zip(line.as_bytes()), "`notes.zip`"),
        ("twice.gz", gzip(&zip(line.as_bytes())), "`twice.gz`"),
        ("pointer", lfs_pointer().into_bytes(), "`pointer`"),
        (".gitmodules", submodule().into_bytes(), "`.gitmodules`"),
    ] {
        let world = World::new();
        world.clone_to("work");
        world.write(&format!("work/{name}"), contents);
        world.commit("work", name);
        found(&world, &world.push("work"), &[place]);
    }
}

fn lfs_pointer() -> String {
    format!("version https://git-lfs.github.com/spec/v1\noid {SECRET}\nsize 12\n")
}

fn submodule() -> String {
    format!("[submodule \"x\"]\n\tpath = x\n\turl = https://u:{SECRET}@git.example.test/x\n")
}

#[test]
fn h1_in_a_file_that_a_later_commit_removes() {
    let world = World::new();
    world.clone_to("work");
    world.write("work/conf.ini", SECRET);
    world.commit("work", "oops");
    let commit = world.head("work");
    std::fs::remove_file(world.path("work/conf.ini")).unwrap();
    world.commit("work", "remove it");
    found(&world, &world.push("work"), &["`conf.ini` line 1", commit.get(..12).unwrap()]);
    // Taken out of every commit, the rest goes through.
    world.git("work", &["reset", "--quiet", "--hard", "HEAD~2"]).must();
    world.commit("work", "clean");
    world.push("work").must();
    assert_eq!(world.upstream(BRANCH), world.head("work"));
}

#[test]
fn h1_in_a_merge_that_brings_what_neither_side_has() {
    let world = World::new();
    world.clone_to("work");
    world.git("work", &["switch", "--quiet", "-c", "side"]).must();
    world.write("work/side.txt", "side\n");
    world.commit("work", "side");
    world.git("work", &["switch", "--quiet", "agent/b/work"]).must();
    world.write("work/own.txt", "own\n");
    world.commit("work", "own");
    world.git("work", &["merge", "--quiet", "--no-commit", "side"]).must();
    world.write("work/evil.txt", SECRET);
    world.git("work", &["add", "--all"]).must();
    world.git("work", &["commit", "--quiet", "-m", "merge"]).must();
    found(&world, &world.push("work"), &["`evil.txt`"]);
}

#[test]
fn h1_in_a_file_that_attributes_hide() {
    let world = World::new();
    world.clone_to("work");
    world.write("work/.gitattributes", "* -diff binary\n");
    world.write("work/hidden.txt", SECRET);
    world.commit("work", "hidden");
    found(&world, &world.push("work"), &["`hidden.txt`"]);
}

#[test]
fn h1_in_a_message_an_author_and_a_name() {
    let world = World::new();
    world.clone_to("work");
    world.commit("work", &format!("use {SECRET}"));
    found(&world, &world.push("work"), &["its message or its author"]);
    let author = [("GIT_AUTHOR_NAME", SECRET)];
    let amend = ["commit", "--quiet", "--amend", "--reset-author", "--allow-empty", "-m", "x"];
    world.git_with("work", &amend, &author).must();
    found(&world, &world.push("work"), &["its message or its author"]);
    world.git("work", &["reset", "--quiet", "--hard", "origin/main"]).must();
    world.write(&format!("work/{SECRET}/readme"), "x\n");
    world.commit("work", "a name");
    found(&world, &world.push("work"), &["the name of a file"]);
    // An old file under a new name brings no new file, and its name is found all the same.
    world.git("work", &["reset", "--quiet", "--hard", "origin/main"]).must();
    world.git("work", &["mv", "readme.md", SECRET]).must();
    world.commit("work", "rename");
    found(&world, &world.push("work"), &["the name of a file"]);
}

#[test]
fn h1_in_tags_and_what_they_name() {
    let world = World::with(|file| {
        file.upstreams[0].push.push("refs/tags/*".parse().unwrap());
    });
    world.clone_to("work");
    world.git("work", &["tag", "-a", "v1", "-m", &format!("of {SECRET}")]).must();
    found(&world, &world.git("work", &["push", "origin", "v1"]), &["in tag", "its message"]);
    world.write("work/blob", SECRET);
    let blob = world.git("work", &["hash-object", "-w", "blob"]).must().trim().to_owned();
    world.git("work", &["tag", "v2", &blob]).must();
    found(&world, &world.git("work", &["push", "origin", "v2"]), &[]);
    world.git("work", &["tag", "-a", "v3", "-m", "of a file", &blob]).must();
    found(&world, &world.git("work", &["push", "origin", "v3"]), &[]);
    // The same without a secret goes through: it is not the tag that is refused.
    world.git("work", &["tag", "-a", "v4", "-m", "well"]).must();
    world.git("work", &["push", "origin", "v4"]).must();
    assert_ne!(world.upstream("refs/tags/v4"), "");
}

#[test]
fn h1_in_a_delta_of_a_pack() {
    let world = World::new();
    world.clone_to("work");
    let lines: Vec<_> = (0..5000).map(|n| format!("line {n} of a long file")).collect();
    let text = lines.join("\n");
    world.write("work/long.txt", &text);
    world.commit("work", "long");
    world.push("work").must();
    world.write("work/long.txt", text.replace("line 2500 ", &format!("line {SECRET} ")));
    world.commit("work", "one line of it");
    let said = world.push("work");
    said.refused(&["aws-access-key-id", "`long.txt` line 2501"]);
    assert!(!said.err.contains(SECRET));
}

#[test]
fn h1_the_bottles_own_secrets_by_their_fingerprints() {
    let value = "internal-service-7fkq0Zr3vXw1";
    let world = World::new();
    world.clone_to("work");
    world.write("work/conf.ini", format!("key={value}\n"));
    world.commit("work", "conf");
    world.push("work").must();
    let text = git_gate::fingerprints([7; 32], [value].into_iter()).unwrap();
    world.write("keys/own-secrets", text);
    world.write("work/again.ini", format!("key={value}\n# again\n"));
    world.commit("work", "again");
    let said = world.push("work");
    said.refused(&["`again.ini` line 1", "nothing was pushed"]);
    assert!(!said.err.contains(value), "{said:?}");
}

/// By the digits of its armour in one row: that is what the launcher hands over.
#[test]
fn h1_a_private_key_of_the_bottles_by_its_digits_alone() {
    let digits = [
        "MHcCAQEEIN0yQ1mY3vJxg7S0bXo2k9LrVhTzPw5uEcA8fGqKd4ZnoAoGCCqGSM49",
        "AwEHoUQDQgAEb3Vhb2wzZ2hRk1p8xT7mYc0VnKqJ5sLrWd9EfUoXiB2Gt6NyHzQa",
        "PMw4CjOIDkRlSvFuAe7x1T8ZbYgWm5cKqA==",
    ];
    let world = World::new();
    world.clone_to("work");
    world.write("work/blob.txt", format!("{}\n", digits.join("\n")));
    world.commit("work", "digits");
    world.push("work").must();
    let row = digits.concat();
    let text = git_gate::fingerprints([7; 32], [row.as_str()].into_iter()).unwrap();
    world.write("keys/own-secrets", text);
    world.write("work/again.txt", format!("a copy\n{}\n", digits.join("\n")));
    world.commit("work", "again");
    let said = world.push("work");
    said.refused(&["bottle-secret", "`again.txt`", "nothing was pushed"]);
    assert!(!said.err.contains(digits[0]), "{said:?}");
}

/// The test can fail: what is no secret passes, in all the same places.
#[test]
fn h1_what_is_no_secret_passes() {
    let world = World::new();
    world.clone_to("work");
    let line = "first\nkey = none\n";
    world.write("work/plain.txt", line);
    world.write("work/wide.txt", utf16(line));
    world.write("work/notes.gz", gzip(line.as_bytes()));
    world.write("work/notes.zip", zip(line.as_bytes()));
    world.write("work/card.txt", "4111 1111 1111 1111\n");
    world.commit("work", "all of it");
    world.push("work").must();
    assert_eq!(world.upstream(BRANCH), world.head("work"));
}

//! Large files with the client that people use: it would carry them past git, so nothing is carried,
//! and what it shows is our sentence and no guess of its own.

use std::path::{Path, PathBuf};

use compose_testkit::record;

use crate::world::{Said, World};

const BRANCH: &str = "refs/heads/agent/b/work";
const SENTENCE: &str = "git-gate does not carry LFS objects: put the file into the repository";

/// The folder of the genuine client: what `cargo xtask test` fetched, or the host's.
fn client() -> PathBuf {
    let named = std::env::var_os("BOTTLE_GIT_LFS").map(PathBuf::from);
    let program = named.unwrap_or_else(|| PathBuf::from("/usr/bin/git-lfs"));
    assert!(program.is_file(), "git-lfs is needed: install it, or run `cargo xtask test`");
    program.parent().unwrap().to_owned()
}

fn git(world: &World, client: &Path, args: &[&str]) -> Said {
    let path = format!("{}:/usr/local/bin:/usr/bin:/bin", client.display());
    world.git_with("work", args, &[("PATH", &path)])
}

#[test]
fn the_client_for_large_files_is_told_why_nothing_is_carried() {
    let (world, client) = (World::new(), client());
    world.clone_to("work");
    let git = |args: &[&str]| git(&world, &client, args);
    git(&["lfs", "install", "--local"]).must();
    git(&["lfs", "track", "*.bin"]).must();
    world.write("work/large.bin", vec![7; 100_000]);
    git(&["add", "--all"]).must();
    git(&["commit", "--quiet", "-m", "a large file"]).must();
    for args in [&["push", "origin", "HEAD"][..], &["lfs", "push", "--all", "origin"]] {
        let said = git(args);
        said.refused(&[SENTENCE]);
        // Nobody goes and looks for a login.
        assert!(!said.err.contains("uthenti"), "{said:?}");
        record("H1", format!("git {}", args.join(" ")), said.told());
    }
    assert_eq!(world.upstream(BRANCH), "");
    // A pointer is a file like any other; what it points to is nobody's to fetch here.
    git(&["push", "--no-verify", "origin", "HEAD"]).must();
    assert_eq!(world.upstream(BRANCH), world.head("work"));
    std::fs::remove_dir_all(world.path("work/.git/lfs")).unwrap();
    git(&["lfs", "fetch", "origin"]).refused(&[SENTENCE]);
}

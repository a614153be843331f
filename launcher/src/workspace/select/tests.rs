//! What of a folder goes into the bottle.

use super::*;
use compose_run::replace;
use std::os::unix::fs::symlink;

use crate::manifest::WorkspaceMode;

/// Makes the files, folders included.
fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, contents) in files {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        replace(&path, contents.as_bytes(), 0o644).unwrap();
    }
    dir
}

fn selected(root: &Path, include: &[&str]) -> Selection {
    let include = include.iter().map(PathBuf::from).collect();
    let source = root.canonicalize().unwrap();
    select(&WorkspacePlan { mode: WorkspaceMode::Copy, source, include, mounts: Vec::new() })
        .unwrap()
}

/// The files and links that come out of the stream, with what is in them.
fn contents(selection: &Selection) -> Vec<(String, String)> {
    let mut out = tar::Builder::new(Vec::new());
    selection.write("workspace", &mut out).unwrap();
    let bytes = out.into_inner().unwrap();
    let mut archive = tar::Archive::new(bytes.as_slice());
    let mut files = Vec::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        if entry.header().entry_type().is_dir() {
            continue;
        }
        let name = entry.path().unwrap().strip_prefix("workspace").unwrap().display().to_string();
        let mut text = String::new();
        entry.read_to_string(&mut text).unwrap();
        files.push((name, text));
    }
    files.sort();
    files
}

fn names(selection: &Selection) -> Vec<String> {
    contents(selection).into_iter().map(|(name, _)| name).collect()
}

#[test]
fn takes_unignored_files_and_leaves_credentials() {
    let dir = tree(&[
        (".git/HEAD", "ref: refs/heads/main\n"),
        (".git/config", "[core]\n\tfsmonitor = evil\n"),
        (".git/hooks/pre-commit", "evil"),
        (".gitignore", "target/\n"),
        ("src/lib.rs", "code"),
        ("target/big", "x"),
        (".env", "SECRET=1"),
        ("key.pem", "-----BEGIN PRIVATE KEY-----"),
        ("cert.pem", "-----BEGIN CERTIFICATE-----"),
    ]);
    symlink("/etc/passwd", dir.path().join("link")).unwrap();
    let selection = selected(dir.path(), &[]);
    let expected = [".git/HEAD", ".git/config", ".gitignore", "cert.pem", "link", "src/lib.rs"];
    assert_eq!(names(&selection), expected);
    assert_eq!(selection.left_out(), [".env", "key.pem"].map(PathBuf::from));
}

#[test]
fn takes_a_credential_that_was_named_even_an_ignored_one() {
    let dir =
        tree(&[(".git/HEAD", "x"), (".gitignore", ".env\n"), (".env", "A=1"), ("b/.env", "B")]);
    let selection = selected(dir.path(), &[".env"]);
    assert!(names(&selection).contains(&".env".to_owned()));
    assert!(!names(&selection).contains(&"b/.env".to_owned()));
}

#[test]
fn outside_a_repository_takes_everything_else() {
    let dir = tree(&[(".gitignore", "a\n"), ("a", "x"), ("b/c", "y"), (".npmrc", "t")]);
    let selection = selected(dir.path(), &[]);
    assert_eq!(names(&selection), [".gitignore", "a", "b/c"]);
}

#[test]
fn h6_the_git_folder_comes_without_what_runs_or_tells() {
    let dir = tree(&[
        (".git/HEAD", "x"),
        (".git/config", "[remote \"o\"]\n\turl = https://u:t0ken@h/x\n[core]\n\tpager = evil\n"),
        (".git/config.worktree", "[core]\n\tpager = evil\n"),
        (".git/hooks/post-checkout", "evil"),
        (".git/logs/HEAD", "https://u:t0ken@h"),
        (".git/FETCH_HEAD", "https://u:t0ken@h"),
        (".git/objects/ab/cdef", "object"),
        (".git/objects/pack/tmp_pack_1", "half"),
        (".git/refs/heads/main", "abc"),
        (".git/index.lock", ""),
        (".git/modules/sub/HEAD", "x"),
        (".git/modules/sub/config", "[core]\n\tsshCommand = evil\n\tworktree = ../../../sub\n"),
        (".git/modules/sub/hooks/pre-push", "evil"),
        ("sub/.git", "gitdir: ../.git/modules/sub\n"),
    ]);
    let all = contents(&selected(dir.path(), &[]));
    let names: Vec<_> = all.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        [
            ".git/HEAD",
            ".git/config",
            ".git/modules/sub/HEAD",
            ".git/modules/sub/config",
            ".git/objects/ab/cdef",
            ".git/refs/heads/main",
            "sub/.git",
        ]
    );
    for (name, text) in &all {
        assert!(!text.contains("evil") && !text.contains("t0ken"), "{name}: {text}");
    }
}

#[test]
fn h7_a_worktree_brings_its_own_head_and_the_shared_objects() {
    let dir = tree(&[
        ("main/.git/HEAD", "main's"),
        ("main/.git/config", "[core]\n\tfilemode = true\n"),
        ("main/.git/objects/ab/cd", "object"),
        ("main/.git/refs/heads/x", "abc"),
        ("main/.git/worktrees/w/HEAD", "w's"),
        ("main/.git/worktrees/w/commondir", "../..\n"),
        ("main/.git/worktrees/other/HEAD", "other's"),
        ("w/file", "x"),
    ]);
    let git = dir.path().join("main/.git/worktrees/w");
    let real = dir.path().canonicalize().unwrap();
    let back = format!("{}\n", real.join("w/.git").display());
    replace(&git.join("gitdir"), back.as_bytes(), 0o644).unwrap();
    let link = format!("gitdir: {}\n", git.display());
    replace(&dir.path().join("w/.git"), link.as_bytes(), 0o644).unwrap();
    let all = contents(&selected(&dir.path().join("w"), &[]));
    let head = all.iter().find(|(name, _)| name == ".git/HEAD").unwrap();
    assert_eq!(head.1, "w's");
    let names: Vec<_> = all.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        [".git/HEAD", ".git/config", ".git/objects/ab/cd", ".git/refs/heads/x", "file"]
    );

    // One that does not know this folder is somebody else's.
    replace(&git.join("gitdir"), b"/elsewhere/.git\n", 0o644).unwrap();
    let source = dir.path().join("w").canonicalize().unwrap();
    let plan = WorkspacePlan {
        mode: WorkspaceMode::Copy,
        source,
        include: Vec::new(),
        mounts: Vec::new(),
    };
    assert!(select(&plan).unwrap_err().to_string().contains("does not know this folder"));
}

#[test]
fn i1_a_folder_that_becomes_a_link_gives_nothing_away() {
    let dir = tree(&[("a/b", "x"), ("outside/b", "secret")]);
    let source = tree(&[("a/b", "x"), ("c", "y")]);
    let selection = selected(source.path(), &[]);
    fs::remove_dir_all(source.path().join("a")).unwrap();
    symlink(dir.path().join("outside"), source.path().join("a")).unwrap();
    assert_eq!(names(&selection), ["c"]);
}

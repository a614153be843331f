//! What comes out of an archive, and what is refused.

use super::*;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use tar::{EntryType, Header};

/// An archive as a hostile agent would make one: names and types by hand.
struct Hostile(tar::Builder<tempfile::NamedTempFile>);

impl Hostile {
    fn new() -> Self {
        Self(tar::Builder::new(tempfile::NamedTempFile::new().unwrap()))
    }

    fn add(mut self, kind: EntryType, name: &str, mode: u32, contents: &str) -> Self {
        let mut header = Header::new_gnu();
        let full =
            if name.starts_with('/') { name.to_owned() } else { format!("workspace/{name}") };
        header.as_gnu_mut().unwrap().name[..full.len()].copy_from_slice(full.as_bytes());
        header.set_entry_type(kind);
        header.set_mode(mode);
        let is_link = matches!(kind, EntryType::Symlink | EntryType::Link);
        if is_link {
            header.as_gnu_mut().unwrap().linkname[..contents.len()]
                .copy_from_slice(contents.as_bytes());
        }
        header.set_size(if is_link { 0 } else { contents.len() as u64 });
        header.set_cksum();
        self.0.append(&header, if is_link { b"" } else { contents.as_bytes() }).unwrap();
        self
    }

    fn file(self, name: &str, contents: &str) -> Self {
        self.add(EntryType::Regular, name, 0o644, contents)
    }

    fn link(self, name: &str, target: &str) -> Self {
        self.add(EntryType::Symlink, name, 0o777, target)
    }

    fn export(self) -> (tempfile::TempDir, anyhow::Result<Exported>) {
        let file = self.0.into_inner().unwrap();
        let dir = tempfile::tempdir().unwrap();
        let exported = export(file.path(), &dir.path().join("out"));
        (dir, exported)
    }
}

fn left(exported: &Exported) -> Vec<String> {
    exported.left.iter().map(|(path, _)| path.display().to_string()).collect()
}

#[test]
fn brings_files_out_without_bits_that_hurt() {
    let (dir, exported) = Hostile::new()
        .add(EntryType::Directory, "src", 0o7777, "")
        .add(EntryType::Regular, "src/run", 0o4755, "x")
        .file("src/lib.rs", "y")
        .link("src/link", "../a")
        .export();
    let exported = exported.unwrap();
    assert_eq!(exported.files, 3);
    assert!(exported.left.is_empty(), "{:?}", exported.left);
    let mode = |name: &str| {
        fs::metadata(dir.path().join("out").join(name)).unwrap().permissions().mode() & 0o7777
    };
    assert_eq!(mode("src/run") & 0o7000, 0);
    assert_eq!(mode("src") & 0o7000, 0);
    assert_eq!(fs::read_to_string(dir.path().join("out/src/lib.rs")).unwrap(), "y");
}

#[test]
fn i2_names_devices_and_links_that_leave_stay_behind() {
    let (dir, exported) = Hostile::new()
        .file("../escaped", "x")
        .file("/etc/escaped", "x")
        .add(EntryType::Char, "device", 0o666, "")
        .add(EntryType::Fifo, "pipe", 0o666, "")
        .add(EntryType::Link, "hard", 0o644, "/etc/passwd")
        .link("absolute", "/etc/passwd")
        .link("up", "../outside")
        .link("a/sneaky", "b/../../../outside")
        .file("fine", "x")
        .export();
    let exported = exported.unwrap();
    assert_eq!(exported.files, 1);
    assert_eq!(left(&exported), ["device", "pipe", "hard", "absolute", "up", "a/sneaky", ".."]);
    assert!(!dir.path().join("escaped").exists());
}

#[test]
fn i1_nothing_is_written_through_a_link_of_the_archive() {
    let (dir, exported) = Hostile::new().link("a", "b").link("b", "c").file("a/file", "x").export();
    assert!(exported.is_err());
    assert!(!dir.path().join("out/c").exists());
    // Nor over a file that is there already.
    let (_dir, exported) = Hostile::new().file("a", "1").file("a", "2").export();
    assert!(exported.is_err());
}

#[test]
fn h6_git_runs_nothing_of_what_comes_out() {
    let config = "[core]\n\tfsmonitor = evil\n\tbare = false\n[user]\n\tname = a\n";
    let (dir, exported) = Hostile::new()
        .file(".git/HEAD", "ref: refs/heads/main\n")
        .file(".git/config", config)
        .file(".git/hooks/post-checkout", "evil")
        .file(".git/config.worktree", config)
        .file(".git/objects/info/alternates", "/elsewhere")
        .file("sub/.git", "gitdir: /elsewhere")
        .file("docs/HEAD", "ref: refs/heads/main\n")
        .file("docs/config", config)
        .file("docs/hooks/post-checkout", "evil")
        .file("src/hooks/mine.rs", "code")
        .file("src/config", "not git's")
        .link("dotgit", ".git/hooks")
        .export();
    let exported = exported.unwrap();
    let read = |name: &str| fs::read_to_string(dir.path().join("out").join(name)).unwrap();
    for config in [".git/config", "docs/config"] {
        assert_eq!(read(config), "[user]\n\tname = \"a\"\n");
    }
    assert_eq!(read("src/hooks/mine.rs"), "code");
    assert_eq!(read("src/config"), "not git's");
    assert_eq!(
        left(&exported),
        [
            ".git/hooks/post-checkout",
            ".git/config.worktree",
            ".git/objects/info/alternates",
            "sub/.git",
            "docs/hooks/post-checkout",
            "dotgit",
        ]
    );
}

#[test]
fn a_folder_that_holds_something_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    compose_run::replace(&dir.path().join("mine"), b"x", 0o644).unwrap();
    let archive = Hostile::new().file("a", "x").0.into_inner().unwrap();
    let error = export(archive.path(), dir.path()).unwrap_err().to_string();
    assert!(error.contains("is there already"), "{error}");
}

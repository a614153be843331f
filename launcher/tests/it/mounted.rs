//! `workspace: mount`, in a bottle: the agent commits, and nothing that runs on the host changes.

use std::fs;
use std::path::Path;

use compose_run::Owner;
use compose_testkit::record;

use crate::program::Account;

const MANIFEST: &str = "\
version: 1
agents: {worker: {bottle: b, command: [sh, -c]}}
bottles:
  b: {workspace: mount, resources: {memory: 512m}, pipelock: {allow: [docs.example.org]}}
";

/// Each line tells on its own whether it worked.
const SCRIPT: &str = "
exec 2>/dev/null
echo evil >> .git/config && echo config written
echo evil > .git/hooks/post-commit && echo hook written
mv .git elsewhere && echo moved
rm -rf .git/hooks/kept || echo kept
mkdir evil; printf '[core]\n\tfsmonitor = touch pwned\n' > evil/config
echo ../evil > .git/commondir && echo sent elsewhere
rm .git/commondir && echo unsealed
mv evil/config .git/commondir && echo replaced
git config --global user.email a@example.org; git config --global user.name a
mkdir .vscode; echo {} > .vscode/tasks.json
echo work > work.txt; git add work.txt && git commit --quiet --message one && echo committed
";

/// A repository as `git init` makes it, of whoever a mounted folder has to belong to.
fn repository(at: &Path) {
    for folder in ["objects", "refs/heads", "hooks"] {
        fs::create_dir_all(at.join(".git").join(folder)).unwrap();
    }
    for (name, text) in [
        ("HEAD", "ref: refs/heads/main\n"),
        ("config", "[core]\n\trepositoryformatversion = 0\n"),
        ("hooks/kept", "#!/bin/sh\n"),
    ] {
        compose_run::replace(&at.join(".git").join(name), text.as_bytes(), 0o644).unwrap();
    }
    give(at);
}

/// A folder of root's is refused, so where we are root it is given to somebody else.
fn give(path: &Path) {
    if Owner::host().uid == 0 {
        Owner { uid: 1000, gid: 1000 }.take(path).unwrap();
    }
    if path.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            give(&entry.unwrap().path());
        }
    }
}

#[test]
fn h6_a_mounted_repository_is_committed_to_and_not_reprogrammed() {
    let account = Account::new().in_a_bottle();
    account.write("b.yaml", MANIFEST);
    let folder = account.here().join("project");
    repository(&folder);
    let config = fs::read(folder.join(".git/config")).unwrap();
    let name = format!("test-mounted-{}", std::process::id());
    let start = ["start", "worker", "--manifest", "b.yaml", "--workspace", "project"];
    let args = [&start[..], &["--name", &name, "--", SCRIPT]].concat();
    let said = account.bottle(&args);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(said.out, "kept\ncommitted\n", "{said:?}");
    let sent =
        "writes to .git/config, .git/hooks and .git/commondir, `mv .git elsewhere`, a commit";
    record("H6", sent, &said.out);
    assert!(!folder.join(".git/commondir").exists(), "what was made for the bottle is gone");
    let warning = "look at `.vscode/tasks.json` before you use it: VS Code obeys it";
    assert!(said.err.contains(warning), "{said:?}");
    assert!(!said.err.contains("work.txt"), "{said:?}");
    record("I3", "a new .vscode/tasks.json in a mounted folder", warning);
    assert_eq!(fs::read(folder.join(".git/config")).unwrap(), config);
    let hooks: Vec<_> = fs::read_dir(folder.join(".git/hooks")).unwrap().collect();
    assert_eq!(hooks.len(), 1, "{hooks:?}");
    assert!(folder.join(".git/refs/heads/main").is_file(), "the commit is not on the host");
    assert_eq!(fs::read_to_string(folder.join("work.txt")).unwrap(), "work\n");
}

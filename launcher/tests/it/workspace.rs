//! A copied workspace in a bottle: what goes in, what is saved, what comes out, and who goes on.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use compose_testkit::record;

use crate::ground::Ground;
use crate::program::Said;

/// Runs a script in a bottle of that ground, to its end.
fn run(ground: &Ground, script: &str, more: &[&str]) -> Said {
    let mut args = more.to_vec();
    args.extend(["--", "-c", script]);
    let said = ground.start(&args);
    assert_eq!(said.code, Some(0), "{said:?}");
    said
}

fn export(ground: &Ground) -> (PathBuf, Said) {
    let to = ground.account.here().join("out");
    let said = ground.bottle(&["export", ground.slug.as_str(), "out"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    (to, said)
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

const GIT: &str = "git config --global user.name a; git config --global user.email a@example.org";

#[test]
fn credentials_stay_outside_unless_they_are_named() {
    let ground = Ground::new("leaves");
    ground.account.write("work/.env", "TOKEN=canary\n");
    ground.account.write("work/sub/id_ed25519", "canary\n");
    let said =
        run(&ground, "find . -type f | sort; cat sub/id_ed25519", &["--include", "sub/id_ed25519"]);
    assert_eq!(said.out, "./file.txt\n./sub/id_ed25519\ncanary\n");
    assert!(said.err.contains("credentials may be in them: .env"), "{}", said.err);
}

#[test]
fn the_end_says_what_is_kept_and_how_to_go_on() {
    let ground = Ground::new("kept");
    let name = ground.slug.as_str();
    let ended = run(&ground, "true", &[]);
    assert!(ended.err.contains("the workspace is as it was"), "{ended:?}");
    let diff = ground.bottle(&["diff", name]);
    assert_eq!((diff.out.as_str(), diff.err.trim()), ("", "nothing changed"), "{diff:?}");
    let changed = run(&ground, "echo x > new.txt", &["--resume", name]);
    for hint in [
        format!("1 file of the workspace changed: `bottle diff {name}`"),
        format!("`bottle export {name} DIR`"),
        format!("`bottle start worker --resume {name}`"),
        format!("`bottle logs {name}`"),
    ] {
        assert!(changed.err.contains(&hint), "{hint}: {changed:?}");
    }
    // What was mounted for the agent is of use to nobody.
    assert!(!ground.state("provision").exists());
}

#[test]
fn what_the_agent_changed_is_shown_and_brought_out() {
    let ground = Ground::new("changes");
    let ended = run(
        &ground,
        "echo of the agent > file.txt; echo x > new.txt; mkdir .vscode; echo {} > .vscode/tasks.json",
        &[],
    );
    let diff = ground.bottle(&["diff", ground.slug.as_str()]);
    assert_eq!(
        diff.out,
        "--- /dev/null\n+++ b/.vscode/tasks.json\n@@ -0,0 +1 @@\n+{}\n\
         --- a/file.txt\n+++ b/file.txt\n@@ -1 +1 @@\n-of the host\n+of the agent\n\
         --- /dev/null\n+++ b/new.txt\n@@ -0,0 +1 @@\n+x\n"
    );
    let (out, said) = export(&ground);
    assert_eq!(names(&out), [".vscode", "file.txt", "new.txt"]);
    assert_eq!(fs::read_to_string(out.join("file.txt")).unwrap(), "of the agent\n");
    // The user's own folder is as it was.
    let own = ground.account.here().join("work");
    assert_eq!(names(&own), ["file.txt"]);
    assert_eq!(fs::read_to_string(own.join("file.txt")).unwrap(), "of the host\n");
    for said in [&ended, &diff, &said] {
        record("I3", "a new .vscode/tasks.json", &said.err);
        assert!(
            said.err.contains("look at `.vscode/tasks.json` before you use it"),
            "{}",
            said.err
        );
    }
}

#[test]
fn i2_hostile_files_are_saved_whole_and_stay_behind() {
    let ground = Ground::new("hostile");
    let script = "truncate -s 1T huge; mkfifo pipe; ln -s /etc/passwd leaves; ln file.txt hard; \
                  printf '#!/bin/sh\\n' > run; chmod 6755 run; mkdir -p '..evil' deep; ln -s ../.. deep/up; \
                  mknod device c 1 3 2>/dev/null; chmod 777 . file.txt; true";
    run(&ground, script, &[]);
    let (out, said) = export(&ground);
    record("I2", script, format!("{:?} {}", names(&out), said.err));
    assert_eq!(names(&out), ["..evil", "deep", "file.txt", "hard", "run"]);
    assert!(names(&out.join("deep")).is_empty());
    for (name, mode) in [("run", 0o755), ("file.txt", 0o755)] {
        let is = fs::metadata(out.join(name)).unwrap().permissions().mode() & 0o7777;
        assert_eq!(is & !mode, 0, "{name} {is:o}");
    }
    for left in ["leaves", "up"] {
        assert!(said.err.contains(left), "{}", said.err);
    }
}

#[test]
fn a_stopped_bottle_is_gone_on_with_conversation_included() {
    let ground = Ground::new("resume");
    run(
        &ground,
        "echo one >> file.txt; mkdir -p ~/.claude; echo said > ~/.claude/history.jsonl",
        &[],
    );
    let slug = ground.slug.as_str();
    let said = run(
        &ground,
        "cat file.txt ~/.claude/history.jsonl; echo two >> file.txt",
        &["--resume", slug],
    );
    assert_eq!(said.out, "of the host\none\nsaid\n");
    // Compared with what the first of the two began with.
    let diff = ground.bottle(&["diff", slug]);
    assert!(diff.out.contains(" of the host\n+one\n+two\n"), "{}", diff.out);
}

#[test]
fn h6_a_repository_comes_out_without_what_would_run_and_goes_in_again() {
    let ground = Ground::new("repository");
    let script = format!(
        "{GIT}; git init -q -b main . && printf '*.log\\n' > .gitignore && echo kept > kept.log && \
         echo loose > loose.log && git add -f kept.log && git add .gitignore file.txt && \
         git commit -qm one && echo evil > .git/hooks/post-commit && chmod +x .git/hooks/post-commit && \
         git config core.fsmonitor evil && git config alias.st '!evil' && git remote add o https://u:t0ken@example.org/x"
    );
    run(&ground, &script, &[]);
    let (out, said) = export(&ground);
    assert!(said.err.contains("`.git/hooks/post-commit` (git runs it)"), "{}", said.err);
    let config = fs::read_to_string(out.join(".git/config")).unwrap();
    record("H6", "fsmonitor, an alias, a hook, a token in a remote", &config);
    for gone in ["fsmonitor", "alias", "t0ken"] {
        assert!(!config.contains(gone), "{config}");
    }

    // In again: the tracked file goes along though a rule ignores it, the loose one does not.
    let other = ground.other_name();
    let script = "git log --format=%s; git status --short; ls *.log; git fsck 2>&1";
    let args = ["start", "worker", "--manifest", "m.yaml", "--workspace", "out"];
    let said =
        ground.bottle(&[&args[..], &["--name", other.as_str(), "--", "-c", script]].concat());
    assert_eq!(said.out, "one\nkept.log\n", "{said:?}");
}

#[test]
fn an_image_with_nothing_in_it_is_enough() {
    let ground = Ground::new("bare-image");
    let manifest = "\
version: 1
agents: {worker: {bottle: b, command: [/etc/bottle/bottle-guest, pack, '1000000', /workspace, /home/agent]}}
bottles:
  b:
    image: {dockerfile: image/Dockerfile}
    resources: {cpus: 1, memory: 256m, pids: 128}
    pipelock: {allow: []}
";
    ground.account.write("m.yaml", manifest);
    ground.account.write("image/Dockerfile", "FROM scratch\nCOPY hello /hello\n");
    ground.account.write("image/hello", "hello\n");
    let said = ground.start(&[]);
    assert_eq!(said.code, Some(0), "{said:?}");
    for name in ["workspace/file.txt", "home/agent/.gitconfig"] {
        assert!(said.out.contains(name), "{said:?}");
    }
    let image = ["image", "ls", "--quiet", "localhost/bottle/custom"];
    assert!(!ground.docker.capture(image).unwrap().is_empty());
}

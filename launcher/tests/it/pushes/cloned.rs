//! `workspace: clone`: the agent begins on a branch of its bottle, the end says what was pushed, and
//! nothing that the agent planted in its repository ever runs on the host.

use compose_testkit::record;

use super::Pushes;
use crate::ground::Ground;

/// Every way by which a repository names a program, each writing to one file.
fn planted(mark: &str) -> String {
    let run = format!("touch {mark}");
    let settings = [
        ("core.fsmonitor", run.as_str()),
        ("core.sshCommand", &run),
        ("core.pager", &run),
        ("core.editor", &run),
        ("core.hooksPath", "hooks"),
        ("diff.external", &run),
        ("filter.x.clean", &run),
        ("filter.x.smudge", &run),
        ("diff.x.textconv", &run),
        ("gpg.program", &run),
        ("credential.helper", &format!("!{run}")),
        ("include.path", "../planted.config"),
        ("alias.status", &format!("!{run}")),
    ]
    .map(|(key, value)| format!("git config {key} '{value}'"));
    format!(
        "{}; mkdir -p hooks sub .git/hooks; for hook in post-checkout pre-commit post-index-change reference-transaction; do \
         printf '#!/bin/sh\\n{run}\\n' > .git/hooks/$hook; cp .git/hooks/$hook hooks/$hook; chmod +x .git/hooks/$hook hooks/$hook; \
         done; echo '* filter=x diff=x' > .gitattributes; printf '[core]\\n\\tfsmonitor = {run}\\n' > planted.config; \
         echo 'gitdir: /etc' > sub/.git",
        settings.join("; ")
    )
}

#[test]
fn h6_a_clone_begins_on_its_branch_and_its_end_runs_nothing_that_was_planted() {
    let ground = Ground::new("gate-clone");
    let pushes = Pushes::start(&ground, "clone");
    let branch = pushes.branch.clone();
    assert_eq!(pushes.well("pwd && git branch --show-current"), format!("/workspace\n{branch}\n"));
    assert_eq!(pushes.well("cat readme.md"), "hello\n");
    let pushed = pushes.well(
        "echo x > x.txt && git add x.txt && git commit --quiet -m x && git push --quiet origin HEAD && git rev-parse HEAD",
    );
    assert_eq!(pushes.arrived(), pushed.trim());
    let left = pushes.well(
        "git switch --quiet -c side && echo y > y.txt && git add y.txt && git commit --quiet -m y && git rev-parse HEAD",
    );
    let (slug, folder) = (ground.slug.as_str(), ground.account.here());
    let show = |ground: &Ground| ground.bottle(&["show", slug]).out;
    assert!(show(&ground).contains("told when the bottle has ended"), "{}", show(&ground));

    let mark = folder.join("ran");
    pushes.well(&planted(&mark.display().to_string()));
    pushes.stop();
    let shown = show(&ground);
    let twelve = |object: &str| object.get(..12).unwrap().to_owned();
    for line in [
        format!("refs/heads/{branch} {}", twelve(&pushed)),
        format!("refs/heads/side {}", twelve(&left)),
    ] {
        assert!(shown.contains(&line), "{line}: {shown}");
    }
    let json: serde_json::Value =
        serde_json::from_str(&ground.bottle(&["show", slug, "--json"]).out).unwrap();
    let clone = &json["clone"];
    assert_eq!(clone["pushed"][format!("refs/heads/{branch}")], pushed.trim());
    assert_eq!(clone["not_pushed"].as_object().unwrap().len(), 1, "{clone}");
    // All that looks at what the agent left.
    let diff = ground.bottle(&["diff", slug]);
    assert!(diff.out.contains("x.txt") && !diff.out.contains("readme.md"), "{diff:?}");
    // Whether it comes out or is refused: nothing of it runs.
    ground.bottle(&["export", slug, "out"]);
    assert!(!mark.exists(), "something of the agent's ran on the host");
    record("H6", "a clone with every kind of program planted in it", "nothing of it ran");
}

#[test]
fn a_clone_without_an_upstream_is_refused() {
    let ground = Ground::new("gate-no-clone");
    let args = ["start", "worker", "--manifest", "m.yaml", "--workspace", "clone", "--name"];
    let said = ground.bottle(&[&args[..], &[ground.slug.as_str()]].concat());
    assert_eq!(said.code, Some(4), "{said:?}");
    assert!(said.err.contains("needs a `git` upstream"), "{said:?}");
}

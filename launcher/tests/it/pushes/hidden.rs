//! H1, H2, H8 with the agent's own git: eight places where a secret hides, and refs that are not its own.

use compose_testkit::record;

use super::Pushes;
use crate::ground::Ground;

const SECRET: &str = concat!("AKIA", "Q3EGRIZ5TL2WXPVY");

#[test]
fn h1_h2_h8_the_eight_hiding_places_and_other_refs() {
    let ground = Ground::new("gate-hidden");
    let pushes = Pushes::start(&ground, "copy");
    let push = "git push --quiet origin HEAD";
    let commit = "git add -A && git commit --quiet -m x";
    let wide = "perl -e 'print map { \"$_\\0\" } split //, $ARGV[0]'";
    for (place, script) in [
        ("a plain file", format!("echo {SECRET} > plain.txt && {commit} && {push}")),
        (
            "a side branch that takes it back",
            format!(
                "git switch --quiet -c side && echo {SECRET} > side.txt && {commit} && git rm --quiet side.txt \
                 && git commit --quiet -m y && git switch --quiet - && git commit --quiet --allow-empty -m z \
                 && git merge --quiet -m m side && {push}"
            ),
        ),
        (
            "a merge that brings it itself",
            format!(
                "git switch --quiet -c other && echo o > o.txt && {commit} && git switch --quiet - && echo p > p.txt \
                 && {commit} && git merge --quiet --no-commit other && echo {SECRET} > evil.txt && {commit} && {push}"
            ),
        ),
        (
            "a file that counts as binary",
            format!("printf '\\000\\001{SECRET}\\000' > blob.dat && {commit} && {push}"),
        ),
        (
            "a file that an attribute hides",
            format!(
                "echo '* -diff' > .gitattributes && echo {SECRET} > hidden.txt && {commit} && {push}"
            ),
        ),
        ("UTF-16", format!("{wide} 'key = {SECRET}' > wide.txt && {commit} && {push}")),
        (
            "the message of a tag",
            format!("git tag -a v1 -m 'of {SECRET}' && git push --quiet origin v1"),
        ),
        (
            "a tag of a file",
            format!(
                "git tag v2 $(echo {SECRET} | git hash-object -w --stdin) && git push --quiet origin v2"
            ),
        ),
    ] {
        let said = pushes.refused(&script, &["aws-access-key-id", "nothing was pushed"]);
        assert!(!said.err.contains(SECRET), "{place}: {said:?}");
        record("H1", format!("a secret in {place}"), told(&said.err));
        pushes.well("git merge --abort 2>/dev/null; git reset --quiet --hard origin/main; git branch -D side other 2>/dev/null; true");
    }
    // The test can fail: the same places without a secret.
    pushes.well(&format!(
        "echo none > plain.txt && printf '\\000\\001' > blob.dat && {commit} && {push}"
    ));
    pushes.well("git tag -a v3 -m well && git push --quiet origin v3");
    assert_eq!(pushes.arrived(), pushes.well("git rev-parse HEAD").trim());

    for (script, rule) in [
        ("git push origin HEAD:main", "ref-not-allowed"),
        (
            "git push --force origin $(git commit-tree -m u HEAD^{tree}):refs/heads/main",
            "ref-not-allowed",
        ),
        ("git push origin :main", "ref-not-allowed"),
        ("git push --mirror origin", "reserved-ref"),
        ("git notes add -m n && git push origin refs/notes/commits", "reserved-ref"),
        ("git push -o merge_request.create origin HEAD:refs/heads/agent/x", "push options"),
    ] {
        let said = pushes.refused(script, &[rule, "[remote rejected]"]);
        record("H2", script, told(&said.err));
    }
    let other = pushes.refused(
        "git clone --quiet http://git-gate/git.example.test/acme/private.git /tmp/stolen",
        &["git-gate has no repository"],
    );
    record("H8", "git clone of a repository that is not the bottle's", told(&other.err));
    let policy = pushes.well("curl --silent --noproxy '*' http://git-gate/policy");
    for word in ["refs/heads/agent/", "workflows", "waits for a person", "MiB"] {
        assert!(policy.contains(word), "{word}: {policy}");
    }
    pushes.stop();
}

fn told(err: &str) -> String {
    let lines = err.lines().filter_map(|line| line.strip_prefix("remote:")).map(str::trim);
    lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" / ")
}

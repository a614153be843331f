//! What is read, and every fault with its place.

use super::*;

fn read(text: &str) -> Result<Manifest, Faults> {
    Manifest::read(text, Origin::File(PathBuf::from("bottle.yaml")), None)
}

fn faults(text: &str) -> String {
    match read(text) {
        Ok(manifest) => panic!("no fault: {manifest:?}"),
        Err(faults) => faults.to_string(),
    }
}

/// Enough to meet every branch of the reader, quick enough for every run.
const ROUNDS: usize = 2_000;

/// A bottle with these lines, the agent that runs in it above.
fn with(bottle: &str) -> String {
    let lines = bottle.replace('\n', "\n    ");
    let agents = "version: 1\nagents: {a: {bottle: b, command: [claude]}}\n";
    format!("{agents}bottles:\n  b:\n    {lines}\n")
}

fn bottle(lines: &str) -> Bottle {
    match read(&with(lines)) {
        Ok(manifest) => manifest.bottles["b"].clone(),
        Err(faults) => panic!("{faults}"),
    }
}

#[test]
fn every_fault_is_reported_at_once_with_its_place() {
    insta::assert_snapshot!(faults(
        "\
version: 2
agents:
  implementer:
    botle: default
    command: claude
  other: {bottle: defualt, command: [\"\"]}
  Bad Name: {bottle: default, command: [x]}
botles: {}
bottles:
  default:
    workspace: copied
    workspace: mount
    resources: {cpus: many, memory: 1, pids: 2}
    env: {A-B: x, HTTPS_PROXY: http://evil, OK: [1]}
    egress:
      routes:
        - host: https://api.example.com/
          methods: [get, CONNECT]
          paths: [v1, \"/ok\"]
          credential: {env: A B, header: host}
        - methods: []
        - {host: api.example.org, credential: {env: TOKEN}}
        - 17
    pipelock:
      allow: [\"*\", \"*.com\", 0x7f.1, ok.example.org:0]
      dlp: {action: permit}
      ssrf: {allow: [10.0.0.1/8, 0.0.0.0/0]}
    runtime: runc
"
    ));
}

#[test]
fn a_fault_of_syntax_has_its_place() {
    for (text, fault) in [
        (
            "version: 1\nagents:\n  a: [1, 2\n",
            "4:1: this is not YAML: while parsing a flow sequence",
        ),
        ("", "1:1: nothing is written here"),
        ("- a list", "1:1: a manifest is a mapping of keys, not a list"),
        ("version: 1", "1:1: a manifest needs the key `agents`"),
        ("a: 'x\n", "this is not YAML"),
    ] {
        let found = faults(text);
        assert!(found.contains(fault), "{found}");
    }
}

#[test]
fn a_clone_needs_an_upstream() {
    let found = faults(&with("workspace: clone"));
    assert!(found.contains("5:16: `workspace: clone` needs an upstream under `git`"), "{found}");
    let upstreams = "git: {upstreams: [{url: \"https://git.example.org/acme/widgets\"}]}";
    let cloned = bottle(&format!("workspace: clone\n{upstreams}"));
    assert_eq!(cloned.workspace, WorkspaceMode::Clone);
    assert!(!bottle("supervise: {enabled: false}").supervise);
    assert!(bottle("supervise: {enabled: true}").supervise);
}

#[test]
fn an_upstream_by_ssh_needs_a_key_and_one_by_https_has_no_use_for_it() {
    let upstream = |text: &str| with(&format!("git: {{upstreams: [{text}]}}"));
    insta::assert_snapshot!(
        [
            "{url: \"git@a.example.org:b/c.git\"}",
            "{url: \"https://a.example.org/b/c.git\", key: /etc/passwd, known_hosts: /etc/passwd}",
            "{url: \"file:///srv/c.git\"}",
            "{url: \"https://a.example.org/b/c\"}, {url: \"https://a.example.org/b/c.git\"}",
            "{url: \"https://a.example.org/b/c\", push: [main], branch: x}",
            "{url: \"https://a.example.org/b/c\", credential: {env: HTTP_PROXY}}",
        ]
        .map(|text| faults(&upstream(text)))
        .join("\n")
    );
    let found = bottle("git: {upstreams: [{url: \"https://a.example.org/b/c\"}]}");
    let push: Vec<_> = found.git[0].upstream.push.iter().map(ToString::to_string).collect();
    assert_eq!(push, ["refs/heads/agent/${bottle}/**"]);
    let token = "git: {upstreams: [{url: \"https://a.example.org/b/c\", credential: {env: T}}]}\n";
    assert!(faults(&with(&format!("{token}forward_env: [T]"))).contains("git-gate alone holds it"));
}

#[test]
fn i5_names_with_metacharacters_are_refused() {
    for name in ["a\\nb", "${HOME}", "a: b", "../x", "a b", "{a}", "&a", "é", "-a", ""] {
        let text = format!(
            "version: 1\nagents: {{\"{name}\": {{bottle: b, command: [x]}}}}\nbottles: {{b: {{}}}}\n"
        );
        assert!(faults(&text).contains("cannot name an agent"), "{name}");
        let text = format!(
            "version: 1\nagents: {{a: {{bottle: b, command: [x]}}}}\nbottles: {{b: {{}}, \"{name}\": {{}}}}\n"
        );
        assert!(faults(&text).contains("cannot name a bottle"), "{name}");
    }
}

#[test]
fn what_a_route_holds_the_agent_is_not_handed_as_well() {
    let route = "egress: {routes: [{host: a.example.org, credential: {env: T, scheme: bearer}}]}\n";
    assert!(faults(&with(&format!("{route}forward_env: [T]"))).contains("gets a placeholder"));
    assert!(faults(&with(&format!("{route}env: {{T: x}}"))).contains("gets a placeholder"));
    bottle(&format!("{route}forward_env: [TERM]\nenv: {{U: x}}"));
}

#[test]
fn bottles_own_variables_cannot_be_set_or_handed_on() {
    for name in ["HTTPS_PROXY", "no_proxy", "SSL_CERT_FILE", "BOTTLE_HOP_SECRET", "HOME"] {
        assert!(faults(&with(&format!("env: {{{name}: x}}"))).contains("bottle's own"), "{name}");
        assert!(
            faults(&with(&format!("forward_env: [{name}]"))).contains("bottle's own"),
            "{name}"
        );
    }
}

#[test]
fn routes_that_contradict_each_other_are_named_by_their_places() {
    let text = with(
        "\
egress:
  routes:
    - {host: a.example.org, credential: {env: ONE, scheme: bearer}}
    - {host: \"*.example.org\", credential: {env: TWO, scheme: bearer}}
",
    );
    insta::assert_snapshot!(faults(&text));
}

#[test]
fn a_list_that_lost_an_item_never_means_every_one() {
    let text = with("egress: {routes: [{host: a.example.org, methods: [TRACE], paths: []}]}");
    let faults = faults(&text);
    assert!(faults.contains("TRACE") && faults.contains("`paths` is empty"), "{faults}");
}

#[test]
fn reads_all_that_a_bottle_has() {
    let found = bottle(
        "\
image: {base: debian:trixie-slim, apt: [jq, libssl-dev], run: [\"echo hi > /x\"]}
workspace: image
resources: {cpus: 1.5, memory: 512m, pids: 100}
env: {NUMBER: 1_000, DATE: 2001-02-03, YES: yes, MONEY: \"$5\"}
runtime: runsc
egress:
  routes:
    - host: API.Example.org
      port: 8443
      methods: [GET]
      paths: [\"/v1/**\"]
      credential:
        - {env: KEY, header: X-Api-Key}
        - {env: USER_PASSWORD, scheme: basic, user: me}
    - {preset: github}
pipelock: {allow: [\"docs.example.org:8443\"], responses: {action: strip}}
",
    );
    assert_eq!(found.workspace, WorkspaceMode::Image);
    assert_eq!((found.resources.cpus, found.resources.memory), (1.5, 512 << 20));
    assert_eq!(found.env["NUMBER"], "1_000");
    assert_eq!(found.env["DATE"], "2001-02-03");
    assert_eq!(found.runtime, Runtime::Runsc);
    let routes: Vec<String> = found.routes.iter().map(|route| route.route.to_string()).collect();
    insta::assert_snapshot!(routes.join("\n"));
    assert_eq!(found.pipelock.ports[0].port, 8443);
}

#[test]
fn i1_a_prompt_that_leaves_its_folder_by_a_symlink_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let outside = tempfile::tempdir().unwrap();
    let write = |path: &Path| compose_run::replace(path, b"text", 0o644).unwrap();
    write(&outside.path().join("secret"));
    write(&folder.path().join("real.md"));
    std::os::unix::fs::symlink(outside.path().join("secret"), folder.path().join("bad.md"))
        .unwrap();
    std::os::unix::fs::symlink("real.md", folder.path().join("good.md")).unwrap();
    let read = |prompt: &str| {
        let text = format!(
            "version: 1\nagents: {{a: {{bottle: b, command: [x], prompt: {prompt}}}}}\nbottles: {{b: {{}}}}\n"
        );
        Manifest::read(&text, Origin::File(folder.path().join("bottle.yaml")), None)
    };
    assert!(read("real.md").is_ok());
    assert!(read("good.md").is_ok());
    let faults = read("bad.md").unwrap_err().to_string();
    assert!(faults.contains("leaves its folder"));
    compose_testkit::record("I1", "a prompt that is a symlink out of the folder", faults);
    assert!(read("absent.md").unwrap_err().to_string().contains("cannot be read"));
    assert!(read(".").unwrap_err().to_string().contains("not a regular file"));
}

#[test]
fn a_manifest_that_bites_back_is_refused_quickly() {
    assert!(faults(&"[".repeat(60)).contains("levels deep"));
    let deep = faults(&"[".repeat(100_000));
    assert!(deep.contains("levels deep") || deep.contains("not YAML"), "{deep}");
    let wide = format!("version: 1\nagents: {{a: {{command: [{}]}}}}\n", "x,".repeat(60_000));
    assert!(faults(&wide).contains("values"));
    assert!(faults("a: &x [*x]\n").contains("not read"));
}

#[test]
fn no_mutilated_manifest_makes_the_reader_panic() {
    let whole = include_str!("../../../docs/manifest.md");
    let (_, rest) = whole.split_once("```yaml\n").unwrap();
    let (example, _) = rest.split_once("```").unwrap();
    // The same numbers every time: a failure can be looked at again.
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = |below: usize| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % below
    };
    let pieces = [
        "{", "}", "[", "]", ":", "- ", "\n", "\t", "'", "\"", "#", "&a ", "*a", "!!int ", "|\n",
        "? ", "---\n", "%", "\u{0}", "\u{feff}", "é", "\r\n", ", ",
    ];
    for _ in 0..ROUNDS {
        let mut text: Vec<char> = example.chars().collect();
        for _ in 0..=next(4) {
            let at = next(text.len().max(1));
            match next(3) {
                0 => drop(text.drain(at..(at + 1 + next(12)).min(text.len()))),
                1 => drop(text.splice(at..at, pieces[next(pieces.len())].chars())),
                _ => text.truncate(at.max(1)),
            }
        }
        let text: String = text.into_iter().collect();
        drop(Manifest::read(&text, Origin::BuiltIn, None));
    }
}

//! An upstream by https: the token is the gate's alone, its server's certificate is one the manifest
//! names, and a token that is good no more is said to be so.

use compose_render::{Network, Role};
use compose_testkit::{GitHost, record};

use crate::ground::Ground;

const MANIFEST: &str = "\
version: 1
agents: {worker: {bottle: b, command: [sh]}}
bottles:
  b:
    resources: {cpus: 1, memory: 512m, pids: 128}
    pipelock: {allow: [], upstream_ca: [tls.crt]}
    git:
      upstreams:
        - url: https://git.example.test/git/acme/widgets.git
          credential: {env: GIT_TOKEN, user: token-user}
";

#[test]
fn h3_a_token_pushes_over_https_and_one_that_is_good_no_more_is_said() {
    let mut ground = Ground::new("gate-https");
    let token = "first-token";
    ground.account.set("GIT_TOKEN", token);
    let (docker, slug) = (ground.docker.clone(), ground.slug.clone());
    let host = GitHost::start(&docker, &slug);
    ground.account.write("m.yaml", MANIFEST);
    ground.account.write("tls.crt", &host.certificate());
    let started = ground.start(&["--detach"]);
    assert_eq!(started.code, Some(0), "{started:?}");
    host.join(&Network::Uplink.name(&slug), &["git.example.test"]);
    let agent = |script: &str| ground.bottle(&["exec", slug.as_str(), "--", "sh", "-c", script]);
    let branch = format!("agent/{slug}/work");
    let said = agent(&format!(
        "git clone --quiet https://git.example.test/git/acme/widgets /tmp/w && cd /tmp/w && git switch --quiet -c {branch} \
         && echo x > x && git add x && git commit --quiet -m x && git push --quiet origin HEAD && git rev-parse HEAD"
    ));
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(host.git(&format!("git rev-parse {branch}")), said.out.trim());
    // The token is nowhere in the agent, and on no command line of the gate's.
    let seen =
        agent("env; cat /proc/[0-9]*/environ /etc/gitconfig /etc/bottle/* 2>/dev/null; true");
    assert!(!seen.out.contains(token), "{seen:?}");
    let gate = Role::GitGate.container(&slug);
    let lines = docker.capture(["container", "inspect", "--format", "{{json .Config.Cmd}}", &gate]);
    assert!(!lines.unwrap().contains(token));

    host.set_token("second-token");
    let push =
        "sleep 3; cd /tmp/w && git commit --quiet --allow-empty -m y && git push origin HEAD";
    let said = agent(push);
    assert!(said.code != Some(0), "{said:?}");
    assert!(said.err.contains("refused the gate's key or token"), "{said:?}");
    record("H3", "a push whose token is good no more", said.err.trim().to_owned());
    host.set_token(token);
    assert_eq!(agent(push).code, Some(0));
    drop(host);
    assert_eq!(ground.bottle(&["stop", slug.as_str()]).code, Some(0));
    ground.assert_gone();
}

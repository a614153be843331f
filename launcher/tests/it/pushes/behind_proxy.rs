//! Upstreams behind a company's proxy, by SSH and by https: clone and push go through it alone, it is told
//! checked addresses, and its login is in no file and nowhere in the agent.

use compose_render::{Network, Role};
use compose_testkit::{GitHost, record};

use crate::ground::Ground;

const MANIFEST: &str = "\
version: 1
agents: {worker: {bottle: b, command: [sh]}}
bottles:
  b:
    resources: {cpus: 1, memory: 512m, pids: 128}
    pipelock:
      allow: []
      upstream_ca: [tls.crt]
      upstream_proxy: {address: \"proxy.example.test:3128\", credential: {env: PROXY_LOGIN}}
    git:
      upstreams:
        - {url: \"git@ssh.example.test:acme/widgets.git\", key: key, known_hosts: known_hosts}
        - url: https://git.example.test/git/acme/widgets.git
          credential: {env: GIT_TOKEN, user: token-user}
";

#[test]
fn c6_clones_and_pushes_go_through_the_proxy_alone() {
    let mut ground = Ground::new("gate-proxy");
    ground.account.set("GIT_TOKEN", "first-token");
    ground.account.set("PROXY_LOGIN", "user:password");
    let (docker, slug) = (ground.docker.clone(), ground.slug.clone());
    let host = GitHost::start(&docker, &slug);
    host.serve_proxy();
    ground.account.write("m.yaml", MANIFEST);
    ground.account.write("tls.crt", &host.certificate());
    ground.account.write("key", &host.key());
    ground.account.write("known_hosts", &host.known_hosts("ssh.example.test"));
    let started = ground.start(&["--detach"]);
    assert_eq!(started.code, Some(0), "{started:?}");
    let names = ["git.example.test", "ssh.example.test", "proxy.example.test"];
    host.join(&Network::Uplink.name(&slug), &names);
    let agent = |script: &str| ground.bottle(&["exec", slug.as_str(), "--", "sh", "-c", script]);
    for (name, url) in [
        ("ssh", "git@ssh.example.test:acme/widgets.git"),
        ("https", "https://git.example.test/git/acme/widgets"),
    ] {
        let branch = format!("agent/{slug}/{name}");
        let said = agent(&format!(
            "git clone --quiet {url} /tmp/{name} && cd /tmp/{name} && git switch --quiet -c {branch} \
             && echo x > x && git add x && git commit --quiet -m {name} && git push --quiet origin HEAD \
             && git rev-parse HEAD"
        ));
        assert_eq!(said.code, Some(0), "{name}: {said:?}");
        assert_eq!(host.git(&format!("git rev-parse {branch}")), said.out.trim());
    }
    // Addresses, each time the checked one; one login by SSH serves the clone and the push.
    let told = host.proxied();
    let is_address = |line: &str| line.parse::<std::net::SocketAddr>().is_ok();
    assert!(!told.is_empty() && told.lines().all(is_address), "{told}");
    assert_eq!(told.lines().filter(|line| line.ends_with(":22")).count(), 1, "{told}");
    assert!(told.lines().any(|line| line.ends_with(":443")), "{told}");
    record("C6", "git clone and git push behind a company's proxy", told.clone());
    let seen =
        agent("env; cat /proc/[0-9]*/environ /etc/gitconfig /etc/bottle/* 2>/dev/null; true");
    assert!(!seen.out.contains("user:password"), "{seen:?}");
    let file = std::fs::read_to_string(ground.state("git-gate/gate.yaml")).unwrap();
    assert!(file.contains("proxy.example.test") && !file.contains("password"), "{file}");
    let gate = Role::GitGate.container(&slug);
    let lines = docker.capture(["container", "inspect", "--format", "{{json .Config.Cmd}}", &gate]);
    assert!(!lines.unwrap().contains("password"));
    drop(host);
    assert_eq!(ground.bottle(&["stop", slug.as_str()]).code, Some(0));
    ground.assert_gone();
}

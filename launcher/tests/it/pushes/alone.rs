//! `bottle git-gate start|stop|render`: the gate alone, as a project of one service.

use compose_render::Role;
use compose_testkit::GitHost;

use super::{HOST, MANIFEST};
use crate::ground::Ground;

#[test]
fn the_gate_runs_alone_and_shows_no_key() {
    let ground = Ground::new("gate-alone");
    let host = GitHost::start(&ground.docker, &ground.slug);
    ground.account.write("m.yaml", &MANIFEST.replace("WORKSPACE", "copy"));
    let key = host.key();
    ground.account.write("key", &key);
    ground.account.write("known_hosts", &host.known_hosts(HOST));
    let slug = ground.slug.as_str();
    let with =
        |verb| ["git-gate", verb, "--manifest", "m.yaml", "--agent", "worker", "--name", slug];
    let shown = ground.bottle(&with("render"));
    assert_eq!(shown.code, Some(0), "{shown:?}");
    for word in ["# gate.yaml", "refs/heads/agent/", "/mirrors"] {
        assert!(shown.out.contains(word), "{word}: {shown:?}");
    }
    assert!(!shown.out.contains(key.lines().nth(2).unwrap()), "{shown:?}");
    let started = ground.bottle(&with("start"));
    assert_eq!(started.code, Some(0), "{started:?}");
    let gate = Role::GitGate.container(&ground.slug);
    let status = ground.docker.exec(&gate, None, false, ["/git-gate", "status", "--json"]).text();
    assert!(status.unwrap().contains("\"ready\":true"));
    drop(host);
    let stopped = ground.bottle(&["git-gate", "stop", slug]);
    assert_eq!(stopped.code, Some(0), "{stopped:?}");
    assert!(!ground.state("git-gate/keys/0").exists());
    ground.assert_gone();
}

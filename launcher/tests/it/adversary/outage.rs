//! A sidecar that is down: traffic fails closed, nothing goes another way, and it comes back.

use compose_render::{Role, contract};
use compose_testkit::{Stack, eventually, record};
use serde_json::Value;

use super::attacker::{Attacked, assert_none};
use super::secrets::{hop_secret, keys_in_state};

#[test]
fn a9_a_bottle_whose_sidecar_is_down_is_shut_and_opens_again() {
    let (attacked, stack) = (Attacked::start("a9"), Stack::new("a9-outside"));
    let outside = stack.outside();
    let sink = outside.sink(4, &[443], &[]);
    let direct = format!("{}:443", sink.address);
    let slug = attacked.ground.slug.as_str();
    let docker = &attacked.ground.docker;
    let egress = attacked.at(Role::Egress, contract::EGRESS_PORT);
    let pipelock = attacked.at(Role::Pipelock, contract::PIPELOCK_PORT);
    let ask = "GET http://denied.example/ HTTP/1.1\\r\\nhost: denied.example\\r\\n\\r\\n";
    let says = |proxy: &str| {
        let said = attacked.attack(&["tunnel", proxy, ask]);
        said[ask].as_str().unwrap().to_owned()
    };
    assert!(says(&egress).contains(" 403 "), "{}", says(&egress));
    assert!(says(&pipelock).contains(" 403 "), "{}", says(&pipelock));

    // pipelock is gone for as long as somebody wants it to be.
    docker.run(["stop", "--time", "0", &attacked.container(Role::Pipelock)]).unwrap();
    let closed = says(&egress);
    record("A9", "a request through egress while pipelock is down", &closed);
    assert!(!closed.contains(" 200 "), "{closed}");
    let words = ["tcp", &direct, "1.1.1.1:443", &pipelock];
    assert_none("A9", "while pipelock is down: TCP to", &attacked.attack(&words));
    let names = ["names", "a.allowed.example", "denied.example"];
    assert_none("A9", "while pipelock is down: the name", &attacked.attack(&names));
    assert!(service(&attacked, "pipelock")["status"].is_null());
    docker.run(["start", &attacked.container(Role::Pipelock)]).unwrap();
    eventually("pipelock", || {
        let said = says(&pipelock);
        if said.contains(" 403 ") { Ok(()) } else { Err(said) }
    });

    // egress is gone: what it alone may ask for is asked for by nobody.
    docker.run(["stop", "--time", "0", &attacked.container(Role::Egress)]).unwrap();
    let words = ["tcp", &direct, "1.1.1.1:443", &egress];
    assert_none("A9", "while egress is down: TCP to", &attacked.attack(&words));
    let routed = "GET http://a.routed.example/ HTTP/1.1\\r\\nhost: a.routed.example\\r\\n\\r\\n";
    let said = attacked.attack(&["tunnel", &pipelock, routed]);
    record("A9", "while egress is down: its host by pipelock", &said[routed]);
    assert!(said[routed].as_str().unwrap().contains("route-required"), "{said}");
    assert!(service(&attacked, "egress")["status"].is_null());
    docker.run(["start", &attacked.container(Role::Egress)]).unwrap();
    eventually("egress", || {
        let said = says(&egress);
        if said.contains(" 403 ") { Ok(()) } else { Err(said) }
    });

    // Each dies as the kernel would end it where memory ran out, and the engine brings it back.
    let image = attacked.inspect(Role::Agent)["Config"]["Image"].as_str().unwrap().to_owned();
    let kill = ["run", "--rm", "--pid", "host", "--network", "none", "--user", "0", &image];
    for (role, proxy) in [(Role::Pipelock, &pipelock), (Role::Egress, &egress)] {
        let before = restarts(&service(&attacked, role.as_str()));
        docker.call(kill).args(["kill", "-9", &attacked.pid(role).to_string()]).run().unwrap();
        assert_none("A9", "as it dies: TCP to", &attacked.attack(&["tcp", &direct]));
        eventually("its return", || {
            let service = service(&attacked, role.as_str());
            let again = restarts(&service) == before + 1 && service["status"]["ready"] == true;
            if again { Ok(()) } else { Err(service.to_string()) }
        });
        let life = service(&attacked, role.as_str())["life"].take();
        record("A9", format_args!("kill -9 of {role}"), life);
        assert!(says(proxy).contains(" 403 "), "{}", says(proxy));
    }
    assert_eq!(sink.arrivals(), Vec::<String>::new());
    let control = attacked.control(&["--network", outside.network()], &["tcp", &direct]);
    assert_eq!(control[&direct], "ok");
    // What is left of it, its logs among it, holds neither secrets nor keys.
    let hop = hop_secret(&attacked);
    let stopped = attacked.ground.bottle(&["stop", slug]);
    assert_eq!(stopped.code, Some(0), "{stopped:?}");
    attacked.ground.assert_gone();
    assert!(attacked.ground.state("compose.log").exists());
    assert_eq!(keys_in_state(&attacked, &hop), Vec::<std::path::PathBuf>::new());
}

fn restarts(service: &Value) -> u64 {
    service["life"]["restarts"].as_u64().unwrap()
}

/// What `show` says of one service.
fn service(attacked: &Attacked, name: &str) -> Value {
    let said = attacked.ground.bottle(&["show", attacked.ground.slug.as_str(), "--json"]);
    let shown: Value = serde_json::from_str(&said.out).unwrap();
    let services = shown["services"].as_array().unwrap();
    services.iter().find(|service| service["service"] == name).unwrap().clone()
}

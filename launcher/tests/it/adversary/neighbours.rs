//! What stands beside the agent: another bottle, and the sidecars' sides that are not for it.

use compose_render::{Network, Role, contract};
use compose_run::networks::Uplink;
use compose_testkit::{Stack, record};
use serde_json::json;

use super::attacker::{Attacked, assert_all, assert_none};

#[test]
fn a5_another_bottles_parts_are_out_of_reach_by_address_and_by_name() {
    let (attacked, stack) = (Attacked::shared(), Stack::new("a5"));
    let other = stack.networks(Uplink::Sealed);
    let pipelock = other.internal(Role::Pipelock).to_string();
    let name = Network::Internal.name(stack.slug());
    let sink = stack.sink_on("pipelock", &name, &["--ip", &pipelock], &[8888, 8080, 53]);
    let tcp = [8888, 8080, 53].map(|port| format!("{pipelock}:{port}"));
    let mut words = vec!["tcp"];
    words.extend(tcp.iter().map(String::as_str));
    assert_none("A5", "TCP to another bottle's", &attacked.attack(&words));
    let udp = format!("{pipelock}:53");
    assert_none("A5", "UDP to another bottle's", &attacked.attack(&["udp", &udp]));
    assert_none("A5", "the name", &attacked.attack(&["names", sink.container.name()]));
    assert_eq!(sink.arrivals(), Vec::<String>::new());

    let inside = ["--network", name.as_str()];
    assert_all("A5", "TCP to", &attacked.control(&inside, &words));
    assert_all("A5", "the name", &attacked.control(&inside, &["names", sink.container.name()]));
}

#[test]
fn a6_of_every_port_only_the_services_own_answer() {
    let attacked = Attacked::shared();
    let of = |role| attacked.addresses.internal(role).to_string();
    let (pipelock, egress) = (of(Role::Pipelock), of(Role::Egress));
    let found = attacked.attack(&["scan", &pipelock, &egress]);
    record("A6", "a scan of pipelock's 65535 ports", &found[&pipelock]);
    record("A6", "a scan of egress' 65535 ports", &found[&egress]);
    assert_eq!(found[&pipelock], json!([53, 80, 443, 8888]));
    assert_eq!(found[&egress], json!([80, 443, 8080]));

    // The port that was not found is there, on the loop alone.
    for role in [Role::Pipelock, Role::Egress] {
        let healthy = [format!("/{role}"), "healthcheck".to_owned()];
        let container = attacked.container(role);
        attacked.ground.docker.exec(&container, None, false, healthy).run().unwrap();
    }
}

#[test]
fn a7_pipelocks_uplink_side_is_out_of_reach_and_serves_nobody() {
    let attacked = Attacked::shared();
    let uplink = attacked.addresses.of(Role::Pipelock, Network::Uplink).unwrap();
    let ports = [contract::PIPELOCK_PORT, contract::ADMIN_PORT, 443, 80, 53];
    let targets = ports.map(|port| format!("{uplink}:{port}"));
    let mut words = vec!["tcp"];
    words.extend(targets.iter().map(String::as_str));
    assert_none("A7", "TCP to", &attacked.attack(&words));

    // Somebody answers at that address, and refuses: it is pipelock, which does not listen there.
    let network = attacked.network(Network::Uplink);
    let beside = attacked.control(&["--network", &network], &words);
    for (target, came) in beside.as_object().unwrap() {
        record("A7", format_args!("control: from the uplink {target}"), came);
        assert_eq!(came, "ECONNREFUSED", "{target}");
    }
}

//! What stands beside the agent: another bottle, and the sidecars' sides that are not for it.

use std::net::Ipv4Addr;

use compose_render::{Network, Role, contract};
use compose_testkit::record;
use serde_json::json;

use super::attacker::{Attacked, assert_all, assert_none};

/// Somebody who listens in an agent's container, and is there when this returns.
const LISTENS: &str = "python3 -c \"import os, socket
listener = socket.create_server(('', 8000))
os.fork() and os._exit(0)
for _ in range(64): listener.accept()
\" < /dev/null > /dev/null 2>&1";

#[test]
fn a5_another_bottles_parts_are_out_of_reach_by_address_and_by_name() {
    let (attacked, other) = (Attacked::shared(), Attacked::start("a5"));
    let agent = other.container(Role::Agent);
    other.ground.docker.exec(&agent, None, false, ["sh", "-c", LISTENS]).run().unwrap();
    let services = [
        other.at(Role::Agent, 8000),
        other.at(Role::Pipelock, contract::PIPELOCK_PORT),
        other.at(Role::Pipelock, contract::DNS_PORT),
        other.at(Role::Egress, contract::EGRESS_PORT),
        other.at(Role::Supervise, contract::SUPERVISE_PORT),
    ];
    let names = [Role::Agent, Role::Pipelock, Role::Egress, Role::Supervise]
        .map(|role| other.container(role));
    let all: Vec<_> = ["tcp"].into_iter().chain(services.iter().map(String::as_str)).collect();
    assert_none("A5", "TCP to another bottle's", &attacked.attack(&all));
    assert_none("A5", "UDP to another bottle's", &attacked.attack(&["udp", &services[2]]));
    let asked: Vec<_> = ["names"].into_iter().chain(names.iter().map(String::as_str)).collect();
    assert_none("A5", "the name of another bottle's", &attacked.attack(&asked));

    let internal = other.network(Network::Internal);
    let inside = ["--network", internal.as_str()];
    assert_all("A5", "from its own network, TCP to", &attacked.control(&inside, &all));
    assert_all("A5", "on its own network, the name", &attacked.control(&inside, &asked));
}

#[test]
fn a6_of_every_port_only_the_services_own_answer() {
    let attacked = Attacked::shared();
    let of = |role| attacked.addresses.internal(role).to_string();
    let open = [
        (Role::Pipelock, vec![53, 80, 443, contract::PIPELOCK_PORT]),
        (Role::Egress, vec![80, 443, contract::EGRESS_PORT]),
        (Role::Supervise, vec![contract::SUPERVISE_PORT]),
    ];
    let hosts = open.each_ref().map(|(role, _)| of(*role));
    let words: Vec<_> = ["scan"].into_iter().chain(hosts.iter().map(String::as_str)).collect();
    let found = attacked.attack(&words);
    for ((role, ports), host) in open.iter().zip(&hosts) {
        record("A6", format_args!("a scan of {role}'s 65535 ports"), &found[host]);
        assert_eq!(found[host], json!(ports), "{role}");
        // What is bound to the loop alone is no port for the agent: the sidecar's health is there.
        let healthy = [format!("/{role}"), "healthcheck".to_owned()];
        let container = attacked.container(*role);
        attacked.ground.docker.exec(&container, None, false, healthy).run().unwrap();
        let bound = listeners(attacked.pid(*role));
        record("A6", format_args!("what {role} listens on"), format_args!("{bound:?}"));
        for (address, port) in bound {
            let own = address.is_loopback() || ports.contains(&port);
            assert!(own, "{role} listens on {address}:{port}");
        }
    }
    // Nobody answers for the host's tools there: no approval, no metrics, no key, on any path.
    let supervise = attacked.at(Role::Supervise, contract::SUPERVISE_PORT);
    let paths = ["/", "/approve", "/metrics", "/health", "/status", "/ca-key.pem", "/debug/pprof/"];
    for path in paths {
        let ask = format!("GET {path} HTTP/1.1\\r\\nhost: supervise\\r\\n\\r\\n");
        let said = attacked.attack(&["tunnel", &supervise, &ask]);
        let said = said[&ask].as_str().unwrap();
        record("A6", format_args!("GET {path} of supervise"), said);
        assert!(said.contains(" 404 "), "{path}: {said}");
    }
}

/// What a process's network listens on by TCP, and by UDP below the ports of questions.
fn listeners(pid: u64) -> Vec<(Ipv4Addr, u16)> {
    const LISTEN: &str = "0A";
    const QUESTIONS: u16 = 32_768;
    let read = |table: &str| std::fs::read_to_string(format!("/proc/{pid}/net/{table}")).unwrap();
    let local = |line: &str| {
        let fields: Vec<_> = line.split_whitespace().collect();
        let (address, port) = fields.get(1)?.split_once(':')?;
        let address = u32::from_str_radix(address, 16).ok()?;
        let port = u16::from_str_radix(port, 16).ok()?;
        Some((Ipv4Addr::from(address.to_ne_bytes()), port, (*fields.get(3)?).to_owned()))
    };
    let tcp = read("tcp");
    let tcp = tcp.lines().filter_map(local).filter(|(.., state)| state == LISTEN);
    let udp = read("udp");
    let udp = udp.lines().filter_map(local).filter(|(_, port, _)| *port < QUESTIONS);
    tcp.chain(udp).map(|(address, port, _)| (address, port)).collect()
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

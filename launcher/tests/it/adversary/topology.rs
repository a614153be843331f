//! No way out of the agent's container but the sidecars: directly, by the host, by IPv6, by frames.

use std::net::TcpListener;

use compose_render::{Network, Role, contract};
use compose_testkit::{Stack, record};

use super::attacker::{Attacked, assert_all, assert_none};

/// What A1 tries.
const PORTS: [u16; 4] = [443, 80, 22, 853];

#[test]
fn a1_no_tcp_connection_leaves_directly() {
    let (attacked, stack) = (Attacked::shared(), Stack::new("a1"));
    let outside = stack.outside();
    let sink = outside.sink(4, &PORTS, &[]);
    let to_sink = PORTS.map(|port| format!("{}:{port}", sink.address));
    // No route carries these out of the internal network: nothing is sent to them.
    let far = PORTS.map(|port| format!("1.1.1.1:{port}"));
    let mut words = vec!["tcp"];
    words.extend(far.iter().chain(&to_sink).map(String::as_str));
    let came = attacked.patient_attack(&words);
    assert_none("A1", "TCP to", &came);
    // Nobody owns the gateway's address: the kernel itself gives up, and no program waits for long.
    for (target, came) in came.as_object().unwrap() {
        assert!(came == "EHOSTUNREACH" || came == "ENETUNREACH", "{target}: {came}");
    }
    assert_eq!(sink.arrivals(), Vec::<String>::new());

    let words: Vec<_> = ["tcp"].into_iter().chain(to_sink.iter().map(String::as_str)).collect();
    let control = attacked.control(&["--network", outside.network()], &words);
    assert_all("A1", "TCP to", &control);
    assert_eq!(sink.arrivals().len(), PORTS.len(), "{:?}", sink.arrivals());
}

#[test]
fn a2_no_datagram_echo_or_raw_packet_leaves() {
    let (attacked, stack) = (Attacked::shared(), Stack::new("a2"));
    let outside = stack.outside();
    let sink = outside.sink(4, &[53, 123, 443], &[]);
    let to_sink = [53, 123, 443].map(|port| format!("{}:{port}", sink.address));
    let far = [53, 123, 443].map(|port| format!("1.1.1.1:{port}"));
    let mut words = vec!["udp"];
    words.extend(far.iter().chain(&to_sink).map(String::as_str));
    assert_none("A2", "UDP to", &attacked.attack(&words));
    let host = sink.address.to_string();
    let echo = attacked.attack(&["ping", "1.1.1.1", &host]);
    assert_none("A2", "echo by", &echo);
    assert_eq!(echo[format!("raw {host}")], "EPERM");
    // Root of the container has no right to them either.
    let echo = attacked.attack_as(Some("0"), &["ping", "1.1.1.1", &host]);
    assert_none("A2", "as root, echo by", &echo);
    assert_eq!(echo[format!("raw {host}")], "EPERM");
    assert_eq!(sink.arrivals(), Vec::<String>::new());

    let on_outside = ["--network", outside.network()];
    let words = ["udp", &to_sink[0], &to_sink[1], &to_sink[2]];
    assert_all("A2", "UDP to", &attacked.control(&on_outside, &words));
    let control = attacked.control(&[&on_outside[..], &["--user", "0"]].concat(), &["ping", &host]);
    assert_all("A2", "echo by", &control);
}

#[test]
fn a3_neither_gateway_nor_any_address_of_the_host_answers() {
    let attacked = Attacked::shared();
    let listener = TcpListener::bind("0.0.0.0:0").unwrap();
    let mut ports = listening();
    ports.insert(0, listener.local_addr().unwrap().port());
    let gateways = Network::ALL.map(|network| attacked.addresses.gateway(network).to_string());
    let own = host_addresses();
    let mut targets = Vec::new();
    for port in ports.iter().take(12) {
        targets.extend(gateways.iter().map(|gateway| format!("{gateway}:{port}")));
    }
    targets.extend(own.iter().map(|address| format!("{address}:{}", ports[0])));
    let names = ["host.docker.internal", "host-gateway", "gateway.docker.internal"];
    let words: Vec<_> = ["tcp"].into_iter().chain(targets.iter().map(String::as_str)).collect();
    assert_none("A3", "TCP to the host", &attacked.attack(&words));
    let words: Vec<_> = ["names"].into_iter().chain(names).collect();
    assert_none("A3", "the name", &attacked.attack(&words));

    // From the uplink the host is there: pipelock's own check is what stops that way.
    let target = format!("{}:{}", gateways[1], ports[0]);
    let uplink = attacked.network(Network::Uplink);
    assert_all("A3", "TCP to", &attacked.control(&["--network", &uplink], &["tcp", &target]));
}

#[test]
fn a4_there_is_no_ipv6() {
    let (attacked, stack) = (Attacked::shared(), Stack::new("a4"));
    let outside = stack.outside();
    let sink = outside.sink(4, &[443], &[]);
    let mapped = format!("[::ffff:{}]:443", sink.address);
    let pipelock = attacked.addresses.internal(Role::Pipelock);
    let ula = format!("[fd00::{pipelock}]:{}", contract::PIPELOCK_PORT);
    let targets = ["[::ffff:1.1.1.1]:443", "[2606:4700:4700::1111]:443", "[fe80::1%eth0]:443"];
    let mut words = vec!["tcp", &mapped, &ula, "[::1]:9100"];
    words.extend(targets);
    assert_none("A4", "TCP to", &attacked.attack(&words));
    let datagrams = ["udp", "[ff02::2%eth0]:53", "[ff02::1%eth0]:53", "[2606:4700:4700::1111]:53"];
    assert_none("A4", "UDP to", &attacked.attack(&datagrams));
    assert_eq!(sink.arrivals(), Vec::<String>::new());
    let agent = attacked.container(Role::Agent);
    let read = |file: &str| attacked.ground.docker.exec(&agent, None, false, ["cat", file]).text();
    assert_eq!(read("/proc/net/if_inet6").unwrap(), "", "an interface has an IPv6 address");
    assert_eq!(read("/proc/sys/net/ipv6/conf/all/disable_ipv6").unwrap(), "1");

    let on_outside = ["--network", outside.network()];
    assert_all("A4", "TCP to", &attacked.control(&on_outside, &["tcp", &mapped]));
}

#[test]
fn a8_no_raw_frame_no_other_address_and_no_other_name_for_itself() {
    let attacked = Attacked::shared();
    let egress = attacked.addresses.internal(Role::Egress).to_string();
    let uplink = attacked.network(Network::Uplink);
    let tried = attacked.attack(&["address", &egress]);
    assert_none("A8", "another address by", &tried);
    // As root of the container as well: it has no capability either.
    assert_none(
        "A8",
        "as root, another address by",
        &attacked.attack_as(Some("0"), &["address", &egress]),
    );
    // A process may name any source; the answer goes to whoever has the address.
    let proxy = attacked.at(Role::Pipelock, contract::PIPELOCK_PORT);
    assert_none("A8", "with egress' address to", &attacked.attack(&["spoof", &egress, &proxy]));
    let forged = [
        "CONNECT a.routed.example:443 HTTP/1.1\\r\\nhost: a.routed.example:443\\r\\n\\r\\n",
        "CONNECT a.routed.example:443 HTTP/1.1\\r\\nhost: a.routed.example:443\\r\\nx-bottle-hop: forged\\r\\n\\r\\n",
        "GET http://a.routed.example/ HTTP/1.1\\r\\nhost: a.routed.example\\r\\nx-bottle-hop: forged\\r\\nx-forwarded-for: 10.0.0.1\\r\\n\\r\\n",
    ];
    for head in forged {
        let said = attacked.attack(&["tunnel", &proxy, head]);
        let said = said[head].as_str().unwrap().to_owned();
        record("A8", head, &said);
        let refused = said.contains("route-required");
        let tunnel = said.contains("200") && head.starts_with("CONNECT");
        assert!(refused || tunnel, "{head}: {said}");
        assert!(!said.contains("502"), "it was dialled: {said}");
    }

    let options = ["--network", &uplink, "--user", "0", "--cap-add", "NET_ADMIN"];
    let control = attacked.control(&options, &["address", "10.213.255.254"]);
    assert!(control["raw frame"].as_str().unwrap().starts_with("ok"), "{control}");
}

/// TCP ports on which something of the host listens on every address.
fn listening() -> Vec<u16> {
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let mut ports: Vec<u16> = table
        .lines()
        .skip(1)
        .filter_map(|line| {
            let mut fields = line.split_whitespace().skip(1);
            let local = fields.next()?.strip_prefix("00000000:")?;
            let state = fields.nth(1)?;
            (state == "0A").then(|| u16::from_str_radix(local, 16).ok())?
        })
        .collect();
    ports.sort_unstable();
    ports.dedup();
    ports
}

/// The IPv4 addresses of this host, but for its own loop.
fn host_addresses() -> Vec<String> {
    let interfaces = nix::ifaddrs::getifaddrs().unwrap();
    interfaces
        .filter_map(|at| at.address?.as_sockaddr_in().map(nix::sys::socket::SockaddrIn::ip))
        .filter(|address| !address.is_loopback())
        .map(|address| address.to_string())
        .take(6)
        .collect()
}

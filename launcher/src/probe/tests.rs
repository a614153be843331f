//! What the probe concludes from what it hears.

use super::*;
use std::io::Write as _;
use std::net::{Ipv4Addr, TcpStream, UdpSocket};

fn addresses() -> Addresses {
    Addresses::new("10.213.0.0/28".parse().unwrap(), "10.213.0.16/28".parse().unwrap()).unwrap()
}

fn say(listener: &Listener, text: &str) {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, listener.port())).unwrap();
    stream.write_all(format!("{text}\n").as_bytes()).unwrap();
}

fn breach_within(listener: &Listener, limit: Duration) -> Option<String> {
    compose_run::wait::until("a breach", limit, || listener.breach(None)).ok()
}

#[test]
fn an_arrival_with_the_nonce_is_a_breach() {
    for udp in [false, true] {
        let listener = Listener::open().unwrap();
        assert_eq!(listener.breach(None), None);
        if udp {
            let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
            let to = (Ipv4Addr::LOCALHOST, listener.port());
            socket.send_to(listener.nonce().as_bytes(), to).unwrap();
        } else {
            say(&listener, listener.nonce());
        }
        let breach = breach_within(&listener, Duration::from_secs(30)).unwrap();
        assert!(breach.ends_with("from 127.0.0.1 arrived at this host"), "{breach}");
    }
}

#[test]
fn a_strangers_connection_and_the_control_are_none() {
    let listener = Listener::open().unwrap();
    say(&listener, "GET / HTTP/1.1");
    say(&listener, listener.control());
    assert!(listener.control_arrived(Duration::from_secs(30)));
    assert_eq!(breach_within(&listener, Duration::ZERO), None);
    // From the agent's network anything is one.
    let inside = Some("127.0.0.0/8".parse().unwrap());
    assert!(listener.breach(inside).is_some());
}

#[test]
fn a_control_that_does_not_come_is_missed() {
    let listener = Listener::open().unwrap();
    assert!(!listener.control_arrived(Duration::from_millis(1)));
}

#[test]
fn a3_a7_tries_gateways_host_addresses_and_pipelocks_other_side() {
    let host: Vec<IpAddr> =
        ["127.0.0.1", "172.17.0.1", "192.168.1.2"].map(|a| a.parse().unwrap()).into();
    let addresses = addresses();
    let targets = Targets {
        agent: "a",
        uplink: "p",
        addresses: &addresses,
        host_addresses: &host,
        bottle: Path::new("/nonexistent"),
        ways: &[],
    };
    let shown: Vec<_> = tcp_targets(&targets, 4000).iter().map(ToString::to_string).collect();
    assert_eq!(
        shown,
        [
            "10.213.0.1:4000",
            "10.213.0.17:4000",
            "172.17.0.1:4000",
            "192.168.1.2:4000",
            "10.213.0.18:8888",
            "10.213.0.18:9100",
            "10.213.0.18:443",
            "10.213.0.3:9100",
            "10.213.0.4:9100",
        ]
    );
}

#[test]
fn reads_the_guests_own_words() {
    let line = r#"{"last":false,"attempts":{"name x":{"failed":"no such name"},"tcp 1.2.3.4:5":"pending",
        "udp 1.2.3.4:5":"sent","way h":{"answered":{"status":403,"denied":"path-not-allowed"}}}}"#;
    let report = read_report(line).unwrap();
    assert_eq!(report.attempts.len(), 4);
    assert!(!report.last);
    assert!(read_report(r#"{"last":true,"attempts":{}}"#).is_err());
}

#[test]
fn only_pipelocks_own_line_proves_the_way_through() {
    let dir = tempfile::tempdir().unwrap();
    let write = |role: &str, line: &str| {
        let outbox = dir.path().join(role).join("outbox");
        fs_err::create_dir_all(&outbox).unwrap();
        compose_run::replace(&outbox.join("decisions.jsonl"), line.as_bytes(), 0o600).unwrap();
    };
    let line = |service: &str, event: &str, host: &str| {
        format!(r#"{{"service":"{service}","event":"{event}","host":"{host}"}}"#)
    };
    write("egress", &line("egress", "allowed", "a.example"));
    for (event, host) in [("denied", "a.example"), ("allowed", "b.example")] {
        write("pipelock", &line("pipelock", event, host));
        assert_eq!(passed(dir.path(), "a.example"), None);
    }
    write("pipelock", &line("pipelock", "allowed", "a.example"));
    assert!(passed(dir.path(), "a.example").is_some());
}

/// Containers with the guest in them, where an agent and pipelock would stand.
mod placed {
    use super::*;
    use compose_run::networks::Uplink;
    use compose_testkit::{Stack, record, sidecars};

    /// Probes from a container on `agent`'s network, with the control on `control`'s.
    fn probe_from(
        test: &str,
        agent: Network,
        control: Network,
        listener: Listener,
    ) -> anyhow::Result<Watch> {
        let stack = Stack::new(test);
        let addresses = stack.networks(Uplink::Sealed);
        let folder = stack.folder().join("guest");
        fs_err::create_dir(&folder).unwrap();
        fs_err::copy(sidecars().dir().join("bottle-guest"), folder.join("bottle-guest")).unwrap();
        let mount = format!("{}:{}:ro", folder.display(), guest_path::FOLDER);
        let options = ["--volume", mount.as_str()];
        let place = |name: &str, network: Network| {
            stack.client_on(name, &network.name(stack.slug()), &options)
        };
        let (agent, control) = (place("agent", agent), place("control", control));
        let host = crate::steps::host_addresses().unwrap();
        let targets = Targets {
            agent: agent.name(),
            uplink: control.name(),
            addresses: &addresses,
            host_addresses: &host,
            bottle: stack.folder(),
            ways: &[],
        };
        let watch = run(stack.docker(), listener, &targets)?;
        watch.verdict()?;
        Ok(watch)
    }

    #[test]
    fn a3_a7_from_the_internal_network_nothing_arrives() {
        let listener = Listener::open().unwrap();
        let watch = probe_from("probe-holds", Network::Internal, Network::Uplink, listener.clone())
            .unwrap();
        record("A3", "tcp and udp to gateways and every address of the host", "nothing arrived");
        // What arrives late is found out by the next look.
        watch.check().unwrap();
        say(&listener, listener.nonce());
        assert!(breach_within(&listener, Duration::from_secs(30)).is_some());
        assert!(watch.check().is_err());
    }

    #[test]
    fn a3_where_the_gateway_answers_the_probe_says_so() {
        let listener = Listener::open().unwrap();
        let error =
            probe_from("probe-fails", Network::Uplink, Network::Uplink, listener).unwrap_err();
        let text = format!("{error:#}");
        assert!(text.contains("the agent can reach what it must not"), "{text}");
    }

    #[test]
    fn a3_without_a_control_that_arrives_nothing_is_proven() {
        let listener = Listener::open().unwrap();
        let error =
            probe_from("probe-blind", Network::Internal, Network::Internal, listener).unwrap_err();
        assert!(format!("{error:#}").contains("the probe proves nothing"), "{error:#}");
    }
}

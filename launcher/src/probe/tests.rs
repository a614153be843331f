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
        way: None,
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
        "udp 1.2.3.4:5":"sent","way h":{"answered":{"status":403,"denied":"route-path"}}}}"#;
    let report = read_report(line).unwrap();
    assert_eq!(report.attempts.len(), 4);
    assert!(!report.last);
    assert!(read_report(r#"{"last":true,"attempts":{}}"#).is_err());
}

//! C6: an upstream behind a company's proxy: told the checked address and never the name, shown its
//! login and nothing else's, and what it does not do is said in a sentence.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};

use compose_render::{Secret, UpstreamProxy};
use compose_testkit::record;
use git_gate::{Gated, PushRef};
use sidecar::Environment;

use crate::world::World;

/// What a proxy was told: its head, and what came after it said yes.
type Told = (String, Vec<u8>);

/// A proxy that gives this answer to whoever asks, and reads what comes then.
fn proxy(answer: &'static str) -> (u16, Receiver<Told>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.unwrap());
            let mut head = String::new();
            while !head.ends_with("\r\n\r\n") && stream.read_line(&mut head).unwrap() > 0 {}
            write!(stream.get_mut(), "HTTP/1.1 {answer}\r\nx-more: 1\r\n\r\n").unwrap();
            let mut first = vec![0; 8];
            let read = if answer.starts_with("200") { stream.read(&mut first).unwrap() } else { 0 };
            first.truncate(read);
            if sender.send((head, first)).is_err() {
                return;
            }
        }
    });
    (port, receiver)
}

/// A gate with one more upstream, which is nowhere but behind that proxy.
fn world(url: &str, port: u16) -> World {
    let login = Secret::new("user:pass word".to_owned());
    let credentials = [(compose_render::UPSTREAM_PROXY_CREDENTIAL.to_owned(), login)].into();
    World::within(Environment { credentials, ..Environment::default() }, |file| {
        file.upstream_proxy = Some(UpstreamProxy { host: "127.0.0.1".parse().unwrap(), port });
        file.upstreams.push(Gated {
            url: url.parse().unwrap(),
            local: None,
            key: None,
            known_hosts: None,
            credential: None,
            push: vec![PushRef::own_branches()],
            protected: Vec::new(),
        });
    })
}

const SSH: &str = "ssh://git@192.0.2.7:2222/acme/far.git";
const HTTPS: &str = "https://192.0.2.7/acme/far.git";

#[test]
fn c6_ssh_and_https_reach_the_checked_address_through_the_proxy_alone() {
    for (url, target, first) in
        [(SSH, "192.0.2.7:2222", &b"SSH-2.0-"[..]), (HTTPS, "192.0.2.7:443", b"\x16\x03")]
    {
        let (port, told) = proxy("200 Connection established");
        let world = world(url, port);
        let gate = format!("http://{}/192.0.2.7/acme/far.git", world.address);
        let said = world.git(".", &["ls-remote", &gate]);
        said.refused(&["git-gate: "]);
        let (head, came) = told.recv_timeout(std::time::Duration::from_secs(30)).unwrap();
        let wanted = format!(
            "CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\
             Proxy-Authorization: Basic dXNlcjpwYXNzIHdvcmQ=\r\n\r\n"
        );
        assert_eq!(head, wanted);
        assert!(came.starts_with(first), "{url}: {came:?}");
        record(
            "C6",
            format!("an upstream {url} behind a proxy"),
            head.lines().next().unwrap_or_default().to_owned(),
        );
    }
}

#[test]
fn c6_what_the_proxy_does_not_do_is_said() {
    for (answer, words) in [
        ("407 Proxy Authentication Required", "wants a login"),
        ("403 Forbidden", "it answers 403"),
        ("502 Bad Gateway", "it answers 502"),
        ("nonsense", "cannot be reached, or speaks no HTTP"),
    ] {
        for url in [SSH, HTTPS] {
            let (port, _told) = proxy(answer);
            let world = world(url, port);
            let gate = format!("http://{}/192.0.2.7/acme/far.git", world.address);
            let said = world.git(".", &["ls-remote", &gate]);
            said.refused(&[words, "Nothing was changed"]);
            assert!(!said.err.contains("pass word"), "{said:?}");
        }
    }
}

/// Where the bottle may not dial, its proxy is not asked to.
#[test]
fn c6_no_forbidden_address_is_told_to_the_proxy() {
    let (port, told) = proxy("200 OK");
    for url in ["ssh://git@169.254.169.254/acme/far.git", "https://127.0.0.1/acme/far.git"] {
        let world = world(url, port);
        let name = url.rsplit_once("://").unwrap().1.trim_start_matches("git@");
        let said = world.git(".", &["ls-remote", &format!("http://{}/{name}", world.address)]);
        said.refused(&["has an address that the gate does not dial"]);
    }
    assert!(told.try_recv().is_err());
}

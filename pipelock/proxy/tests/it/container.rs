//! The image itself, started alone: what it lets through, what it denies, how it takes a policy,
//! and how it ends.
//!
//! The agent and the origin are containers whose bytes are piped to this process. What stands for
//! the outside is a network of the test's own, so nothing can leave.

use crate::client::{Agent, PATIENCE, get};
use compose_render::{Addresses, Network, RenderedFile, Role, contract};
use compose_run::{Call, Owner, Secrets, networks::Uplink, standalone::Standing, write_files};
use compose_testkit::{Container, Stack, eventually, sidecars};
use ipnet::IpNet;
use pipelock::{Digest, Settings, standalone};
use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, pem::PemObject as _},
};
use serde_json::Value;
use std::{
    io::{self, Write as _},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    thread,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    sync::mpsc,
    time::timeout,
};

/// More connections than the test makes: each is an exec of its own, prepared before.
const CONNECTIONS: usize = 200;

#[tokio::test(flavor = "multi_thread")]
async fn the_image_alone_allows_denies_reloads_drains_and_stops() {
    let stack = Stack::new("pipelock");
    let outside = stack.outside();
    let host = stack.host(Uplink::Sealed);
    // Public addresses that are the test's own have to be exempted, as private ones have.
    let exempt = IpNet::V4(outside.subnet());
    let settings = |addresses, allow: &str| {
        let mut settings = Settings::new(addresses);
        settings.allow = vec![allow.parse().unwrap()];
        settings.ssrf_allow = vec![exempt];
        settings
    };
    let standing =
        standalone::start(&host, &sidecars(), stack.slug(), &Secrets::default(), |site| {
            settings(site.addresses, "*.a.test")
        })
        .unwrap_or_else(|error| panic!("{error:#}: `cargo xtask test` builds what is needed"));
    let addresses = standing.site.addresses;
    let sink = outside.sink(4, &[80], &["www.a.test", "www.b.test"]);
    let origin = outside.address(5).to_string();
    let origin = stack.client_on(
        "origin",
        outside.network(),
        &["--ip", &origin, "--network-alias", "slow.a.test"],
    );
    outside.join(&standing.container, outside.address(3));
    let internal = Network::Internal.name(stack.slug());
    let at = addresses.internal(Role::Agent).to_string();
    let container = stack.client_on("agent", &internal, &["--ip", &at]);
    let agent = Agent {
        proxy: pipe_to(&container, &settings(addresses, "*.a.test").proxy_address().to_string()),
        roots: authority(&standing),
    };

    // Allowed, and seen to arrive.
    let plain = |host: &str| get(host, &format!("http://{host}/x?q=1"));
    let allowed = agent.raw(&plain("www.a.test")).await.unwrap();
    assert_eq!((allowed.status, allowed.body.as_str()), (200, "sink\n"));
    let from = outside.address(3);
    assert_eq!(sink.arrivals(), [format!("tcp 80 {from}")]);

    // Denied, each with its reason, and nothing arrives.
    let denied = agent.https("www.b.test:443", &get("www.b.test", "/")).await;
    assert_eq!((denied.status, denied.reason().as_str()), (403, "host-not-allowed"));
    let metadata = agent.connect("169.254.169.254:80").await.unwrap_err();
    assert_eq!(metadata.reason(), "ssrf-metadata");
    assert_eq!(sink.arrivals().len(), 1);

    check_names_and_ports(&container, addresses);

    reload(&stack, &standing, &settings(addresses, "www.b.test"));
    let allowed = agent.raw(&plain("www.b.test")).await.unwrap();
    assert_eq!(allowed.status, 200);
    assert_eq!(agent.raw(&plain("www.a.test")).await.unwrap().reason(), "host-not-allowed");
    reload(&stack, &standing, &settings(addresses, "*.a.test"));

    drain(&stack, &standing, &agent, &container, &origin).await;

    let lines = lines(&standing);
    let of = |field: &str, value: &str| lines.iter().filter(|line| line[field] == value).count();
    assert_eq!(of("event", "allowed"), 3, "{lines:#?}");
    assert!(of("reason", "host-not-allowed") == 2 && of("reason", "name-not-allowed") == 1);
    assert!(!lines.iter().any(|line| line.to_string().contains("q=1")));

    for name in ["agent", "origin", "sink-4"] {
        let name = format!("{}-{name}", stack.slug().project());
        stack.docker().run(["rm", "--force", &name]).unwrap();
    }
    standalone::stop(&host, stack.slug()).unwrap();
    let filter = format!("name={}", stack.slug().project());
    let left = stack.docker().call(["ps", "--all", "--quiet", "--filter", &filter]).text().unwrap();
    assert_eq!(left, "");
    assert!(!standing.site.dirs.config.exists());
}

/// A denied name does not exist, an allowed one leads here; and what is not for the agent is not
/// reached from where it stands.
fn check_names_and_ports(agent: &Container<'_>, addresses: Addresses) {
    let own = addresses.internal(Role::Pipelock);
    let resolver = format!("{own}:{}", contract::DNS_PORT);
    let nowhere = agent.probe(&["dns", &resolver, "secret.attacker.test", "A"]);
    assert!(nowhere.text.contains("NXDOMAIN"), "{nowhere:?}");
    let here = agent.probe(&["dns", &resolver, "www.a.test", "A"]);
    assert!(here.text.contains(&own.to_string()), "{here:?}");
    assert!(agent.reaches(own, contract::PIPELOCK_PORT));
    assert!(!agent.reaches(own, contract::ADMIN_PORT));
    let uplink = addresses.of(Role::Pipelock, Network::Uplink).unwrap();
    assert!(!agent.reaches(uplink, contract::PIPELOCK_PORT));
}

/// What was open when SIGTERM came is finished, a new connection is refused, and it ends with 0.
async fn drain(
    stack: &Stack,
    standing: &Standing,
    agent: &Agent,
    container: &Container<'_>,
    origin: &Container<'_>,
) {
    let own = standing.site.addresses.internal(Role::Pipelock);
    let request = get("slow.a.test", "http://slow.a.test/x?q=1");
    let (mut asked, finish) = answer_late(origin);
    let mut open = ask_until_heard(agent, &request, &mut asked).await;
    stack.docker().run(["kill", "--signal", "TERM", &standing.container]).unwrap();
    // At once: the drain has a deadline, and this machine may be slow.
    finish();
    let mut answer = String::new();
    timeout(PATIENCE, open.read_to_string(&mut answer)).await.unwrap().unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("late"), "{answer}");
    eventually("the end after SIGTERM", || {
        let format = "{{.State.Status}} {{.State.ExitCode}}";
        let args = ["container", "inspect", "--format", format, &standing.container];
        match stack.docker().capture(args) {
            Ok(state) if state == "exited 0" => Ok(()),
            other => Err(format!("{other:?}")),
        }
    });
    assert!(!container.reaches(own, contract::PIPELOCK_PORT));
}

/// Replaces the files and waits until the container says that it has loaded them.
fn reload(stack: &Stack, standing: &Standing, settings: &Settings) {
    let files = [
        RenderedFile::plain(pipelock::UPSTREAM_FILE, settings.upstream_yaml()),
        RenderedFile::plain(pipelock::BOTTLE_FILE, settings.bottle_yaml()),
    ];
    write_files(&standing.site.dirs.config, &files, Owner::of_sidecars()).unwrap();
    stack.docker().run(["kill", "--signal", "HUP", &standing.container]).unwrap();
    let digest = Digest::of(&settings.upstream_yaml(), &settings.bottle_yaml()).to_string();
    eventually("the policy in force", || {
        let call = stack.docker().exec(&standing.container, None, false, ["/pipelock", "status"]);
        let status = call.args(["--json"]).text().map_err(|error| error.to_string())?;
        let read: Value = serde_json::from_str(&status).map_err(|error| error.to_string())?;
        if read["config_digest"] == digest.as_str() { Ok(()) } else { Err(status) }
    });
}

fn authority(standing: &Standing) -> RootCertStore {
    let pem = std::fs::read(standing.site.dirs.config.join(pipelock::CA_FILE)).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(&pem).unwrap()).unwrap();
    roots
}

fn lines(standing: &Standing) -> Vec<Value> {
    let path = standing.site.dirs.outbox.join(contract::DECISIONS_FILE);
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A loopback address whose connections come from inside of a container, each by an exec of its
/// own.
fn pipe_to(container: &Container<'_>, address: &str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let local = listener.local_addr().unwrap();
    let calls: Vec<Call<'static>> = (0..CONNECTIONS).map(|_| container.pipe(address)).collect();
    thread::spawn(move || {
        for call in calls {
            let Ok((stream, _)) = listener.accept() else { return };
            thread::spawn(move || relay(call, stream));
        }
    });
    local
}

fn relay(call: Call<'static>, stream: TcpStream) {
    let Ok(reader) = stream.try_clone() else { return };
    // Whoever waits on the other end sees how it ended.
    drop(call.input_from(reader).stream(&mut Back(stream)));
}

/// The way back: when the call's output is over it is flushed, and then the connection is over, or
/// each end would wait for the other.
struct Back(TcpStream);

impl io::Write for Back {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.shutdown(Shutdown::Both)
    }
}

/// An origin for one request: says when it has come, and answers when it is told to.
fn answer_late(origin: &Container<'_>) -> (mpsc::UnboundedReceiver<()>, impl FnOnce() + use<>) {
    let (reader, mut writer) = io::pipe().unwrap();
    let (heard, asked) = mpsc::unbounded_channel();
    let call = origin.accept("0.0.0.0:80");
    thread::spawn(move || drop(call.input_from(reader).stream(&mut Heard(heard))));
    let finish = move || {
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\nconnection: close\r\n\r\nlate";
        writer.write_all(answer).unwrap();
    };
    (asked, finish)
}

/// Sends the request until the origin has heard it; until the origin listens it is down.
async fn ask_until_heard(
    agent: &Agent,
    request: &str,
    asked: &mut mpsc::UnboundedReceiver<()>,
) -> tokio::net::TcpStream {
    let attempts = async {
        loop {
            let mut open = tokio::net::TcpStream::connect(agent.proxy).await.unwrap();
            open.write_all(request.as_bytes()).await.unwrap();
            tokio::select! {
                biased;
                heard = asked.recv() => {
                    heard.unwrap();
                    return open;
                }
                down = open.readable() => down.unwrap(),
            }
        }
    };
    timeout(PATIENCE, attempts).await.expect("the origin never hears it")
}

/// Says that bytes have come.
struct Heard(mpsc::UnboundedSender<()>);

impl io::Write for Heard {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // Nobody listens any more once the test goes on.
        self.0.send(()).unwrap_or_default();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

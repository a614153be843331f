//! The image itself, started alone: what it lets through, what it denies, how it ends.
//!
//! The agent and pipelock are containers whose bytes are piped to this process, where the agent
//! speaks and what answers as pipelock listens: no outside is involved.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use compose_render::{Network, Role, Secret, contract};
use compose_run::images::BuildFile;
use compose_run::networks::Uplink;
use compose_run::standalone::{self, KeepState, Recipe, Site};
use compose_run::{Call, Secrets};
use compose_testkit::{Container, Stack, eventually, sidecars};
use egress::{Egress, Settings};

use crate::agent::{Answer, Way, ask};
use crate::world::{Behind, CANARY, HOP, api_key, plainly};

/// More than the test makes: each is an exec of its own, prepared before.
const CONNECTIONS: usize = 100;

/// The agent's end of a pipe into the agent's container.
struct Piped {
    egress: SocketAddr,
    authority: String,
}

impl Way for Piped {
    fn egress(&self) -> SocketAddr {
        self.egress
    }

    fn authority(&self) -> &str {
        &self.authority
    }
}

fn recipe() -> Recipe {
    let binary = sidecars().binary(egress::BINARY).unwrap_or_else(|error| {
        panic!("{error}: `cargo xtask test` builds it and sets BOTTLE_SIDECARS")
    });
    Recipe {
        part: "egress".to_owned(),
        dockerfile: egress::DOCKERFILE.to_owned(),
        files: vec![BuildFile::path(egress::BINARY, 0o755, binary)],
    }
}

fn describe(site: &Site, behind: &Behind, authority: &ca::Authority) -> anyhow::Result<Egress> {
    let settings = Settings {
        slug: site.slug.clone(),
        image: site.image.clone(),
        folder: site.dirs.config.clone(),
        seccomp: site.seccomp.clone(),
        user: (site.owner.uid, site.owner.gid),
        addresses: site.addresses,
        routes: vec![api_key()],
        supervised: false,
        pipelock: None,
        pipelock_authority: behind.pipelock.authority.clone(),
    };
    let egress = Egress::new(settings).map_err(|faults| anyhow::anyhow!("{faults:?}"))?;
    Ok(egress.with_authority(authority.files()?))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_image_alone_allows_denies_and_stops() {
    let behind = Behind::start(plainly).await;
    let stack = Stack::new("egress");
    let host = stack.host(Uplink::Sealed);
    let slug = stack.slug();
    let authority = egress::mint(slug, time::OffsetDateTime::now_utc()).unwrap();
    let mut secrets = Secrets::default();
    secrets.set("BOTTLE_CREDENTIAL_KEY", Secret::new(CANARY.to_owned()));
    secrets.set(contract::HOP_SECRET_VARIABLE, Secret::new(HOP.to_owned()));
    let standing = standalone::start(&host, slug, Role::Egress, &recipe(), &secrets, |site| {
        describe(site, &behind, &authority)
    })
    .unwrap();
    let addresses = standing.site.addresses;
    let stand = |name: &str, role| {
        let address = addresses.internal(role).to_string();
        stack.client_on(name, &Network::Internal.name(slug), &["--ip", &address])
    };
    let (agent, pipelock) = (stand("agent", Role::Agent), stand("pipelock", Role::Pipelock));
    let egress = format!("{}:{}", addresses.internal(Role::Egress), contract::EGRESS_PORT);
    answer_as_pipelock(&pipelock, behind.pipelock.address);
    let way = Piped {
        egress: pipe_to(&agent, &egress),
        authority: authority.certificate_pem().to_owned(),
    };

    let allowed = asked_until_pipelock_listens(&way).await;
    assert_eq!((allowed.status, allowed.body.as_str()), (200, "hello"));
    let seen = behind.seen();
    assert_eq!(seen.len(), 1, "{seen:?}");
    assert_eq!(seen[0].headers["x-api-key"], CANARY);
    assert_eq!(seen[0].hop.as_deref(), Some(HOP));
    let denied = ask(&way, "GET /admin").await;
    assert_eq!((denied.status, denied.reason().as_str()), (403, "path-not-allowed"));
    assert_eq!(behind.seen().len(), 1);

    // Nothing that people can read holds the secret: not the log, not the state folder, not argv.
    let decisions = standing.site.dirs.outbox.join(contract::DECISIONS_FILE);
    let log = eventually("both decisions in the outbox", || {
        let log = std::fs::read_to_string(&decisions).unwrap_or_default();
        let both = log.contains("\"allowed\"") && log.contains("path-not-allowed");
        if both { Ok(log) } else { Err(log) }
    });
    assert!(!log.contains("canary"), "{log}");
    let status = stack.docker().exec(&standing.container, None, false, ["/egress", "status"]);
    let status: serde_json::Value = serde_json::from_str(&status.text().unwrap()).unwrap();
    assert_eq!((&status["ready"], &status["generation"]), (&true.into(), &1.into()));
    let shown = stack.docker().capture(["logs", &standing.container]).unwrap();
    assert!(!shown.contains("canary"), "{shown}");

    // SIGTERM: it ends by itself, with code 0, and takes no more.
    stack.docker().run(["kill", "--signal", "TERM", &standing.container]).unwrap();
    let format = "{{.State.Status}} {{.State.ExitCode}}";
    eventually("the end after SIGTERM", || {
        let args = ["container", "inspect", "--format", format, &standing.container];
        match stack.docker().capture(args) {
            Ok(state) if state == "exited 0" => Ok(()),
            other => Err(format!("{other:?}")),
        }
    });
    assert!(!agent.reaches(addresses.internal(Role::Egress), contract::EGRESS_PORT));

    drop((agent, pipelock));
    stack.docker().run(["rm", "--force", &format!("{}-agent", slug.project())]).unwrap();
    stack.docker().run(["rm", "--force", &format!("{}-pipelock", slug.project())]).unwrap();
    standalone::stop(&host, slug, KeepState::No).unwrap();
    let filter = format!("name={}", slug.project());
    for what in [["ps", "--all"].as_slice(), &["network", "ls"]] {
        let call = stack.docker().call(what).args(["--quiet", "--filter", &filter]);
        assert_eq!(call.text().unwrap(), "", "{what:?}");
    }
    assert!(!standing.site.dirs.config.exists());
}

/// What answers as pipelock is an exec that takes a moment to listen; until then it is down.
async fn asked_until_pipelock_listens(way: &Piped) -> Answer {
    let begun = Instant::now();
    loop {
        let answer = ask(way, "GET /v1/models\nx-api-key: mine").await;
        if answer.status != 502 || begun.elapsed() > Duration::from_secs(90) {
            return answer;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// A loopback address whose connections go out of a container, each by an exec of its own.
fn pipe_to(container: &Container<'_>, address: &str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let local = listener.local_addr().unwrap();
    // Few are needed; the calls are made here because a container cannot leave its stack.
    let calls: Vec<Call<'static>> = (0..CONNECTIONS).map(|_| container.pipe(address)).collect();
    thread::spawn(move || {
        for call in calls {
            let Ok((stream, _)) = listener.accept() else { return };
            thread::spawn(move || relay(call, stream));
        }
    });
    local
}

fn relay(call: Call<'static>, mut stream: TcpStream) {
    let Ok(reader) = stream.try_clone() else { return };
    // How it ends is seen by the test at the other end of the stream.
    drop(call.input_from(reader).stream(&mut stream));
    drop(stream.shutdown(std::net::Shutdown::Both));
}

/// Takes connections in a container, one after the other, and answers them from this process.
fn answer_as_pipelock(container: &Container<'_>, address: SocketAddr) {
    let port = contract::PIPELOCK_PORT;
    let calls: Vec<Call<'static>> =
        (0..CONNECTIONS).map(|_| container.accept(&format!("0.0.0.0:{port}"))).collect();
    thread::spawn(move || {
        for call in calls {
            let late = Late { address, stream: Arc::default() };
            let mut out = late.clone();
            if call.input_from(late).stream(&mut out).is_err() {
                return;
            }
        }
    });
}

/// A connection that is made when the first byte for it comes: until then nobody waits on it.
#[derive(Clone)]
struct Late {
    address: SocketAddr,
    stream: Arc<OnceLock<TcpStream>>,
}

impl Write for Late {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let connect = || TcpStream::connect(self.address).unwrap();
        let mut stream: &TcpStream = self.stream.get_or_init(connect);
        stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Read for Late {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut stream: &TcpStream = self.stream.wait();
        stream.read(buffer)
    }
}

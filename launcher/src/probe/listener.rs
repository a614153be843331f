//! Listens on every address of the host for what must not arrive, and for the control, which must.

use std::io::Read as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use compose_render::content_hash;
use ipnet::Ipv4Net;

/// How long a connection has to say whose it is. It counts as arrived in any case.
const TELL: Duration = Duration::from_secs(2);

/// No more arrivals than this are looked at: anybody can connect to a port of the host.
const MAX_ARRIVALS: usize = 256;

/// The sockets and what arrived at them. The threads that serve them end with the process, or soon
/// after the last handle is gone.
#[derive(Clone, Debug)]
pub(crate) struct Listener {
    port: u16,
    nonce: String,
    control: String,
    arrivals: Arc<Arrivals>,
}

#[derive(Debug, Default)]
struct Arrivals {
    list: Mutex<Vec<Arrival>>,
    changed: Condvar,
}

/// Something that arrived.
#[derive(Clone, Debug)]
struct Arrival {
    from: SocketAddr,
    kind: &'static str,
    said: String,
}

impl Listener {
    /// Opens a TCP and a UDP socket on one port of all addresses.
    pub(crate) fn open() -> anyhow::Result<Self> {
        let (tcp, udp) = sockets().context("cannot listen for the probe")?;
        let port = tcp.local_addr().context("cannot listen for the probe")?.port();
        let arrivals = Arc::new(Arrivals::default());
        let to = Arc::downgrade(&arrivals);
        thread::spawn(move || {
            for stream in tcp.incoming().flatten() {
                let Some(to) = to.upgrade() else { return };
                thread::spawn(move || to.take_connection(stream));
            }
        });
        let to = Arc::downgrade(&arrivals);
        thread::spawn(move || {
            let mut bytes = [0; 128];
            while let Ok((length, from)) = udp.recv_from(&mut bytes) {
                let Some(to) = to.upgrade() else { return };
                let said = String::from_utf8_lossy(bytes.get(..length).unwrap_or_default());
                to.add(Arrival { from, kind: "udp", said: said.trim().to_owned() });
            }
        });
        let nonce = || content_hash([rand::random::<[u8; 16]>().as_slice()]);
        Ok(Self { port, nonce: nonce(), control: nonce(), arrivals })
    }

    /// The port, the same for TCP and UDP.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// What the agent's attempts say.
    pub(super) fn nonce(&self) -> &str {
        &self.nonce
    }

    /// What the control says.
    pub(super) fn control(&self) -> &str {
        &self.control
    }

    /// The first arrival that must not be: by its nonce, or from the agent's own network.
    pub(super) fn breach(&self, internal: Option<Ipv4Net>) -> Option<String> {
        let list = self.arrivals.list.lock().ok()?;
        let from_inside = |arrival: &&Arrival| {
            let inside = match (arrival.from.ip().to_canonical(), internal) {
                (IpAddr::V4(address), Some(net)) => net.contains(&address),
                (IpAddr::V4(_) | IpAddr::V6(_), _) => false,
            };
            inside || arrival.said.contains(&self.nonce)
        };
        let arrival = list.iter().find(from_inside)?;
        Some(format!(
            "{} from {} arrived at this host",
            arrival.kind,
            arrival.from.ip().to_canonical()
        ))
    }

    /// Waits for the control.
    pub(super) fn control_arrived(&self, within: Duration) -> bool {
        let until = Instant::now() + within;
        let Ok(mut list) = self.arrivals.list.lock() else { return false };
        loop {
            if list.iter().any(|arrival| arrival.said.contains(&self.control)) {
                return true;
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            let Ok((next, _)) = self.arrivals.changed.wait_timeout(list, left) else {
                return false;
            };
            list = next;
        }
    }
}

impl Arrivals {
    fn take_connection(&self, mut stream: TcpStream) {
        let Ok(from) = stream.peer_addr() else { return };
        let mut said = Vec::new();
        let mut byte = [0];
        let told = stream.set_read_timeout(Some(TELL)).is_ok();
        while told && said.len() < 128 && !said.ends_with(b"\n") {
            match stream.read(&mut byte) {
                Ok(1) => said.push(byte[0]),
                Ok(_) | Err(_) => break,
            }
        }
        let said = String::from_utf8_lossy(&said).trim().to_owned();
        self.add(Arrival { from, kind: "tcp", said });
    }

    fn add(&self, arrival: Arrival) {
        if let Ok(mut list) = self.list.lock()
            && list.len() < MAX_ARRIVALS
        {
            list.push(arrival);
            self.changed.notify_all();
        }
    }
}

/// Both on one port: of IPv6 and IPv4 where the host has both, else of IPv4.
fn sockets() -> std::io::Result<(TcpListener, UdpSocket)> {
    let mut last = None;
    for any in [IpAddr::from(Ipv6Addr::UNSPECIFIED), Ipv4Addr::UNSPECIFIED.into()] {
        // Somebody may have the same port for UDP: another try gets another port.
        for _ in 0..8 {
            let pair = TcpListener::bind((any, 0)).and_then(|tcp| {
                let port = tcp.local_addr()?.port();
                Ok((tcp, UdpSocket::bind((any, port))?))
            });
            match pair {
                Ok(pair) => return Ok(pair),
                Err(error) => last = Some(error),
            }
        }
    }
    Err(last.unwrap_or_else(|| std::io::ErrorKind::AddrNotAvailable.into()))
}

//! The bottle's resolver: a denied name does not exist, an allowed one leads to the sidecar that
//! handles it, and nothing is ever asked further.

mod answer;

pub use self::answer::{Asked, Reply, reply};

use pipelock::{Policy, Steering};
use sidecar::{Event, Line, Log, Shutdown};
use std::{io, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream, UdpSocket},
    sync::Semaphore,
    time::timeout,
};

/// The longest question that is read; longer ones are no question for an address.
pub(crate) const QUESTION_LIMIT: usize = 1232;
/// So many TCP connections are served at once; the next waits to be accepted.
pub(crate) const CONNECTIONS: usize = 32;
/// So many questions are answered on one of them.
pub(crate) const QUESTIONS: usize = 64;
/// What a TCP connection may take for each question.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);
/// Out of descriptors, most likely: a moment for others to close theirs.
const BREATH: Duration = Duration::from_millis(50);

/// What the resolver needs: the policy in force, and where to say what was asked.
pub trait Zone: Send + Sync + 'static {
    /// The policy in force and its generation.
    fn policy(&self) -> (Arc<Policy>, u64);
    /// Where lines go.
    fn log(&self) -> &Log;
}

/// Answers datagrams until the shutdown.
pub async fn serve_udp(socket: UdpSocket, zone: Arc<impl Zone>, shutdown: Shutdown) {
    let mut buffer = [0; QUESTION_LIMIT];
    loop {
        let received = tokio::select! {
            received = socket.recv_from(&mut buffer) => received,
            () = shutdown.requested() => return,
        };
        let Ok((length, peer)) = received else {
            tokio::time::sleep(BREATH).await;
            continue;
        };
        let question = buffer.get(..length).unwrap_or_default();
        if let Some(bytes) = answered(zone.as_ref(), question, peer) {
            // A peer that went away is no fault of ours.
            drop(socket.send_to(&bytes, peer).await);
        }
    }
}

/// Answers connections until the shutdown.
pub async fn serve_tcp(listener: TcpListener, zone: Arc<impl Zone>, shutdown: Shutdown) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let place = tokio::select! {
            place = Arc::clone(&places).acquire_owned() => place,
            () = shutdown.requested() => return,
        };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = shutdown.requested() => return,
        };
        match accepted {
            Ok((stream, peer)) => {
                let zone = Arc::clone(&zone);
                shutdown.spawn(async move {
                    let _place = place;
                    drop(questions(stream, peer, zone.as_ref()).await);
                });
            }
            Err(_) => tokio::time::sleep(BREATH).await,
        }
    }
}

async fn questions(mut stream: TcpStream, peer: SocketAddr, zone: &impl Zone) -> io::Result<()> {
    for _ in 0..QUESTIONS {
        let length = usize::from(timeout(PATIENCE, stream.read_u16()).await??);
        if length > QUESTION_LIMIT {
            return Ok(());
        }
        let mut question = vec![0; length];
        timeout(PATIENCE, stream.read_exact(&mut question)).await??;
        let Some(bytes) = answered(zone, &question, peer) else { return Ok(()) };
        let Ok(length) = u16::try_from(bytes.len()) else { return Ok(()) };
        let framed = [&length.to_be_bytes()[..], &bytes].concat();
        timeout(PATIENCE, stream.write_all(&framed)).await??;
    }
    Ok(())
}

fn answered(zone: &impl Zone, question: &[u8], peer: SocketAddr) -> Option<Vec<u8>> {
    let (policy, generation) = zone.policy();
    let Reply { bytes, asked } = reply(question, |name| policy.steer(name))?;
    if let Some(asked) = asked {
        zone.log().write(line(&asked, peer, generation));
    }
    Some(bytes)
}

fn line(asked: &Asked, peer: SocketAddr, generation: u64) -> Line {
    let (reason, address) = match asked.steering {
        Steering::Nowhere => (Some("name-not-allowed".to_owned()), None),
        Steering::Here(at) | Steering::Egress(at) => (None, Some(at.to_string())),
    };
    Line {
        host: Some(asked.name.clone()),
        method: Some(asked.kind.clone()),
        reason,
        address,
        client: Some(peer.ip().to_string()),
        generation: Some(generation),
        ..Line::new(Event::Dns)
    }
}

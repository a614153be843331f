//! What stands for the outside: it takes whatever comes on its ports and says so.

use crate::say;
use std::{
    io::{self, Read as _, Write as _},
    net::{Ipv4Addr, Shutdown, TcpListener, TcpStream, UdpSocket},
    thread,
    time::Duration,
};

/// How long a connection may be silent.
const PATIENCE: Duration = Duration::from_secs(10);
/// More of what somebody sends is not waited for.
const REST_LIMIT: u64 = 16 << 20;
const ANSWER: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 5\r\nconnection: close\r\n\r\nsink\n";

/// Listens on every port, TCP and UDP, for ever. Says `listening`, then a line for each arrival:
/// `arrived tcp PORT FROM`, and the first bytes as `said tcp PORT "…"`.
pub(crate) fn listen(ports: &[&str]) -> io::Result<()> {
    let mut threads = Vec::new();
    for port in ports {
        let port: u16 = port.parse().map_err(io::Error::other)?;
        let tcp = TcpListener::bind((Ipv4Addr::UNSPECIFIED, port))?;
        let udp = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, port))?;
        threads.push(thread::spawn(move || take_connections(&tcp, port)));
        threads.push(thread::spawn(move || take_datagrams(&udp, port)));
    }
    say("listening");
    for thread in threads {
        thread.join().map_err(|_| io::Error::other("a listener is gone"))?;
    }
    Ok(())
}

fn take_connections(listener: &TcpListener, port: u16) {
    for stream in listener.incoming().flatten() {
        let from = stream.peer_addr().map_or_else(|_| "?".to_owned(), |peer| peer.ip().to_string());
        say(&format!("arrived tcp {port} {from}"));
        thread::spawn(move || answer(stream, port));
    }
}

fn answer(mut stream: TcpStream, port: u16) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut first = [0; 512];
    let length = stream.read(&mut first)?;
    let text = String::from_utf8_lossy(first.get(..length).unwrap_or_default()).into_owned();
    say(&format!("said tcp {port} {text:?}"));
    stream.write_all(ANSWER.as_bytes())?;
    // Closed with bytes unread, the connection would be reset and the answer lost.
    stream.shutdown(Shutdown::Write)?;
    io::copy(&mut stream.take(REST_LIMIT), &mut io::sink()).map(drop)
}

fn take_datagrams(socket: &UdpSocket, port: u16) {
    let mut datagram = [0; 512];
    while let Ok((length, from)) = socket.recv_from(&mut datagram) {
        let text = String::from_utf8_lossy(datagram.get(..length).unwrap_or_default());
        say(&format!("arrived udp {port} {}", from.ip()));
        say(&format!("said udp {port} {text:?}"));
        // Whether the answer gets back is the test's business.
        socket.send_to(b"sink", from).ok();
    }
}

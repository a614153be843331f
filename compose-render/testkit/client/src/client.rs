//! Tries one thing and says what came of it.

use crate::say;
use std::{
    io::{self, Read as _, Write as _},
    net::{Ipv4Addr, Shutdown, TcpStream, UdpSocket},
    time::Duration,
};

/// More of an answer is not looked at.
const ANSWER_LIMIT: u64 = 1 << 20;

/// Opens a connection; says `connected`.
pub(crate) fn connect(address: &str, limit: Duration) -> io::Result<()> {
    open(address, limit)?;
    say("connected");
    Ok(())
}

/// Sends one datagram; says `sent`, then the answer where one comes.
pub(crate) fn udp(address: &str, text: &str, limit: Duration) -> io::Result<()> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
    socket.set_read_timeout(Some(limit))?;
    socket.connect(address)?;
    socket.send(text.as_bytes())?;
    say("sent");
    let mut answer = [0; 2048];
    let length = socket.recv(&mut answer)?;
    say(&String::from_utf8_lossy(answer.get(..length).unwrap_or_default()));
    Ok(())
}

/// Sends a text with `\r` and `\n` written out, and says what comes back until the end.
pub(crate) fn talk(address: &str, text: &str, limit: Duration) -> io::Result<()> {
    let mut stream = open(address, limit)?;
    let text = text.replace("\\r", "\r").replace("\\n", "\n");
    stream.write_all(text.as_bytes())?;
    stream.shutdown(Shutdown::Write).or_else(not_connected)?;
    stream.set_read_timeout(Some(limit))?;
    let mut answer = Vec::new();
    let read = stream.take(ANSWER_LIMIT).read_to_end(&mut answer);
    say(&String::from_utf8_lossy(&answer));
    // Whatever came before the silence is an answer.
    if answer.is_empty() { read.map(drop) } else { Ok(()) }
}

fn not_connected(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::NotConnected { Ok(()) } else { Err(error) }
}

fn open(address: &str, limit: Duration) -> io::Result<TcpStream> {
    let address = address.parse().map_err(io::Error::other)?;
    let stream = TcpStream::connect_timeout(&address, limit)?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

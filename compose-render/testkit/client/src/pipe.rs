//! A connection as stdin and stdout, so that a test on the host can speak any protocol from where
//! the container stands.

use std::{
    io::{self, Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    thread,
};

/// Connects, and passes bytes both ways until both have ended.
pub(crate) fn connect(address: &str) -> io::Result<()> {
    relay(&TcpStream::connect(address)?)
}

/// Takes one connection, and passes bytes both ways.
pub(crate) fn accept(address: &str) -> io::Result<()> {
    let (stream, _) = TcpListener::bind(address)?.accept()?;
    relay(&stream)
}

fn relay(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let to_peer = stream.try_clone()?;
    // Not joined: when the peer has ended, nobody waits for more input.
    thread::spawn(move || {
        let copied = copy(&mut io::stdin(), &mut &to_peer);
        to_peer.shutdown(Shutdown::Write).and(copied)
    });
    copy(&mut &*stream, &mut io::stdout())
}

fn copy(from: &mut impl Read, to: &mut impl Write) -> io::Result<()> {
    let mut chunk = vec![0; 64 << 10];
    loop {
        let read = from.read(&mut chunk)?;
        if read == 0 {
            return Ok(());
        }
        to.write_all(chunk.get(..read).unwrap_or_default())?;
        to.flush()?;
    }
}

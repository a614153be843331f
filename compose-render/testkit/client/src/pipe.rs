//! A connection as stdin and stdout, so that a test on the host can speak any protocol from where
//! the container stands.

use std::{
    io::{self, Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::mpsc,
    thread,
    time::Duration,
};

/// How long whoever stands on the host may still answer a peer that has said all it had to say.
const PATIENCE: Duration = Duration::from_secs(10);

/// Connects, and passes bytes both ways until the peer has ended.
pub(crate) fn connect(address: &str) -> io::Result<()> {
    relay(&TcpStream::connect(address)?, Duration::ZERO)
}

/// Takes one connection, and passes bytes both ways until both have ended.
pub(crate) fn accept(address: &str) -> io::Result<()> {
    let (stream, _) = TcpListener::bind(address)?.accept()?;
    relay(&stream, PATIENCE)
}

fn relay(stream: &TcpStream, patience: Duration) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let to_peer = stream.try_clone()?;
    let (ended, end) = mpsc::channel();
    // Not joined: an input that never ends must not keep a finished connection.
    thread::spawn(move || {
        let copied = copy(&mut io::stdin(), &mut &to_peer);
        to_peer.shutdown(Shutdown::Write).ok();
        ended.send(copied)
    });
    copy(&mut &*stream, &mut io::stdout())?;
    end.recv_timeout(patience).unwrap_or(Ok(()))
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

//! Stands for the host: a listener on all its addresses that notes who comes with this run's mark.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context;

const LONGEST_LINE: u64 = 256;
const PATIENCE: Duration = Duration::from_secs(5);

/// The listener. Its thread ends with this process.
#[derive(Debug)]
pub(crate) struct Host {
    port: u16,
    arrived: Arc<Mutex<Vec<String>>>,
}

impl Host {
    pub(crate) fn listen(nonce: &str) -> anyhow::Result<Self> {
        let listener =
            TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).context("cannot listen on this host")?;
        let host = Self { port: listener.local_addr()?.port(), arrived: Arc::default() };
        let (arrived, nonce) = (Arc::clone(&host.arrived), nonce.to_owned());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (arrived, nonce) = (Arc::clone(&arrived), nonce.clone());
                std::thread::spawn(move || note(stream, &nonce, &arrived));
            }
        });
        Ok(host)
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The first lines that bore the mark.
    pub(crate) fn arrived(&self) -> Vec<String> {
        self.arrived.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn note(mut stream: TcpStream, nonce: &str, arrived: &Mutex<Vec<String>>) -> Option<()> {
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    let mut line = String::new();
    BufReader::new(Read::by_ref(&mut stream).take(LONGEST_LINE)).read_line(&mut line).ok()?;
    let line = line.trim_end().to_owned();
    if line.contains(nonce) {
        arrived.lock().unwrap_or_else(PoisonError::into_inner).push(line);
    }
    let answer = "HTTP/1.1 200 OK\r\ncontent-length: 8\r\nconnection: close\r\n\r\narrived\n";
    stream.write_all(answer.as_bytes()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_only_what_bears_the_mark() {
        let host = Host::listen("n0nce").unwrap();
        for path in ["other", "n0nce/control"] {
            let mut stream = TcpStream::connect(("127.0.0.1", host.port())).unwrap();
            stream.write_all(format!("GET /{path} HTTP/1.1\r\n").as_bytes()).unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            assert!(answer.contains("arrived"));
        }
        assert_eq!(host.arrived(), ["GET /n0nce/control HTTP/1.1"]);
    }
}

//! One attempt each: a connection, a datagram, a name.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, UdpSocket};
use std::time::Duration;

use super::State;

/// How long a listener has to take the nonce of an accepted connection.
const HAND_OVER: Duration = Duration::from_secs(1);

/// Where a container's resolvers are named.
const RESOLVERS: &str = "/etc/resolv.conf";

pub(super) fn tcp(to: SocketAddr, nonce: &str, within: Duration) -> State {
    match TcpStream::connect_timeout(&to, within) {
        Ok(mut stream) => {
            // The connection is the arrival. The nonce only says whose it was.
            let handed_over = stream
                .set_write_timeout(Some(HAND_OVER))
                .and_then(|()| stream.set_read_timeout(Some(HAND_OVER)))
                .and_then(|()| stream.write_all(format!("{nonce}\n").as_bytes()))
                .and_then(|()| stream.read(&mut [0; 1]));
            drop(handed_over);
            State::Arrived
        }
        Err(error) => State::Failed(error.to_string()),
    }
}

pub(super) fn udp(to: SocketAddr, nonce: &str) -> State {
    let any: IpAddr =
        if to.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let sent = UdpSocket::bind((any, 0)).and_then(|socket| socket.send_to(nonce.as_bytes(), to));
    match sent {
        Ok(_) => State::Sent,
        Err(error) => State::Failed(error.to_string()),
    }
}

/// Asks the container's own resolver for a name. An address in the answer is an arrival.
pub(super) fn name(name: &str, within: Duration) -> State {
    match ask(name, within) {
        Ok(answer) => judge(&answer),
        Err(error) => State::Failed(error.to_string()),
    }
}

fn ask(name: &str, within: Duration) -> std::io::Result<Vec<u8>> {
    let text = fs::read_to_string(RESOLVERS)?;
    let resolver = text
        .lines()
        .find_map(|line| line.strip_prefix("nameserver ")?.trim().parse::<IpAddr>().ok())
        .ok_or(std::io::ErrorKind::NotFound)?;
    let any: IpAddr = if resolver.is_ipv4() {
        Ipv4Addr::UNSPECIFIED.into()
    } else {
        Ipv6Addr::UNSPECIFIED.into()
    };
    let socket = UdpSocket::bind((any, 0))?;
    socket.set_read_timeout(Some(within))?;
    socket.connect((resolver, 53))?;
    socket.send(&query(name))?;
    let mut answer = vec![0; 1500];
    let length = socket.recv(&mut answer)?;
    answer.truncate(length);
    Ok(answer)
}

/// A query for the A records of a name of plain labels.
fn query(name: &str) -> Vec<u8> {
    // An id, recursion desired, one question.
    let mut bytes = vec![0x62, 0x6f, 0x01, 0x00, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in name.split('.').filter(|label| (1..64).contains(&label.len())) {
        bytes.push(u8::try_from(label.len()).unwrap_or(63));
        bytes.extend_from_slice(label.as_bytes());
    }
    bytes.extend_from_slice(&[0, 0, 1, 0, 1]);
    bytes
}

fn judge(answer: &[u8]) -> State {
    let (Some(flags), Some(high), Some(low)) = (answer.get(3), answer.get(6), answer.get(7)) else {
        return State::Failed("a mutilated answer".into());
    };
    match (flags & 0x0f, u16::from_be_bytes([*high, *low])) {
        (0, 1..) => State::Arrived,
        (0, 0) => State::Failed("no address".into()),
        (3, _) => State::Failed("no such name".into()),
        (5, _) => State::Failed("refused".into()),
        (code, _) => State::Failed(format!("code {code}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn a_connection_leaves_the_nonce() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let to = listener.local_addr().unwrap();
        let attempt = std::thread::spawn(move || tcp(to, "n0nce", Duration::from_secs(30)));
        let mut text = [0; 6];
        listener.accept().unwrap().0.read_exact(&mut text).unwrap();
        assert_eq!(&text, b"n0nce\n");
        assert_eq!(attempt.join().unwrap(), State::Arrived);
    }

    #[test]
    fn an_address_in_an_answer_is_an_arrival_and_nothing_else_is() {
        let answer = |code: u8, count: u8| judge(&[0, 0, 0x81, 0x80 | code, 0, 1, 0, count]);
        assert_eq!(answer(0, 1), State::Arrived);
        for (code, count) in [(0, 0), (3, 0), (5, 0), (2, 0)] {
            assert!(matches!(answer(code, count), State::Failed(_)), "{code} {count}");
        }
        assert!(matches!(judge(&[]), State::Failed(_)));
    }
}

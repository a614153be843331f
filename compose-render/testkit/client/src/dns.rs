//! One DNS question over UDP, written out by hand so that odd ones can be asked too.

use crate::say;
use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket},
    time::Duration,
};

const LIMIT: Duration = Duration::from_secs(5);

/// Asks the server for a name; says the response code, then each address in the answer.
pub(crate) fn query(server: &str, name: &str, kind: &str) -> io::Result<()> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
    socket.set_read_timeout(Some(LIMIT))?;
    socket.connect(server)?;
    socket.send(&question(name, number(kind)?)?)?;
    let mut answer = [0; 4096];
    let length = socket.recv(&mut answer)?;
    read(answer.get(..length).unwrap_or_default())
        .ok_or_else(|| io::Error::other("the answer makes no sense"))
}

fn number(kind: &str) -> io::Result<u16> {
    Ok(match kind {
        "A" => 1,
        "NS" => 2,
        "CNAME" => 5,
        "NULL" => 10,
        "MX" => 15,
        "TXT" => 16,
        "AAAA" => 28,
        "SVCB" => 64,
        "HTTPS" => 65,
        "ANY" => 255,
        other => other.parse().map_err(io::Error::other)?,
    })
}

fn question(name: &str, kind: u16) -> io::Result<Vec<u8>> {
    // One question, recursion desired.
    let mut packet = vec![0x62, 0x74, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in name.trim_end_matches('.').split('.') {
        packet.push(u8::try_from(label.len()).map_err(io::Error::other)?);
        packet.extend_from_slice(label.as_bytes());
    }
    packet.push(0);
    packet.extend(kind.to_be_bytes());
    packet.extend([0, 1]);
    Ok(packet)
}

fn read(packet: &[u8]) -> Option<()> {
    let code = match packet.get(3)? & 0x0f {
        0 => "NOERROR".to_owned(),
        1 => "FORMERR".to_owned(),
        2 => "SERVFAIL".to_owned(),
        3 => "NXDOMAIN".to_owned(),
        4 => "NOTIMP".to_owned(),
        5 => "REFUSED".to_owned(),
        other => other.to_string(),
    };
    say(&code);
    let answers = u16::from_be_bytes([*packet.get(6)?, *packet.get(7)?]);
    let mut at = skip_name(packet, 12)? + 4;
    for _ in 0..answers {
        at = skip_name(packet, at)?;
        let kind = u16::from_be_bytes([*packet.get(at)?, *packet.get(at + 1)?]);
        let length = usize::from(u16::from_be_bytes([*packet.get(at + 8)?, *packet.get(at + 9)?]));
        let data = packet.get(at + 10..at + 10 + length)?;
        match (kind, length) {
            (1, 4) => say(&IpAddr::from(<[u8; 4]>::try_from(data).ok()?).to_string()),
            (28, 16) => {
                say(&Ipv6Addr::from(<[u8; 16]>::try_from(data).ok()?).to_string());
            }
            _ => say(&format!("TYPE{kind}")),
        }
        at += 10 + length;
    }
    Some(())
}

fn skip_name(packet: &[u8], mut at: usize) -> Option<usize> {
    loop {
        let length = *packet.get(at)?;
        match length {
            0 => return Some(at + 1),
            0xc0.. => return Some(at + 2),
            _ => at += 1 + usize::from(length),
        }
    }
}

//! A name server that leads every name to one address.

use std::net::{IpAddr, SocketAddr};

use tokio::net::UdpSocket;

/// The bytes of a head, before the question.
const HEAD: usize = 12;

/// Answers until the socket fails: one A record for a question of type A, none for others.
pub(crate) async fn serve(socket: UdpSocket, address: IpAddr) {
    let mut buffer = [0; 512];
    while let Ok((length, peer)) = socket.recv_from(&mut buffer).await {
        let answer = buffer.get(..length).and_then(|asked| answer(asked, address));
        if let Some(answer) = answer {
            drop(socket.send_to(&answer, SocketAddr::new(peer.ip(), peer.port())).await);
        }
    }
}

fn answer(asked: &[u8], address: IpAddr) -> Option<Vec<u8>> {
    let labels = asked.get(HEAD..)?.iter().position(|&byte| byte == 0)?;
    let end = HEAD + labels + 5;
    let question = asked.get(HEAD..end)?;
    let is_a = question.get(labels + 1..labels + 3)? == [0, 1];
    let IpAddr::V4(address) = address else { return None };
    let mut answer = asked.get(..2)?.to_vec();
    // A response without recursion available; one question, an answer or none.
    answer.extend([0x84, 0x00, 0, 1, 0, u8::from(is_a), 0, 0, 0, 0]);
    answer.extend_from_slice(question);
    if is_a {
        answer.extend([0xc0, 0x0c, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4]);
        answer.extend(address.octets());
    }
    Some(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_for_an_address_gets_it_and_another_gets_nothing() {
        let mut asked = vec![7, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, b'a', 3, b'o', b'r', b'g', 0];
        asked.extend([0, 1, 0, 1]);
        let here = "127.0.0.1".parse().unwrap();
        assert!(answer(&asked, here).unwrap().ends_with(&[127, 0, 0, 1]));
        let kind = asked.len() - 3;
        asked[kind] = 28;
        assert_eq!(answer(&asked, here).unwrap().get(7), Some(&0));
        assert_eq!(answer(b"short", here), None);
    }
}

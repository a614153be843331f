//! A question of DNS: the answer leads to one of ours or nowhere, whatever was asked and however.

#![no_main]

use hickory_proto::op::{Message, MessageType, ResponseCode};
use hickory_proto::rr::{RData, rdata::A};
use libfuzzer_sys::fuzz_target;
use pipelock::Steering;
use pipelock_proxy::names::{Reply, reply};
use std::net::Ipv4Addr;

const HERE: Ipv4Addr = Ipv4Addr::new(10, 213, 0, 3);
const EGRESS: Ipv4Addr = Ipv4Addr::new(10, 213, 0, 4);

fn steer(name: &str) -> Steering {
    assert!(!name.contains(|c: char| c.is_ascii_uppercase() || c.is_control()), "{name:?}");
    match name {
        "docs.example.org" => Steering::Here(HERE),
        "api.example.org" => Steering::Egress(EGRESS),
        _ => Steering::Nowhere,
    }
}

fuzz_target!(|question: &[u8]| {
    let Some(Reply { bytes, asked }) = reply(question, steer) else { return };
    // An answer to an answer would be a loop.
    assert!(question[2] & 0x80 == 0);
    assert!(bytes.len() <= 1232.max(question.len() + 64), "{} of {}", bytes.len(), question.len());
    let answer = Message::from_vec(&bytes).expect("ours can be read");
    assert_eq!(answer.metadata.id.to_be_bytes(), question[..2]);
    assert_eq!(answer.metadata.message_type, MessageType::Response);
    assert!(answer.authorities.is_empty() && answer.additionals.is_empty());
    for record in &answer.answers {
        let at = match steer(&plain(&record.name.to_ascii())) {
            Steering::Here(at) | Steering::Egress(at) => at,
            Steering::Nowhere => panic!("a name that leads nowhere was answered"),
        };
        assert_eq!(record.data, RData::A(A(at)));
        assert_eq!(answer.metadata.response_code, ResponseCode::NoError);
    }
    let Some(asked) = asked else { return };
    assert!(!asked.name.contains(char::is_control), "{:?}", asked.name);
    if asked.steering == Steering::Nowhere {
        assert!(answer.answers.is_empty());
        assert_eq!(answer.metadata.response_code, ResponseCode::NXDomain);
    }
});

fn plain(name: &str) -> String {
    let name = name.to_ascii_lowercase();
    name.strip_suffix('.').unwrap_or(&name).to_owned()
}

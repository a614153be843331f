//! One question to one answer, on bytes alone.

use hickory_proto::{
    op::{Edns, Message, MessageType, OpCode, ResponseCode},
    rr::{DNSClass, RData, Record, RecordType, rdata::A},
};
use pipelock::Steering;

/// Short enough that a change of policy is seen at once, long enough for one connection.
const TTL: u32 = 1;
/// What a datagram of ours holds at most.
const PAYLOAD: u16 = 1232;
/// Where the flags and the code of a header end.
const HEADER: usize = 12;

/// An answer, and what was asked where it is worth a line.
#[derive(Debug)]
pub struct Reply {
    pub bytes: Vec<u8>,
    pub asked: Option<Asked>,
}

/// A question, as the log says it.
#[derive(Debug, Eq, PartialEq)]
pub struct Asked {
    /// In lower case, without the last dot, control characters escaped.
    pub name: String,
    /// `A`, `AAAA`, …
    pub kind: String,
    pub steering: Steering,
}

/// Answers one message; `None` where nothing may be sent back (an answer, or no header at all).
pub fn reply(question: &[u8], steer: impl Fn(&str) -> Steering) -> Option<Reply> {
    let Ok(message) = Message::from_vec(question) else { return malformed(question) };
    if message.metadata.message_type != MessageType::Query {
        return None;
    }
    let mut answer = Message::response(message.metadata.id, message.metadata.op_code);
    answer.metadata.recursion_desired = message.metadata.recursion_desired;
    answer.metadata.recursion_available = true;
    if message.edns.is_some() {
        let mut edns = Edns::new();
        edns.set_max_payload(PAYLOAD);
        answer.set_edns(edns);
    }
    let asked = match (message.metadata.op_code, message.queries.as_slice()) {
        (OpCode::Query, [query]) if query.query_class() == DNSClass::IN => {
            let name = query.name().to_ascii().to_ascii_lowercase();
            let name = name.strip_suffix('.').unwrap_or(&name).to_owned();
            let steering = if is_host(&name) { steer(&name) } else { Steering::Nowhere };
            answer.add_query(query.clone());
            fill(&mut answer, steering);
            Some(Asked { name, kind: query.query_type().to_string(), steering })
        }
        (OpCode::Query, [_]) => {
            answer.metadata.response_code = ResponseCode::Refused;
            None
        }
        (OpCode::Query, _) => {
            answer.metadata.response_code = ResponseCode::FormErr;
            None
        }
        _ => {
            answer.metadata.response_code = ResponseCode::NotImp;
            None
        }
    };
    let bytes = answer.to_vec().ok()?;
    Some(Reply { bytes, asked: asked.filter(worth_a_line) })
}

/// An address for `A`; for everything else of a name that is steered, no data.
fn fill(answer: &mut Message, steering: Steering) {
    let at = match steering {
        Steering::Nowhere => {
            answer.metadata.response_code = ResponseCode::NXDomain;
            return;
        }
        Steering::Here(at) | Steering::Egress(at) => at,
    };
    let Some(query) = answer.queries.first() else { return };
    if matches!(query.query_type(), RecordType::A | RecordType::ANY) {
        let record = Record::from_rdata(query.name().clone(), TTL, RData::A(A(at)));
        answer.add_answer(record);
    }
}

/// Every refused question is; of a steered name the one that is answered with an address.
fn worth_a_line(asked: &Asked) -> bool {
    asked.steering == Steering::Nowhere || asked.kind == "A"
}

/// Whether the name could be a host of a policy at all.
fn is_host(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
}

/// `FORMERR` for a message that has a header, and silence for one that has none.
fn malformed(question: &[u8]) -> Option<Reply> {
    let [high, low, flags, ..] = question.get(..HEADER)? else { return None };
    let is_answer = flags & 0x80 != 0;
    if is_answer {
        return None;
    }
    let id = u16::from_be_bytes([*high, *low]);
    let answer = Message::error_msg(id, OpCode::Query, ResponseCode::FormErr);
    Some(Reply { bytes: answer.to_vec().ok()?, asked: None })
}

#[cfg(test)]
mod tests {
    use super::*;
    use hickory_proto::{op::Query, rr::Name};
    use std::net::Ipv4Addr;

    const HERE: Ipv4Addr = Ipv4Addr::new(10, 213, 0, 3);
    const EGRESS: Ipv4Addr = Ipv4Addr::new(10, 213, 0, 4);

    fn steer(name: &str) -> Steering {
        match name {
            "docs.example.org" => Steering::Here(HERE),
            "api.example.org" => Steering::Egress(EGRESS),
            _ => Steering::Nowhere,
        }
    }

    fn ask(name: &str, kind: RecordType) -> (Message, Option<Asked>) {
        let mut message = Message::query();
        message.add_query(Query::query(Name::from_ascii(name).unwrap(), kind));
        let reply = reply(&message.to_vec().unwrap(), steer).unwrap();
        let answer = Message::from_vec(&reply.bytes).unwrap();
        assert_eq!(answer.metadata.id, message.metadata.id);
        (answer, reply.asked)
    }

    #[test]
    fn b1_a_name_that_is_not_allowed_does_not_exist_whatever_is_asked_of_it() {
        for kind in [
            RecordType::A,
            RecordType::AAAA,
            RecordType::TXT,
            RecordType::MX,
            RecordType::NULL,
            RecordType::ANY,
            RecordType::HTTPS,
        ] {
            let (answer, asked) = ask("MZXW6YTB.attacker.test.", kind);
            assert_eq!(answer.metadata.response_code, ResponseCode::NXDomain, "{kind}");
            assert!(answer.answers.is_empty());
            assert_eq!(asked.unwrap().name, "mzxw6ytb.attacker.test");
        }
    }

    #[test]
    fn an_allowed_name_leads_to_the_sidecar_that_handles_it() {
        for (name, at) in [("docs.example.ORG.", HERE), ("api.example.org.", EGRESS)] {
            let (answer, _) = ask(name, RecordType::A);
            assert_eq!(answer.metadata.response_code, ResponseCode::NoError);
            let record = &answer.answers[0];
            assert_eq!(record.data, RData::A(A(at)));
            assert_eq!(record.ttl, TTL);
        }
    }

    #[test]
    fn an_allowed_name_has_no_ipv6_and_no_other_records() {
        for kind in [RecordType::AAAA, RecordType::HTTPS, RecordType::TXT] {
            let (answer, asked) = ask("docs.example.org.", kind);
            assert_eq!(answer.metadata.response_code, ResponseCode::NoError, "{kind}");
            assert!(answer.answers.is_empty());
            assert_eq!(asked, None);
        }
    }

    #[test]
    fn a_name_with_odd_bytes_in_it_is_no_host() {
        let odd = Name::from_labels([&b"a\0b"[..], b"example", b"org"]).unwrap();
        let mut message = Message::query();
        message.add_query(Query::query(odd, RecordType::A));
        let reply = reply(&message.to_vec().unwrap(), |_| Steering::Here(HERE)).unwrap();
        assert_eq!(reply.asked.unwrap().steering, Steering::Nowhere);
    }

    #[test]
    fn what_is_no_question_is_not_answered_with_one() {
        let mut response = Message::response(7, OpCode::Query);
        response.add_query(Query::query(Name::from_ascii("a.").unwrap(), RecordType::A));
        assert!(reply(&response.to_vec().unwrap(), steer).is_none());
        assert!(reply(b"", steer).is_none());
        assert!(reply(&[0xff; 40], steer).is_none());
        let mut cut = vec![0, 9, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        cut.push(40);
        let answer = Message::from_vec(&reply(&cut, steer).unwrap().bytes).unwrap();
        assert_eq!(answer.metadata.response_code, ResponseCode::FormErr);
        let update = Message::new(3, MessageType::Query, OpCode::Update);
        let answer = reply(&update.to_vec().unwrap(), steer).unwrap();
        let answer = Message::from_vec(&answer.bytes).unwrap();
        assert_eq!(answer.metadata.response_code, ResponseCode::NotImp);
    }
}

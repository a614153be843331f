//! The resolver on sockets: what it answers, what it writes down, and that it asks nobody.

use crate::{client::PATIENCE, world::World};
use compose_render::Role;
use hickory_proto::{
    op::{Message, Query, ResponseCode},
    rr::{Name, RData, RecordType},
};
use pipelock_proxy::names::{serve_tcp, serve_udp};
use sidecar::{Log, Shutdown, Status};
use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream, UdpSocket},
    time::timeout,
};

const POLICY: &str = "api_allowlist: [docs.a.org, api.a.org]\n";
const BOTTLE: &str = "listen: {address: 127.0.0.3, dns: 53, tls: 443, http: 80}\n\
                      egress: 127.0.0.4\nrouted: [api.a.org]\n";

fn question(name: &str) -> Vec<u8> {
    let mut message = Message::query();
    message.add_query(Query::query(Name::from_ascii(name).unwrap(), RecordType::A));
    message.to_vec().unwrap()
}

async fn ask_udp(server: SocketAddr, name: &str) -> Message {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    socket.send_to(&question(name), server).await.unwrap();
    let mut buffer = [0; 1500];
    let (length, _) = timeout(PATIENCE, socket.recv_from(&mut buffer)).await.unwrap().unwrap();
    Message::from_vec(&buffer[..length]).unwrap()
}

#[tokio::test]
async fn b1_names_are_answered_at_once_and_asked_of_nobody() {
    let world = World::new(POLICY, BOTTLE).await;
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let server = socket.local_addr().unwrap();
    world.shutdown.spawn(serve_udp(socket, Arc::clone(&world.door), world.shutdown.clone()));
    let denied = ask_udp(server, "mzxw6ytb.attacker.test.").await;
    assert_eq!(denied.metadata.response_code, ResponseCode::NXDomain);
    for (name, at) in [("docs.a.org.", [127, 0, 0, 3]), ("API.a.org.", [127, 0, 0, 4])] {
        let answer = ask_udp(server, name).await;
        assert_eq!(answer.answers[0].data, RData::A(Ipv4Addr::from(at).into()), "{name}");
    }
    assert!(world.names.asked().is_empty());
    let line = world.reason("name-not-allowed").await;
    assert_eq!((&line["event"], &line["host"]), (&"dns".into(), &"mzxw6ytb.attacker.test".into()));
    assert_eq!((&line["method"], &line["client"]), (&"A".into(), &"127.0.0.1".into()));
}

#[tokio::test]
async fn tcp_carries_several_questions() {
    let world = World::new(POLICY, BOTTLE).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = listener.local_addr().unwrap();
    world.shutdown.spawn(serve_tcp(listener, Arc::clone(&world.door), world.shutdown.clone()));
    let mut stream = TcpStream::connect(server).await.unwrap();
    for (name, code) in [("docs.a.org.", ResponseCode::NoError), ("b.org.", ResponseCode::NXDomain)]
    {
        let question = question(name);
        let length = u16::try_from(question.len()).unwrap();
        stream.write_u16(length).await.unwrap();
        stream.write_all(&question).await.unwrap();
        let length = timeout(PATIENCE, stream.read_u16()).await.unwrap().unwrap();
        let mut answer = vec![0; usize::from(length)];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(Message::from_vec(&answer).unwrap().metadata.response_code, code, "{name}");
    }
}

#[tokio::test]
async fn a_question_that_is_too_long_ends_the_connection() {
    let world = World::new(POLICY, BOTTLE).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = listener.local_addr().unwrap();
    world.shutdown.spawn(serve_tcp(listener, Arc::clone(&world.door), world.shutdown.clone()));
    let mut stream = TcpStream::connect(server).await.unwrap();
    stream.write_u16(u16::MAX).await.unwrap();
    let mut rest = Vec::new();
    let read = timeout(PATIENCE, stream.read_to_end(&mut rest)).await.unwrap();
    assert!(read.is_err() || rest.is_empty());
}

#[tokio::test]
async fn b1_beside_another_pipelock_no_name_of_the_outside_exists() {
    let dir = tempfile::tempdir().unwrap();
    let status = Arc::new(Status::new("resolver", "0"));
    let log = Log::new(Role::Resolver, None, status, Some(dir.path()));
    let shutdown = Shutdown::new();
    let udp = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (at, over_tcp) = (udp.local_addr().unwrap(), tcp.local_addr().unwrap());
    pipelock_proxy::nowhere::serve(udp, tcp, log.clone(), &shutdown).unwrap();
    for name in ["example.org.", "api.anthropic.com.", "localhost.", "mzxw6ytb.attacker.test."] {
        let answer = ask_udp(at, name).await;
        assert_eq!(answer.metadata.response_code, ResponseCode::NXDomain, "{name}");
        assert!(answer.answers.is_empty());
    }
    assert!(TcpStream::connect(over_tcp).await.is_ok());
    log.flush();
    let lines = std::fs::read_to_string(dir.path().join("decisions.jsonl")).unwrap();
    assert!(lines.contains("name-not-allowed") && lines.contains("attacker.test"));
    shutdown.request();
}

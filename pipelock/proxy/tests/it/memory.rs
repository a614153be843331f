//! What the program itself needs of memory while large bodies pass it.

use crate::{
    client::{Agent, PATIENCE},
    origin::{Again, Answer, Origin},
};
use bytes::Bytes;
use ca::{Authority, Subject};
use compose_render::{Role, contract};
use http::{Request, Response};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use rustls::{RootCertStore, pki_types::CertificateDer};
use sidecar::Shutdown;
use std::{
    fmt::Write as _,
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
};
use time::OffsetDateTime;
use tls_intercept::{Body, body};
use tokio::{
    net::{TcpListener, TcpStream},
    time::timeout,
};

const HERE: &str = "127.0.0.1";
/// Many times what may be added to the memory.
const DOWN: u64 = 192 << 20;
const UP: u64 = 24 << 20;
/// What bodies may add, of whatever length they are.
const MOST_KB: u64 = 8 * 1024;

/// A pipelock of its own. It ends with the test.
struct Program {
    child: Child,
    proxy: SocketAddr,
}

impl Program {
    #[expect(clippy::disallowed_methods, reason = "the program that is tested")]
    async fn start(folder: &Path, proxy: SocketAddr, admin: u16) -> Self {
        let child = Command::new(env!("CARGO_BIN_EXE_pipelock-proxy"))
            .args(["run", "--config"])
            .arg(folder.join("pipelock.yaml"))
            .args(["--listen", &proxy.to_string()])
            .env(contract::ADMIN_PORT_VARIABLE, admin.to_string())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let serving = async {
            while TcpStream::connect(proxy).await.is_err() {
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        };
        timeout(PATIENCE, serving).await.expect("it does not start");
        Self { child, proxy }
    }

    /// The most it ever had resident, in KB.
    fn most(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().strip_suffix(" kB").unwrap().parse().unwrap()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

async fn free_port() -> u16 {
    TcpListener::bind((HERE, 0)).await.unwrap().local_addr().unwrap().port()
}

/// An address is dialled as it is, so that no name server is needed.
fn policy(folder: &Path, origin: &Origin, authority: &Authority) {
    let port = origin.address.port();
    let upstream = format!(
        "mode: strict\nforward_proxy: {{enabled: true}}\ntls_interception: {{enabled: true}}\n\
         api_allowlist: ['{HERE}']\nssrf: {{ip_allowlist: [127.0.0.0/8]}}\n"
    );
    let mut bottle =
        format!("version: 1\nports: [{{host: '{HERE}', port: {port}}}]\nupstream_ca: |\n");
    for line in origin.authority.lines() {
        writeln!(bottle, "  {line}").unwrap();
    }
    for (name, text) in [("pipelock.yaml", &upstream), ("bottle.yaml", &bottle)] {
        compose_run::replace(&folder.join(name), text.as_bytes(), 0o600).unwrap();
    }
    for file in authority.files().unwrap() {
        compose_run::replace(&folder.join(&file.path), file.contents().as_bytes(), 0o600).unwrap();
    }
}

/// One request through the program; how long its answer was.
async fn through(agent: &Agent, port: u16, request: Request<Body>) -> u64 {
    let tunnel = agent.connect(&format!("{HERE}:{port}")).await.unwrap();
    let stream = TokioIo::new(agent.tls(tunnel, HERE).await.unwrap());
    let (mut sender, connection) = hyper::client::conn::http1::handshake(stream).await.unwrap();
    Shutdown::new().spawn(async move { drop(connection.await) });
    let (mut parts, body) = request.into_parts();
    parts.headers.insert("host", format!("{HERE}:{port}").parse().unwrap());
    let sent = sender.send_request(Request::from_parts(parts, body));
    let answer = timeout(3 * PATIENCE, sent).await.unwrap().unwrap();
    assert_eq!(answer.status(), 200);
    let (mut body, mut len) = (answer.into_body(), 0);
    while let Some(frame) = timeout(3 * PATIENCE, body.frame()).await.unwrap() {
        len += frame.unwrap().data_ref().map_or(0, |data| data.len() as u64);
    }
    len
}

#[tokio::test(flavor = "multi_thread")]
async fn large_bodies_add_nothing_to_the_memory_that_grows_with_them() {
    let piece: Bytes =
        (0..1_u32 << 20).map(|at| at.wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect();
    let text: Bytes =
        "{\"role\": \"user\", \"content\": \"a sentence of a chat\"},\n".repeat(20_000).into();
    let answer: Answer = Arc::new(move |request: Request<Incoming>| {
        let piece = piece.clone();
        Box::pin(async move {
            let wants = request.method() == "GET";
            let mut body = request.into_body();
            while body.frame().await.is_some_and(|frame| frame.is_ok()) {}
            let left = if wants { DOWN } else { 32 };
            let response = Response::builder().header("content-type", "application/octet-stream");
            response.body(Again { piece, left }.boxed()).unwrap()
        })
    });
    let origin = Origin::new(Subject::Address(Ipv4Addr::LOCALHOST.into()), answer).await;
    let folder = tempfile::tempdir().unwrap();
    let now = OffsetDateTime::now_utc();
    let authority = Authority::mint(&"it".parse().unwrap(), Role::Pipelock, now).unwrap();
    policy(folder.path(), &origin, &authority);
    let proxy = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port().await));
    let program = Program::start(folder.path(), proxy, free_port().await).await;
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::clone(authority.certificate())).unwrap();
    let agent = Agent { proxy: program.proxy, roots };
    let port = origin.address.port();
    let get = || Request::get("/file").body(body::empty()).unwrap();
    let put = |left| {
        let body = Again { piece: text.clone(), left }.boxed();
        Request::put("/chat").header("content-type", "application/json").body(body).unwrap()
    };
    // What is compiled and kept at the first request of each kind is no body's.
    assert_eq!(through(&agent, port, put(1 << 20)).await, 32);
    let before = program.most();
    assert_eq!(through(&agent, port, get()).await, DOWN);
    assert_eq!(through(&agent, port, put(UP)).await, 32);
    let grown = program.most() - before;
    assert!(grown <= MOST_KB, "{grown} KB for {DOWN} and {UP} bytes, {before} KB before");
}

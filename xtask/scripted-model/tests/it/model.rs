//! What an agent sees of the model, and what the demo learns of it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::{CertificateDer, ServerName, pem::PemObject};
use scripted_model::{Expected, Model, Server, Setting, Step, Tool, digest, mint, tls_server};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;

const HOST: &str = "api.anthropic.com";

/// A running model and a client that trusts its authority.
struct Stage {
    server: Server,
    model: SocketAddr,
    sink: SocketAddr,
    client: TlsConnector,
}

impl Stage {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        mint(&"demo".parse().unwrap(), HOST, folder.path()).unwrap();
        let file = |name| folder.path().join(name);
        let tls = tls_server(&file("certificate.der"), &file("key.der")).unwrap();
        let server = Server::new(Model::new(setting()));
        let (listener, sink) = (local().await, local().await);
        let stage = Self {
            model: listener.local_addr().unwrap(),
            sink: sink.local_addr().unwrap(),
            client: client(&std::fs::read(file("authority.pem")).unwrap()),
            server,
        };
        stage.server.serve_model(listener, tls);
        stage.server.serve_sink(sink);
        stage
    }

    async fn ask(&self, host: &str, key: &str, body: &str) -> String {
        let stream = TcpStream::connect(self.model).await.unwrap();
        let name = ServerName::try_from(HOST).unwrap();
        let mut stream = self.client.connect(name, stream).await.unwrap();
        let length = body.len();
        let head = format!(
            "POST /v1/messages?beta=true HTTP/1.1\r\nhost: {host}\r\nx-api-key: {key}\r\n\
             user-agent: test/1\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        // The other side may close without TLS's good-bye.
        stream.read_to_end(&mut answer).await.ok();
        String::from_utf8(answer).unwrap()
    }
}

fn setting() -> Setting {
    let tool = Tool { name: "Bash".into(), input: json!({"command": "ls {{address}}"}) };
    let first = Step { say: "Looking.".into(), tools: vec![tool], hold: false };
    let last = Step { say: "Done.".into(), tools: vec![], hold: true };
    Setting {
        hosts: vec![HOST.into()],
        credential: Some(Expected { header: "x-api-key".into(), sha256: digest(b"right") }),
        sinks: vec![],
        scripts: [("work".to_owned(), vec![first, last])].into(),
        ..Setting::default()
    }
}

async fn local() -> TcpListener {
    TcpListener::bind(("127.0.0.1", 0)).await.unwrap()
}

fn client(authority: &[u8]) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    TlsConnector::from(Arc::new(config))
}

fn prompt() -> String {
    let messages = json!([{"role": "user", "content": "go [[work]]"}]);
    let tools = json!([{"name": "Bash"}]);
    json!({"model": "m", "stream": true, "tools": tools, "messages": messages}).to_string()
}

fn result() -> String {
    let block = json!({"type": "tool_result", "tool_use_id": "toolu_work_0_0", "content": "a b"});
    let messages = json!([{"role": "user", "content": [block]}]);
    let tools = json!([{"name": "Bash"}]);
    json!({"model": "m", "stream": true, "tools": tools, "messages": messages}).to_string()
}

#[tokio::test]
async fn plays_the_script_to_whoever_brings_the_credential() {
    let stage = Stage::new().await;
    let answer = stage.ask(HOST, "right", &prompt()).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    assert!(answer.contains("toolu_work_0_0"), "{answer}");
    assert!(answer.contains("event: message_stop"), "{answer}");
    let report = stage.server.model.record().snapshot();
    assert_eq!(report.calls, 1);
    assert!(report.requests[0].credential.expected);
    assert_eq!(report.requests[0].user_agent, "test/1");
}

#[tokio::test]
async fn refuses_another_credential_and_keeps_none() {
    let stage = Stage::new().await;
    let answer = stage.ask(HOST, "wrong-secret", &prompt()).await;
    assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
    let report = serde_json::to_string(&stage.server.model.record().snapshot()).unwrap();
    assert!(report.contains(r#""expected":false"#), "{report}");
    assert!(!report.contains("wrong-secret"), "{report}");
}

#[tokio::test]
async fn holds_a_step_until_it_is_released() {
    let stage = Stage::new().await;
    let record = Arc::clone(&stage.server.model);
    let body = result();
    let asked = stage.ask(HOST, "right", &body);
    let released = async {
        while !record.record().snapshot().holding {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        record.release();
    };
    let both = async { tokio::join!(asked, released).0 };
    let answer = tokio::time::timeout(Duration::from_mins(1), both).await.unwrap();
    assert!(answer.contains("Done."), "{answer}");
    assert_eq!(record.record().snapshot().tool_results[0].text, "a b");
}

#[tokio::test]
async fn notes_who_came_for_another_name_or_to_the_sink() {
    let stage = Stage::new().await;
    let answer = stage.ask("exfil.example.com", "right", "{}").await;
    assert!(answer.contains("arrived"), "{answer}");
    let mut stream = TcpStream::connect(stage.sink).await.unwrap();
    stream.write_all(b"GET /n0nce HTTP/1.1\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let arrivals = stage.server.model.record().snapshot().arrivals;
    assert_eq!(arrivals[0].what, "POST https://exfil.example.com/v1/messages");
    assert_eq!(arrivals[1].what, "GET /n0nce HTTP/1.1");
}

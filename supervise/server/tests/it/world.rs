//! A server on a port of its own, its folders, and a client that writes bytes.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use compose_render::Role;
use serde_json::{Value, json};
use sidecar::{Log, Shutdown, Status};
use supervise::{Answer, AnswerVerdict};
use supervise_server::{Desk, serve};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// One server.
pub(crate) struct World {
    pub(crate) address: SocketAddr,
    folder: tempfile::TempDir,
    shutdown: Shutdown,
}

impl World {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["outbox", "inbox", "watched/pipelock"] {
            std::fs::create_dir_all(folder.path().join(name)).unwrap();
        }
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shutdown = Shutdown::new();
        let status = Arc::new(Status::new("supervise", "0"));
        let log = Log::new(Role::Supervise, None, status, None);
        let [outbox, inbox, watched] =
            ["outbox", "inbox", "watched"].map(|name| folder.path().join(name));
        let desk = Arc::new(Desk::new(&outbox, &inbox, &watched, log, shutdown.clone()));
        shutdown.spawn(serve(listener, desk));
        Self { address, folder, shutdown }
    }

    pub(crate) fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    /// What the host would write.
    pub(crate) fn write(&self, name: &str, text: &str) {
        write(&self.path(name), text);
    }

    pub(crate) fn answer(&self, id: &str, verdict: AnswerVerdict, reason: &str) {
        let id: supervise::ProposalId = id.parse().unwrap();
        let file = format!("inbox/{}", id.answer_file());
        let answer = Answer {
            id,
            verdict,
            reason: reason.to_owned(),
            answered: 1,
            until: None,
            push: None,
            by: None,
        };
        self.write(&file, &answer.to_json());
    }

    /// Sends those bytes; returns the status, the head and the body.
    pub(crate) async fn send(&self, bytes: &[u8]) -> (u16, String, String) {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        // A server that has seen enough closes before all is written.
        drop(stream.write_all(bytes).await);
        let mut answer = Vec::new();
        drop(stream.read_to_end(&mut answer).await);
        let text = String::from_utf8_lossy(&answer).into_owned();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0);
        (status, head.to_owned(), body.to_owned())
    }

    /// A request with those headers in the place of the usual ones' end.
    pub(crate) async fn post(&self, headers: &[(&str, &str)], body: &str) -> (u16, String, String) {
        let mut head = "POST /mcp HTTP/1.1\r\nconnection: close\r\n".to_owned();
        let usual = [
            ("host", "supervise:8765"),
            ("content-type", "application/json"),
            ("accept", "application/json, text/event-stream"),
        ];
        let kept = usual.iter().filter(|(name, _)| headers.iter().all(|(other, _)| other != name));
        for (name, value) in kept.chain(headers) {
            write!(head, "{name}: {value}\r\n").unwrap();
        }
        write!(head, "content-length: {}\r\n\r\n{body}", body.len()).unwrap();
        self.send(head.as_bytes()).await
    }

    pub(crate) async fn rpc(&self, method: &str, params: Value) -> Value {
        let request = json!({"jsonrpc": "2.0", "id": 7, "method": method, "params": params});
        let (status, _, body) = self.post(&[], &request.to_string()).await;
        assert_eq!(status, 200, "{body}");
        let answer = match serde_json::from_str(&body) {
            Ok(answer) => answer,
            Err(_) => events(&body).pop().unwrap(),
        };
        assert_eq!(answer["id"], 7);
        answer
    }

    /// A tool's answer, and whether it is an error.
    pub(crate) async fn tool(&self, name: &str, arguments: Value) -> (Value, bool) {
        let answer = self.rpc("tools/call", json!({"name": name, "arguments": arguments})).await;
        let result = &answer["result"];
        let text: Value =
            serde_json::from_str(result["content"][0]["text"].as_str().unwrap()).unwrap();
        assert_eq!(text, result["structuredContent"]);
        (text, result["isError"].as_bool().unwrap())
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.shutdown.request();
    }
}

/// The messages of an event stream; a word in it that is not the stream's own is a fault.
pub(crate) fn events(body: &str) -> Vec<Value> {
    let mut messages = Vec::new();
    for line in body.lines() {
        match line.split_once(':') {
            Some(("data", data)) => messages.push(serde_json::from_str(data.trim()).unwrap()),
            Some(("id" | "event" | "retry" | "", _)) => {}
            // The length of a chunk, or the end of an event.
            None if line.bytes().all(|byte| byte.is_ascii_hexdigit()) => {}
            _ => panic!("`{line}` in an event stream"),
        }
    }
    messages
}

#[expect(clippy::disallowed_methods, reason = "in a folder that nobody else looks into")]
fn write(path: &Path, text: &str) {
    let staged = path.with_extension("staged");
    std::fs::write(&staged, text).unwrap();
    std::fs::rename(&staged, path).unwrap();
}

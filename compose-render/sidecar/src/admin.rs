//! Health, status and metrics on loopback: `docker exec` reaches them, the networks do not.

mod client;

pub use self::client::{healthcheck, print_status};

use crate::{Shutdown, Status};
use compose_render::contract;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// Where the admin server listens.
pub const ADMIN_ADDRESS: SocketAddr =
    SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::LOCALHOST, contract::ADMIN_PORT));

/// The longest request head that is read.
const HEAD_LIMIT: usize = 2048;
/// What one exchange may take.
const EXCHANGE: Duration = Duration::from_secs(5);

/// Answers `/health`, `/status` and `/metrics` until the drain is over.
///
/// While draining, health says 503: no longer ready, not yet gone.
pub async fn serve_admin(listener: TcpListener, status: Arc<Status>, shutdown: Shutdown) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = shutdown.requested() => return,
        };
        match accepted {
            Ok((stream, _)) => {
                let status = Arc::clone(&status);
                shutdown.spawn(tokio::time::timeout(EXCHANGE, exchange(stream, status)));
            }
            // Out of descriptors, most likely: give others a moment to close theirs.
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

async fn exchange(mut stream: TcpStream, status: Arc<Status>) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        if head.len() > HEAD_LIMIT || stream.read_buf(&mut head).await? == 0 {
            return Ok(());
        }
    }
    let answer = answer(&head, &status);
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await
}

fn answer(head: &[u8], status: &Status) -> String {
    let json = "application/json";
    let (code, kind, body) = if head.starts_with(b"GET /health ") {
        if status.is_ready() {
            ("200 OK", json, r#"{"status":"healthy"}"#.to_owned())
        } else {
            ("503 Service Unavailable", json, r#"{"status":"starting"}"#.to_owned())
        }
    } else if head.starts_with(b"GET /status ") {
        ("200 OK", json, status.to_json())
    } else if head.starts_with(b"GET /metrics ") {
        ("200 OK", "text/plain; version=0.0.4", status.to_metrics())
    } else {
        ("404 Not Found", json, r#"{"error":"not found"}"#.to_owned())
    };
    let length = body.len();
    format!(
        "HTTP/1.1 {code}\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
    )
}

#[cfg(test)]
mod tests {
    use super::client::fetch;
    use super::*;

    #[tokio::test]
    async fn a6_the_admin_server_answers_on_the_loop_alone() {
        let mut address = ADMIN_ADDRESS;
        address.set_port(0);
        let listener = TcpListener::bind(address).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let reached = async |host: [u8; 4]| TcpStream::connect((Ipv4Addr::from(host), port)).await;
        assert!(reached([127, 0, 0, 1]).await.is_ok());
        // Another address of the same machine: what listens on all of them answers there.
        assert!(reached([127, 0, 0, 2]).await.is_err());
        let everywhere = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).await.unwrap();
        let port = everywhere.local_addr().unwrap().port();
        assert!(TcpStream::connect(("127.0.0.2", port)).await.is_ok(), "the test can fail");
    }

    #[tokio::test]
    async fn health_turns_with_readiness_and_status_is_json() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let status = Arc::new(Status::new("egress", "0.1.0"));
        let shutdown = Shutdown::new();
        shutdown.spawn(serve_admin(listener, Arc::clone(&status), shutdown.clone()));
        let ask = move |path: &'static str| {
            tokio::task::spawn_blocking(move || fetch(address, path).unwrap())
        };
        assert_eq!(ask("/health").await.unwrap().0, 503);
        status.set_ready();
        assert_eq!(ask("/health").await.unwrap().0, 200);
        let (code, body) = ask("/status").await.unwrap();
        assert_eq!(code, 200);
        assert_eq!(serde_json::from_str::<serde_json::Value>(&body).unwrap()["service"], "egress");
        let metrics = ask("/metrics").await.unwrap().1;
        assert!(metrics.contains("bottle_up") && !metrics.contains("pipelock_"));
        let pipelock = Status::new("pipelock", "0.1.0").to_metrics();
        assert!(pipelock.contains("pipelock_requests_total{result=\"blocked\"} 0\n"), "{pipelock}");
        assert_eq!(ask("/approve").await.unwrap().0, 404);
        shutdown.request();
        assert_eq!(shutdown.drain(Duration::from_secs(30)).await, 0);
    }
}

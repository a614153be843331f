//! The asking half: what the binary does when it is called with `healthcheck` or `status`.

use super::ADMIN_ADDRESS;
use anyhow::{Context as _, bail};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// What one question may take: `docker exec` waits for us.
const DEADLINE: Duration = Duration::from_secs(3);
/// More than any answer of ours.
const ANSWER_LIMIT: u64 = 1024 * 1024;

/// Succeeds when the sidecar in this container says that it is ready.
pub fn healthcheck() -> anyhow::Result<()> {
    let (code, body) = fetch(ADMIN_ADDRESS, "/health")?;
    if code != 200 {
        bail!("not ready: {body}");
    }
    Ok(())
}

/// Prints the status of the sidecar in this container as one line of JSON.
pub fn print_status() -> anyhow::Result<()> {
    let (code, body) = fetch(ADMIN_ADDRESS, "/status")?;
    if code != 200 {
        bail!("no status: {body}");
    }
    writeln!(std::io::stdout(), "{body}").context("cannot write to stdout")
}

pub(super) fn fetch(address: SocketAddr, path: &str) -> anyhow::Result<(u16, String)> {
    let unanswered = || format!("no answer on `{address}`: the sidecar does not run here");
    let mut stream = TcpStream::connect_timeout(&address, DEADLINE).with_context(unanswered)?;
    stream.set_read_timeout(Some(DEADLINE))?;
    stream.set_write_timeout(Some(DEADLINE))?;
    write!(stream, "GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n").with_context(unanswered)?;
    let mut answer = String::new();
    stream.take(ANSWER_LIMIT).read_to_string(&mut answer).with_context(unanswered)?;
    let (head, body) = answer.split_once("\r\n\r\n").context("the answer is cut off")?;
    let code = head.split(' ').nth(1).and_then(|code| code.parse().ok());
    Ok((code.context("the answer has no status")?, body.to_owned()))
}

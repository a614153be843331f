//! Asks the model that runs in this container: `report`, `release`, `healthcheck`.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, bail};

const PATIENCE: Duration = Duration::from_secs(10);

/// Returns the body of the answer.
pub fn ask(control: SocketAddr, path: &str) -> anyhow::Result<String> {
    let mut stream = TcpStream::connect_timeout(&control, PATIENCE)
        .with_context(|| format!("cannot reach the model at `{control}`"))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(stream, "GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).context("cannot read the model's answer")?;
    let Some((head, body)) = answer.split_once("\r\n\r\n") else { bail!("half an answer") };
    if !head.starts_with("HTTP/1.1 200") {
        bail!("the model answered `{}`", head.lines().next().unwrap_or_default());
    }
    Ok(body.to_owned())
}

//! Takes the way that must be there: one request through the sidecars, as the agent would make it.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde::Deserialize;

use super::State;

/// The most of a response's head that is read.
const HEAD_LIMIT: usize = 16 << 10;

/// What the names of these attempts begin with.
pub(super) const LABEL: &str = "way ";

/// A request for something that the bottle's policy allows.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Way {
    pub(super) label: String,
    /// The proxy the agent is told of.
    pub(super) proxy: SocketAddr,
    pub(super) host: String,
    pub(super) method: String,
    pub(super) path: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: String,
    /// The bundle the agent trusts.
    pub(super) roots: PathBuf,
}

impl Way {
    pub(super) fn take(&self, within: Duration) -> State {
        self.request(within).unwrap_or_else(|error| State::Failed(format!("{error:#}")))
    }

    fn request(&self, within: Duration) -> anyhow::Result<State> {
        let mut stream =
            TcpStream::connect_timeout(&self.proxy, within).context("cannot reach the proxy")?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(within))?;
        stream.set_write_timeout(Some(within))?;
        let host = &self.host;
        write!(stream, "CONNECT {host}:443 HTTP/1.1\r\nhost: {host}:443\r\n\r\n")?;
        let answer = head(&mut stream).context("the proxy did not answer")?;
        let State::Answered { status: 200, .. } = read(&answer)? else {
            return read(&answer);
        };

        let name = ServerName::try_from(host.clone()).context("no host name")?;
        let client = ClientConnection::new(Arc::new(tls(&self.roots)?), name)?;
        let mut stream = StreamOwned::new(client, stream);
        let mut request = format!(
            "{} {} HTTP/1.1\r\nhost: {host}\r\nuser-agent: bottle-probe\r\naccept: */*\r\nconnection: close\r\n",
            self.method, self.path
        );
        for (name, value) in &self.headers {
            request.extend([name.as_str(), ": ", value.as_str(), "\r\n"]);
        }
        if !self.body.is_empty() {
            request.extend(["content-length: ", &self.body.len().to_string(), "\r\n"]);
        }
        let request = format!("{request}\r\n{}", self.body);
        stream.write_all(request.as_bytes()).context("cannot speak TLS with the proxy")?;
        read(&head(&mut stream).context("no answer came through")?)
    }
}

fn tls(roots: &Path) -> anyhow::Result<ClientConfig> {
    let mut store = RootCertStore::empty();
    let certificates = CertificateDer::pem_file_iter(roots)
        .with_context(|| format!("cannot read `{}`", roots.display()))?;
    store.add_parsable_certificates(certificates.flatten());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(store)
        .with_no_client_auth())
}

/// Reads byte by byte up to the empty line: what follows belongs to the next layer.
fn head(stream: &mut impl Read) -> anyhow::Result<String> {
    let mut bytes = Vec::new();
    let mut byte = [0];
    while !bytes.ends_with(b"\r\n\r\n") {
        if bytes.len() == HEAD_LIMIT {
            bail!("its head does not end");
        }
        stream.read_exact(&mut byte)?;
        bytes.push(byte[0]);
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn read(head: &str) -> anyhow::Result<State> {
    let mut lines = head.lines();
    let status = lines
        .next()
        .and_then(|line| line.split(' ').nth(1))
        .and_then(|status| status.parse().ok())
        .context("no status line")?;
    let denied = lines.filter_map(|line| line.split_once(':')).find_map(|(name, value)| {
        name.eq_ignore_ascii_case("x-bottle-denied").then(|| value.trim().to_owned())
    });
    Ok(State::Answered { status, denied })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_status_and_the_reason_of_a_denial() {
        let denied = read("HTTP/1.1 403 Forbidden\r\nX-Bottle-Denied: host-not-allowed\r\n\r\n");
        let reason = Some("host-not-allowed".to_owned());
        assert_eq!(denied.unwrap(), State::Answered { status: 403, denied: reason });
        let passed = read("HTTP/1.1 404 Not Found\r\n\r\n").unwrap();
        assert_eq!(passed, State::Answered { status: 404, denied: None });
        assert!(read("SSH-2.0-x\r\n\r\n").is_err());
    }
}

//! What the guest binary is asked for and what it answers: the same types as in `bottle-guest`.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

/// What is to be tried.
#[derive(Debug, Serialize)]
pub(super) struct Spec {
    pub nonce: String,
    pub tcp: Vec<SocketAddr>,
    pub udp: Vec<SocketAddr>,
    pub name: Option<String>,
    pub ways: Vec<Way>,
    pub grace_ms: u64,
    pub watch_ms: u64,
}

/// A way that must be there.
#[derive(Debug, Serialize)]
pub(super) struct Way {
    pub label: String,
    pub proxy: SocketAddr,
    pub host: String,
    pub method: String,
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
    pub roots: String,
}

/// How the attempts stand, by name: `tcp 10.0.0.1:80`, `udp …`, `name …`, `way …`.
#[derive(Debug, Deserialize)]
pub(super) struct Report {
    pub last: bool,
    pub attempts: BTreeMap<String, State>,
}

/// How one stands.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub(super) enum State {
    Pending,
    Arrived,
    /// A datagram left the socket; only the listener knows more.
    Sent,
    Failed(String),
    Answered {
        status: u16,
        denied: Option<String>,
    },
}

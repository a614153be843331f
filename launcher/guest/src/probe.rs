//! Tries, from where the agent stands, every way out that must not be there.
//!
//! All attempts begin at once. After the grace time one line of JSON says how each stands, and what
//! still hangs is watched on: a connect towards an address that nobody owns takes three seconds
//! to fail. A last line says how it ended. The launcher believes arrivals, not these lines alone.

mod attempt;
mod way;

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use serde::{Deserialize, Serialize};

/// How long the control has, which must arrive.
const REACH_DEADLINE: Duration = Duration::from_secs(2);

/// What the launcher asks for; it holds the same type.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Spec {
    nonce: String,
    tcp: Vec<SocketAddr>,
    udp: Vec<SocketAddr>,
    /// A name that no resolver of a bottle may answer.
    name: Option<String>,
    /// What must get through.
    ways: Vec<way::Way>,
    grace_ms: u64,
    watch_ms: u64,
}

/// How one attempt ended, or that it has not.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum State {
    Pending,
    /// It got through: bad for all but the way that must be there.
    Arrived,
    /// A datagram left. Whether it arrived only the other side knows.
    Sent,
    Failed(String),
    /// What came back by the way that must be there: a status, and the reason of a denial.
    Answered {
        status: u16,
        denied: Option<String>,
    },
}

#[derive(Debug, Serialize)]
struct Report<'a> {
    last: bool,
    attempts: &'a BTreeMap<String, State>,
}

/// Runs the attempts of `spec`, which is JSON.
pub(crate) fn run(spec: &str) -> anyhow::Result<()> {
    let spec: Spec = serde_json::from_str(spec).context("cannot read what is to be tried")?;
    let watch = Duration::from_millis(spec.watch_ms);
    let (sender, results) = mpsc::channel();
    let mut states = BTreeMap::new();
    let mut start = |label: String, attempt: Box<dyn FnOnce() -> State + Send>| {
        states.insert(label.clone(), State::Pending);
        let sender = sender.clone();
        thread::spawn(move || {
            // Nobody listens any more when the watch is over.
            drop(sender.send((label, attempt())));
        });
    };
    for to in spec.tcp {
        let nonce = spec.nonce.clone();
        start(format!("tcp {to}"), Box::new(move || attempt::tcp(to, &nonce, watch)));
    }
    for to in spec.udp {
        let nonce = spec.nonce.clone();
        start(format!("udp {to}"), Box::new(move || attempt::udp(to, &nonce)));
    }
    if let Some(name) = spec.name {
        start(format!("name {name}"), Box::new(move || attempt::name(&name, watch)));
    }
    for way in spec.ways {
        start(way.label.clone(), Box::new(move || way.take(watch)));
    }

    let began = Instant::now();
    let grace = began + Duration::from_millis(spec.grace_ms);
    while take(&results, &mut states, grace).is_some() {}
    say(&states, false)?;
    while let Some(label) = take(&results, &mut states, began + watch) {
        // Somebody may wait for what must get through.
        if label.starts_with(way::LABEL) {
            say(&states, false)?;
        }
    }
    say(&states, true)
}

/// Takes one result. Nothing once all are in or the time is over.
fn take(
    results: &mpsc::Receiver<(String, State)>,
    states: &mut BTreeMap<String, State>,
    until: Instant,
) -> Option<String> {
    if !states.values().any(|state| *state == State::Pending) {
        return None;
    }
    let left = until.saturating_duration_since(Instant::now());
    match results.recv_timeout(left) {
        Ok((label, state)) => {
            states.insert(label.clone(), state);
            Some(label)
        }
        Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => None,
    }
}

fn say(attempts: &BTreeMap<String, State>, last: bool) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    serde_json::to_writer(&mut out, &Report { last, attempts }).context("cannot report")?;
    out.write_all(b"\n").and_then(|()| out.flush()).context("cannot report")
}

/// Connects to the first of these addresses that answers and leaves the nonce there: the control,
/// from where it must work.
pub(crate) fn reach(nonce: &str, addresses: &[&str]) -> anyhow::Result<()> {
    let (sender, results) = mpsc::channel();
    for address in addresses {
        let to: SocketAddr =
            address.parse().with_context(|| format!("`{address}` is no address with a port"))?;
        let (sender, nonce) = (sender.clone(), nonce.to_owned());
        thread::spawn(move || drop(sender.send(attempt::tcp(to, &nonce, REACH_DEADLINE))));
    }
    drop(sender);
    if results.iter().any(|state| state == State::Arrived) {
        return Ok(());
    }
    bail!("none of {addresses:?} was reached");
}

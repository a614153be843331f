//! `pipelock.yaml`: upstream's schema, read key by key, so that the same file serves either program.
//!
//! Where upstream is laxer than a bottle may be, the stricter reading is the one in force: the
//! allowlist holds in every mode and an empty one allows nothing, `internal` adds to the networks
//! that are refused and never takes away, and nothing passes unread.

mod entries;
mod schema;
mod walk;

use crate::{Action, CA_FILE, CA_KEY_FILE, Exception, Fault, Pattern, ResponseAction};
use compose_render::HostPattern;
use ipnet::IpNet;
use schema::ROOT;
use serde_yaml::{Mapping, Value};
use std::{fmt::Display, net::SocketAddr, str::FromStr};
use walk::Found;

/// Where the proxy listens when nothing says so, as upstream does.
const DEFAULT_LISTEN: ([u8; 4], u16) = ([127, 0, 0, 1], 8888);
/// How long a tunnel may lie idle when nothing says so, as upstream has it.
const DEFAULT_IDLE_SECONDS: u64 = 120;

/// What of the file has an effect.
#[derive(Debug)]
pub(crate) struct Wanted {
    pub(crate) allow: Vec<HostPattern>,
    pub(crate) blocked: Vec<HostPattern>,
    pub(crate) ssrf_allow: Vec<IpNet>,
    pub(crate) ssrf_deny: Vec<IpNet>,
    pub(crate) listen: SocketAddr,
    pub(crate) ca_cert: String,
    pub(crate) ca_key: String,
    pub(crate) idle_seconds: u64,
    pub(crate) tunnel_seconds: Option<u64>,
    pub(crate) requests: Action,
    pub(crate) responses: ResponseAction,
    pub(crate) unscanned: Vec<HostPattern>,
    pub(crate) passthrough: Vec<HostPattern>,
    pub(crate) patterns: Vec<Pattern>,
    pub(crate) exceptions: Vec<Exception>,
}

/// The file as read.
#[derive(Debug)]
pub(crate) struct Upstream {
    pub(crate) wanted: Wanted,
    pub(crate) not_enforced: Vec<String>,
}

/// Reads the file, or says everything that is wrong with it.
pub(crate) fn read(text: &str) -> Result<Upstream, Vec<Fault>> {
    let mut found = Found::default();
    let root = match serde_yaml::from_str::<Value>(text) {
        Ok(Value::Mapping(root)) => root,
        Ok(Value::Null) => Mapping::new(),
        Ok(_) => {
            found.fault("", "is not a document with keys");
            return Err(found.faults);
        }
        Err(error) => {
            found.fault("", error.to_string());
            return Err(found.faults);
        }
    };
    found.section("", &root, ROOT);
    let wanted = Reader { root: &root, found: &mut found }.wanted();
    if found.faults.is_empty() {
        Ok(Upstream { wanted, not_enforced: found.not_enforced })
    } else {
        Err(found.faults)
    }
}

/// Takes the values that have an effect; a value of the wrong kind is a fault already.
struct Reader<'a> {
    root: &'a Mapping,
    found: &'a mut Found,
}

impl<'a> Reader<'a> {
    fn wanted(&mut self) -> Wanted {
        self.mode();
        self.required("forward_proxy.enabled", "without it there is nothing to serve");
        self.required("tls_interception.enabled", "every request is judged, none passes unread");
        let stopped = self.at("kill_switch.enabled").and_then(Value::as_bool) == Some(true);
        let allow = self.parsed("api_allowlist");
        let (patterns, mut exceptions) = self.patterns();
        exceptions.extend(self.suppressed(&patterns));
        Wanted {
            // The kill switch is the allowlist that is empty.
            allow: if stopped { Vec::new() } else { allow },
            blocked: self.parsed("fetch_proxy.monitoring.blocklist"),
            ssrf_allow: self.networks("ssrf.ip_allowlist"),
            ssrf_deny: self.networks("internal"),
            listen: self.listen(),
            ca_cert: self.text("tls_interception.ca_cert").unwrap_or(CA_FILE).to_owned(),
            ca_key: self.text("tls_interception.ca_key").unwrap_or(CA_KEY_FILE).to_owned(),
            idle_seconds: self.idle_seconds(),
            tunnel_seconds: self
                .at("forward_proxy.max_tunnel_seconds")
                .and_then(Value::as_u64)
                .filter(|&seconds| seconds > 0),
            requests: self.word(
                "request_body_scanning.action",
                &[("warn", Action::Warn), ("block", Action::Block)],
            ),
            responses: self.word(
                "response_scanning.action",
                &[
                    ("warn", ResponseAction::Warn),
                    ("strip", ResponseAction::Strip),
                    ("block", ResponseAction::Block),
                    // There is nobody to ask in a sidecar, so the answer is no.
                    ("ask", ResponseAction::Block),
                ],
            ),
            unscanned: self.parsed("response_scanning.exempt_domains"),
            passthrough: self.parsed("tls_interception.passthrough_domains"),
            patterns,
            exceptions,
        }
    }

    fn at(&self, path: &str) -> Option<&'a Value> {
        let mut keys = path.split('.');
        let first = self.root.get(keys.next()?)?;
        keys.try_fold(first, |value, key| value.as_mapping()?.get(key))
    }

    fn text(&self, path: &str) -> Option<&'a str> {
        self.at(path).and_then(Value::as_str)
    }

    fn mode(&mut self) {
        match self.text("mode") {
            Some("strict") => {}
            None | Some("balanced" | "audit") => self
                .found
                .not_enforced
                .push("mode: the allowlist is enforced in every mode".to_owned()),
            Some(_) => self.found.fault("mode", "must be `strict`, `balanced` or `audit`"),
        }
    }

    fn required(&mut self, path: &str, why: &str) {
        if self.at(path).and_then(Value::as_bool) != Some(true) {
            self.found.fault(path, format!("must be `true`: {why}"));
        }
    }

    /// Each text of a list, parsed; the fault names its place.
    fn parsed<T: FromStr<Err: Display>>(&mut self, path: &str) -> Vec<T> {
        self.parsed_of(path, self.at(path))
    }

    fn parsed_of<T: FromStr<Err: Display>>(&mut self, path: &str, list: Option<&Value>) -> Vec<T> {
        let list = list.and_then(Value::as_sequence).into_iter().flatten();
        let mut values = Vec::new();
        for (nth, text) in list.map(Value::as_str).enumerate() {
            let Some(text) = text else { continue };
            match text.parse::<T>() {
                Ok(value) => values.push(value),
                Err(error) => {
                    self.found.fault(&format!("{path}[{nth}]"), error.to_string());
                }
            }
        }
        values
    }

    /// Networks in their canonical form, as upstream demands: no bare address, no host bits, and
    /// not everything there is.
    fn networks(&mut self, path: &str) -> Vec<IpNet> {
        let networks: Vec<IpNet> = self.parsed(path);
        for network in &networks {
            if network.prefix_len() == 0 {
                self.found.fault(path, format!("`{network}` is every address there is"));
            } else if network.trunc() != *network {
                self.found.fault(path, format!("`{network}` has host bits set"));
            }
        }
        networks
    }

    fn listen(&mut self) -> SocketAddr {
        let Some(text) = self.text("fetch_proxy.listen").map(str::to_owned) else {
            return DEFAULT_LISTEN.into();
        };
        // Go reads `:8888` as every address.
        let full = if text.starts_with(':') { format!("0.0.0.0{text}") } else { text };
        full.parse().unwrap_or_else(|_| {
            self.found.fault("fetch_proxy.listen", "must be an address and a port");
            DEFAULT_LISTEN.into()
        })
    }

    fn idle_seconds(&self) -> u64 {
        let written = self.at("forward_proxy.idle_timeout_seconds").and_then(Value::as_u64);
        written.filter(|&seconds| seconds > 0).unwrap_or(DEFAULT_IDLE_SECONDS)
    }

    fn word<T: Copy + Default>(&mut self, path: &str, words: &[(&str, T)]) -> T {
        let Some(text) = self.text(path) else { return T::default() };
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == text) {
            return *value;
        }
        let known: Vec<_> = words.iter().map(|(word, _)| format!("`{word}`")).collect();
        self.found.fault(path, format!("must be one of {}", known.join(", ")));
        T::default()
    }
}

#[cfg(test)]
mod tests;

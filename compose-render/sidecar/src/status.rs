//! What a sidecar says of itself: configuration in force, readiness, counts.

use crate::Event;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// The sidecar's state as `status --json`, `/health` and `/metrics` show it.
#[derive(Debug)]
pub struct Status {
    service: &'static str,
    version: &'static str,
    started: Instant,
    ready: AtomicBool,
    generation: AtomicU64,
    events: [AtomicU64; Event::ALL.len()],
    config: Mutex<Config>,
    gauges: Mutex<BTreeMap<&'static str, u64>>,
    figures: Mutex<Figures>,
}

/// Numbers by the route they are of, and their name.
type Figures = BTreeMap<String, BTreeMap<&'static str, u64>>;

#[derive(Clone, Debug, Default, Serialize)]
struct Config {
    /// Of what is in force.
    digest: Option<String>,
    /// Of the file that was refused last, until one is loaded again.
    refused_digest: Option<String>,
    refused_because: Option<String>,
}

#[derive(Serialize)]
struct Report<'a> {
    service: &'a str,
    version: &'a str,
    ready: bool,
    uptime_seconds: u64,
    generation: u64,
    #[serde(rename = "config_digest")]
    digest: Option<String>,
    refused_digest: Option<String>,
    refused_because: Option<String>,
    counts: BTreeMap<&'a str, u64>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    routes: Figures,
}

impl Status {
    /// A sidecar that is not ready yet.
    pub fn new(service: &'static str, version: &'static str) -> Self {
        Self {
            service,
            version,
            started: Instant::now(),
            ready: AtomicBool::new(false),
            generation: AtomicU64::new(0),
            events: std::array::from_fn(|_| AtomicU64::new(0)),
            config: Mutex::default(),
            gauges: Mutex::default(),
            figures: Mutex::default(),
        }
    }

    /// Says that requests are answered from now on: `healthcheck` succeeds.
    pub fn set_ready(&self) {
        self.ready.store(true, Ordering::Release);
    }

    /// Whether requests are answered.
    pub fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Acquire)
    }

    /// Says which configuration is in force. `generation` grows with each.
    pub fn config_loaded(&self, digest: &str, generation: u64) {
        *self.config() = Config { digest: Some(digest.to_owned()), ..Config::default() };
        self.generation.store(generation, Ordering::Release);
    }

    /// Says that a newer configuration was refused; the one in force stays.
    pub fn config_refused(&self, digest: &str, because: &str) {
        let mut config = self.config();
        config.refused_digest = Some(digest.to_owned());
        config.refused_because = Some(because.to_owned());
    }

    /// The digest of the configuration in force.
    pub fn config_digest(&self) -> Option<String> {
        self.config().digest.clone()
    }

    /// The generation in force.
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Shows a number of the sidecar's own under this name (snake case).
    pub fn set_gauge(&self, name: &'static str, value: u64) {
        self.gauges.lock().unwrap_or_else(PoisonError::into_inner).insert(name, value);
    }

    /// Shows numbers of one route, which a manifest names and no agent.
    pub fn set_figures(&self, route: &str, figures: impl IntoIterator<Item = (&'static str, u64)>) {
        let mut all = self.figures.lock().unwrap_or_else(PoisonError::into_inner);
        all.entry(route.to_owned()).or_default().extend(figures);
    }

    pub(crate) fn count(&self, event: Event) {
        if let Some(counter) = self.events.get(event as usize) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// `status --json`.
    pub fn to_json(&self) -> String {
        let config = self.config().clone();
        let report = Report {
            service: self.service,
            version: self.version,
            ready: self.is_ready(),
            uptime_seconds: self.started.elapsed().as_secs(),
            generation: self.generation(),
            digest: config.digest,
            refused_digest: config.refused_digest,
            refused_because: config.refused_because,
            counts: self.counts(),
            routes: self.figures(),
        };
        serde_json::to_string(&report).unwrap_or_default()
    }

    /// `/metrics`, in the text form that Prometheus reads. No label holds what an agent wrote.
    pub fn to_metrics(&self) -> String {
        let mut lines = vec![
            ("up".to_owned(), u64::from(self.is_ready())),
            ("uptime_seconds".to_owned(), self.started.elapsed().as_secs()),
            ("policy_generation".to_owned(), self.generation()),
        ];
        let counts = self.counts().into_iter();
        lines.extend(counts.map(|(name, value)| (format!("{name}_total"), value)));
        let service = self.service;
        let line = |(name, value): (String, u64)| {
            format!("bottle_{name}{{service=\"{service}\"}} {value}\n")
        };
        let text = lines.into_iter().map(line).collect::<Vec<_>>().concat();
        let mut routes = Vec::new();
        for (route, figures) in self.figures() {
            let route = label(&route);
            for (name, value) in figures {
                let labels = format!("service=\"{service}\",route=\"{route}\"");
                routes.push(format!("bottle_route_{name}_total{{{labels}}} {value}\n"));
            }
        }
        // The lines of one name stand together.
        routes.sort();
        text + &self.upstream_metrics() + &routes.concat()
    }

    /// pipelock's counts under the names that upstream's have, where the two mean the same.
    fn upstream_metrics(&self) -> String {
        if self.service != "pipelock" {
            return String::new();
        }
        let count = |event: Event| {
            self.events.get(event as usize).map_or(0, |count| count.load(Ordering::Relaxed))
        };
        let (allowed, denied) = (count(Event::Allowed), count(Event::Denied));
        let (redacted, version) = (count(Event::Redacted), self.version);
        format!(
            "pipelock_info{{version=\"{version}\"}} 1\n\
             pipelock_requests_total{{result=\"allowed\"}} {allowed}\n\
             pipelock_requests_total{{result=\"blocked\"}} {denied}\n\
             pipelock_body_dlp_hits_total {redacted}\n"
        )
    }

    fn counts(&self) -> BTreeMap<&'static str, u64> {
        let events = Event::ALL.iter().zip(&self.events);
        let mut counts: BTreeMap<_, _> =
            events.map(|(event, count)| (event.as_str(), count.load(Ordering::Relaxed))).collect();
        let gauges = self.gauges.lock().unwrap_or_else(PoisonError::into_inner);
        counts.extend(gauges.iter().map(|(name, value)| (*name, *value)));
        counts
    }

    fn figures(&self) -> Figures {
        self.figures.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn config(&self) -> std::sync::MutexGuard<'_, Config> {
        self.config.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A text as a label's value may be written.
fn label(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_config_is_named_beside_the_one_in_force() {
        let status = Status::new("pipelock", "0.1.0");
        status.config_loaded("aaaa", 3);
        status.config_refused("bbbb", "line 2: unknown key `x`");
        status.count(Event::Denied);
        let json: serde_json::Value = serde_json::from_str(&status.to_json()).unwrap();
        assert_eq!(json["config_digest"], "aaaa");
        assert_eq!(json["refused_digest"], "bbbb");
        assert_eq!(json["generation"], 3);
        assert_eq!(json["counts"]["denied"], 1);
        status.config_loaded("bbbb", 4);
        assert!(status.to_json().contains(r#""refused_digest":null"#));
        assert!(status.to_metrics().contains("bottle_denied_total{service=\"pipelock\"} 1\n"));
    }
}

//! One JSON object per line, on stderr and in the outbox: what was decided, and nothing secret.

mod repeats;
mod ring;
mod writer;

use self::repeats::Repeats;
use self::ring::Ring;
use self::writer::Writer;
use crate::Status;
use compose_render::{Role, Slug, contract};
use serde::Serialize;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// The longest text of one field: an agent decides how long its paths are.
const FIELD_LIMIT: usize = 1024;

/// What a line tells of.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Event {
    Allowed,
    Denied,
    Redacted,
    Config,
    Push,
    Proposal,
    Dns,
    Error,
}

impl Event {
    /// Every event, in the order of their numbers.
    pub const ALL: [Self; 8] = [
        Self::Allowed,
        Self::Denied,
        Self::Redacted,
        Self::Config,
        Self::Push,
        Self::Proposal,
        Self::Dns,
        Self::Error,
    ];

    /// The name in a line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Denied => "denied",
            Self::Redacted => "redacted",
            Self::Config => "config",
            Self::Push => "push",
            Self::Proposal => "proposal",
            Self::Dns => "dns",
            Self::Error => "error",
        }
    }
}

/// One line. Fields that do not apply are left out of the text.
///
/// There is no field for headers, bodies or queries, on purpose.
#[derive(Clone, Debug, Serialize)]
pub struct Line {
    pub event: Event,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// Without its query.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// The HTTP status that was answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Who asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// What was dialled. Absent where nothing was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// From the agent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes_in: Option<u64>,
    /// To the agent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes_out: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generation: Option<u64>,
    /// Of a configuration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// Of a push: the ref by its full name.
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// Of a push: the object the ref named before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old: Option<String>,
    /// Of a push: the object it was to name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new: Option<String>,
    /// Of a push: how many new objects were looked through.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub objects: Option<u64>,
    /// Of a push: who allowed what needs a person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approver: Option<String>,
    /// Why a response's body passed without being looked through.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unscanned: Option<&'static str>,
    /// A sentence for people: an error's chain, a config's warning.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// How many lines like this one were counted and not written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repeats: Option<u64>,
}

impl Line {
    /// A line that says nothing but its event.
    pub const fn new(event: Event) -> Self {
        Self {
            event,
            id: None,
            host: None,
            port: None,
            method: None,
            path: None,
            reason: None,
            rule: None,
            status: None,
            client: None,
            address: None,
            bytes_in: None,
            bytes_out: None,
            duration_ms: None,
            generation: None,
            digest: None,
            reference: None,
            old: None,
            new: None,
            objects: None,
            unscanned: None,
            approver: None,
            detail: None,
            repeats: None,
        }
    }

    /// An `error` line with what [`crate::chain()`] says.
    pub fn failure(detail: String) -> Self {
        Self { detail: Some(detail), ..Self::new(Event::Error) }
    }

    fn bounded(mut self) -> Self {
        let texts = [
            &mut self.host,
            &mut self.method,
            &mut self.path,
            &mut self.reason,
            &mut self.rule,
            &mut self.reference,
            &mut self.approver,
            &mut self.detail,
        ];
        for text in texts.into_iter().flatten().filter(|text| text.len() > FIELD_LIMIT) {
            text.truncate(text.floor_char_boundary(FIELD_LIMIT));
            text.push('…');
        }
        self
    }
}

/// Where lines go. Cheap to clone; a thread of its own does the writing, in order.
#[derive(Clone, Debug)]
pub struct Log(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    of_every_line: String,
    status: Arc<Status>,
    repeats: Mutex<Repeats>,
    writer: Writer,
}

impl Log {
    /// Writes to stderr and, where the folder exists, to the ring in `outbox`.
    pub fn new(
        service: Role,
        bottle: Option<&Slug>,
        status: Arc<Status>,
        outbox: Option<&Path>,
    ) -> Self {
        let file = outbox.filter(|dir| dir.is_dir()).map(|dir| dir.join(contract::DECISIONS_FILE));
        let (ring, fault) = match file.map(Ring::open).transpose() {
            Ok(ring) => (ring, None),
            Err(error) => (None, Some(error)),
        };
        let log = Self(Arc::new(Inner {
            of_every_line: of_every_line(service, bottle),
            status,
            repeats: Mutex::default(),
            writer: Writer::start(ring),
        }));
        if let Some(error) = fault {
            let what =
                "cannot open the outbox's `decisions.jsonl`, so decisions are on stderr alone";
            log.write(Line::failure(format!("{what}: {error}")));
        }
        log
    }

    /// Writes a line and counts its event. Denials that repeat are counted, not repeated.
    pub fn write(&self, line: Line) {
        self.0.status.count(line.event);
        let line = line.bounded();
        if !Repeats::counts(line.event) {
            return self.0.put(&line);
        }
        let mut repeats = self.0.repeats.lock().unwrap_or_else(PoisonError::into_inner);
        let (owed, written) = repeats.pass(line, std::time::Instant::now());
        for line in owed.iter().chain(written.as_ref()) {
            self.0.put(line);
        }
    }

    /// Writes the counts of repeated lines whose time is over, also when nothing else happens.
    pub fn settle(&self) {
        let mut repeats = self.0.repeats.lock().unwrap_or_else(PoisonError::into_inner);
        for line in &repeats.owed(std::time::Instant::now()) {
            self.0.put(line);
        }
    }

    /// Writes what is owed and waits until everything is written.
    pub fn flush(&self) {
        let owed = self.0.repeats.lock().unwrap_or_else(PoisonError::into_inner).owed_all();
        for line in &owed {
            self.0.put(line);
        }
        self.0.writer.flush();
    }
}

impl Inner {
    /// The line's own fields follow what every line of this sidecar begins with.
    fn put(&self, line: &Line) {
        let time = OffsetDateTime::now_utc();
        // Whole milliseconds sort and read well.
        let time = time
            .replace_nanosecond(time.nanosecond() / 1_000_000 * 1_000_000)
            .unwrap_or(time)
            .format(&Rfc3339)
            .unwrap_or_default();
        let mut text = Vec::with_capacity(512);
        text.extend_from_slice(b"{\"time\":\"");
        text.extend_from_slice(time.as_bytes());
        text.extend_from_slice(self.of_every_line.as_bytes());
        let fields = text.len();
        if serde_json::to_writer(&mut text, line).is_err() {
            return;
        }
        // The object's brace: its fields are the outer one's.
        if let Some(brace) = text.get_mut(fields) {
            *brace = b',';
        }
        text.push(b'\n');
        if let Ok(text) = String::from_utf8(text) {
            self.writer.put(text);
        }
    }
}

/// What follows the time in every line: the names of the bottle, where there is one, and of the sidecar.
fn of_every_line(service: Role, bottle: Option<&Slug>) -> String {
    let bottle = bottle.map(|slug| format!(",\"bottle\":\"{slug}\"")).unwrap_or_default();
    format!("\"{bottle},\"service\":\"{service}\"")
}

#[cfg(test)]
mod tests;

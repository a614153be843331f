//! What the sidecars decided, read from their outboxes: never from a merged log, which the agent
//! can write to.

use std::path::Path;

use compose_render::{Role, contract};
use compose_run::{BottleDir, read_plain};
use egress::{USAGE_FILE, UsageFile, UsageLine};
use serde_json::Value;

/// Twice the ring's bound: a file larger than this is not one that a sidecar of ours wrote.
pub(crate) const LIMIT: u64 = 8 << 20;
/// Larger than any list of routes.
const USAGE_LIMIT: u64 = 1 << 20;

/// The sidecars that decide.
pub(crate) const DECIDE: [Role; 4] = [Role::Pipelock, Role::Egress, Role::GitGate, Role::Supervise];

/// One line of a sidecar's.
#[derive(Clone, Debug)]
pub(crate) struct Decision {
    /// As it was written.
    pub line: String,
    value: Value,
}

impl Decision {
    pub(crate) fn parse(line: &str) -> Option<Self> {
        let value: Value = serde_json::from_str(line).ok()?;
        value.is_object().then(|| Self { line: line.to_owned(), value })
    }

    /// A field that is text.
    pub(crate) fn text(&self, field: &str) -> Option<&str> {
        self.value.get(field)?.as_str()
    }

    /// A field that is a number.
    pub(crate) fn number(&self, field: &str) -> Option<u64> {
        self.value.get(field)?.as_u64()
    }

    /// Whether something was refused.
    pub(crate) fn is_denied(&self) -> bool {
        let push = self.text("event") == Some("push");
        self.text("event") == Some("denied") || (push && self.text("reason") == Some("refused"))
    }

    /// The line for people: when, who, what, about what, why.
    pub(crate) fn for_people(&self) -> String {
        let field = |name| self.text(name).unwrap_or_default();
        let time = field("time").split_once('T').map_or(field("time"), |(_, clock)| clock);
        let what = [field("method"), &self.whereto(), field("detail")]
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join(" ");
        let why = self.text("reason").map(|reason| format!("  {reason}")).unwrap_or_default();
        let rule = self.text("rule").map(|rule| format!(" ({rule})")).unwrap_or_default();
        let repeats = self.number("repeats");
        let repeats = repeats.map(|count| format!("  {count} times more")).unwrap_or_default();
        let id = self.text("id").map(|id| format!("  [{id}]")).unwrap_or_default();
        let who = self.text("who").map(|who| format!("  by {who}")).unwrap_or_default();
        format!(
            "{time:<14} {:<9} {:<8} {what}{why}{rule}{repeats}{id}{who}",
            field("service"),
            field("event"),
        )
    }

    /// How often it stands for itself: repeats are counted and not written.
    pub(crate) fn repeats(&self) -> u64 {
        self.number("repeats").unwrap_or(1)
    }

    /// What about, in a few words.
    pub(crate) fn what(&self) -> String {
        let method = self.text("method").unwrap_or_default();
        format!("{method} {}", self.whereto()).trim().to_owned()
    }

    fn whereto(&self) -> String {
        let host = self.text("host").unwrap_or_default();
        let port = self.number("port").filter(|&port| port != 443);
        let port = port.map(|port| format!(":{port}")).unwrap_or_default();
        format!("{host}{port}{}", self.text("path").unwrap_or_default())
    }
}

/// Every decision of the bottle whose folder this is, oldest first. A sidecar that has not decided
/// anything is no fault; one whose file cannot be trusted is.
pub(crate) fn read(bottle: &Path) -> anyhow::Result<Vec<Decision>> {
    let mut all = Vec::new();
    for role in DECIDE {
        let file = Path::new(role.as_str()).join("outbox").join(contract::DECISIONS_FILE);
        match read_plain(bottle, &file, LIMIT) {
            Ok(bytes) => {
                let text = String::from_utf8_lossy(&bytes);
                all.extend(text.lines().filter_map(Decision::parse));
            }
            Err(error) if error.is_absent() => {}
            Err(error) => return Err(error.into()),
        }
    }
    all.sort_by(|a, b| a.text("time").cmp(&b.text("time")));
    Ok(all)
}

/// What the bottle's routes used, as egress wrote it down; nothing where it wrote nothing that can be
/// read.
pub(crate) fn usage(dir: &BottleDir) -> Vec<UsageLine> {
    let file = Path::new(Role::Egress.as_str()).join("outbox").join(USAGE_FILE);
    let read = read_plain(dir.path(), &file, USAGE_LIMIT).ok();
    let file: Option<UsageFile> = read.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    file.map(|file| file.routes).unwrap_or_default()
}

/// Whether lines of a proxy are gone: its file is bounded, and begins with its config while whole.
pub(crate) fn is_cut(bottle: &Path) -> bool {
    [Role::Pipelock, Role::Egress].into_iter().any(|role| {
        let file = Path::new(role.as_str()).join("outbox").join(contract::DECISIONS_FILE);
        let Ok(bytes) = read_plain(bottle, &file, LIMIT) else { return false };
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let first = text.lines().next().and_then(Decision::parse);
        first.is_some_and(|line| line.text("event") != Some("config"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(dir: &Path, role: &str, lines: &str) {
        let outbox = dir.join(role).join("outbox");
        fs_err::create_dir_all(&outbox).unwrap();
        compose_run::replace(&outbox.join("decisions.jsonl"), lines.as_bytes(), 0o644).unwrap();
    }

    #[test]
    fn merges_the_sidecars_by_time_and_skips_what_is_no_decision() {
        let dir = tempfile::tempdir().unwrap();
        write(
            dir.path(),
            "egress",
            "{\"time\":\"2026-01-01T00:00:02Z\",\"service\":\"egress\",\"event\":\"allowed\"}\nnoise\n",
        );
        write(
            dir.path(),
            "pipelock",
            "{\"time\":\"2026-01-01T00:00:01Z\",\"service\":\"pipelock\",\"event\":\"denied\",\
             \"host\":\"example.com\",\"port\":443,\"method\":\"GET\",\"path\":\"/x\",\
             \"reason\":\"host-not-allowed\",\"id\":\"a1\"}\n",
        );
        let read = read(dir.path()).unwrap();
        assert_eq!(read.len(), 2);
        assert!(read[0].is_denied() && !read[1].is_denied());
        assert_eq!(
            read[0].for_people(),
            "00:00:01Z      pipelock  denied   GET example.com/x  host-not-allowed  [a1]"
        );
    }

    #[test]
    fn i1_a_link_in_the_place_of_the_file_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let outbox = dir.path().join("pipelock/outbox");
        fs_err::create_dir_all(&outbox).unwrap();
        std::os::unix::fs::symlink("/etc/passwd", outbox.join("decisions.jsonl")).unwrap();
        assert!(read(dir.path()).is_err());
    }
}

//! The shape of a line, as scripts rely on it.

use super::*;

fn log_in(dir: &Path) -> Log {
    let slug: Slug = "fix-login".parse().unwrap();
    let status = Arc::new(Status::new("pipelock", "0"));
    Log::new(Role::Pipelock, Some(&slug), status, Some(dir))
}

fn lines(dir: &Path) -> Vec<serde_json::Value> {
    let text = std::fs::read_to_string(dir.join(contract::DECISIONS_FILE)).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn the_field_names_are_those_of_the_contract() {
    let dir = tempfile::tempdir().unwrap();
    let log = log_in(dir.path());
    let text = || Some("x".to_owned());
    log.write(Line {
        event: Event::Denied,
        id: text(),
        host: text(),
        port: Some(443),
        method: text(),
        path: text(),
        reason: text(),
        rule: text(),
        status: Some(403),
        client: text(),
        address: text(),
        bytes_in: Some(1),
        bytes_out: Some(2),
        duration_ms: Some(3),
        generation: Some(4),
        digest: text(),
        reference: text(),
        old: text(),
        new: text(),
        objects: Some(6),
        unscanned: Some("binary"),
        approver: Some("a person".to_owned()),
        detail: text(),
        repeats: Some(5),
    });
    log.flush();
    let written = lines(dir.path()).remove(0);
    let names: Vec<_> = written.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "address",
            "approver",
            "bottle",
            "bytes_in",
            "bytes_out",
            "client",
            "detail",
            "digest",
            "duration_ms",
            "event",
            "generation",
            "host",
            "id",
            "method",
            "new",
            "objects",
            "old",
            "path",
            "port",
            "reason",
            "ref",
            "repeats",
            "rule",
            "service",
            "status",
            "time",
            "unscanned",
        ]
    );
    assert_eq!(written["bottle"], "fix-login");
    assert_eq!(written["service"], "pipelock");
}

#[test]
fn a_line_stays_one_line_and_bounded_whatever_the_agent_writes() {
    let dir = tempfile::tempdir().unwrap();
    let log = log_in(dir.path());
    let forged = format!("/\n{{\"event\":\"allowed\"}}\r\u{1b}[2J{}", "ä".repeat(5000));
    log.write(Line { path: Some(forged), ..Line::new(Event::Denied) });
    log.flush();
    let raw = std::fs::read_to_string(dir.path().join(contract::DECISIONS_FILE)).unwrap();
    assert_eq!(raw.lines().count(), 1);
    assert!(!raw.contains('\u{1b}') && raw.len() < 3000);
}

#[test]
fn no_outbox_is_no_fault() {
    let status = Arc::new(Status::new("egress", "0"));
    let log = Log::new(Role::Egress, None, status, Some(Path::new("/nowhere")));
    log.write(Line::new(Event::Config));
    log.flush();
}

//! Runs stock `git http-backend` for one request and passes both streams through as they come.

use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use git_gate::Limits;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, header};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use sidecar::{Event, Line};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout};
use tokio::sync::mpsc;

use crate::body::{AnswerBody, chunks};
use crate::contact::Contact;
use crate::gate::Gate;
use crate::hook;
use crate::mirror::{Mirror, Turn};
use crate::program::Program;
use crate::report::Report;
use crate::route::Service;
use crate::trouble::{Trouble, plain};

/// What a client may leave between two pieces of what it sends, or not take of what it is sent.
const IDLE: Duration = Duration::from_mins(2);
/// What a fetch may take.
const FETCH: Duration = Duration::from_mins(30);
/// Chunks under way to a client that reads slowly.
const PENDING: usize = 8;
const CHUNK: usize = 64 * 1024;
/// The most of a negotiation; a pack is bounded by git.
const ASKING_LIMIT: u64 = 32 << 20;
/// The most that is kept of what git complains about.
const STDERR_LIMIT: u64 = 16 * 1024;

/// Answers a request for refs, a fetch or a push.
pub(crate) async fn answer(
    gate: &Arc<Gate>,
    mirror: &Arc<Mirror>,
    service: Service,
    exchange: bool,
    request: Request<Incoming>,
) -> Result<Response<AnswerBody>, Trouble> {
    let place = Arc::clone(&gate.exchanges).acquire_owned().await.map_err(|_| Trouble::Late)?;
    let mut program = backend(gate, mirror, service, exchange, request.headers());
    let mut push = None;
    if exchange && service == Service::Push {
        let turn = mirror.turn().await?;
        let contact = Contact::find(gate, &mirror.upstream).await?;
        let report = gate.ground.run.join(format!("push-{}", gate.next_push()));
        let way = contact.way(gate, &mirror.upstream);
        let fresh = turn.judged_in(gate.known_for);
        program = hook::tell(program, &way, &mirror.name, &report, &fresh);
        push = Some(Push { turn, report, _contact: contact });
    }
    let mut command = program.served();
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| Trouble::Git(error.to_string()))?;
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let (Some(stdin), Some(stdout), Some(stderr)) = (stdin, stdout, stderr) else {
        return Err(Trouble::Git("it has no streams".to_owned()));
    };
    let limit = if service == Service::Push { u64::MAX } else { ASKING_LIMIT };
    gate.shutdown.spawn(feed(request.into_body(), stdin, limit));
    let mut stdout = BufReader::with_capacity(CHUNK, stdout);
    let head = head(&mut stdout).await;
    let Some((status, headers)) = head else {
        drop(child.start_kill());
        return Err(Trouble::of(&complaints(stderr).await));
    };
    let (sender, receiver) = mpsc::channel(PENDING);
    let deadline = deadline(service, &gate.policy().file.limits);
    let (gate, mirror) = (Arc::clone(gate), Arc::clone(mirror));
    gate.shutdown.clone().spawn(async move {
        let _place = place;
        let begun = std::time::Instant::now();
        let passed = tokio::time::timeout(deadline, pass(stdout, sender, push.is_some())).await;
        let ended = passed.is_ok();
        end(&mut child, ended).await;
        let Some(push) = push else { return };
        let stderr = if ended { complaints(stderr).await } else { "it took too long".to_owned() };
        push.note(&gate, &mirror, begun.elapsed(), &stderr);
    });
    let mut response = Response::new(chunks(receiver));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    Ok(response)
}

/// The answer to a push of nothing, as git gives it: nothing happened, so nothing is written down.
pub(crate) fn nothing_pushed() -> Response<AnswerBody> {
    let mut response = Response::new(crate::body::text(""));
    let kind = HeaderValue::from_static("application/x-git-receive-pack-result");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

/// What an exchange may take. A push is judged, then waits for a person, then goes on to the upstream.
fn deadline(service: Service, limits: &Limits) -> Duration {
    let seconds = limits.seconds.saturating_add(limits.hold_seconds);
    match service {
        Service::Push => Duration::from_secs(seconds).saturating_add(IDLE),
        Service::Fetch => FETCH,
    }
}

fn backend(
    gate: &Gate,
    mirror: &Mirror,
    service: Service,
    exchange: bool,
    headers: &HeaderMap,
) -> Program {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let end = if exchange { service.as_str() } else { "info/refs" };
    let mut program = Program::serving(&gate.backend, &gate.ground, &gate.policy().file.limits)
        .variable("GIT_PROJECT_ROOT", &gate.ground.mirrors)
        .variable("GIT_HTTP_EXPORT_ALL", "1")
        .variable("PATH_INFO", format!("/{}/{end}", mirror.folder))
        .variable("REQUEST_METHOD", if exchange { "POST" } else { "GET" });
    if !exchange {
        program = program.variable("QUERY_STRING", format!("service={}", service.as_str()));
    }
    if let Some(kind) = text(header::CONTENT_TYPE) {
        program = program.variable("CONTENT_TYPE", kind);
    }
    if let Some(length) = text(header::CONTENT_LENGTH) {
        program = program.variable("CONTENT_LENGTH", length);
    }
    if let Some(encoding) = text(header::CONTENT_ENCODING) {
        program = program.variable("HTTP_CONTENT_ENCODING", encoding);
    }
    let version = text(HeaderName::from_static("git-protocol"));
    if let Some(version) = version.filter(|version| version.len() < 64) {
        program = program.variable("GIT_PROTOCOL", version);
    }
    program
}

/// Passes on what the client sends. When it stops half way, git sees a stream that is cut short.
async fn feed(mut body: Incoming, mut stdin: ChildStdin, limit: u64) {
    let mut sent = 0;
    loop {
        let Ok(Some(Ok(frame))) = tokio::time::timeout(IDLE, body.frame()).await else { return };
        let Ok(data) = frame.into_data() else { continue };
        sent += data.len() as u64;
        if sent > limit || stdin.write_all(&data).await.is_err() {
            return;
        }
    }
}

/// The head of a CGI answer (RFC 3875, 6.3).
async fn head(stdout: &mut BufReader<ChildStdout>) -> Option<(StatusCode, HeaderMap)> {
    const LONGEST: u64 = 16 * 1024;
    let (mut status, mut headers) = (StatusCode::OK, HeaderMap::new());
    let mut lines = stdout.take(LONGEST);
    loop {
        let mut line = String::new();
        if lines.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        let line = line.trim_end();
        if line.is_empty() {
            return Some((status, headers));
        }
        let (name, value) = line.split_once(':')?;
        let value = value.trim();
        if name.eq_ignore_ascii_case("status") {
            status = value.split(' ').next()?.parse().ok()?;
        } else {
            let name = HeaderName::try_from(name).ok()?;
            headers.insert(name, HeaderValue::try_from(value).ok()?);
        }
    }
}

/// Passes on what git answers. A push goes on to its end when its client is gone: half of it may
/// have happened upstream already.
async fn pass(mut stdout: BufReader<ChildStdout>, sender: mpsc::Sender<Bytes>, to_the_end: bool) {
    let mut gone = false;
    loop {
        let mut chunk = Vec::with_capacity(CHUNK);
        match stdout.read_buf(&mut chunk).await {
            Ok(1..) => {}
            Ok(0) | Err(_) => return,
        }
        if gone {
            continue;
        }
        let taken = tokio::time::timeout(IDLE, sender.send(chunk.into())).await;
        gone = !matches!(taken, Ok(Ok(())));
        if gone && !to_the_end {
            return;
        }
    }
}

/// Sees git and all it started to their end.
async fn end(child: &mut Child, ended: bool) {
    /// What git gets to leave once its output is over.
    const LEAVE: Duration = Duration::from_secs(10);
    let id = child.id().and_then(|id| i32::try_from(id).ok());
    if ended && tokio::time::timeout(LEAVE, child.wait()).await.is_ok() {
        return;
    }
    if let Some(id) = id {
        let group = nix::unistd::Pid::from_raw(id);
        // Gone meanwhile is as good.
        nix::sys::signal::killpg(group, nix::sys::signal::Signal::SIGKILL).ok();
    }
    drop(child.wait().await);
}

async fn complaints(stderr: ChildStderr) -> String {
    let mut text = Vec::new();
    let mut bounded = stderr.take(STDERR_LIMIT);
    drop(tokio::time::timeout(Duration::from_secs(2), bounded.read_to_end(&mut text)).await);
    String::from_utf8_lossy(&text).into_owned()
}

/// A push under way.
struct Push {
    turn: Turn,
    report: std::path::PathBuf,
    /// The hook goes on by it.
    _contact: Contact,
}

impl Push {
    /// Writes down what became of each ref.
    fn note(mut self, gate: &Gate, mirror: &Mirror, took: Duration, stderr: &str) {
        let reports = Report::read(&self.report);
        if reports.is_empty() || reports.iter().any(|report| !report.pushed) {
            // Half of it may have happened.
            self.turn.forget();
        } else {
            self.turn.took();
        }
        drop(std::fs::remove_file(&self.report));
        let line = || Line {
            host: Some(mirror.upstream.url.host().to_owned()),
            method: Some("push".to_owned()),
            path: Some(format!("/{}", mirror.upstream.url.path())),
            duration_ms: u64::try_from(took.as_millis()).ok(),
            ..Line::new(Event::Push)
        };
        if reports.is_empty() {
            let detail = plain(stderr.lines().last().unwrap_or_default());
            gate.log.write(Line {
                reason: Some("not-judged".to_owned()),
                detail: Some(detail).filter(|detail| !detail.is_empty()),
                ..line()
            });
        }
        for report in reports {
            let verdict = if report.pushed { "pushed" } else { "refused" };
            gate.log.write(Line {
                reason: Some(verdict.to_owned()),
                bytes_in: Some(report.bytes),
                // For whoever reads lines: a tool reads the fields.
                detail: Some(report.to_string()),
                reference: Some(report.name),
                old: Some(report.old),
                new: Some(report.new),
                objects: Some(report.objects),
                rule: report.rule,
                id: report.proposal,
                approver: report.approver,
                ..line()
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_push_that_waits_for_a_person_is_not_ended_meanwhile() {
        let limits = Limits { seconds: 600, hold_seconds: 3600, ..Limits::default() };
        assert!(deadline(Service::Push, &limits) > Duration::from_mins(70));
        let limits = Limits { hold_seconds: u64::MAX, ..limits };
        assert_eq!(
            deadline(Service::Push, &limits),
            Duration::from_secs(u64::MAX).saturating_add(IDLE)
        );
    }
}

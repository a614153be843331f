//! What the binary does for `run` and `check`, and how each request is answered.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use compose_render::contract;
use git_gate::{Change, RefUpdate, Rules};
use http::{Request, Response, StatusCode, header};
use hyper::body::Incoming;
use sidecar::{Event, Line, Running};
use tokio::net::TcpListener;

use crate::backend;
use crate::body::{AnswerBody, text};
use crate::gate::Gate;
use crate::ground::Ground;
use crate::mirror::Mirror;
use crate::route::{Asked, Service};
use crate::trouble::Trouble;

/// Says whether a gate file could be loaded.
///
/// # Errors
///
/// What is wrong with it.
pub fn check(config: &Path) -> anyhow::Result<()> {
    let ground = Ground::new(config.into(), "/".into(), "/".into());
    ground.parse(&ground.text()?).map(drop)
}

/// Serves until the shutdown is requested.
///
/// # Errors
///
/// What cannot be read or bound at the start.
pub async fn run(ground: Ground, listen: SocketAddr, running: Running) -> anyhow::Result<()> {
    let Running { shutdown, mut reload, log, status, environment } = running;
    let cannot = || format!("cannot listen on `{listen}`");
    let listener = TcpListener::bind(listen).await.with_context(cannot)?;
    let program = std::env::current_exe().context("cannot find this program")?;
    let gate = Gate::load(ground, &program, environment, &shutdown, &log, &status)?;
    let gate = Arc::new(gate);
    shutdown.spawn(Arc::clone(&gate).serve(listener));
    loop {
        tokio::select! {
            () = reload.wished() => gate.reload(),
            () = shutdown.requested() => break,
        }
    }
    let open = shutdown.drain(contract::DRAIN_DEADLINE).await;
    if open > 0 {
        log.write(Line::failure(format!("{open} connections were cut off at the end")));
    }
    Ok(())
}

/// Answers one request.
pub(crate) async fn answer(gate: Arc<Gate>, request: Request<Incoming>) -> Response<AnswerBody> {
    let asked = Asked::of(request.method(), request.uri());
    let (name, service, exchange) = match asked {
        Asked::Policy => return said(StatusCode::OK, policy(&gate)),
        Asked::Refs { name, service } => (name, service, false),
        Asked::Exchange { name, service } => (name, service, true),
        Asked::Lfs { name, rest } => return no_lfs(&gate, &name, &rest),
        Asked::Dumb { name } => {
            let text = "git-gate speaks smart HTTP alone: use a git that is younger than 2009\n";
            return denied(&gate, &name, "dumb-protocol", StatusCode::FORBIDDEN, text);
        }
        Asked::Nothing => {
            let path = request.uri().path().to_owned();
            let text =
                "git-gate answers `git clone`, `git fetch` and `git push`, and `GET /policy`\n";
            return denied(&gate, &path, "not-a-git-request", StatusCode::NOT_FOUND, text);
        }
    };
    let Some(mirror) = gate.policy().mirrors.get(&name).map(Arc::clone) else {
        let text = format!("git-gate has no repository `{name}`. {}", repositories(&gate));
        return denied(&gate, &name, "repository-not-allowed", StatusCode::NOT_FOUND, &text);
    };
    if service == Service::Push && mirror.upstream.push.is_empty() {
        let text =
            "this bottle only reads here: its manifest grants no `push` for the repository\n";
        return denied(&gate, &name, "read-only", StatusCode::FORBIDDEN, text);
    }
    if exchange && service == Service::Push && is_asking(&request) {
        return backend::nothing_pushed();
    }
    if service == Service::Push && gate.ground.is_full() {
        return troubled(&gate, &mirror, service, &Trouble::DiskFull);
    }
    if !exchange && let Err(trouble) = mirror.refresh(&gate, service).await {
        return troubled(&gate, &mirror, service, &trouble);
    }
    match backend::answer(&gate, &mirror, service, exchange, request).await {
        Ok(response) => response,
        Err(trouble) => troubled(&gate, &mirror, service, &trouble),
    }
}

/// Whether that is no push yet: before a large one, git asks by an empty one whether it may. No update
/// has room in so few bytes.
fn is_asking(request: &Request<Incoming>) -> bool {
    const EMPTY: &str = "4";
    request.headers().get(header::CONTENT_LENGTH).is_some_and(|length| length == EMPTY)
}

/// A refusal that git prints as it is: it shows the text of an error when that is plain.
fn denied(
    gate: &Gate,
    path: &str,
    reason: &str,
    status: StatusCode,
    text: &str,
) -> Response<AnswerBody> {
    gate.log.write(Line {
        path: Some(path.to_owned()),
        reason: Some(reason.to_owned()),
        status: Some(status.as_u16()),
        ..Line::new(Event::Denied)
    });
    said(status, text.to_owned())
}

fn troubled(
    gate: &Gate,
    mirror: &Mirror,
    service: Service,
    trouble: &Trouble,
) -> Response<AnswerBody> {
    let status = match trouble {
        Trouble::NotFound => StatusCode::NOT_FOUND,
        Trouble::Late => StatusCode::GATEWAY_TIMEOUT,
        Trouble::DiskFull => StatusCode::INSUFFICIENT_STORAGE,
        _ => StatusCode::BAD_GATEWAY,
    };
    gate.log.write(Line {
        host: Some(mirror.upstream.url.host().to_owned()),
        method: Some(service.as_str().to_owned()),
        path: Some(format!("/{}", mirror.upstream.url.path())),
        reason: Some(trouble.reason().to_owned()),
        status: Some(status.as_u16()),
        detail: Some(trouble.to_string()),
        ..Line::new(Event::Error)
    });
    said(status, format!("git-gate: {trouble}. Nothing was changed.\n"))
}

/// Large files are objects that git does not carry: nobody would have judged them. The client for them
/// says our sentence as it is where the status is not about a login, and asks for no lock again where
/// there are none.
fn no_lfs(gate: &Gate, name: &str, rest: &str) -> Response<AnswerBody> {
    const TEXT: &str = r#"{"message":"git-gate does not carry LFS objects: put the file into the repository itself, or leave it out"}"#;
    let locks = rest == "locks" || rest.starts_with("locks/");
    let status = if locks { StatusCode::NOT_IMPLEMENTED } else { StatusCode::UNPROCESSABLE_ENTITY };
    let mut response = denied(gate, name, "lfs-not-carried", status, TEXT);
    let json = header::HeaderValue::from_static("application/vnd.git-lfs+json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}

fn said(status: StatusCode, words: String) -> Response<AnswerBody> {
    let mut response = Response::new(text(words));
    *response.status_mut() = status;
    let plain = header::HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, plain);
    response
}

fn repositories(gate: &Gate) -> String {
    let names: Vec<_> = gate.policy().mirrors.keys().map(|name| format!("`{name}`")).collect();
    if names.is_empty() {
        "It has none.\n".to_owned()
    } else {
        format!("It has {}.\n", names.join(", "))
    }
}

/// The rules as the agent may read them beforehand.
fn policy(gate: &Gate) -> String {
    let policy = gate.policy();
    let upstreams = policy.mirrors.values().map(|mirror| {
        let rules = policy.file.rules(&mirror.upstream);
        format!("\n{}\n{}", mirror.upstream.url, describe(&rules))
    });
    let upstreams: Vec<_> = upstreams.collect();
    format!(
        "git-gate of bottle `{}`\n{}\nEvery new object of a push is searched for credentials: files, commit and tag messages,\n\
         authors, file names, also those that a later commit of the push removes. A finding refuses\n\
         the whole push. LFS objects and push options are refused.\n\
         A push that changes what runs elsewhere ({protected}), a submodule, a link that leaves the\n\
         repository, a file over {large} MiB, or what cannot be looked into (encrypted, an unknown archive)\n\
         waits for a person for {hold} s, then is refused with the id of a proposal. Once it was allowed, the\n\
         same commit pushed to the same ref passes, once.\n",
        policy.file.bottle,
        upstreams.concat(),
        protected = git_gate::PROTECTED,
        large = policy.file.limits.file_bytes >> 20,
        hold = policy.file.limits.hold_seconds,
    )
}

fn describe(rules: &Rules) -> String {
    let patterns: Vec<_> = rules.patterns().collect();
    if patterns.is_empty() {
        return "  reads only\n".to_owned();
    }
    let own = |change| RefUpdate {
        name: rules.example().map(|branch| format!("refs/heads/{branch}")).unwrap_or_default(),
        change,
        own: true,
    };
    let force = if rules.judge(&own(Change::Force)).is_ok() {
        "  force and delete: only branches that this bottle made\n"
    } else {
        ""
    };
    format!("  push: {}\n{force}", patterns.join(", "))
}

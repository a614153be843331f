//! HTTP before MCP: who may speak at all, POST to one path, one JSON object of a bounded size. What
//! passes goes to the protocol.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::mcp::Protocol;
use crate::run::Desk;

/// The path that is served.
const PATH: &str = "/mcp";
/// The name by which the agent reaches us.
const NAME: &str = "supervise";
/// The longest request.
pub(crate) const BODY_LIMIT: usize = 64 * 1024;
/// The longest head.
const HEAD_LIMIT: usize = 16 * 1024;
/// How long a head or a body may take to arrive.
const ARRIVAL: Duration = Duration::from_secs(10);
/// The longest a connection may stay: longer than the longest wait.
const LIFE: Duration = Duration::from_mins(10);
/// How many connections there may be.
const CONNECTIONS: usize = 64;

/// What goes back: whole, or event by event.
type Answer = Response<BoxBody<Bytes, Infallible>>;

/// Serves until the shutdown is requested.
pub async fn serve(listener: TcpListener, desk: Arc<Desk>) {
    let free = Arc::new(Semaphore::new(CONNECTIONS));
    let ending = CancellationToken::new();
    let _ended = ending.clone().drop_guard();
    let protocol = Protocol::new(&desk, ending);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = desk.shutdown.requested() => return,
        };
        let Ok((stream, _)) = accepted else {
            // Out of descriptors, most likely: give others a moment to close theirs.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        // One too many is closed at once.
        let Ok(permit) = Arc::clone(&free).try_acquire_owned() else { continue };
        let (protocol, shutdown) = (protocol.clone(), desk.shutdown.clone());
        desk.shutdown.spawn(async move {
            tokio::select! {
                () = exchange(stream, protocol) => {}
                () = tokio::time::sleep(LIFE) => {}
                () = shutdown.requested() => {}
            }
            drop(permit);
        });
    }
}

async fn exchange(stream: TcpStream, protocol: Protocol) {
    let service = service_fn(move |request| {
        let protocol = protocol.clone();
        async move { Ok::<_, Infallible>(answer(request, &protocol).await) }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(ARRIVAL).max_buf_size(HEAD_LIMIT);
    // What goes wrong on a connection is the business of the one who opened it.
    drop(http.serve_connection(TokioIo::new(stream), service).await);
}

async fn answer(request: Request<Incoming>, protocol: &Protocol) -> Answer {
    if let Err((status, why)) = check(&request) {
        return refused(status, why);
    }
    let (head, body) = request.into_parts();
    let body = Limited::new(body, BODY_LIMIT).collect();
    let body = match tokio::time::timeout(ARRIVAL, body).await {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(_)) => return refused(StatusCode::PAYLOAD_TOO_LARGE, "at most 64 KiB are read"),
        Err(_) => return refused(StatusCode::REQUEST_TIMEOUT, "the request did not come whole"),
    };
    if body.trim_ascii_start().first() != Some(&b'{') {
        return refused(StatusCode::BAD_REQUEST, "one JSON object is read: no batch, nothing else");
    }
    let mut answer = protocol.answer(Request::from_parts(head, Full::new(body))).await;
    answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

/// What is to be said of a request before its body is read.
fn check<B>(request: &Request<B>) -> Result<(), (StatusCode, &'static str)> {
    let headers = request.headers();
    if !is_for_us(headers) {
        return Err((StatusCode::MISDIRECTED_REQUEST, "the host is another"));
    }
    if headers.contains_key(header::ORIGIN) {
        return Err((StatusCode::FORBIDDEN, "a page in a browser has no business here"));
    }
    if request.uri().path() != PATH {
        return Err((StatusCode::NOT_FOUND, "only `/mcp` is served"));
    }
    if request.method() != Method::POST {
        return Err((StatusCode::METHOD_NOT_ALLOWED, "only POST is served"));
    }
    if headers.contains_key("mcp-session-id") {
        return Err((StatusCode::NOT_FOUND, "there are no sessions here"));
    }
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let kind = kind.and_then(|kind| kind.split(';').next()).map(str::trim);
    if kind != Some("application/json") {
        return Err((StatusCode::UNSUPPORTED_MEDIA_TYPE, "only `application/json` is read"));
    }
    Ok(())
}

/// Whether the request names us as its host: by name, or by an address. A name that somebody made
/// lead here is not ours.
fn is_for_us(headers: &HeaderMap) -> bool {
    let mut hosts = headers.get_all(header::HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else { return false };
    let Ok(host) = host.to_str() else { return false };
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    name == NAME || name == "localhost" || name.parse::<IpAddr>().is_ok()
}

fn refused(status: StatusCode, why: &str) -> Answer {
    let said = serde_json::json!({ "error": why }).to_string();
    let mut response = Response::new(Full::new(Bytes::from(said)).boxed());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if status == StatusCode::METHOD_NOT_ALLOWED {
        headers.insert(header::ALLOW, HeaderValue::from_static("POST"));
    }
    // A body that was not read is no next request.
    headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

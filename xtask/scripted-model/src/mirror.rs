//! Says what arrived: for tests of what stands before it. A credential is told by its digest, for a
//! proxy that takes it out of answers would take the value out of this one.

use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::body::{self, Body};
use crate::record::digest;

const MOST_BODY: usize = 1 << 20;
/// A cookie that is as good as a credential.
const SESSION: &str = "session=sk-ant-demo-a-session-of-the-mirror; HttpOnly";

/// Answers with what arrived. `/session` sets a cookie; a `WebSocket` says what it is told; gRPC gets
/// its trailers.
pub(crate) async fn answer(mut request: Request<Incoming>) -> Response<Body> {
    if request.headers().contains_key(header::UPGRADE) {
        let told = told(&request, &[]);
        let upgrade = hyper::upgrade::on(&mut request);
        return socket(&request, upgrade, told);
    }
    let (parts, content) = request.into_parts();
    let content = Limited::new(content, MOST_BODY).collect().await;
    let content = content.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let told = told(&Request::from_parts(parts.clone(), ()), &content);
    let kind = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    if kind.is_some_and(|kind| kind.starts_with("application/grpc")) {
        return grpc(&told, content);
    }
    let mut response = body::json(StatusCode::OK, &told);
    if parts.uri.path().ends_with("/session") {
        response.headers_mut().insert(header::SET_COOKIE, HeaderValue::from_static(SESSION));
    }
    response
}

fn told<B>(request: &Request<B>, content: &[u8]) -> Value {
    let headers: serde_json::Map<String, Value> = request
        .headers()
        .keys()
        .map(|name| (name.to_string(), json!(digests(request.headers(), name.as_str()))))
        .collect();
    json!({
        "version": format!("{:?}", request.version()),
        "method": request.method().as_str(),
        "path": request.uri().path(),
        "query": request.uri().query().map(|query| digest(query.as_bytes())),
        "digests": headers,
        "body": digest(content),
        "length": content.len(),
    })
}

fn digests(headers: &HeaderMap, name: &str) -> Vec<String> {
    headers.get_all(name).iter().map(|value| digest(value.as_bytes())).collect()
}

fn grpc(told: &Value, content: bytes::Bytes) -> Response<Body> {
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static("0"));
    if let Ok(value) = HeaderValue::from_str(&told.to_string()) {
        trailers.insert("x-told", value);
    }
    let whole = Full::new(content).with_trailers(async move { Some(Ok(trailers)) });
    body::with_type(StatusCode::OK, "application/grpc", whole.boxed())
}

fn socket<B>(request: &Request<B>, upgrade: OnUpgrade, told: Value) -> Response<Body> {
    // It ends with its connection.
    #[expect(clippy::disallowed_methods, reason = "a socket has its connection as its owner")]
    let _task = tokio::spawn(async move {
        let upgraded = upgrade.await.ok()?;
        said(TokioIo::new(upgraded), &told).await
    });
    let mut response = body::text(StatusCode::SWITCHING_PROTOCOLS, "");
    response.headers_mut().remove(header::CONTENT_TYPE);
    for (name, value) in [("connection", "upgrade"), ("upgrade", "websocket")] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    // Nobody who asks here computes what it should be.
    response.headers_mut().insert("sec-websocket-accept", HeaderValue::from_static("x"));
    let asked = request.headers().get("sec-websocket-protocol");
    if let Some(first) = asked.and_then(|value| value.to_str().ok()?.split(',').next())
        && let Ok(value) = HeaderValue::from_str(first.trim())
    {
        response.headers_mut().insert("sec-websocket-protocol", value);
    }
    response
}

/// Says what arrived, and then what it is told, a frame each.
async fn said<S>(mut stream: S, told: &Value) -> Option<()>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    stream.write_all(&frame(0x81, told.to_string().as_bytes())).await.ok()?;
    loop {
        let first = stream.read_u8().await.ok()?;
        let length = match stream.read_u8().await.ok()? & 0x7f {
            126 => usize::from(stream.read_u16().await.ok()?),
            127 => return None,
            short => usize::from(short),
        };
        let mut mask = [0; 4];
        stream.read_exact(&mut mask).await.ok()?;
        let mut text = vec![0; length];
        stream.read_exact(&mut text).await.ok()?;
        text.iter_mut().zip(mask.iter().cycle()).for_each(|(byte, mask)| *byte ^= mask);
        stream.write_all(&frame(first, &text)).await.ok()?;
    }
}

fn frame(first: u8, text: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match u8::try_from(text.len()) {
        Ok(short) if short < 126 => frame.push(short),
        _ => {
            frame.push(126);
            frame.extend_from_slice(&u16::try_from(text.len()).unwrap_or(u16::MAX).to_be_bytes());
        }
    }
    frame.extend_from_slice(text);
    frame
}

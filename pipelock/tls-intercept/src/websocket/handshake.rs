//! The request that asks for a WebSocket, and the answer that gives one.

use http::header::{
    CONNECTION, CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue, SEC_WEBSOCKET_ACCEPT,
    SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, TRANSFER_ENCODING, UPGRADE,
};
use http::{Method, Request, Version};

/// Among a request's extensions: it asks for a WebSocket, and its body is the agent's frames.
#[derive(Clone, Copy, Debug)]
pub struct Asked(());

/// Whether a request, as [`crate::Proxy::answer`] gets it, asks for a WebSocket.
pub fn is_asked<B>(request: &Request<B>) -> bool {
    request.extensions().get::<Asked>().is_some()
}

/// Reads an upgrade. An error says why it is none that can pass.
pub(crate) fn asked<B>(request: &Request<B>) -> Result<Asked, &'static str> {
    let headers = request.headers();
    if !is(headers, &UPGRADE, "websocket") {
        return Err("use plain HTTP requests: no upgrade passes but to one WebSocket");
    }
    let http1 = request.version() == Version::HTTP_11;
    if !http1 || request.method() != Method::GET || !lists(headers, &CONNECTION, "upgrade") {
        return Err("a WebSocket begins with a GET of HTTP/1.1 and `Connection: Upgrade`");
    }
    let empty = headers.get(CONTENT_LENGTH).is_none_or(|length| length == "0");
    if !empty || headers.contains_key(TRANSFER_ENCODING) {
        return Err("a WebSocket's request has no body");
    }
    if !is(headers, &SEC_WEBSOCKET_VERSION, "13") {
        return Err("`Sec-WebSocket-Version` is 13");
    }
    match one(headers, &SEC_WEBSOCKET_KEY) {
        Some(key) if is_key(key.as_bytes()) => Ok(Asked(())),
        _ => Err("`Sec-WebSocket-Key` is 16 bytes in base64"),
    }
}

/// Makes headers those of an upgrade that goes upstream. No extension is offered: what is
/// compressed could not be read.
pub(crate) fn in_request(headers: &mut HeaderMap) {
    headers.remove(SEC_WEBSOCKET_EXTENSIONS);
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
}

/// Holds the upstream's answer against what was asked.
pub(crate) fn in_answer(headers: &HeaderMap) -> Result<(), &'static str> {
    if !is(headers, &UPGRADE, "websocket") || !lists(headers, &CONNECTION, "upgrade") {
        Err("it switched to another protocol than a WebSocket")
    } else if headers.contains_key(SEC_WEBSOCKET_EXTENSIONS) {
        Err("it uses an extension of WebSockets that nobody offered")
    } else if one(headers, &SEC_WEBSOCKET_ACCEPT).is_none() {
        Err("it accepts a WebSocket without saying so")
    } else {
        Ok(())
    }
}

fn one<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h HeaderValue> {
    let mut values = headers.get_all(name).iter();
    values.next().filter(|_| values.next().is_none())
}

fn is(headers: &HeaderMap, name: &HeaderName, text: &str) -> bool {
    one(headers, name).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(text.as_bytes()))
}

fn lists(headers: &HeaderMap, name: &HeaderName, text: &str) -> bool {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|item| item.trim().eq_ignore_ascii_case(text))
}

fn is_key(key: &[u8]) -> bool {
    let digit = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    key.len() == 24 && key.ends_with(b"==") && key.iter().take(22).all(digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn upgrade(change: impl Fn(&mut Request<()>)) -> Result<(), &'static str> {
        let mut request = Request::get("/")
            .header("connection", "keep-alive, Upgrade")
            .header("upgrade", "WebSocket")
            .header("sec-websocket-version", "13")
            .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
            .body(())
            .unwrap();
        change(&mut request);
        asked(&request).map(drop)
    }

    #[test]
    fn f1_only_a_whole_handshake_asks_for_a_websocket() {
        type Change = fn(&mut Request<()>);
        upgrade(|_| {}).unwrap();
        let faults: [(&str, Change); 9] = [
            ("method", |request| *request.method_mut() = Method::POST),
            ("version", |request| *request.version_mut() = Version::HTTP_2),
            ("no key", |request| drop(request.headers_mut().remove("sec-websocket-key"))),
            ("two keys", |request| {
                let key = HeaderValue::from_static("dGhlIHNhbXBsZSBub25jZQ==");
                request.headers_mut().append("sec-websocket-key", key);
            }),
            ("short key", |request| {
                request.headers_mut().insert("sec-websocket-key", HeaderValue::from_static("aa=="));
            }),
            ("old version", |request| {
                request
                    .headers_mut()
                    .insert("sec-websocket-version", HeaderValue::from_static("8"));
            }),
            ("two protocols", |request| {
                let both = HeaderValue::from_static("websocket, h2c");
                request.headers_mut().insert("upgrade", both);
            }),
            ("no connection", |request| {
                request.headers_mut().insert("connection", HeaderValue::from_static("close"));
            }),
            ("body", |request| {
                request.headers_mut().insert("content-length", HeaderValue::from_static("5"));
            }),
        ];
        for (what, change) in faults {
            assert!(upgrade(change).is_err(), "{what}");
        }
    }

    #[test]
    fn f2_f3_an_answer_gives_what_was_asked_and_nothing_else() {
        let answer = |fields: &[(&'static str, &str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in fields {
                headers.append(*name, value.parse().unwrap());
            }
            in_answer(&headers)
        };
        let good =
            [("upgrade", "websocket"), ("connection", "Upgrade"), ("sec-websocket-accept", "x")];
        answer(&good).unwrap();
        for missing in 0..good.len() {
            let some = good.iter().enumerate().filter(|(at, _)| *at != missing);
            let some: Vec<_> = some.map(|(_, field)| *field).collect();
            assert!(answer(&some).is_err(), "{some:?}");
        }
        let deflate = ("sec-websocket-extensions", "permessage-deflate");
        assert!(answer(&[good[0], good[1], good[2], deflate]).is_err());
    }
}

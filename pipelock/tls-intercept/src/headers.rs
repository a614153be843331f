//! Headers that end at a hop, headers that lie about the method, and headers of ours.

use http::header::{self, HeaderMap, HeaderName};

/// Headers that say another method, or another path, than the request line; servers read `_` and
/// `.` for `-`.
const METHOD_OVERRIDES: [&str; 7] = [
    "x-http-method-override",
    "x-http-method",
    "x-method-override",
    "x-original-method",
    "x-method",
    "x-original-url",
    "x-rewrite-url",
];

/// Fields of one hop, besides what `Connection` names.
const HOP_BY_HOP: [HeaderName; 10] = [
    header::CONNECTION,
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    HeaderName::from_static("http2-settings"),
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
];

/// Removes what ends at this hop, the names that `Connection` lists included.
///
/// Call it before anything is injected: `Connection: authorization` must not take an injected
/// header with it.
pub fn strip_hop_by_hop(headers: &mut HeaderMap) {
    // Most messages have none by now: a look at each name is less than a search for each of these.
    if !headers.keys().any(|name| HOP_BY_HOP.contains(name)) {
        return;
    }
    let listed: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .filter(|name| !NEVER_LISTED.contains(name))
        .collect();
    for name in listed.iter().chain(&HOP_BY_HOP) {
        headers.remove(name);
    }
}

/// Removes from a response what ends at this hop, and what would lead the agent elsewhere: other
/// hosts and protocols for the same origin (`Alt-Svc`), which cannot be reached from a bottle.
pub fn strip_from_response(headers: &mut HeaderMap) {
    strip_hop_by_hop(headers);
    headers.remove(header::ALT_SVC);
}

/// End-to-end framing: a peer that lists these in `Connection` would change what the message is.
const NEVER_LISTED: [HeaderName; 3] = [header::CONTENT_LENGTH, header::HOST, header::CONTENT_TYPE];

/// Whether a header claims another method or path than those that are judged.
pub fn overrides_method(headers: &HeaderMap) -> bool {
    headers.keys().any(is_method_override)
}

/// Removes every header that claims another method or path than those that are judged.
pub fn strip_method_overrides(headers: &mut HeaderMap) {
    let claims: Vec<HeaderName> =
        headers.keys().filter(|name| is_method_override(name)).cloned().collect();
    for name in claims {
        headers.remove(name);
    }
}

fn is_method_override(name: &HeaderName) -> bool {
    if !name.as_str().starts_with('x') {
        return false;
    }
    METHOD_OVERRIDES.contains(&name.as_str().replace(['_', '.'], "-").as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e4_connection_takes_what_it_names_and_no_more() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("connection", "close, Authorization , content-length"),
            ("connection", "x-dlp"),
            ("authorization", "mine"),
            ("x-dlp", "1"),
            ("content-length", "3"),
            ("proxy-authorization", "Basic x"),
            ("te", "trailers"),
            ("upgrade", "h2c"),
            ("keep-alive", "timeout=5"),
            ("proxy-connection", "keep-alive"),
            ("accept", "*/*"),
        ] {
            headers.append(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
        }
        strip_hop_by_hop(&mut headers);
        let left: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
        assert_eq!(left, ["content-length", "accept"]);
    }

    #[test]
    fn e9_method_overrides_are_seen_and_stripped() {
        let mut headers = HeaderMap::new();
        assert!(!overrides_method(&headers));
        for name in ["x-http-method-override", "x_http_method", "x-method_override"] {
            headers.append(name, "DELETE".parse().unwrap());
            headers.append(name, "PUT".parse().unwrap());
            assert!(overrides_method(&headers), "{name}");
        }
        headers.insert("x-http-methods", "GET".parse().unwrap());
        strip_method_overrides(&mut headers);
        assert_eq!(headers.len(), 1);
    }
}

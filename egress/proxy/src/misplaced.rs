//! Placeholders where they have no business: worth nothing, and yet the sign of an attempt to carry
//! a credential out.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use egress::{MARK, Route};
use http::HeaderMap;
use http::request::Parts;
use memchr::memmem::Finder;
use tls_intercept::body::{Gate, gated};
use tls_intercept::{Body, BodyError};

use crate::encode::unpercent;

/// Encoded this often, a text in a URL is still read by somebody.
const LAYERS: usize = 2;

/// Whether the URL or a header holds a placeholder that is not one of the route's own.
pub(crate) fn in_head(parts: &Parts, route: Option<&Route>) -> bool {
    let mut text = parts.uri.to_string().into_bytes();
    if is_foreign(&text, route) {
        return true;
    }
    for _ in 0..LAYERS {
        text = unpercent(&String::from_utf8_lossy(&text));
        if is_foreign(&text, route) {
            return true;
        }
    }
    in_headers(&parts.headers, route)
}

fn in_headers(headers: &HeaderMap, route: Option<&Route>) -> bool {
    headers.values().any(|value| is_foreign(value.as_bytes(), route))
}

/// Whether there is a mark beyond those of the route's own placeholders.
fn is_foreign(bytes: &[u8], route: Option<&Route>) -> bool {
    let count = |text: &str| Finder::new(text).find_iter(bytes).count();
    let marks = count(MARK);
    if marks == 0 {
        return false;
    }
    let own = route.map_or(0, |route| {
        let mut known: Vec<_> =
            route.credentials.iter().filter_map(|own| own.placeholder.as_ref()).collect();
        known.sort();
        known.dedup();
        known.into_iter().map(|placeholder| count(placeholder.as_str())).sum()
    });
    marks > own
}

/// Stops a body at the first placeholder in it, and says so in `found`.
pub(crate) fn guard(body: Body, found: Arc<AtomicBool>) -> Body {
    gated(body, Guarded { found, tail: Vec::new() })
}

struct Guarded {
    found: Arc<AtomicBool>,
    /// The last bytes that passed: a mark may be split. They may go out, half a mark is nothing.
    tail: Vec<u8>,
}

impl Guarded {
    fn has_mark(&mut self, data: &[u8]) -> bool {
        let mark = Finder::new(MARK);
        let split = MARK.len() - 1;
        self.tail.extend(data.iter().take(split));
        if mark.find(&self.tail).is_some() || mark.find(data).is_some() {
            return true;
        }
        if data.len() >= split {
            self.tail.clear();
            self.tail.extend(data.iter().skip(data.len() - split));
        } else {
            let excess = self.tail.len().saturating_sub(split);
            self.tail.drain(..excess);
        }
        false
    }
}

impl Gate for Guarded {
    fn pass(&mut self, bytes: &[u8]) -> Result<(), BodyError> {
        if !self.has_mark(bytes) {
            return Ok(());
        }
        self.found.store(true, Ordering::Relaxed);
        Err(BodyError::Stopped("it holds a placeholder of another host".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use egress::{Credential, Form, Placeholder};
    use http::Request;
    use tls_intercept::body;

    fn head(uri: &str, header: &str) -> Parts {
        let request = Request::builder().uri(uri).header("x-note", header);
        request.body(()).unwrap().into_parts().0
    }

    #[test]
    fn g4_a_placeholder_is_seen_in_url_and_headers_however_encoded() {
        for (uri, header) in [
            ("/x?key=sk-BottlePlaceholder0123", "-"),
            ("/sk-BottlePlaceholder0123/x", "-"),
            ("/x?key=%42ottle%50laceholder", "-"),
            ("/x?key=%2542ottlePlaceholder", "-"),
            ("/x", "my key: BottlePlaceholderInvented"),
        ] {
            assert!(in_head(&head(uri, header), None), "{uri} {header}");
        }
        assert!(!in_head(&head("/x?bottle=placeholder", "BottlePlace"), None));
    }

    #[test]
    fn g4_a_routes_own_placeholder_is_no_misplaced_one() {
        let own = Placeholder::of_shape("sk-0123456789", "KEY", b"seed");
        let credential = Credential {
            variable: "KEY".parse().unwrap(),
            form: Form::Bearer,
            placeholder: Some(own.clone()),
        };
        let route =
            Route { credentials: vec![credential], ..Route::to("api.test".parse().unwrap()) };
        assert!(!in_head(&head("/x", own.as_str()), Some(&route)));
        let both = format!("{own} and BottlePlaceholderInvented");
        assert!(in_head(&head("/x", &both), Some(&route)));
    }

    #[tokio::test]
    async fn g4_a_body_is_stopped_at_a_placeholder_wherever_it_is_split() {
        use http_body_util::BodyExt as _;
        let text = format!("before {MARK}0123 after");
        for size in 1..text.len() {
            let found = Arc::new(AtomicBool::new(false));
            let mut guarded = Guarded { found: Arc::clone(&found), tail: vec![] };
            let pieces: Vec<_> = text.as_bytes().chunks(size).collect();
            assert!(pieces.into_iter().any(|piece| guarded.has_mark(piece)), "pieces of {size}");
        }
        let found = Arc::new(AtomicBool::new(false));
        let stopped = guard(body::full(text), Arc::clone(&found)).collect().await;
        assert!(stopped.is_err() && found.load(Ordering::Relaxed));
        let passed = guard(body::full("nothing of it"), Arc::default()).collect().await;
        assert_eq!(passed.unwrap().to_bytes(), "nothing of it");
    }
}

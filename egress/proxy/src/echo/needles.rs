//! What is looked for in a response, and what stands in its place.

use std::fmt;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use compose_render::base64;
use http::{HeaderMap, HeaderValue};
use memchr::memmem::Finder;

use crate::encode::percent;

/// The forms in which one request's secrets could come back.
///
/// A stand-in has exactly the length of what it replaces, so that a `content-length`, a range or a
/// chunk still says the truth.
#[derive(Clone, Default)]
pub(crate) struct Needles(Vec<Arc<Needle>>);

struct Needle {
    finder: Finder<'static>,
    stand_in: Vec<u8>,
}

impl fmt::Debug for Needles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Needles({} forms)", self.0.len())
    }
}

impl Needles {
    /// Looks for a secret as it is, as URLs, JSON and HTML write it, and in base64.
    pub(crate) fn add_secret(&mut self, secret: &str, placeholder: &str) {
        let fitted = |length| fitted(placeholder, length);
        self.add(secret, fitted(secret.len()));
        for form in [percent(secret), percent(secret).replace('%', "%25")] {
            self.add(&form, fitted(form.len()));
        }
        let lower = lower_hex(&percent(secret));
        self.add(&lower, fitted(lower.len()));
        let json = secret.replace('\\', "\\\\").replace('"', "\\\"");
        for form in [json.replace('/', "\\/"), json] {
            self.add(&form, fitted(form.len()));
        }
        let html = secret.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        self.add(&html, fitted(html.len()));
        self.add_base64(secret.as_bytes(), placeholder);
    }

    /// Looks for the base64 of bytes, wherever in a longer text they may have begun.
    pub(crate) fn add_base64(&mut self, bytes: &[u8], placeholder: &str) {
        for shift in 0..3_usize {
            let mut shifted = vec![0_u8; shift];
            shifted.extend_from_slice(bytes);
            let text = base64(&shifted);
            // The digits at either end are mixed with what stands beside the secret.
            let begin = [0, 2, 3].get(shift).copied().unwrap_or(0);
            let end = shifted.len() * 8 / 6;
            let Some(inner) = text.get(begin..end.max(begin)) else { continue };
            if inner.len() < egress::MIN_SECRET {
                continue;
            }
            let stand_in = fitted(placeholder, inner.len());
            self.add(&inner.replace('+', "-").replace('/', "_"), stand_in.clone());
            self.add(inner, stand_in);
        }
    }

    /// Looks for a text that stays as it is.
    pub(crate) fn add_text(&mut self, text: &str) {
        self.add(text, text.as_bytes().to_vec());
    }

    fn add(&mut self, needle: &str, stand_in: Vec<u8>) {
        if !self.knows(needle.as_bytes()) && !needle.is_empty() {
            let finder = Finder::new(needle.as_bytes()).into_owned();
            self.0.push(Arc::new(Needle { finder, stand_in }));
        }
    }

    /// Looks for those of others as well.
    pub(crate) fn extend(&mut self, others: Self) {
        if self.0.is_empty() {
            *self = others;
            return;
        }
        for other in others.0 {
            if !self.knows(other.finder.needle()) {
                self.0.push(other);
            }
        }
    }

    fn knows(&self, needle: &[u8]) -> bool {
        self.0.iter().any(|known| known.finder.needle() == needle)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Replaces every needle in whole bytes. `None` where there is none, so that nothing is copied.
    pub(crate) fn replaced(&self, bytes: &[u8]) -> Option<BytesMut> {
        let mut clean: Option<BytesMut> = None;
        for needle in &self.0 {
            let mut from = 0;
            while let Some(at) = needle
                .finder
                .find(clean.as_deref().unwrap_or(bytes).get(from..).unwrap_or_default())
            {
                let text = clean.get_or_insert_with(|| BytesMut::from(bytes));
                let end = from + at + needle.stand_in.len();
                if let Some(place) = text.get_mut(from + at..end) {
                    place.copy_from_slice(&needle.stand_in);
                }
                from = end;
            }
        }
        clean
    }

    /// How many bytes at the end may be the beginning of a needle.
    pub(crate) fn held_back(&self, bytes: &[u8]) -> usize {
        self.0.iter().map(|needle| begun(bytes, needle.finder.needle())).max().unwrap_or(0)
    }

    /// Cleans the values of headers (or trailers). Returns how many were changed.
    pub(crate) fn clean_headers(&self, headers: &mut HeaderMap) -> usize {
        let mut changed = 0;
        for value in headers.values_mut() {
            if let Some(clean) = self.replaced(value.as_bytes()) {
                *value = HeaderValue::from_maybe_shared(clean.freeze())
                    .unwrap_or(HeaderValue::from_static(""));
                changed += 1;
            }
        }
        let named = |name: &http::HeaderName| self.replaced(name.as_str().as_bytes()).is_some();
        let names: Vec<_> = headers.keys().filter(|name| named(name)).cloned().collect();
        for name in names {
            headers.remove(name);
            changed += 1;
        }
        changed
    }

    /// Cleans a whole text that is at hand.
    pub(crate) fn cleaned(&self, bytes: Bytes) -> (Bytes, bool) {
        match self.replaced(&bytes) {
            Some(clean) => (clean.freeze(), true),
            None => (bytes, false),
        }
    }
}

/// The length of the longest proper beginning of `needle` that `bytes` ends with.
fn begun(bytes: &[u8], needle: &[u8]) -> usize {
    let Some((&first, _)) = needle.split_first() else { return 0 };
    let longest = bytes.len().min(needle.len() - 1);
    let tail = bytes.get(bytes.len() - longest..).unwrap_or_default();
    memchr::memchr_iter(first, tail)
        .find(|&at| tail.get(at..).is_some_and(|end| needle.starts_with(end)))
        .map_or(0, |at| tail.len() - at)
}

/// The placeholder, cut or lengthened to a length.
fn fitted(placeholder: &str, length: usize) -> Vec<u8> {
    placeholder.bytes().chain(std::iter::repeat(b'x')).take(length).collect()
}

fn lower_hex(percent: &str) -> String {
    let mut hex = 0;
    percent
        .chars()
        .map(|c| {
            hex = if c == '%' { 3 } else { hex };
            let lowered = if hex > 0 { c.to_ascii_lowercase() } else { c };
            hex = i32::max(hex - 1, 0);
            lowered
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "canary+/\"&secret=";
    const PLACEHOLDER: &str = "BottlePlaceholder0123456789abcdef";

    fn needles() -> Needles {
        let mut needles = Needles::default();
        needles.add_secret(SECRET, PLACEHOLDER);
        needles
    }

    fn clean(text: &str) -> String {
        let replaced = needles().replaced(text.as_bytes());
        replaced.map_or(text.to_owned(), |clean| String::from_utf8(clean.to_vec()).unwrap())
    }

    #[test]
    fn g5_every_form_of_the_secret_is_replaced_at_its_length() {
        for form in [
            SECRET.to_owned(),
            percent(SECRET),
            percent(SECRET).to_lowercase(),
            percent(SECRET).replace('%', "%25"),
            SECRET.replace('"', "\\\"").replace('/', "\\/"),
            SECRET.replace('"', "\\\""),
            SECRET.replace('&', "&amp;"),
        ] {
            let text = format!("before {form} after {form}");
            let cleaned = clean(&text);
            assert!(!cleaned.contains(&form), "{form}");
            assert_eq!(cleaned.len(), text.len());
            assert!(cleaned.starts_with("before Bottle"), "{cleaned}");
            assert!(cleaned.contains(" after Bottle"), "{cleaned}");
        }
    }

    #[test]
    fn g5_base64_is_found_wherever_the_secret_stands_in_it() {
        for before in ["", "u", "us", "user:"] {
            let encoded = base64(format!("{before}{SECRET}:after").as_bytes());
            assert!(clean(&encoded).contains("BottlePlaceholder"), "{before}");
        }
    }

    #[test]
    fn other_text_is_not_touched() {
        assert!(needles().replaced(b"canary+ and nothing else").is_none());
    }

    #[test]
    fn only_the_beginning_of_a_needle_is_held_back() {
        let needles = needles();
        assert_eq!(needles.held_back(b"data: hello\n\n"), 0);
        assert_eq!(needles.held_back(b"data: cana"), 4);
        assert_eq!(needles.held_back(b""), 0);
    }

    #[test]
    fn headers_are_cleaned_and_named_in_no_debug_output() {
        let mut headers = HeaderMap::new();
        headers.insert("x-echo", HeaderValue::from_str(&format!("Bearer {SECRET}")).unwrap());
        headers.insert("x-other", HeaderValue::from_static("kept"));
        assert_eq!(needles().clean_headers(&mut headers), 1);
        assert_eq!(headers["x-echo"], "Bearer BottlePlaceholder");
        assert_eq!(headers["x-other"], "kept");
        assert!(!format!("{:?}", needles()).contains("canary"));
    }
}

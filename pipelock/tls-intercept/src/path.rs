//! The one form of a path: what is judged is what is forwarded.
//!
//! Dot segments are resolved and doubled slashes are one, also where they were encoded; unreserved
//! characters are decoded, all others encoded in upper case. What different servers read
//! differently (backslash, NUL and other control characters, encoded twice, `..;`, no UTF-8) is
//! refused. An encoded slash stays encoded, within its segment, and can be asked for.

use std::fmt;

/// The longest path: longer ones are refused by most servers, too.
pub(crate) const MAX_LEN: usize = 8 * 1024;

/// A path in its one form. Making it canonical again changes nothing.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct CanonicalPath {
    text: String,
    segments: Vec<String>,
    encoded_slash: bool,
}

/// A path that servers read differently from each other.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum AmbiguousPath {
    #[error("the path does not begin with `/`")]
    NotAbsolute,
    #[error("the path is longer than {MAX_LEN} bytes")]
    TooLong,
    #[error("a `%` in the path is followed by no two hexadecimal digits")]
    BrokenEscape,
    #[error("the path holds a control character")]
    Control,
    #[error("the path holds a backslash")]
    Backslash,
    #[error("the path hides a dot, a slash, a backslash or a NUL by encoding it twice")]
    EncodedTwice,
    #[error("the path holds dot segments with parameters (`..;`)")]
    DotParameters,
    #[error("the path is no UTF-8 when decoded")]
    NotUtf8,
    #[error("the path leads above its root")]
    AboveRoot,
    #[error("the path holds a `?` or a `#`")]
    Delimiter,
}

impl CanonicalPath {
    /// Reads a path without its query, as it stands in a request line.
    pub fn parse(path: &str) -> Result<Self, AmbiguousPath> {
        if path.len() > MAX_LEN {
            return Err(AmbiguousPath::TooLong);
        }
        if path.contains(['?', '#']) {
            return Err(AmbiguousPath::Delimiter);
        }
        let rest = path.strip_prefix('/').ok_or(AmbiguousPath::NotAbsolute)?;
        let mut segments = Vec::new();
        let mut folder = true;
        for raw in rest.split('/') {
            let decoded = decode(raw)?;
            folder = false;
            match decoded.as_str() {
                "" | "." => folder = true,
                ".." => {
                    segments.pop().ok_or(AmbiguousPath::AboveRoot)?;
                    folder = true;
                }
                plain if plain.starts_with("..;") || plain.starts_with(".;") => {
                    return Err(AmbiguousPath::DotParameters);
                }
                _ => segments.push((encode(raw), decoded)),
            }
        }
        let mut text = String::new();
        for (encoded, _) in &segments {
            text.push('/');
            text.push_str(encoded);
        }
        if folder {
            text.push('/');
        }
        // Encoded, it may be three times as long, and is read again by the next proxy.
        if text.len() > MAX_LEN {
            return Err(AmbiguousPath::TooLong);
        }
        let segments: Vec<_> = segments.into_iter().map(|(_, decoded)| decoded).collect();
        let encoded_slash = segments.iter().any(|segment| segment.contains('/'));
        let dots = |part: &str| part == "." || part == "..";
        if encoded_slash && segments.iter().any(|segment| segment.split('/').any(dots)) {
            // `a%2f..%2fb`: dot segments for a server that decodes before it splits.
            return Err(AmbiguousPath::EncodedTwice);
        }
        Ok(Self { text, segments, encoded_slash })
    }

    /// What is forwarded, and what is logged.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The segments, decoded: what a rule is compared with. A path that ends in `/` has no empty
    /// last segment here.
    pub fn segments(&self) -> &[String] {
        &self.segments
    }

    /// Whether the path ends in `/`.
    pub fn is_folder(&self) -> bool {
        self.text.ends_with('/')
    }

    /// Whether some segment holds a slash (`%2F`). A rule that names paths denies it unless it
    /// says otherwise; npm's `@scope%2fname` is an honest one.
    pub const fn has_encoded_slash(&self) -> bool {
        self.encoded_slash
    }
}

impl fmt::Display for CanonicalPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// One byte of a segment and whether it was written as `%xx`.
fn bytes(segment: &str) -> impl Iterator<Item = Result<(u8, bool), AmbiguousPath>> {
    let mut rest = segment.as_bytes().iter().copied();
    std::iter::from_fn(move || {
        let byte = rest.next()?;
        if byte != b'%' {
            return Some(Ok((byte, false)));
        }
        let mut digit = || rest.next().and_then(|b| char::from(b).to_digit(16));
        let pair = digit().zip(digit()).and_then(|(high, low)| u8::try_from(high << 4 | low).ok());
        Some(pair.map(|byte| (byte, true)).ok_or(AmbiguousPath::BrokenEscape))
    })
}

fn decode(segment: &str) -> Result<String, AmbiguousPath> {
    let decoded = bytes(segment).map(|byte| byte.map(|(byte, _)| byte));
    let decoded: Vec<u8> = decoded.collect::<Result<_, _>>()?;
    if decoded.iter().any(u8::is_ascii_control) {
        return Err(AmbiguousPath::Control);
    }
    if decoded.contains(&b'\\') {
        return Err(AmbiguousPath::Backslash);
    }
    // Overlong forms and surrogates are no UTF-8 to Rust.
    let decoded = String::from_utf8(decoded).map_err(|_| AmbiguousPath::NotUtf8)?;
    if decoded.chars().any(char::is_control) {
        return Err(AmbiguousPath::Control);
    }
    let hidden = |rest: &str| {
        bytes(rest.get(..3).unwrap_or(rest)).next().is_some_and(|byte| {
            matches!(byte, Ok((b'.' | b'/' | b'\\' | b'%' | 0..0x20 | 0x7f, true)))
        })
    };
    if decoded.match_indices('%').any(|(at, _)| decoded.get(at..).is_some_and(hidden)) {
        return Err(AmbiguousPath::EncodedTwice);
    }
    Ok(decoded)
}

/// Encodes what was decoded without fault: unreserved characters plainly; reserved ones as they
/// were written, for a server may tell them apart; everything else as `%XX`.
fn encode(segment: &str) -> String {
    let mut text = String::with_capacity(segment.len());
    for (byte, escaped) in bytes(segment).flatten() {
        let unreserved = byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        let reserved = b"!$&'()*+,;=:@".contains(&byte);
        if unreserved || (reserved && !escaped) {
            text.push(char::from(byte));
        } else {
            text.push('%');
            for digit in [byte >> 4, byte & 0xf] {
                let digit = char::from_digit(u32::from(digit), 16).unwrap_or('0');
                text.push(digit.to_ascii_uppercase());
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical(path: &str) -> Result<String, AmbiguousPath> {
        CanonicalPath::parse(path).map(|path| path.to_string())
    }

    #[test]
    fn e7_there_is_one_form() {
        for (path, form) in [
            ("/", "/"),
            ("//", "/"),
            ("/./", "/"),
            ("/a", "/a"),
            ("/a/", "/a/"),
            ("/a//b", "/a/b"),
            ("/public/../secret", "/secret"),
            ("/public/%2e%2e/secret", "/secret"),
            ("/public/.%2E/secret", "/secret"),
            ("/a/b/..", "/a/"),
            ("/a/.", "/a/"),
            ("/%61%7E", "/a~"),
            ("/a%3ab", "/a%3Ab"),
            ("/a:b", "/a:b"),
            ("/v1/m:go;x=1", "/v1/m:go;x=1"),
            ("/ä", "/%C3%A4"),
            ("/%c3%a4", "/%C3%A4"),
            ("/a b\"<>", "/a%20b%22%3C%3E"),
            ("/@scope%2fname", "/@scope%2Fname"),
            ("/100%25", "/100%25"),
            ("/...", "/..."),
            ("/.git/x", "/.git/x"),
        ] {
            assert_eq!(canonical(path).as_deref(), Ok(form), "{path}");
        }
    }

    #[test]
    fn e7_what_servers_read_differently_is_refused() {
        for (path, fault) in [
            ("", AmbiguousPath::NotAbsolute),
            ("*", AmbiguousPath::NotAbsolute),
            ("a/b", AmbiguousPath::NotAbsolute),
            ("/a%00", AmbiguousPath::Control),
            ("/a%0d%0aX:y", AmbiguousPath::Control),
            ("/a\u{7f}", AmbiguousPath::Control),
            ("/%c2%85", AmbiguousPath::Control),
            ("/a\\..\\b", AmbiguousPath::Backslash),
            ("/a%5c..", AmbiguousPath::Backslash),
            ("/%252e%252e/x", AmbiguousPath::EncodedTwice),
            ("/a%252fb", AmbiguousPath::EncodedTwice),
            ("/a%25252fb", AmbiguousPath::EncodedTwice),
            ("/a%2500", AmbiguousPath::EncodedTwice),
            ("/a%2f..%2fb", AmbiguousPath::EncodedTwice),
            ("/..;/x", AmbiguousPath::DotParameters),
            ("/a/%2e%2e;x=1/b", AmbiguousPath::DotParameters),
            ("/%c0%ae%c0%ae/x", AmbiguousPath::NotUtf8),
            ("/%e0%80%af", AmbiguousPath::NotUtf8),
            ("/%ff", AmbiguousPath::NotUtf8),
            ("/a%2", AmbiguousPath::BrokenEscape),
            ("/a%zz", AmbiguousPath::BrokenEscape),
            ("/a%+1", AmbiguousPath::BrokenEscape),
            ("/..", AmbiguousPath::AboveRoot),
            ("/a/../../b", AmbiguousPath::AboveRoot),
            ("/a#b", AmbiguousPath::Delimiter),
        ] {
            assert_eq!(canonical(path), Err(fault), "{path}");
        }
        assert_eq!(canonical(&format!("/{}", "a".repeat(9000))), Err(AmbiguousPath::TooLong));
        // What is forwarded is read again, and must not be too long by then.
        assert_eq!(canonical(&format!("/{}", "]".repeat(3000))), Err(AmbiguousPath::TooLong));
    }

    #[test]
    fn e7_rules_see_decoded_segments() {
        let path = CanonicalPath::parse("/a%40b/@x%2fy/").unwrap();
        assert_eq!(path.segments(), ["a@b", "@x/y"]);
        assert!(path.has_encoded_slash() && path.is_folder());
        assert!(!CanonicalPath::parse("/a/b").unwrap().has_encoded_slash());
    }

    #[test]
    fn e7_making_it_canonical_twice_changes_nothing() {
        let pieces = [
            "/", "a", ".", "..", "%2e", "%2F", "%25", "2e", ";", "%3b", "ä", "%C3%A4", "%41", ":",
            "%zz", "\\", "//", "%", "5c", " ", "~", "@", "%7e", "%c0%ae", "?", "\"",
        ];
        // A fixed linear congruence: the same cases every time, and no dependency.
        let mut state = 0x2545_f491_u64;
        let mut canonical_ones = 0;
        for _ in 0..20_000 {
            let mut path = "/".to_owned();
            for _ in 0..6 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695);
                path.push_str(pieces[(state >> 33) as usize % pieces.len()]);
            }
            let Ok(once) = CanonicalPath::parse(&path) else { continue };
            canonical_ones += 1;
            assert_eq!(CanonicalPath::parse(once.as_str()).as_ref(), Ok(&once), "{path}");
            assert!(!once.segments().iter().any(|s| s == "." || s == ".."), "{path}");
        }
        assert!(canonical_ones > 1000);
    }
}

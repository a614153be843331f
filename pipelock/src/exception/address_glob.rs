//! Addresses as `suppress` names them: the styles of upstream's, held against `https://host/path`.

use std::{fmt, str::FromStr};

/// The longest.
const LONGEST: usize = 1024;

/// Which addresses are meant. The query plays no part: an agent could write anything there.
///
/// * `docs/` and `docs.example.org/v1/`, with a slash at the end: what lies below, from the root of
///   the path or from the host on. With a dot in its first part it begins with a host, unless a slash
///   stands before it;
/// * `https://example.org/robots.txt`: that address;
/// * anything else: what an address ends in, from a slash on, or with a host in front all of it. `*` and `?` stand for what a slash is
///   not, `[a-z]` for one of a class: `robots.txt`, `*.test.ts`, `*/robots.txt`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AddressGlob {
    text: String,
    /// The parts between slashes; of one that names what lies below, without the last slash.
    parts: Vec<String>,
    below: bool,
    whole: bool,
    /// The first part names a host: it has a dot, and more stands behind it. An agent writes paths as
    /// it likes, and must not make another host's address look like one that is meant.
    from_host: bool,
}

/// Why a text names no address.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct InvalidAddressGlob(&'static str);

impl std::error::Error for InvalidAddressGlob {}

impl fmt::Display for InvalidAddressGlob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl FromStr for AddressGlob {
    type Err = InvalidAddressGlob;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() > LONGEST {
            return Err(InvalidAddressGlob("is longer than 1024 bytes"));
        }
        let below = text.ends_with('/');
        let rest = text.strip_suffix('/').unwrap_or(text);
        let whole = rest.contains("://");
        // A slash before the first part says no more than that the part begins there.
        let rest = rest.strip_prefix('/').unwrap_or(rest);
        if rest.is_empty() {
            return Err(InvalidAddressGlob("names no address"));
        }
        let parts: Vec<String> = rest.split('/').map(str::to_owned).collect();
        if parts.iter().any(|part| open_class(part)) {
            return Err(InvalidAddressGlob("has a `[` without its `]`, or a `\\` at its end"));
        }
        let host_first = parts.first().is_some_and(|first| first.contains('.'));
        let from_host = host_first && (below || parts.len() > 1) && !text.starts_with('/');
        Ok(Self { text: text.to_owned(), parts, below, whole, from_host })
    }
}

impl fmt::Display for AddressGlob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl AddressGlob {
    /// Whether an address, `https://host/path`, is meant.
    pub fn matches(&self, address: &str) -> bool {
        let (_, place) = address.split_once("://").unwrap_or(("", address));
        let (_, path) = place.split_once('/').unwrap_or((place, ""));
        if self.whole {
            return self.fits(address);
        }
        if self.below {
            return self.fits(place) || !self.from_host && self.fits(path);
        }
        let parts: Vec<&str> = place.split('/').collect();
        if self.from_host {
            return parts.len() == self.parts.len() && self.all_fit(&parts);
        }
        let last = parts.len().checked_sub(self.parts.len()).and_then(|at| parts.get(at..));
        last.is_some_and(|last| self.all_fit(last))
    }

    fn fits(&self, text: &str) -> bool {
        let parts: Vec<&str> = text.split('/').collect();
        if !self.below {
            return parts.len() == self.parts.len() && self.all_fit(&parts);
        }
        // Below it, not the folder's own name as a file.
        parts.len() > self.parts.len()
            && parts.get(..self.parts.len()).is_some_and(|first| self.all_fit(first))
    }

    fn all_fit(&self, parts: &[&str]) -> bool {
        self.parts.iter().zip(parts).all(|(glob, part)| fits(glob.as_bytes(), part.as_bytes()))
    }
}

/// Whether a class is not closed, or nothing is escaped.
fn open_class(glob: &str) -> bool {
    let mut rest = glob.as_bytes();
    while !rest.is_empty() {
        match one(rest) {
            Some((_, after)) => rest = after,
            None => return true,
        }
    }
    false
}

/// What a glob's first sign stands for.
enum Sign<'g> {
    Any,
    One,
    Class(&'g [u8]),
    Byte(u8),
}

/// The first sign and what follows it; nothing where it is not whole.
fn one(glob: &[u8]) -> Option<(Sign<'_>, &[u8])> {
    match glob {
        [b'*', rest @ ..] => Some((Sign::Any, rest)),
        [b'?', rest @ ..] => Some((Sign::One, rest)),
        [b'[', rest @ ..] => {
            let end = rest.iter().position(|&byte| byte == b']').filter(|&end| end > 0)?;
            Some((Sign::Class(rest.get(..end)?), rest.get(end + 1..)?))
        }
        [b'\\'] | [] => None,
        [b'\\', byte, rest @ ..] | [byte, rest @ ..] => Some((Sign::Byte(*byte), rest)),
    }
}

/// Whether a part is what a glob stands for: the last `*` alone is ever tried again.
fn fits(glob: &[u8], text: &[u8]) -> bool {
    let (mut glob, mut text) = (glob, text);
    let mut again: Option<(&[u8], &[u8])> = None;
    loop {
        let sign = one(glob);
        if let Some((Sign::Any, rest)) = sign {
            again = Some((rest, text));
            glob = rest;
            continue;
        }
        match (sign, text) {
            (None, []) => return true,
            (Some((sign, rest)), [byte, after @ ..]) if covers(&sign, *byte) => {
                (glob, text) = (rest, after);
            }
            _ => {
                let Some((rest, [_, after @ ..])) = again else { return false };
                again = Some((rest, after));
                (glob, text) = (rest, after);
            }
        }
    }
}

fn covers(sign: &Sign<'_>, byte: u8) -> bool {
    match sign {
        Sign::Any | Sign::One => true,
        Sign::Byte(own) => *own == byte,
        Sign::Class(class) => {
            let (not, mut class) = match class {
                [b'^' | b'!', rest @ ..] => (true, rest),
                class => (false, *class),
            };
            let mut is = false;
            while let [first, rest @ ..] = class {
                (is, class) = match rest {
                    [b'-', last, rest @ ..] => (is || (*first..=*last).contains(&byte), rest),
                    rest => (is || *first == byte, rest),
                };
            }
            is != not
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(glob: &str, address: &str) -> bool {
        glob.parse::<AddressGlob>().unwrap().matches(address)
    }

    #[test]
    fn the_five_styles_of_upstream_are_understood() {
        for (glob, address) in [
            ("https://example.com/robots.txt", "https://example.com/robots.txt"),
            ("app/config.go", "https://example.com/app/config.go"),
            ("/robots.txt", "https://example.com/robots.txt"),
            ("robots.txt", "https://example.com/x/robots.txt"),
            ("*/robots.txt", "https://example.com/robots.txt"),
            ("*.test.ts", "https://example.com/pkg/a.test.ts"),
            ("test/fixtures/*.csv", "https://example.com/x/test/fixtures/a.csv"),
            ("docs/", "https://example.com/docs/a/b"),
            ("example.com/v1/", "https://example.com/v1/x"),
            ("*.example.com/", "https://docs.example.com/x"),
            ("example.com/robots.txt", "https://example.com/robots.txt"),
            ("/v1.0/", "https://example.com/v1.0/x"),
            ("https://example.com/", "https://example.com/x/y"),
            ("v[0-9]/a?c", "https://example.com/v2/abc"),
            (r"a\*b", "https://example.com/a*b"),
            ("*", "https://example.com/anything"),
            ("a*b*c", "https://example.com/aXbbXbcXc"),
        ] {
            assert!(matches(glob, address), "{glob} {address}");
        }
    }

    #[test]
    fn what_only_looks_like_it_is_not_meant() {
        for (glob, address) in [
            ("https://example.com/robots.txt", "https://evil.com/example.com/robots.txt"),
            ("https://example.com/robots.txt", "http://example.com/robots.txt"),
            ("robots.txt", "https://example.com/xrobots.txt"),
            ("robots.txt", "https://example.com/robots.txt/x"),
            ("docs/", "https://example.com/x/docs/a"),
            ("docs/", "https://example.com/docs"),
            ("example.com/v1/", "https://example.com.evil.com/v1/x"),
            ("example.com/v1/", "https://evil.com/x/example.com/v1/x"),
            ("example.com/v1/", "https://evil.com/example.com/v1/x"),
            ("*.example.com/", "https://evil.com/a.example.com/x"),
            ("example.com/robots.txt", "https://evil.com/example.com/robots.txt"),
            ("*.csv", "https://example.com/a.csv/b"),
            ("a*c", "https://example.com/a/c"),
            ("v[^0-9]", "https://example.com/v2"),
            ("a?c", "https://example.com/ac"),
        ] {
            assert!(!matches(glob, address), "{glob} {address}");
        }
    }

    #[test]
    fn what_names_no_address_is_refused() {
        for text in ["", "/", "a[b", "[]", "a\\", &"a".repeat(LONGEST + 1)] {
            assert!(text.parse::<AddressGlob>().is_err(), "{text}");
        }
    }

    #[test]
    fn many_stars_and_a_long_path_take_no_time() {
        let glob = "*a".repeat(200) + "b";
        assert!(!matches(&glob, &format!("https://example.com/{}", "a".repeat(8000))));
    }
}

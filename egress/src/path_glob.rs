//! Which paths a route covers: `*` is anything inside one segment, `**` is anything at all.
//!
//! A matcher of our own, because a route must also be compared with another route (do they
//! overlap?), which no glob crate answers, and because a glob here has two operators and no more.

use std::fmt;
use std::str::FromStr;

/// Longer than any path worth a rule, short enough to keep the comparison of two globs cheap.
const MAX_LEN: usize = 512;

/// As canonical paths write it.
const ENCODED_SLASH: &str = "%2F";

/// A glob over canonical paths, beginning with `/`.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct PathGlob {
    text: String,
    tokens: Vec<Token>,
}

#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Token {
    Byte(u8),
    /// `*`: any bytes but `/`.
    Segment,
    /// `**`: any bytes.
    Anything,
}

/// A path glob that cannot be used, and why.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("`{text}` is not a path glob: {why}")]
pub struct InvalidPathGlob {
    text: String,
    why: &'static str,
}

impl PathGlob {
    /// Covers every path.
    pub fn any() -> Self {
        Self { text: "/**".to_owned(), tokens: vec![Token::Byte(b'/'), Token::Anything] }
    }

    /// Whether a canonical path, without its query, is covered.
    ///
    /// A path with an encoded slash is covered only by a glob that has one itself: servers do not
    /// agree whether it ends a segment.
    pub fn matches(&self, path: &str) -> bool {
        if path.contains(ENCODED_SLASH) && !self.text.contains(ENCODED_SLASH) {
            return false;
        }
        let mut states = self.closure(vec![0]);
        for byte in path.bytes() {
            let next = states.iter().filter_map(|&at| self.step(at, byte)).collect();
            states = self.closure(next);
            if states.is_empty() {
                return false;
            }
        }
        states.contains(&self.tokens.len())
    }

    /// Whether some path is covered by both.
    pub fn overlaps(&self, other: &Self) -> bool {
        let (width, height) = (self.tokens.len() + 1, other.tokens.len() + 1);
        let mut seen = vec![false; width * height];
        let mut open = vec![(0, 0)];
        while let Some((mine, theirs)) = open.pop() {
            let cell = mine * height + theirs;
            if seen.get(cell).copied().unwrap_or(true) {
                continue;
            }
            seen[cell] = true;
            if mine == self.tokens.len() && theirs == other.tokens.len() {
                return true;
            }
            let (a, b) = (self.tokens.get(mine), other.tokens.get(theirs));
            // A star may stand for nothing.
            if matches!(a, Some(Token::Segment | Token::Anything)) {
                open.push((mine + 1, theirs));
            }
            if matches!(b, Some(Token::Segment | Token::Anything)) {
                open.push((mine, theirs + 1));
            }
            if let (Some(a), Some(b)) = (a, b)
                && a.shares_a_byte(*b)
            {
                open.push((mine + a.advance(), theirs + b.advance()));
            }
        }
        false
    }

    /// Greater is more specific: more literal text, then fewer wildcards of the wider kind.
    pub fn specificity(&self) -> (usize, std::cmp::Reverse<usize>, std::cmp::Reverse<usize>) {
        let count = |wanted: fn(&Token) -> bool| self.tokens.iter().filter(|t| wanted(t)).count();
        (
            count(|t| matches!(t, Token::Byte(_))),
            std::cmp::Reverse(count(|t| *t == Token::Anything)),
            std::cmp::Reverse(count(|t| *t == Token::Segment)),
        )
    }

    fn step(&self, at: usize, byte: u8) -> Option<usize> {
        match self.tokens.get(at)? {
            Token::Byte(wanted) => (*wanted == byte).then_some(at + 1),
            Token::Segment => (byte != b'/').then_some(at),
            Token::Anything => Some(at),
        }
    }

    /// The states reachable without reading: a star may stand for nothing.
    fn closure(&self, mut states: Vec<usize>) -> Vec<usize> {
        let mut at = 0;
        while let Some(&state) = states.get(at) {
            let skips = matches!(self.tokens.get(state), Some(Token::Segment | Token::Anything));
            if skips && !states.contains(&(state + 1)) {
                states.push(state + 1);
            }
            at += 1;
        }
        states.sort_unstable();
        states.dedup();
        states
    }
}

impl Token {
    fn shares_a_byte(self, other: Self) -> bool {
        match (self, other) {
            (Self::Byte(a), Self::Byte(b)) => a == b,
            (Self::Segment, Self::Byte(b)) | (Self::Byte(b), Self::Segment) => b != b'/',
            (Self::Anything | Self::Segment, _) | (_, Self::Anything) => true,
        }
    }

    fn advance(self) -> usize {
        usize::from(matches!(self, Self::Byte(_)))
    }
}

impl FromStr for PathGlob {
    type Err = InvalidPathGlob;

    fn from_str(text: &str) -> Result<Self, InvalidPathGlob> {
        let fault = |why| InvalidPathGlob { text: text.to_owned(), why };
        if !text.starts_with('/') {
            return Err(fault("it must begin with `/`"));
        }
        if text.len() > MAX_LEN {
            return Err(fault("it is longer than 512 bytes"));
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(fault("only printable ASCII without spaces can stand in a path"));
        }
        if text.contains(['?', '#']) {
            return Err(fault("a path has no query and no fragment"));
        }
        if text.contains("***") {
            return Err(fault("`***` means nothing"));
        }
        if text.split('/').any(|segment| segment == ".." || segment == ".") {
            return Err(fault("it names `.` or `..`, which no canonical path has"));
        }
        let mut tokens = Vec::with_capacity(text.len());
        let mut bytes = text.bytes().peekable();
        while let Some(byte) = bytes.next() {
            tokens.push(match byte {
                b'*' if bytes.next_if_eq(&b'*').is_some() => Token::Anything,
                b'*' => Token::Segment,
                byte => Token::Byte(byte),
            });
        }
        Ok(Self { text: text.to_owned(), tokens })
    }
}

impl fmt::Display for PathGlob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn glob(text: &str) -> PathGlob {
        text.parse().unwrap()
    }

    #[test]
    fn one_star_stays_in_its_segment() {
        for (pattern, path, covered) in [
            ("/v1/**", "/v1/messages", true),
            ("/v1/**", "/v1/a/b/c", true),
            ("/v1/**", "/v1", false),
            ("/v1/**", "/v10/messages", false),
            ("/v1/*", "/v1/messages", true),
            ("/v1/*", "/v1/a/b", false),
            ("/v1/*/tokens", "/v1/me/tokens", true),
            ("/v1/*/tokens", "/v1/me/too/tokens", false),
            ("/**/info", "/a/b/info", true),
            ("/**", "/", true),
            ("/", "/", true),
            ("/", "/x", false),
            ("/repos/*.git", "/repos/x.git", true),
            ("/v1/messages", "/v1/Messages", false),
            ("/v1/**", "/v1/a%2Fb", false),
            ("/v1/*%2F*", "/v1/a%2Fb", true),
        ] {
            assert_eq!(glob(pattern).matches(path), covered, "{pattern} on {path}");
        }
    }

    #[test]
    fn overlap_is_a_path_that_both_cover() {
        for (one, other, overlap) in [
            ("/v1/**", "/v1/messages", true),
            ("/v1/**", "/v2/**", false),
            ("/*/a", "/b/*", true),
            ("/*", "/a/b", false),
            ("/**/x", "/a/**", true),
            ("/a", "/a", true),
            ("/a", "/b", false),
            ("/a*", "/*b", true),
            ("/a*c", "/*b/c", false),
        ] {
            assert_eq!(glob(one).overlaps(&glob(other)), overlap, "{one} and {other}");
            assert_eq!(glob(other).overlaps(&glob(one)), overlap, "{other} and {one}");
        }
    }

    #[test]
    fn the_longer_and_tighter_is_more_specific() {
        assert!(glob("/v1/messages").specificity() > glob("/v1/**").specificity());
        assert!(glob("/v1/*").specificity() > glob("/v1/**").specificity());
        assert!(glob("/v1/**").specificity() > PathGlob::any().specificity());
    }

    #[test]
    fn refuses_what_no_canonical_path_can_be() {
        for text in ["", "v1", "/a b", "/a?b", "/a#b", "/../x", "/./x", "/***", "/a\nb", "/\u{e9}"]
        {
            assert!(text.parse::<PathGlob>().is_err(), "{text:?}");
        }
    }
}

//! The one host matcher: what a manifest, pipelock's allowlist and egress's routes mean by a host.
//!
//! Two matchers that disagree are how a host gets a credential in one sidecar and a pass in the
//! other, so there is this one, and it follows upstream pipelock: `*.x` covers `x` and every depth
//! below it, anything else is exact, an address matches only itself.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr},
    str::FromStr,
};

use serde::{Deserialize, Serialize};

/// The longest name DNS can carry.
const MAX_NAME: usize = 253;
/// The longest label of a name.
const MAX_LABEL: usize = 63;

/// A host as a policy names it: `docs.example.org`, `*.example.org`, or one address.
///
/// Always in its canonical form: lower case, no trailing dot, ASCII. An address in an odd notation
/// (`127.1`, `0x7f.1`) is refused, so that a pattern never looks like a name and means an address.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct HostPattern(Kind);

#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
enum Kind {
    Name(String),
    /// `*.x`, kept as `x`.
    Domain(String),
    Address(IpAddr),
}

/// Why a text is no host pattern.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidHostPattern {
    #[error("a host may not be empty")]
    Empty,
    #[error("`{0}` allows every host there is; name a domain, as in `*.example.org`")]
    Everything(String),
    #[error("`{0}` is not a host: `*` stands only for a whole first label, as in `*.example.org`")]
    Wildcard(String),
    #[error("`{0}` covers a whole top-level domain; name at least two labels")]
    TopLevel(String),
    #[error("`{0}` is a URL; write the host alone")]
    Url(String),
    #[error("`{0}` is not a host; international names are written in their `xn--` form")]
    NotAscii(String),
    #[error("`{0}` is not a host name")]
    NotAName(String),
    #[error("`{0}` is an address in an odd notation; write it in full")]
    OddAddress(String),
}

impl HostPattern {
    /// Whether a name is covered. `name` is in its canonical form (lower case, no trailing dot).
    pub fn covers_name(&self, name: &str) -> bool {
        match &self.0 {
            Kind::Name(exact) => name == exact,
            Kind::Domain(domain) => name
                .strip_suffix(domain.as_str())
                .is_some_and(|before| before.is_empty() || before.ends_with('.')),
            Kind::Address(_) => false,
        }
    }

    /// Whether an address is covered. A mapped address (`::ffff:1.2.3.4`) is the address it maps.
    pub fn covers_address(&self, address: IpAddr) -> bool {
        matches!(&self.0, Kind::Address(own) if *own == address.to_canonical())
    }

    /// Whether the host, a canonical name or an address, is covered.
    pub fn covers(&self, host: &str) -> bool {
        match address_of(host) {
            Some(address) => self.covers_address(address),
            None => self.covers_name(host),
        }
    }

    /// Whether every host of `other` is a host of this pattern as well.
    pub fn contains(&self, other: &Self) -> bool {
        match &other.0 {
            Kind::Name(name) => self.covers_name(name),
            Kind::Address(address) => self.covers_address(*address),
            Kind::Domain(domain) => matches!(self.0, Kind::Domain(_)) && self.covers_name(domain),
        }
    }

    /// Whether a host may exist that both cover.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.contains(other) || other.contains(self)
    }

    /// Whether this is `*.x`.
    pub fn is_wildcard(&self) -> bool {
        matches!(self.0, Kind::Domain(_))
    }

    /// The address, where the pattern is one.
    pub fn address(&self) -> Option<IpAddr> {
        match self.0 {
            Kind::Address(address) => Some(address),
            Kind::Name(_) | Kind::Domain(_) => None,
        }
    }

    /// How specific the pattern is, for choosing among several that match: an exact host beats a
    /// wildcard, and a longer wildcard beats a shorter one.
    pub fn specificity(&self) -> usize {
        match &self.0 {
            Kind::Name(_) | Kind::Address(_) => usize::MAX,
            Kind::Domain(domain) => domain.len(),
        }
    }
}

impl FromStr for HostPattern {
    type Err = InvalidHostPattern;

    fn from_str(text: &str) -> Result<Self, InvalidHostPattern> {
        let own = || text.to_owned();
        if text.is_empty() {
            return Err(InvalidHostPattern::Empty);
        }
        if let Some(address) = address_of(text) {
            return Ok(Self(Kind::Address(address)));
        }
        if text.contains("://") || text.contains('/') {
            return Err(InvalidHostPattern::Url(own()));
        }
        if !text.is_ascii() {
            return Err(InvalidHostPattern::NotAscii(own()));
        }
        let lower = text.to_ascii_lowercase();
        let canonical = lower.strip_suffix('.').unwrap_or(&lower);
        if matches!(canonical, "*" | "*.*" | "*.") {
            return Err(InvalidHostPattern::Everything(own()));
        }
        let (domain, wild) = match canonical.strip_prefix("*.") {
            Some(domain) => (domain, true),
            None => (canonical, false),
        };
        if domain.contains('*') {
            return Err(InvalidHostPattern::Wildcard(own()));
        }
        if ends_in_a_number(domain) {
            return Err(InvalidHostPattern::OddAddress(own()));
        }
        if !is_name(domain) {
            return Err(InvalidHostPattern::NotAName(own()));
        }
        match (wild, domain.contains('.')) {
            (true, false) => Err(InvalidHostPattern::TopLevel(own())),
            (true, true) => Ok(Self(Kind::Domain(domain.to_owned()))),
            (false, _) => Ok(Self(Kind::Name(domain.to_owned()))),
        }
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Name(name) => f.write_str(name),
            Kind::Domain(domain) => write!(f, "*.{domain}"),
            Kind::Address(address) => write!(f, "{address}"),
        }
    }
}

impl TryFrom<String> for HostPattern {
    type Error = InvalidHostPattern;

    fn try_from(text: String) -> Result<Self, InvalidHostPattern> {
        text.parse()
    }
}

impl From<HostPattern> for String {
    fn from(pattern: HostPattern) -> Self {
        pattern.to_string()
    }
}

/// The address a text is, in its usual notation (IPv6 with or without brackets).
fn address_of(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    if bare.len() != text.len() && bare.parse::<Ipv4Addr>().is_ok() {
        return None;
    }
    bare.parse::<IpAddr>().ok().map(|address| address.to_canonical())
}

/// Whether the last label is a number, which resolvers and URL parsers read as an address.
fn ends_in_a_number(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or_default();
    let digits = |text: &str, radix| text.chars().all(|c| c.is_digit(radix));
    match last.strip_prefix("0x") {
        Some(hex) => digits(hex, 16),
        None => !last.is_empty() && digits(last, 10),
    }
}

/// Whether the text is made of DNS labels. Underscores occur in names people serve from.
fn is_name(name: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_');
    let label = |label: &str| {
        (1..=MAX_LABEL).contains(&label.len())
            && label.bytes().all(allowed)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    name.len() <= MAX_NAME && name.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> HostPattern {
        text.parse().unwrap()
    }

    #[test]
    fn a_wildcard_covers_its_domain_and_every_depth() {
        let wild = pattern("*.Example.org.");
        for host in ["example.org", "a.example.org", "a.b.c.example.org"] {
            assert!(wild.covers(host), "{host}");
        }
        for host in ["badexample.org", "example.org.evil.net", "org", "", ".example.org.x"] {
            assert!(!wild.covers(host), "{host}");
        }
    }

    #[test]
    fn a_name_covers_only_itself() {
        assert!(pattern("API.example.org").covers("api.example.org"));
        assert!(!pattern("api.example.org").covers("x.api.example.org"));
        assert!(!pattern("api.example.org").covers("example.org"));
    }

    #[test]
    fn an_address_covers_only_itself_however_it_is_mapped() {
        let address = pattern("192.0.2.7");
        assert!(address.covers("192.0.2.7"));
        assert!(address.covers_address("::ffff:192.0.2.7".parse().unwrap()));
        assert!(!address.covers("192.0.2.8"));
        assert_eq!(pattern("[2001:db8::1]"), pattern("2001:db8::1"));
    }

    #[test]
    fn containment_and_overlap_follow_the_matches() {
        assert!(pattern("*.a.org").contains(&pattern("*.b.a.org")));
        assert!(pattern("*.a.org").contains(&pattern("a.org")));
        assert!(!pattern("a.org").contains(&pattern("*.a.org")));
        assert!(pattern("x.a.org").overlaps(&pattern("*.a.org")));
        assert!(!pattern("x.a.org").overlaps(&pattern("*.b.org")));
    }

    #[test]
    fn what_is_no_host_is_refused() {
        for text in [
            "",
            "*",
            "*.",
            "*.*",
            "*.com",
            "a.*.org",
            "a*.org",
            "*a.org",
            "https://a.org",
            "a.org/x",
            "a.org:443",
            "a b.org",
            "a\n.org",
            "a\0.org",
            "user@a.org",
            "127.1",
            "0x7f.1",
            "2130706433",
            "0177.0.0.1",
            "1.2.3.4.",
            "[a.org]",
            "[1.2.3.4]",
            "a..org",
            ".org",
            "-a.org",
            "a-.org",
            "münchen.de",
            "${HOME}",
            "fe80::1%eth0",
            "256.1.1.1",
        ] {
            assert!(text.parse::<HostPattern>().is_err(), "{text:?}");
        }
        assert!("a".repeat(64).parse::<HostPattern>().is_err());
        assert!(format!("{}org", "a.".repeat(130)).parse::<HostPattern>().is_err());
    }

    #[test]
    fn text_and_pattern_are_one_to_one() {
        for text in
            ["a.org", "*.a.org", "192.0.2.1", "2001:db8::1", "localhost", "xn--mnchen-3ya.de"]
        {
            assert_eq!(pattern(text).to_string(), text);
        }
    }
}

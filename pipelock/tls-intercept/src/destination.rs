//! Where a request goes: built once, and everything else is compared with it.

use crate::address::{self, Notation};
use std::fmt;
use std::net::IpAddr;

/// How the upstream is spoken to.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Scheme {
    Http,
    Https,
}

impl Scheme {
    /// The port that need not be said.
    pub const fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }

    /// As in a URI.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}

/// A host's name in its one canonical form: lower case, ASCII, no trailing dot, valid labels.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Name(String);

impl Name {
    const MAX_LEN: usize = 253;
    const MAX_LABEL: usize = 63;

    /// Takes a name; refuses what is an address in any notation, and every character that a
    /// resolver, a URL parser or a terminal could take for something else.
    pub fn parse(text: &str) -> Result<Self, InvalidDestination> {
        let text = text.strip_suffix('.').unwrap_or(text);
        let label = |label: &str| {
            (1..=Self::MAX_LABEL).contains(&label.len())
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        };
        let is_name = (1..=Self::MAX_LEN).contains(&text.len()) && text.split('.').all(label);
        if is_name && address::v4(text) == Notation::Other {
            Ok(Self(text.to_ascii_lowercase()))
        } else {
            Err(InvalidDestination::Host)
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A name or an address; what is an address in some odd notation is an address here.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Host {
    Name(Name),
    Address(IpAddr),
}

impl Host {
    /// Reads a host as it stands in an authority: IPv6 in brackets, and nothing else in brackets.
    pub fn parse(text: &str) -> Result<Self, InvalidDestination> {
        if let Some(inner) = text.strip_prefix('[') {
            let inner = inner.strip_suffix(']').ok_or(InvalidDestination::Host)?;
            return address::v6(inner).map(Self::Address).ok_or(InvalidDestination::Host);
        }
        match address::v4(text) {
            Notation::Address(address) => Ok(Self::Address(address)),
            Notation::Broken => Err(InvalidDestination::Host),
            Notation::Other => Name::parse(text).map(Self::Name),
        }
    }

    /// The name, where it is one.
    pub const fn name(&self) -> Option<&Name> {
        match self {
            Self::Name(name) => Some(name),
            Self::Address(_) => None,
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => name.fmt(f),
            Self::Address(IpAddr::V4(address)) => address.fmt(f),
            Self::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
        }
    }
}

/// Where a request goes.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Destination {
    pub scheme: Scheme,
    pub host: Host,
    pub port: u16,
}

/// A text that names no destination.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidDestination {
    #[error("the host is neither a name nor an address")]
    Host,
    #[error("the port is no number from 1 to 65535")]
    Port,
    #[error("the port is missing")]
    PortMissing,
    #[error("the URI is not `http://` or `https://` with a plain authority")]
    Uri,
}

impl Destination {
    /// Reads `host:port` as CONNECT has it: the port must be said.
    pub fn parse_authority(scheme: Scheme, text: &str) -> Result<Self, InvalidDestination> {
        let (host, port) = split_port(text)?;
        let port = port.ok_or(InvalidDestination::PortMissing)?;
        Ok(Self { scheme, host: Host::parse(host)?, port })
    }

    /// Reads a `Host` or `:authority`, where the scheme's own port need not be said.
    pub fn parse_host(scheme: Scheme, text: &str) -> Result<Self, InvalidDestination> {
        let (host, port) = split_port(text)?;
        let port = port.unwrap_or(scheme.default_port());
        Ok(Self { scheme, host: Host::parse(host)?, port })
    }

    /// Reads the destination of an absolute URI and returns it with the path and query.
    pub fn parse_uri(text: &str) -> Result<(Self, &str), InvalidDestination> {
        let (scheme, rest) = text.split_once("://").ok_or(InvalidDestination::Uri)?;
        let scheme = if scheme.eq_ignore_ascii_case("https") {
            Scheme::Https
        } else if scheme.eq_ignore_ascii_case("http") {
            Scheme::Http
        } else {
            return Err(InvalidDestination::Uri);
        };
        let end = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at_checked(end).ok_or(InvalidDestination::Uri)?;
        if path.contains(['#', '\\']) {
            return Err(InvalidDestination::Uri);
        }
        Ok((Self::parse_host(scheme, authority)?, path))
    }

    /// A destination from its parts; the scheme's own port.
    pub fn steered(scheme: Scheme, name: Name) -> Self {
        Self { scheme, host: Host::Name(name), port: scheme.default_port() }
    }

    /// As a `Host` header or `:authority` has it: the scheme's own port is not said.
    pub fn authority(&self) -> String {
        if self.port == self.scheme.default_port() {
            self.host.to_string()
        } else {
            self.to_string()
        }
    }
}

/// `host:port`, always with the port.
impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

/// Splits at the one colon that is not in brackets. An empty port is refused, not taken as absent.
fn split_port(text: &str) -> Result<(&str, Option<u16>), InvalidDestination> {
    let after_brackets =
        if text.starts_with('[') { text.find(']').ok_or(InvalidDestination::Host)? + 1 } else { 0 };
    let (host, rest) = text
        .get(after_brackets..)
        .and_then(|tail| tail.find(':'))
        .and_then(|colon| text.split_at_checked(after_brackets + colon))
        .unwrap_or((text, ""));
    match rest.strip_prefix(':') {
        None => Ok((host, None)),
        Some(port) => Ok((host, Some(parse_port(port)?))),
    }
}

/// Digits alone: `parse` would take `+443`, and a C library `443 ` and 65537.
fn parse_port(text: &str) -> Result<u16, InvalidDestination> {
    let plain = !text.starts_with('0') && text.bytes().all(|b| b.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten().ok_or(InvalidDestination::Port)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connect(text: &str) -> Result<Destination, InvalidDestination> {
        Destination::parse_authority(Scheme::Https, text)
    }

    #[test]
    fn b5_a_name_has_one_form() {
        for text in ["Example.COM:443", "example.com.:443", "EXAMPLE.com:443"] {
            assert_eq!(connect(text).unwrap().to_string(), "example.com:443");
        }
        for text in [
            "host%00.allowed.com:443",
            "a\0.com:443",
            "a b.com:443",
            "a\r\n.com:443",
            "exämple.com:443",
            "..:443",
            ".a:443",
            "a..b:443",
            "a.com..:443",
            "-a.com:443",
            "a-.com:443",
            "a/b.com:443",
            "a?b:443",
            "a#b:443",
            ":443",
            "",
        ] {
            assert!(connect(text).is_err(), "{text:?}");
        }
        assert!(connect(&format!("{}.com:443", "a".repeat(64))).is_err());
    }

    #[test]
    fn c1_addresses_are_addresses_in_every_notation() {
        for text in [
            "127.1:443",
            "2130706433:443",
            "0x7f.1:443",
            "0177.0.0.1:443",
            "[::ffff:127.0.0.1]:443",
            "[::ffff:7f00:1]:443",
        ] {
            assert_eq!(connect(text).unwrap().to_string(), "127.0.0.1:443", "{text}");
        }
        assert_eq!(connect("[::1]:443").unwrap().to_string(), "[::1]:443");
        assert!(connect("[fe80::1%25eth0]:443").is_err());
        assert!(connect("::1:443").is_err());
        assert!(Name::parse("127.1").is_err());
    }

    #[test]
    fn c3_ports_are_read_strictly() {
        for port in [
            "", "0", "+443", "443 ", " 443", "0443", "65536", "65537", "443:80", "-1", "4e2", "٤٤٣",
        ] {
            assert!(connect(&format!("a.com:{port}")).is_err(), "{port:?}");
        }
        assert_eq!(connect("a.com"), Err(InvalidDestination::PortMissing));
        assert_eq!(connect("a.com:65535").unwrap().port, 65535);
        assert!(Destination::parse_host(Scheme::Https, "a.com:").is_err());
    }

    #[test]
    fn c5_userinfo_and_bracket_tricks_are_no_destination() {
        for uri in [
            "http://allowed.com@evil.com/",
            "http://evil.com#@allowed.com",
            "http://allowed.com\\@evil.com",
            "http://[allowed.com]/",
            "http://allowed.com:443@evil.com/",
            "http:///allowed.com",
            "http:/allowed.com",
            "//allowed.com/",
            "ftp://allowed.com/",
            "http://allowed.com /",
            "http://a\tb/",
            "http://[::1/",
            "http://[::1]x/",
            "http://user:pw@allowed.com/",
        ] {
            assert!(Destination::parse_uri(uri).is_err(), "{uri}");
        }
        for text in ["allowed.com:443@evil.com", "[allowed.com]:443", "a@b:443", "[::1]x:443"] {
            assert!(connect(text).is_err(), "{text}");
        }
        let (destination, path) = Destination::parse_uri("HTTP://Allowed.com?x=@y").unwrap();
        assert_eq!((destination.to_string().as_str(), path), ("allowed.com:80", "?x=@y"));
    }

    #[test]
    fn the_default_port_is_not_said_in_an_authority() {
        assert_eq!(connect("a.com:443").unwrap().authority(), "a.com");
        assert_eq!(connect("a.com:8443").unwrap().authority(), "a.com:8443");
        assert_eq!(
            Destination::parse_host(Scheme::Http, "a.com:443").unwrap().authority(),
            "a.com:443"
        );
    }
}

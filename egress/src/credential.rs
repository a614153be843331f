//! What a route adds to a request: which secret, and where in the request it stands.

use std::fmt;
use std::str::FromStr;

use crate::placeholder::Placeholder;

/// A secret of the host that egress puts into requests, in the agent's stead.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Credential {
    /// The secret's name on the host. Its value is in the environment of egress alone.
    pub variable: VariableName,
    pub form: Form,
    /// What the agent holds instead. None where the agent has nothing that looks like it.
    pub placeholder: Option<Placeholder>,
}

/// Where in a request the secret stands.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Form {
    /// A header whose whole value is the secret.
    Header(HeaderName),
    /// `Authorization: Bearer SECRET`.
    Bearer,
    /// `Authorization: Basic base64(USER:SECRET)`; without a user the secret is `user:password`.
    Basic { user: Option<BasicUser> },
    /// A query parameter: weak, since URLs end in logs. `check_routes` warns of it.
    Query(ParameterName),
    /// One cookie of that name; other cookies pass.
    Cookie(ParameterName),
}

impl Form {
    /// The header that carries the secret, or none for a query parameter.
    pub fn header(&self) -> Option<&str> {
        match self {
            Self::Header(name) => Some(name.as_str()),
            Self::Bearer | Self::Basic { .. } => Some("authorization"),
            Self::Cookie(_) => Some("cookie"),
            Self::Query(_) => None,
        }
    }
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header(name) => write!(f, "header {name}"),
            Self::Bearer => f.write_str("bearer"),
            Self::Basic { user: Some(user) } => write!(f, "basic as {}", user.as_str()),
            Self::Basic { user: None } => f.write_str("basic"),
            Self::Query(name) => write!(f, "query parameter {name}"),
            Self::Cookie(name) => write!(f, "cookie {name}"),
        }
    }
}

/// A value that cannot stand in a request or a routes file, and why.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{what} {text:?} cannot be used: {why}")]
pub struct InvalidValue {
    what: &'static str,
    text: String,
    why: &'static str,
}

/// The name of an environment variable of the host that holds a secret.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct VariableName(String);

impl VariableName {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The variable under which egress, and nothing else, is given the value.
    pub fn in_egress(&self) -> String {
        format!("{}{}", compose_render::contract::CREDENTIAL_PREFIX, self.0)
    }
}

/// A header name a credential may use, in lower case.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct HeaderName(String);

/// Headers that shape the message or name its destination; a credential in one would be a hole.
const RESERVED: &[&str] = &[
    "accept-encoding",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "cookie",
    "expect",
    "host",
    "http2-settings",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

impl HeaderName {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The name of a query parameter or a cookie.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct ParameterName(String);

impl ParameterName {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The user of a basic credential: anything without a colon or a control character.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct BasicUser(String);

impl BasicUser {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A byte of a `token` of RFC 9110.
fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

impl FromStr for VariableName {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let fault = |why| InvalidValue { what: "variable", text: text.to_owned(), why };
        if text.is_empty() || text.len() > 128 {
            return Err(fault("a name has 1 to 128 characters"));
        }
        if text.starts_with(|first: char| first.is_ascii_digit()) {
            return Err(fault("a name does not begin with a digit"));
        }
        if !text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            return Err(fault("a name has letters, digits and `_` only"));
        }
        Ok(Self(text.to_owned()))
    }
}

impl FromStr for HeaderName {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let fault = |why| InvalidValue { what: "header", text: text.to_owned(), why };
        if text.is_empty() || text.len() > 128 {
            return Err(fault("a name has 1 to 128 characters"));
        }
        if !text.bytes().all(is_token_byte) {
            return Err(fault("it has a character that no header name may have"));
        }
        let name = text.to_ascii_lowercase();
        if RESERVED.contains(&name.as_str()) || name.starts_with("x-bottle-") {
            return Err(fault("it shapes the message and cannot carry a credential"));
        }
        Ok(Self(name))
    }
}

impl FromStr for ParameterName {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        if (1..=128).contains(&text.len()) && text.bytes().all(plain) {
            return Ok(Self(text.to_owned()));
        }
        let why = "a name has 1 to 128 letters, digits, `-`, `.`, `_` or `~`";
        Err(InvalidValue { what: "parameter", text: text.to_owned(), why })
    }
}

impl FromStr for BasicUser {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let plain = |c: char| c != ':' && !c.is_control();
        if (1..=256).contains(&text.len()) && text.chars().all(plain) {
            return Ok(Self(text.to_owned()));
        }
        let why = "a user has no `:` and no control character";
        Err(InvalidValue { what: "user", text: text.to_owned(), why })
    }
}

/// Why a secret's value cannot be used. The value itself is never part of it.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidSecret {
    #[error("it is empty")]
    Empty,
    #[error("it has a line break or another control character in it")]
    Control,
    #[error("it has a character outside ASCII in it")]
    NotAscii,
    #[error("it is shorter than 8 characters, too short to be told from other text")]
    Short,
    #[error("it is longer than 16 KiB")]
    Long,
    #[error("a basic credential without `user` must be `user:password`")]
    NoColon,
}

/// Checks a secret's value for the form it will take: nothing in it may end a header line.
///
/// # Errors
///
/// Says what is wrong with the value, and never the value.
pub fn check_secret(form: &Form, value: &str) -> Result<(), InvalidSecret> {
    if value.is_empty() {
        return Err(InvalidSecret::Empty);
    }
    if value.len() > 16 * 1024 {
        return Err(InvalidSecret::Long);
    }
    if value.chars().any(char::is_control) {
        return Err(InvalidSecret::Control);
    }
    if !value.is_ascii() {
        return Err(InvalidSecret::NotAscii);
    }
    if value.len() < MIN_SECRET {
        return Err(InvalidSecret::Short);
    }
    if matches!(form, Form::Basic { user: None }) && !value.contains(':') {
        return Err(InvalidSecret::NoColon);
    }
    Ok(())
}

/// An echo of a shorter secret could not be told from chance, so it is refused at the start.
pub const MIN_SECRET: usize = 8;

macro_rules! displayed {
    ($($name:ident),*) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}
displayed!(VariableName, HeaderName, ParameterName, BasicUser);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e5_a_line_break_is_refused_in_every_name_and_value() {
        assert!("x-api\r\n-key".parse::<HeaderName>().is_err());
        assert!("x api".parse::<HeaderName>().is_err());
        assert!("key\n".parse::<ParameterName>().is_err());
        assert!("us\rer".parse::<BasicUser>().is_err());
        assert!("A=B".parse::<VariableName>().is_err());
        for value in ["sk-123456\r\nx-evil: 1", "sk-123456\n", "sk-12345\0"] {
            assert_eq!(check_secret(&Form::Bearer, value), Err(InvalidSecret::Control));
        }
    }

    #[test]
    fn a_header_that_shapes_the_message_carries_no_credential() {
        for name in ["Host", "Content-Length", "transfer-encoding", "Connection", "X-Bottle-Hop"] {
            assert!(name.parse::<HeaderName>().is_err(), "{name}");
        }
        assert_eq!("X-Api-Key".parse::<HeaderName>().unwrap().as_str(), "x-api-key");
    }

    #[test]
    fn a_fault_of_a_secret_never_shows_it() {
        let error = check_secret(&Form::Basic { user: None }, "hunter2hunter2").unwrap_err();
        assert_eq!(error, InvalidSecret::NoColon);
        assert!(!error.to_string().contains("hunter2"));
    }

    #[test]
    fn egress_has_its_own_name_for_a_variable() {
        let name: VariableName = "ANTHROPIC_API_KEY".parse().unwrap();
        assert_eq!(name.in_egress(), "BOTTLE_CREDENTIAL_ANTHROPIC_API_KEY");
    }
}

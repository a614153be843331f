//! Credentials that expire, and how egress renews them (OAuth's refresh token grant).

use std::fmt;
use std::str::FromStr;

use compose_render::HostPattern;

use crate::credential::VariableName;
use crate::route::DEFAULT_PORT;

/// Before a credential's name, and after it `.json`: a file of egress's outbox with what it renewed.
pub const LOGIN_FILE_PREFIX: &str = "login-";

/// How the value of one credential is renewed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Renewal {
    /// The credential that is renewed: its value is the access token.
    pub variable: VariableName,
    /// Whose value is the refresh token. The agent has no placeholder of it.
    pub refresh: VariableName,
    pub endpoint: TokenEndpoint,
    pub client_id: String,
    /// Of clients that have one.
    pub client_secret: Option<VariableName>,
    pub scopes: Vec<String>,
    pub body: TokenBody,
    /// When the first access token expires, in seconds since 1970; at once where it is not known.
    pub expires: Option<u64>,
}

/// How the endpoint wants to be asked.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum TokenBody {
    /// `application/x-www-form-urlencoded`, as RFC 6749 says.
    #[default]
    Form,
    /// `application/json`, as some want it.
    Json,
}

/// Where tokens are made: `https`, one host, one path.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TokenEndpoint {
    host: String,
    path: String,
}

/// A token URL that cannot be used.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{0:?} is no token endpoint: it is `https://HOST/PATH`, without port and query")]
pub struct InvalidEndpoint(String);

impl TokenEndpoint {
    pub fn host(&self) -> &str {
        &self.host
    }

    pub fn path(&self) -> &str {
        &self.path
    }

    /// Whether a request goes to it, by whatever method.
    pub fn is(&self, host: &str, port: u16, path: &str) -> bool {
        port == DEFAULT_PORT && host == self.host && path == self.path
    }
}

impl FromStr for TokenEndpoint {
    type Err = InvalidEndpoint;

    fn from_str(text: &str) -> Result<Self, InvalidEndpoint> {
        let invalid = || InvalidEndpoint(text.to_owned());
        let rest = text.strip_prefix("https://").ok_or_else(invalid)?;
        let (host, path) = rest.split_once('/').ok_or_else(invalid)?;
        let named = host.parse::<HostPattern>().is_ok_and(|pattern| !pattern.is_wildcard());
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
        let canonical = !path.split('/').any(|part| matches!(part, "" | "." | ".."));
        if named && !host.contains(':') && canonical && path.bytes().all(plain) {
            Ok(Self { host: host.to_ascii_lowercase(), path: format!("/{path}") })
        } else {
            Err(invalid())
        }
    }
}

impl fmt::Display for TokenEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "https://{}{}", self.host, self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_endpoint_is_one_host_and_one_path() {
        let endpoint: TokenEndpoint = "https://platform.test/v1/oauth/token".parse().unwrap();
        assert_eq!(endpoint.to_string(), "https://platform.test/v1/oauth/token");
        assert!(endpoint.is("platform.test", 443, "/v1/oauth/token"));
        assert!(!endpoint.is("platform.test", 443, "/v1/oauth"));
        assert!(!endpoint.is("platform.test", 80, "/v1/oauth/token"));
        for bad in [
            "http://platform.test/token",
            "https://platform.test",
            "https://platform.test:444/token",
            "https://*.platform.test/token",
            "https://me@platform.test/token",
            "https://platform.test/a/../token",
            "https://platform.test/token?x=1",
            "https://platform.test//token",
        ] {
            assert!(bad.parse::<TokenEndpoint>().is_err(), "{bad}");
        }
    }
}

//! A refusal: why, by whom, and what to do about it, in the contract's one form.

use crate::body::{self, Body};
use http::{HeaderValue, Response, StatusCode, header};
use serde::Serialize;

/// Which sidecar refused.
pub type Layer = &'static str;

/// The header that names the reason.
pub const DENIED_HEADER: &str = "x-bottle-denied";

macro_rules! reasons {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $status:ident;)*) => {
        /// Why something was refused or failed. The list is closed, its names are stable.
        #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
        pub enum Reason { $($(#[$doc])* #[serde(rename = $name)] $variant,)* }

        impl Reason {
            /// Every reason there is.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The name in logs, bodies and the header.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }

            /// The HTTP status that it is answered with.
            pub const fn status(self) -> StatusCode {
                match self { $(Self::$variant => StatusCode::$status),* }
            }
        }
    };
}

reasons! {
    // Policy.
    /// No rule names the host.
    HostNotAllowed = "host-not-allowed", FORBIDDEN;
    /// The host has a route: it is reached through egress alone.
    RouteRequired = "route-required", FORBIDDEN;
    /// The port is not one of the host's.
    PortNotAllowed = "port-not-allowed", FORBIDDEN;
    /// The route does not name the method.
    MethodNotAllowed = "method-not-allowed", FORBIDDEN;
    /// The route does not name the path.
    PathNotAllowed = "path-not-allowed", FORBIDDEN;
    /// An address as the host, and no rule names it.
    AddressNotAllowed = "address-not-allowed", FORBIDDEN;
    /// The host leads to a private, loopback, link-local or otherwise special address.
    SsrfPrivate = "ssrf-private", FORBIDDEN;
    /// The host leads to a cloud's metadata service.
    SsrfMetadata = "ssrf-metadata", FORBIDDEN;
    /// A way to send code or secrets out beside the gate.
    SideDoor = "side-door", FORBIDDEN;
    /// A credential's host is asked for without TLS.
    PlainHttp = "plain-http-not-allowed", FORBIDDEN;
    /// A header that claims another method than the one that was judged.
    MethodOverride = "method-override", FORBIDDEN;
    /// A placeholder or secret where it does not belong.
    CredentialMisplaced = "credential-misplaced", FORBIDDEN;
    /// The request holds a secret.
    SecretInRequest = "dlp", FORBIDDEN;
    /// The body is coded in a way that cannot be read, or not as it says.
    EncodingNotAllowed = "encoding-not-allowed", UNSUPPORTED_MEDIA_TYPE;
    /// The response holds what must not come in.
    ResponseRefused = "response-refused", FORBIDDEN;
    /// An upgrade (WebSocket, h2c) that no rule permits.
    UpgradeNotAllowed = "upgrade-not-allowed", FORBIDDEN;
    /// CONNECT within a tunnel.
    NestedConnect = "nested-connect", FORBIDDEN;
    /// The policy changed while the connection was open.
    PolicyRevoked = "policy-revoked", FORBIDDEN;
    // Identity.
    /// Host or `:authority` is not the host of the connection.
    AuthorityMismatch = "authority-mismatch", MISDIRECTED_REQUEST;
    /// No server name in the TLS hello.
    SniMissing = "sni-missing", FORBIDDEN;
    /// The server name is not the host of CONNECT.
    SniMismatch = "sni-mismatch", FORBIDDEN;
    /// The TLS hello hides its server name, or seems to.
    EncryptedClientHello = "encrypted-client-hello", FORBIDDEN;
    /// The bytes in a tunnel are no TLS.
    NotTls = "not-tls", FORBIDDEN;
    /// The TLS hello or handshake is broken.
    TlsHandshake = "tls-handshake", FORBIDDEN;
    // Form.
    /// The target of CONNECT, the URI or the `Host` is no destination.
    MalformedTarget = "malformed-target", BAD_REQUEST;
    /// The request's head or framing is ambiguous or broken.
    MalformedRequest = "malformed-request", BAD_REQUEST;
    /// The path is ambiguous: encoded dots, backslashes, NUL, bad UTF-8.
    MalformedPath = "malformed-path", BAD_REQUEST;
    /// The head is longer or has more fields than any honest one.
    HeadTooLarge = "head-too-large", REQUEST_HEADER_FIELDS_TOO_LARGE;
    /// The body is longer than may be judged.
    BodyTooLarge = "body-too-large", PAYLOAD_TOO_LARGE;
    /// The request did not come in time.
    RequestTimeout = "request-timeout", REQUEST_TIMEOUT;
    /// More than a budget permits.
    BudgetExceeded = "budget-exceeded", TOO_MANY_REQUESTS;
    /// The route's requests or tokens are used up.
    BudgetExhausted = "budget-exhausted", FORBIDDEN;
    // Not a refusal: something is down.
    /// The name has no address.
    NameNotResolved = "name-not-resolved", BAD_GATEWAY;
    /// Nobody answers there.
    UpstreamUnreachable = "upstream-unreachable", BAD_GATEWAY;
    /// The upstream's certificate does not hold.
    UpstreamCertificate = "upstream-certificate", BAD_GATEWAY;
    /// The upstream answers something that is no HTTP, or not in answer to the request.
    UpstreamProtocol = "upstream-protocol", BAD_GATEWAY;
    /// The upstream does not answer in time.
    UpstreamTimeout = "upstream-timeout", GATEWAY_TIMEOUT;
    /// The sidecar on the way refused the connection.
    UpstreamRefused = "upstream-refused", BAD_GATEWAY;
    /// The route's credential is not there.
    CredentialMissing = "credential-missing", SERVICE_UNAVAILABLE;
    /// The sidecar is stopping or full.
    Unavailable = "unavailable", SERVICE_UNAVAILABLE;
}

/// What the agent may ask for, so that the next attempt succeeds.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Propose {
    pub tool: String,
    pub args: serde_json::Value,
}

/// A refusal, as the agent gets to read it. Nothing in it is secret.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Denial {
    pub layer: Layer,
    pub reason: Reason,
    pub rule: Option<String>,
    pub host: Option<String>,
    pub method: Option<String>,
    /// Without its query.
    pub path: Option<String>,
    pub retryable: bool,
    pub next_step: String,
    pub propose: Option<Propose>,
}

#[derive(Serialize)]
struct Written<'a> {
    error: &'static str,
    #[serde(flatten)]
    denial: &'a Denial,
}

impl Denial {
    /// A refusal that says what to do; the rest is set by whoever knows it.
    pub fn new(layer: Layer, reason: Reason, next_step: impl Into<String>) -> Self {
        Self {
            layer,
            reason,
            rule: None,
            host: None,
            method: None,
            path: None,
            retryable: reason.status().is_server_error(),
            next_step: next_step.into(),
            propose: None,
        }
    }

    /// Names the host.
    #[must_use]
    pub fn host(mut self, host: impl Into<String>) -> Self {
        self.host = Some(host.into());
        self
    }

    /// Names method and path of a request. The query is not repeated.
    #[must_use]
    pub fn request<B>(mut self, request: &http::Request<B>) -> Self {
        self.method = Some(request.method().as_str().to_owned());
        self.path = Some(request.uri().path().to_owned());
        self
    }

    /// Names the rule that decided.
    #[must_use]
    pub fn rule(mut self, rule: impl Into<String>) -> Self {
        self.rule = Some(rule.into());
        self
    }

    /// Names the call by which the agent can ask a person for what was refused.
    #[must_use]
    pub fn proposing(mut self, tool: &str, args: serde_json::Value) -> Self {
        self.next_step = format!(
            "call the MCP tool {tool} of `supervise` with these arguments and a reason, then its \
             tool wait; once a person has approved, send the request again"
        );
        self.propose = Some(Propose { tool: tool.to_owned(), args });
        self
    }

    /// The body of the contract.
    pub fn to_json(&self) -> String {
        let failed = self.reason.status().is_server_error();
        let written = Written { error: if failed { "failed" } else { "denied" }, denial: self };
        serde_json::to_string(&written).unwrap_or_default()
    }

    /// The answer to a request: status by reason, the body of the contract, the reason's header.
    pub fn response(&self) -> Response<Body> {
        let mut response = Response::new(body::full(self.to_json()));
        *response.status_mut() = self.reason.status();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(DENIED_HEADER, HeaderValue::from_static(self.reason.as_str()));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }

    /// The answer as bytes of HTTP/1.1, where no HTTP machine stands on the connection.
    pub(crate) fn to_http1(&self) -> Vec<u8> {
        let (status, body) = (self.reason.status(), self.to_json());
        format!(
            "HTTP/1.1 {} {}\r\ncontent-type: application/json\r\n{DENIED_HEADER}: {}\r\n\
             cache-control: no-store\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            status.as_str(),
            status.canonical_reason().unwrap_or(""),
            self.reason.as_str(),
            body.len(),
        )
        .into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_body_is_that_of_the_contract() {
        let denial = Denial::new("pipelock", Reason::HostNotAllowed, "ask a person").host("a.com");
        assert_eq!(
            denial.to_json(),
            r#"{"error":"denied","layer":"pipelock","reason":"host-not-allowed","rule":null,"host":"a.com","method":null,"path":null,"retryable":false,"next_step":"ask a person","propose":null}"#
        );
        let response = denial.response();
        assert_eq!(response.status(), StatusCode::FORBIDDEN);
        assert_eq!(response.headers()[DENIED_HEADER], "host-not-allowed");
    }

    #[test]
    fn what_is_down_never_looks_like_what_is_denied() {
        let down = Denial::new("egress", Reason::UpstreamUnreachable, "try again");
        assert!(down.retryable && down.to_json().starts_with(r#"{"error":"failed""#));
        assert_eq!(down.response().status(), StatusCode::BAD_GATEWAY);
        assert_eq!(Reason::CredentialMissing.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(Reason::UpstreamCertificate.status(), StatusCode::BAD_GATEWAY);
    }

    #[test]
    fn names_are_kebab_case_and_unique() {
        let mut names: Vec<_> = Reason::ALL.iter().map(|reason| reason.as_str()).collect();
        assert!(names.iter().all(|n| n.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')));
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Reason::ALL.len());
    }

    #[test]
    fn what_can_be_asked_for_is_named_as_it_is_denied() {
        for name in compose_render::contract::ASKABLE {
            assert!(Reason::ALL.iter().any(|reason| reason.as_str() == name), "{name}");
        }
    }
}

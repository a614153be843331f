//! Why a request got no response: what is down never looks like what is denied.

use crate::Reason;
use std::io;
use std::net::SocketAddr;

/// Why there is no response.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    #[error("cannot connect to `{address}`")]
    Unreachable {
        address: SocketAddr,
        #[source]
        source: io::Error,
    },
    #[error("the upstream's certificate does not hold")]
    Certificate(#[source] io::Error),
    #[error("the TLS handshake failed")]
    Tls(#[source] io::Error),
    #[error("no {0} in time")]
    Timeout(&'static str),
    #[error("the next proxy refused the connection with status {0}")]
    Refused(u16),
    #[error("the upstream broke the connection")]
    Broken(#[source] hyper::Error),
    #[error("the upstream does not speak HTTP as it should: {0}")]
    Protocol(&'static str),
    #[error("the request cannot be sent upstream")]
    Request(#[source] http::Error),
}

impl SendError {
    /// Tells a certificate that does not hold from a handshake that failed otherwise.
    pub(super) fn handshake(error: io::Error) -> Self {
        let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
        match tls {
            Some(
                rustls::Error::InvalidCertificate(_)
                | rustls::Error::NoCertificatesPresented
                | rustls::Error::UnsupportedNameType,
            ) => Self::Certificate(error),
            _ => Self::Tls(error),
        }
    }

    /// Whether the upstream speaks none of the protocols it was offered.
    pub(super) fn is_no_protocol(&self) -> bool {
        let Self::Tls(error) = self else { return false };
        let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
        matches!(tls, Some(rustls::Error::AlertReceived(alert))
            if *alert == rustls::AlertDescription::NoApplicationProtocol)
    }

    /// The reason in the denial.
    pub const fn reason(&self) -> Reason {
        match self {
            Self::Unreachable { .. } | Self::Tls(_) | Self::Broken(_) => {
                Reason::UpstreamUnreachable
            }
            Self::Certificate(_) => Reason::UpstreamCertificate,
            Self::Timeout(_) => Reason::UpstreamTimeout,
            Self::Refused(_) => Reason::UpstreamRefused,
            Self::Protocol(_) => Reason::UpstreamProtocol,
            Self::Request(_) => Reason::MalformedRequest,
        }
    }

    /// What the agent is to do about it.
    pub const fn next_step(&self) -> &'static str {
        match self {
            Self::Certificate(_) => {
                "the upstream's certificate is not trusted: ask for its CA in `upstream_ca`"
            }
            Self::Unreachable { .. } | Self::Tls(_) | Self::Broken(_) | Self::Timeout(_) => {
                "the upstream is down or slow: try again later"
            }
            Self::Refused(_) | Self::Protocol(_) => "the upstream misbehaves: try again later",
            Self::Request(_) => "send a well-formed request",
        }
    }
}

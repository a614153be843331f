//! A request's head: host labels, path, query, header fields.

use super::{
    knowledge::{Home, Knowledge},
    labels,
};
use dlp::Finding;
use http::{HeaderName, Request, header};
use std::fmt;

/// Where something was found.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Place {
    Host,
    Path,
    Query,
    Header(HeaderName),
    Body,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host => f.write_str("the host's name"),
            Self::Path => f.write_str("the path"),
            Self::Query => f.write_str("the query"),
            Self::Header(name) => write!(f, "the header `{name}`"),
            Self::Body => f.write_str("the body"),
        }
    }
}

/// A finding of a head.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Found {
    pub(crate) rule: &'static str,
    pub(crate) place: Place,
}

/// Fields that say how a message is made, and carry nothing else that an agent could choose.
const OF_FORM: [HeaderName; 3] =
    [header::CONTENT_LENGTH, header::CONTENT_ENCODING, header::TRANSFER_ENCODING];

/// Whom a head is for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct For<'a> {
    pub(crate) host: &'a str,
    /// The rule of the policy that lets it through.
    pub(crate) pattern: &'a str,
    /// Whether egress has a route there, and has put the route's credential into the request.
    pub(crate) routed: bool,
}

/// The first finding in a head. The header fields of a routed request are not read, since egress
/// wrote the credential into them and took the agent's own out.
pub(crate) fn in_head<B>(known: &Knowledge, to: For<'_>, request: &Request<B>) -> Option<Found> {
    let found = |rule, place| Some(Found { rule, place });
    if let Some(domain) = to.pattern.strip_prefix("*.")
        && labels::carry_data(to.host, domain)
    {
        return found("data-in-host", Place::Host);
    }
    let home = known.at_home(to.host);
    let first = |text: &[u8]| first(&known.rules().scan(text), &home);
    if let Some(rule) = first(request.uri().path().as_bytes()) {
        return found(rule, Place::Path);
    }
    if let Some(rule) = request.uri().query().and_then(|query| first(query.as_bytes())) {
        return found(rule, Place::Query);
    }
    if to.routed {
        return None;
    }
    request.headers().iter().filter(|(name, _)| !OF_FORM.contains(name)).find_map(
        |(name, value)| {
            let rule = first(name.as_str().as_bytes()).or_else(|| first(value.as_bytes()))?;
            found(rule, Place::Header(name.clone()))
        },
    )
}

/// The first finding that is no secret at home here, and does not lie in one.
fn first(findings: &[Finding], home: &Home) -> Option<&'static str> {
    let at_home = |finding: &&Finding| home.takes(finding) == Some(true);
    let within = |finding: &Finding, own: &Finding| {
        finding.offset < own.offset + own.len as u64
            && own.offset < finding.offset + finding.len as u64
    };
    let passes =
        |finding: &Finding| findings.iter().filter(at_home).any(|own| within(finding, own));
    // The bottle's own secret is named before the kind that it is of.
    let named = findings.iter().filter(|finding| !passes(finding));
    named.max_by_key(|finding| finding.secret.is_some()).map(|finding| finding.rule)
}

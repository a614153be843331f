//! A request's head: host labels, path, query, header fields.

use super::labels;
use crate::judge::Asker;
use dlp::Rules;
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

/// The first finding in a head. What egress sends on has the route's credential in its header
/// fields, which are therefore not read.
pub(crate) fn in_head<B>(
    rules: &Rules,
    asker: Asker,
    host: &str,
    pattern: &str,
    request: &Request<B>,
) -> Option<Found> {
    let found = |rule, place| Some(Found { rule, place });
    if let Some(domain) = pattern.strip_prefix("*.")
        && labels::carry_data(host, domain)
    {
        return found("data-in-host", Place::Host);
    }
    let first = |text: &[u8]| rules.scan(text).first().map(|finding| finding.rule);
    if let Some(rule) = first(request.uri().path().as_bytes()) {
        return found(rule, Place::Path);
    }
    if let Some(rule) = request.uri().query().and_then(|query| first(query.as_bytes())) {
        return found(rule, Place::Query);
    }
    if asker == Asker::Egress {
        return None;
    }
    request.headers().iter().filter(|(name, _)| !OF_FORM.contains(name)).find_map(
        |(name, value)| {
            let rule = first(name.as_str().as_bytes()).or_else(|| first(value.as_bytes()))?;
            found(rule, Place::Header(name.clone()))
        },
    )
}

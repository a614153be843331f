//! A request's head: host labels, path, query, header fields.

use super::{
    is_certain,
    knowledge::{Home, Knowledge},
    labels, urls,
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
    /// Whether it is sure enough to stop the request.
    pub(crate) certain: bool,
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
    if let Some(domain) = to.pattern.strip_prefix("*.")
        && labels::carry_data(to.host, domain)
    {
        return Some(Found { rule: "data-in-host", place: Place::Host, certain: true });
    }
    let home = known.at_home(to.host);
    let mut doubted = None;
    let mut look = |text: &[u8], place: &dyn Fn() -> Place| {
        let (rule, certain) = first(&known.rules().scan(text), &home)?;
        let found = Found { rule, place: place(), certain };
        if certain {
            return Some(found);
        }
        doubted.get_or_insert(found);
        None
    };
    let (path, query) = (request.uri().path(), request.uri().query().unwrap_or_default());
    let found = look(path.as_bytes(), &|| Place::Path)
        .or_else(|| look(query.as_bytes(), &|| Place::Query))
        .or_else(|| {
            let fields =
                request.headers().iter().filter(|(name, _)| !to.routed && !OF_FORM.contains(name));
            let mut fields = fields;
            fields.find_map(|(name, value)| {
                let place = || Place::Header(name.clone());
                look(name.as_str().as_bytes(), &place).or_else(|| look(value.as_bytes(), &place))
            })
        });
    found.or(doubted).or_else(|| {
        let (rule, place) = urls::carries_data(path, query)?;
        Some(Found { rule, place, certain: false })
    })
}

/// The first finding that is no secret at home here, and does not lie in one; whether it is certain.
fn first(findings: &[Finding], home: &Home) -> Option<(&'static str, bool)> {
    let at_home = |finding: &&Finding| home.takes(finding) == Some(true);
    let within = |finding: &Finding, own: &Finding| {
        finding.offset < own.offset + own.len as u64
            && own.offset < finding.offset + finding.len as u64
    };
    let passes =
        |finding: &Finding| findings.iter().filter(at_home).any(|own| within(finding, own));
    // The bottle's own secret is named before the kind that it is of, and what is certain first.
    let named = findings.iter().filter(|finding| !passes(finding));
    let sure = |finding: &&Finding| (finding.secret.is_some(), is_certain(finding));
    named.max_by_key(sure).map(|finding| (finding.rule, is_certain(finding)))
}

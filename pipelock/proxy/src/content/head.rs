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
    pub(crate) sure: Sure,
}

/// How sure a finding is, the least first.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Sure {
    /// The policy makes an exception of it.
    Spared,
    Doubted,
    /// Enough to stop the request.
    Certain,
    /// It is the bottle's own.
    Own,
}

impl Sure {
    pub(crate) fn stops(self) -> bool {
        self >= Self::Certain
    }
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

/// The surest finding in a head, of those the first. The header fields of a routed request are not read, since egress
/// wrote the credential into them and took the agent's own out.
pub(crate) fn in_head<B>(
    known: &Knowledge,
    home: &Home,
    to: For<'_>,
    request: &Request<B>,
) -> Option<Found> {
    if let Some(domain) = to.pattern.strip_prefix("*.")
        && labels::carry_data(to.host, domain)
    {
        return Some(Found { rule: "data-in-host", place: Place::Host, sure: Sure::Certain });
    }
    let mut surest: Option<Found> = None;
    let mut look = |text: &[u8], place: &dyn Fn() -> Place| {
        let (rule, sure) = first(&known.rules().scan(text), home)?;
        let found = Found { rule, place: place(), sure };
        // Only the bottle's own ends the search: what is merely certain may be let through.
        if sure == Sure::Own {
            return Some(found);
        }
        if surest.as_ref().is_none_or(|before| before.sure < sure) {
            surest = Some(found);
        }
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
    found.or(surest).or_else(|| {
        let (rule, place) = urls::carries_data(path, query)?;
        Some(Found { rule, place, sure: Sure::Doubted })
    })
}

/// The first finding that is no secret at home here, and does not lie in one; how sure it is.
fn first(findings: &[Finding], home: &Home) -> Option<(&'static str, Sure)> {
    let at_home = |finding: &&Finding| home.takes(finding) == Some(true);
    let within = |finding: &Finding, own: &Finding| {
        finding.offset < own.offset + own.len as u64
            && own.offset < finding.offset + finding.len as u64
    };
    let passes =
        |finding: &Finding| findings.iter().filter(at_home).any(|own| within(finding, own));
    // The bottle's own secret is named before the kind that it is of, and what is certain first.
    let sure = |finding: &Finding| match finding {
        _ if home.takes(finding).is_some() => Sure::Own,
        _ if home.spares(finding) => Sure::Spared,
        _ if is_certain(finding) => Sure::Certain,
        _ => Sure::Doubted,
    };
    let named = findings.iter().filter(|finding| !passes(finding));
    named.map(|finding| (finding.rule, sure(finding))).max_by_key(|(_, sure)| *sure)
}

//! A credential as a query parameter.

use http::Uri;
use http::request::Parts;
use http::uri::PathAndQuery;

use super::Refusal;
use crate::encode::{percent, unpercent};

/// Removes every parameter of that name, however it is encoded, and appends the one with the secret.
pub(super) fn put(parts: &mut Parts, name: &str, secret: &str) -> Result<(), Refusal> {
    let named = |pair: &&str| {
        let own = pair.split(['=', ';']).next().unwrap_or(pair);
        unpercent(own).eq_ignore_ascii_case(name.as_bytes())
    };
    let query = parts.uri.query().unwrap_or_default();
    let mut kept: Vec<String> = query
        .split(['&', ';'])
        .filter(|pair| !pair.is_empty() && !named(pair))
        .map(str::to_owned)
        .collect();
    kept.push(format!("{name}={}", percent(secret)));
    let text = format!("{}?{}", parts.uri.path(), kept.join("&"));
    let mut uri = std::mem::take(&mut parts.uri).into_parts();
    let path: PathAndQuery = text.parse().map_err(|_| Refusal::Malformed)?;
    uri.path_and_query = Some(path);
    parts.uri = Uri::from_parts(uri).map_err(|_| Refusal::Malformed)?;
    Ok(())
}

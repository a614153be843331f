//! A credential as one cookie among others.

use http::header::{COOKIE, HeaderMap, HeaderValue};

use super::{Refusal, canonical};

/// Removes every cookie of that name and puts the one with the secret first.
pub(super) fn put(headers: &mut HeaderMap, name: &str, secret: &str) -> Result<(), Refusal> {
    let aliases: Vec<_> =
        headers.keys().filter(|own| canonical(own.as_str()) == "cookie").cloned().collect();
    let mut cookies = vec![format!("{name}={secret}")];
    for value in headers.get_all(COOKIE) {
        let text = value.to_str().map_err(|_| Refusal::Malformed)?;
        let others = text.split(';').map(str::trim).filter(|cookie| {
            let own = cookie.split('=').next().unwrap_or(cookie).trim();
            !cookie.is_empty() && !own.eq_ignore_ascii_case(name)
        });
        cookies.extend(others.map(str::to_owned));
    }
    for alias in aliases {
        headers.remove(alias);
    }
    let mut value = HeaderValue::from_str(&cookies.join("; ")).map_err(|_| Refusal::Missing)?;
    value.set_sensitive(true);
    headers.insert(COOKIE, value);
    Ok(())
}

//! What leaves a request and what comes into it, on a route: every form of the agent's own
//! credentials out, the bottle's in, exactly once.

mod cookie;
mod protocol;
mod query;

use std::borrow::Cow;
use std::sync::Arc;

use compose_render::{Secret, base64};
use egress::{Credential, Form, MARK, Placeholder, Route};
use http::header::{ACCEPT_ENCODING, HeaderMap, HeaderName, HeaderValue};
use http::request::Parts;
use tls_intercept::headers::strip_hop_by_hop;

use crate::echo::Needles;

/// Headers by which programs log in. On a route with a credential the agent's own are removed,
/// whichever of them the route uses: another login of the agent's must not ride along.
const LOGIN_HEADERS: &[&str] = &[
    "authorization",
    "proxy-authorization",
    "x-authorization",
    "x-api-key",
    "api-key",
    "apikey",
    "x-apikey",
    "x-api-token",
    "x-auth-key",
    "x-auth-token",
    "x-access-token",
    "x-goog-api-key",
    "x-amz-security-token",
    "x-ms-api-key",
    "private-token",
    "job-token",
    "x-gitlab-token",
    "x-csrf-token",
    "x-session-token",
    "ocp-apim-subscription-key",
    "subscription-key",
    "cookie",
];

/// Why nothing was put in, and nothing may be sent.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Refusal {
    /// egress was not given the secret, or a value that cannot stand in a request.
    Missing,
    /// A placeholder stands where a credential belongs, and the route has none to put there.
    PlaceholderInPlace,
    /// The request cannot be rebuilt with the credential in it.
    Malformed,
}

/// Finds a secret by the name of its variable on the host.
pub(crate) trait Secrets {
    fn secret(&self, variable: &str) -> Option<Arc<Secret>>;

    /// What is looked for of that credential with that value, made once where it is kept.
    fn needles(&self, credential: &Credential, secret: &Arc<Secret>) -> Needles {
        needles_of(credential, secret.expose())
    }
}

/// Makes a request ready for its route. Returns what to look for in the response.
///
/// # Errors
///
/// When the request must not be sent. It may be half changed by then.
pub(crate) fn inject(
    parts: &mut Parts,
    route: &Route,
    secrets: &impl Secrets,
) -> Result<Needles, Refusal> {
    // Before anything is put in, so that a `Connection` that names ours finds nothing to remove.
    strip_hop_by_hop(&mut parts.headers);
    let mut needles = Needles::default();
    if route.credentials.is_empty() {
        return if has_placeholder(&parts.headers) {
            Err(Refusal::PlaceholderInPlace)
        } else {
            Ok(needles)
        };
    }
    let cookie_route = route.credentials.iter().any(|own| matches!(own.form, Form::Cookie(_)));
    let own = |name: &str| {
        route.credentials.iter().any(|credential| credential.form.header() == Some(name))
    };
    strip(&mut parts.headers, |name| {
        (LOGIN_HEADERS.contains(&name) || own(name)) && !(cookie_route && name == "cookie")
    });
    protocol::strip(&mut parts.headers);
    for credential in &route.credentials {
        let secret = secrets.secret(credential.variable.as_str()).ok_or(Refusal::Missing)?;
        protocol::put(&mut parts.headers, credential, secret.expose())?;
        put(parts, credential, secret.expose())?;
        needles.extend(secrets.needles(credential, &secret));
    }
    // A compressed echo could not be found. Without the header a server may still compress.
    parts.headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    if has_placeholder(&parts.headers) { Err(Refusal::PlaceholderInPlace) } else { Ok(needles) }
}

fn put(parts: &mut Parts, credential: &Credential, secret: &str) -> Result<(), Refusal> {
    egress::check_secret(&credential.form, secret).map_err(|_| Refusal::Missing)?;
    let (name, text) = match &credential.form {
        Form::Header(name) => (name.as_str(), secret.to_owned()),
        Form::Bearer => ("authorization", format!("Bearer {secret}")),
        Form::Basic { user } => {
            ("authorization", format!("Basic {}", base64(basic(user.as_ref(), secret).as_bytes())))
        }
        Form::Query(name) => return query::put(parts, name.as_str(), secret),
        Form::Cookie(name) => return cookie::put(&mut parts.headers, name.as_str(), secret),
    };
    let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| Refusal::Malformed)?;
    let mut value = HeaderValue::from_str(&text).map_err(|_| Refusal::Missing)?;
    value.set_sensitive(true);
    parts.headers.insert(name, value);
    Ok(())
}

fn basic(user: Option<&egress::BasicUser>, secret: &str) -> String {
    user.map_or(secret.to_owned(), |user| format!("{}:{secret}", user.as_str()))
}

/// The forms in which that credential with that value could come back.
pub(crate) fn needles_of(credential: &Credential, secret: &str) -> Needles {
    let mut needles = Needles::default();
    let placeholder = credential.placeholder.as_ref().map_or(MARK, Placeholder::as_str);
    needles.add_secret(secret, placeholder);
    if let Form::Basic { user } = &credential.form {
        needles.add_base64(basic(user.as_ref(), secret).as_bytes(), placeholder);
        if let (None, Some((_, password))) = (user, secret.split_once(':'))
            && password.len() >= egress::MIN_SECRET
        {
            needles.add_secret(password, placeholder);
        }
    }
    needles
}

/// What the agent holds in place of a route's secrets: to be counted where it passes.
pub(crate) fn placeholders(route: &Route) -> Needles {
    let mut needles = Needles::default();
    for placeholder in route.credentials.iter().filter_map(|own| own.placeholder.as_ref()) {
        needles.add_text(placeholder.as_str());
    }
    needles
}

/// Removes every header whose canonical name is `unwanted`.
fn strip(headers: &mut HeaderMap, unwanted: impl Fn(&str) -> bool) {
    let names: Vec<HeaderName> =
        headers.keys().filter(|name| unwanted(&canonical(name.as_str()))).cloned().collect();
    for name in names {
        headers.remove(name);
    }
}

/// Servers that pass headers on as variables read `x_api_key` and `x-api-key` as one.
fn canonical(name: &str) -> Cow<'_, str> {
    // Names are in small letters already.
    if name.contains(['_', '.']) {
        Cow::Owned(name.replace(['_', '.'], "-"))
    } else {
        Cow::Borrowed(name)
    }
}

/// Whether a header by which programs log in holds a placeholder, real or invented.
fn has_placeholder(headers: &HeaderMap) -> bool {
    let mark = memchr::memmem::Finder::new(MARK);
    headers
        .iter()
        .filter(|(name, _)| LOGIN_HEADERS.contains(&&*canonical(name.as_str())))
        .any(|(_, value)| mark.find(value.as_bytes()).is_some())
}

#[cfg(test)]
mod tests;

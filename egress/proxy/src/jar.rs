//! Cookies that stay here: a session that a credential opened is no more the agent's than the
//! credential itself.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use compose_render::Secret;
use http::header::{COOKIE, HeaderMap, HeaderValue, SET_COOKIE};

use crate::echo::Needles;

/// More than browsers keep for a host is no session.
const COOKIES_PER_HOST: usize = 50;
/// Of one cookie, name and value together.
const MAX_LEN: usize = 4096;

/// The kept cookies of every host, in memory alone.
#[derive(Debug, Default)]
pub(crate) struct Jar(Mutex<BTreeMap<String, Cookies>>);

type Cookies = BTreeMap<String, Kept>;

#[derive(Debug)]
struct Kept {
    path: String,
    value: Secret,
}

impl Jar {
    /// Replaces the agent's cookies by those kept for this host and path, beside a cookie that the
    /// route's credential put there.
    pub(crate) fn put(&self, host: &str, path: &str, own: Option<&str>, headers: &mut HeaderMap) {
        let injected = own.and_then(|name| {
            let value = headers.get(COOKIE)?.to_str().ok()?;
            let prefix = format!("{name}=");
            let mut cookies = value.split(';').map(str::trim);
            cookies.find(|cookie| cookie.starts_with(&prefix)).map(str::to_owned)
        });
        headers.remove(COOKIE);
        let jar = self.lock();
        let kept = jar.get(host).into_iter().flatten();
        let kept = kept
            .filter(|(name, kept)| own != Some(name.as_str()) && covers(&kept.path, path))
            .map(|(name, kept)| format!("{name}={}", kept.value.expose()));
        let all: Vec<_> = injected.into_iter().chain(kept).collect();
        if let (false, Ok(mut value)) = (all.is_empty(), HeaderValue::from_str(&all.join("; "))) {
            value.set_sensitive(true);
            headers.insert(COOKIE, value);
        }
    }

    /// Takes every `Set-Cookie` out of a response and keeps it.
    pub(crate) fn keep(&self, host: &str, headers: &mut HeaderMap) {
        let mut jar = self.lock();
        for line in headers.get_all(SET_COOKIE) {
            let Some(set) = line.to_str().ok().and_then(parse) else { continue };
            let cookies = jar.entry(host.to_owned()).or_default();
            match set.kept {
                None => drop(cookies.remove(&set.name)),
                Some(kept) => {
                    if cookies.len() < COOKIES_PER_HOST || cookies.contains_key(&set.name) {
                        cookies.insert(set.name, kept);
                    }
                }
            }
        }
        drop(jar);
        headers.remove(SET_COOKIE);
    }

    /// Looks for the kept values of a host in its responses too.
    pub(crate) fn add_needles(&self, host: &str, needles: &mut Needles) {
        for kept in self.lock().get(host).into_iter().flat_map(BTreeMap::values) {
            if kept.value.expose().len() >= egress::MIN_SECRET {
                needles.add_secret(kept.value.expose(), egress::MARK);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Cookies>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One `Set-Cookie`: a value to keep, or none where the cookie is to go.
struct Set {
    name: String,
    kept: Option<Kept>,
}

/// Domain and lifetime are left aside: a cookie goes to the host that set it, and no longer than
/// the bottle lives.
fn parse(line: &str) -> Option<Set> {
    let mut parts = line.split(';');
    let (name, value) = parts.next()?.split_once('=')?;
    let (name, value) = (name.trim(), value.trim());
    if name.is_empty() || name.len() + value.len() > MAX_LEN {
        return None;
    }
    let mut path = "/".to_owned();
    let mut gone = false;
    for attribute in parts {
        let (key, value) = attribute.split_once('=').unwrap_or((attribute, ""));
        let (key, value) = (key.trim().to_ascii_lowercase(), value.trim());
        match key.as_str() {
            "path" if value.starts_with('/') => value.clone_into(&mut path),
            "max-age" => gone |= value.starts_with('-') || value == "0",
            // How a cookie is deleted since the first browsers.
            "expires" => gone |= value.contains("1970") || value.contains("-70 "),
            _ => {}
        }
    }
    let kept = (!gone).then(|| Kept { path, value: Secret::new(value.to_owned()) });
    Some(Set { name: name.to_owned(), kept })
}

/// The path match of RFC 6265.
fn covers(cookie: &str, path: &str) -> bool {
    path.strip_prefix(cookie)
        .is_some_and(|rest| rest.is_empty() || cookie.ends_with('/') || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(jar: &Jar, lines: &[&str]) {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(SET_COOKIE, line.parse().unwrap());
        }
        jar.keep("api.test", &mut headers);
        assert!(headers.is_empty());
    }

    fn sent(jar: &Jar, host: &str, path: &str) -> String {
        let mut headers = HeaderMap::new();
        headers.append(COOKIE, "mine=1; session=forged".parse().unwrap());
        jar.put(host, path, None, &mut headers);
        headers.get(COOKIE).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
    }

    #[test]
    fn g6_a_cookie_stays_here_and_goes_back_to_its_host_and_path_alone() {
        let jar = Jar::default();
        set(&jar, &["session=canary-1; HttpOnly", "deep=canary-2; Path=/v1", "bad", "=x"]);
        assert_eq!(sent(&jar, "api.test", "/v1/x"), "deep=canary-2; session=canary-1");
        assert_eq!(sent(&jar, "api.test", "/v10"), "session=canary-1");
        assert_eq!(sent(&jar, "other.test", "/v1/x"), "");
        set(&jar, &["session=; Max-Age=0", "deep=; expires=Thu, 01 Jan 1970 00:00:00 GMT"]);
        assert_eq!(sent(&jar, "api.test", "/v1/x"), "");
        assert!(!format!("{jar:?}").contains("canary"));
    }

    #[test]
    fn a_host_cannot_fill_the_memory() {
        let jar = Jar::default();
        let lines: Vec<_> = (0..200).map(|n| format!("c{n}=x")).collect();
        set(&jar, &lines.iter().map(String::as_str).collect::<Vec<_>>());
        set(&jar, &[format!("big={}", "x".repeat(MAX_LEN)).as_str()]);
        assert_eq!(jar.lock()["api.test"].len(), COOKIES_PER_HOST);
    }
}

//! Whether what was said can be asked for.

use super::{InvalidAsk, MAX_HOSTS, MAX_LIST, MAX_NAME, MAX_PATH, Package, Push};

/// Puts methods and paths into one order.
pub(super) fn requests(
    methods: &mut Vec<String>,
    paths: &mut Vec<String>,
) -> Result<(), InvalidAsk> {
    for (list, name) in [(&mut *methods, "methods"), (&mut *paths, "paths")] {
        if list.len() > MAX_LIST {
            return Err(InvalidAsk::TooMany(name));
        }
        list.sort();
        list.dedup();
    }
    let is_method = |text: &str| {
        (1..=16).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'-')
            && !matches!(text, "TRACE" | "CONNECT")
    };
    let is_path = |text: &str| {
        text.starts_with('/')
            && text.len() <= MAX_PATH
            && text.bytes().all(|byte| byte.is_ascii_graphic())
            && !text.contains(['?', '#', '\\'])
    };
    if let Some(bad) = methods.iter().find(|text| !is_method(text)) {
        return Err(InvalidAsk::Method(shown(bad)));
    }
    match paths.iter().find(|text| !is_path(text)) {
        Some(bad) => Err(InvalidAsk::Path(shown(bad))),
        None => Ok(()),
    }
}

/// A variable, as manifests name credentials.
pub(super) fn credential(text: &str) -> Result<(), InvalidAsk> {
    let begins = text.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_');
    let good = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    if begins && text.len() <= MAX_NAME && text.bytes().all(good) {
        Ok(())
    } else {
        Err(InvalidAsk::Credential(shown(text)))
    }
}

/// One object for one ref. An upstream is the same with and without `.git`.
pub(super) fn push(mut push: Push) -> Result<Push, InvalidAsk> {
    if let Some(bare) = push.upstream.strip_suffix(".git") {
        push.upstream = bare.to_owned();
    }
    let plain = |text: &str, more: &[u8]| {
        text.len() <= MAX_NAME
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || more.contains(&byte))
            && text.split('/').all(|part| !part.is_empty() && !part.starts_with('.'))
            && text.contains('/')
            && !text.contains("..")
    };
    if !plain(&push.upstream, b"-._/~:") {
        return Err(InvalidAsk::Upstream(shown(&push.upstream)));
    }
    if !plain(&push.reference, b"-._/+@=#%,") || !push.reference.starts_with("refs/") {
        return Err(InvalidAsk::Reference(shown(&push.reference)));
    }
    let digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    if !matches!(push.object.len(), 40 | 64) || !push.object.bytes().all(digit) {
        return Err(InvalidAsk::Object(shown(&push.object)));
    }
    Ok(push)
}

/// A package's name, and hosts that are each one host: the other names of a domain are another
/// matter.
pub(super) fn package(mut package: Package) -> Result<Package, InvalidAsk> {
    let name = &package.package;
    let good = |byte: u8| byte.is_ascii_alphanumeric() || b"-._+".contains(&byte);
    let begins = name.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
    if !begins || name.len() > MAX_NAME || !name.bytes().all(good) {
        return Err(InvalidAsk::Package(shown(name)));
    }
    package.hosts.sort();
    package.hosts.dedup();
    let whole = package.hosts.iter().all(|host| !host.is_wildcard() && host.address().is_none());
    if whole && (1..=MAX_HOSTS).contains(&package.hosts.len()) {
        Ok(package)
    } else {
        Err(InvalidAsk::Hosts)
    }
}

/// A text of the agent's as it may stand in an error.
fn shown(text: &str) -> String {
    text.chars().take(64).flat_map(char::escape_debug).collect()
}

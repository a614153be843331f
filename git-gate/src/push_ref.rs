//! Which refs a bottle may push: fully qualified, with `*` and `**` and the bottle's name.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A pattern of refs, such as `refs/heads/agent/${bottle}/**`.
#[derive(Clone, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct PushRef(String);

/// A text that is no pattern of refs.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("`{}` is no ref to push: {why}", .text.escape_debug())]
pub struct InvalidPushRef {
    text: String,
    why: &'static str,
}

impl PushRef {
    /// The branches that bear the bottle's name.
    pub fn own_branches() -> Self {
        Self("refs/heads/agent/${bottle}/**".to_owned())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether that ref, by its full name, is one of these for the bottle of that name.
    ///
    /// `*` stands for one part, `**` for one or more.
    pub fn matches(&self, bottle: &str, name: &str) -> bool {
        let pattern = self.0.replace("${bottle}", bottle);
        let (pattern, name): (Vec<_>, Vec<_>) =
            (pattern.split('/').collect(), name.split('/').collect());
        parts_match(&pattern, &name)
    }
}

pub(crate) fn parts_match(pattern: &[&str], name: &[&str]) -> bool {
    match (pattern.split_first(), name.split_first()) {
        (None, None) => true,
        (Some((&"**", rest)), Some((_, more))) => {
            parts_match(rest, more) || parts_match(pattern, more)
        }
        (Some((&"*", rest)), Some((_, more))) => parts_match(rest, more),
        (Some((part, rest)), Some((first, more))) => part == first && parts_match(rest, more),
        (None, Some(_)) | (Some(_), None) => false,
    }
}

impl FromStr for PushRef {
    type Err = InvalidPushRef;

    fn from_str(text: &str) -> Result<Self, InvalidPushRef> {
        let fault = |why| InvalidPushRef { text: text.to_owned(), why };
        let plain = text.replace("${bottle}", "bottle");
        if !plain.starts_with("refs/heads/") && !plain.starts_with("refs/tags/") {
            return Err(fault("it must begin with `refs/heads/` or `refs/tags/`"));
        }
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-*".contains(&byte);
        if !plain.bytes().all(allowed) {
            return Err(fault("it has a character that no such ref has"));
        }
        let labels_hold = plain.split('/').all(|label| {
            let wild = matches!(label, "*" | "**");
            let odd = label.starts_with(['-', '.']) || label.ends_with(['.', '-']);
            let named = !label.is_empty() && !odd && label.strip_suffix(".lock").is_none();
            wild || (named && !label.contains("..") && !label.contains('*'))
        });
        if labels_hold { Ok(Self(text.to_owned())) } else { Err(fault("a part of it is no name")) }
    }
}

impl TryFrom<String> for PushRef {
    type Error = InvalidPushRef;

    fn try_from(text: String) -> Result<Self, InvalidPushRef> {
        text.parse()
    }
}

impl From<PushRef> for String {
    fn from(pattern: PushRef) -> Self {
        pattern.0
    }
}

impl fmt::Display for PushRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn h2_a_pattern_covers_whole_parts_and_nothing_beside() {
        let own = PushRef::own_branches();
        for good in ["refs/heads/agent/b/x", "refs/heads/agent/b/x/y"] {
            assert!(own.matches("b", good), "{good}");
        }
        for bad in [
            "refs/heads/agent/b",
            "refs/heads/agent/bb/x",
            "refs/heads/agent/a/x",
            "refs/heads/main",
            "refs/tags/agent/b/x",
            "heads/agent/b/x",
            "HEAD",
        ] {
            assert!(!own.matches("b", bad), "{bad}");
        }
        let one: PushRef = "refs/heads/*/fix".parse().unwrap();
        assert!(one.matches("b", "refs/heads/x/fix") && !one.matches("b", "refs/heads/x/y/fix"));
    }

    #[test]
    fn only_branches_and_tags_by_their_full_names() {
        for good in ["refs/heads/agent/${bottle}/**", "refs/heads/x", "refs/tags/v1.2"] {
            assert!(good.parse::<PushRef>().is_ok(), "{good}");
        }
        for bad in [
            "",
            "main",
            "refs/heads/",
            "refs/notes/x",
            "refs/pull/1/head",
            "refs/replace/x",
            "refs/*",
            "refs/heads/-x",
            "refs/heads/a..b",
            "refs/heads/a b",
            "+refs/heads/x",
            "refs/heads/x:y",
            "refs/heads/${other}",
            "refs/heads/x.lock",
            "refs/heads/a*",
            "refs/heads/a\nb",
            "@",
        ] {
            assert!(bad.parse::<PushRef>().is_err(), "{bad:?}");
        }
    }
}

//! Which refs a bottle may change, and how: judged from the updates themselves, never from what
//! was typed.

use std::fmt;

use compose_render::Slug;

use crate::PushRef;

/// A ref as a push wants it, with what git says of the two objects.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RefUpdate {
    pub name: String,
    pub change: Change,
    /// Whether this bottle made the ref.
    pub own: bool,
}

/// What happens to a ref.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Change {
    Create,
    /// The new object descends from the old one.
    Advance,
    /// It does not.
    Force,
    Delete,
}

/// The rule that a ref breaks.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum RefRule {
    ReadOnly,
    OddName,
    ReservedRef,
    TagNotAllowed,
    RefNotAllowed,
    ForceNotAllowed,
    DeleteNotAllowed,
}

/// The longest name of a ref.
const MAX_NAME: usize = 255;

/// Whether a person reads a ref's name as what it is, wherever it is shown, and can answer for it:
/// other letters look like these, and proposals name no others.
fn is_plain(name: &str) -> bool {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || b"-._/+@=#%,".contains(&byte);
    name.len() <= MAX_NAME
        && name.bytes().all(good)
        && name.split('/').all(|part| !part.is_empty() && !part.starts_with('.'))
        && !name.contains("..")
}

impl RefRule {
    /// The name in logs and refusals.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ReadOnly => "read-only",
            Self::OddName => "odd-name",
            Self::ReservedRef => "reserved-ref",
            Self::TagNotAllowed => "tag-not-allowed",
            Self::RefNotAllowed => "ref-not-allowed",
            Self::ForceNotAllowed => "force-not-allowed",
            Self::DeleteNotAllowed => "delete-not-allowed",
        }
    }
}

/// Why a ref may not be changed so.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RefDenial {
    pub name: String,
    pub rule: RefRule,
}

/// The rules for one bottle at one upstream.
#[derive(Clone, Debug)]
pub struct Rules {
    bottle: Slug,
    push: Vec<PushRef>,
}

impl Rules {
    pub fn new(bottle: Slug, push: Vec<PushRef>) -> Self {
        Self { bottle, push }
    }

    /// Judges one update.
    ///
    /// # Errors
    ///
    /// The rule it breaks.
    pub fn judge(&self, update: &RefUpdate) -> Result<(), RefDenial> {
        let deny = |rule| Err(RefDenial { name: update.name.clone(), rule });
        let name = update.name.as_str();
        if self.push.is_empty() {
            return deny(RefRule::ReadOnly);
        }
        if !name.starts_with("refs/heads/") && !name.starts_with("refs/tags/") {
            return deny(RefRule::ReservedRef);
        }
        if !self.push.iter().any(|pattern| pattern.matches(self.bottle.as_str(), name)) {
            let tag = name.starts_with("refs/tags/");
            return deny(if tag { RefRule::TagNotAllowed } else { RefRule::RefNotAllowed });
        }
        if !is_plain(name) {
            return deny(RefRule::OddName);
        }
        match update.change {
            Change::Force if !update.own => deny(RefRule::ForceNotAllowed),
            Change::Delete if !update.own => deny(RefRule::DeleteNotAllowed),
            Change::Create | Change::Advance | Change::Force | Change::Delete => Ok(()),
        }
    }

    /// The refs that may be pushed, with the bottle's name put in.
    pub fn patterns(&self) -> impl Iterator<Item = String> {
        self.push.iter().map(|push| push.as_str().replace("${bottle}", self.bottle.as_str()))
    }

    /// A branch that may be pushed, as an example.
    pub fn example(&self) -> Option<String> {
        let first = self.patterns().find(|pattern| pattern.starts_with("refs/heads/"))?;
        let branch = first.strip_prefix("refs/heads/")?;
        Some(branch.replace("**", "my-change").replace('*', "my-change"))
    }
}

impl fmt::Display for RefDenial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let why = match self.rule {
            RefRule::ReadOnly => "this bottle only reads here",
            RefRule::OddName => {
                "a branch's name is of letters from a to z, digits and `-._/+@=#%,`, and not long"
            }
            RefRule::ReservedRef => "only branches and tags are pushed",
            RefRule::TagNotAllowed => "no tag of that name may be pushed",
            RefRule::RefNotAllowed => "this bottle may not push that branch",
            RefRule::ForceNotAllowed => {
                "it would drop commits from a branch that this bottle did not make"
            }
            RefRule::DeleteNotAllowed => "this bottle did not make it, so it may not delete it",
        };
        write!(f, "`{}`: {why} (rule {})", self.name.escape_debug(), self.rule.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(push: &[&str], name: &str, change: Change, own: bool) -> Option<RefRule> {
        let push = push.iter().map(|text| text.parse().unwrap()).collect();
        let rules = Rules::new("b".parse().unwrap(), push);
        rules.judge(&RefUpdate { name: name.to_owned(), change, own }).err().map(|d| d.rule)
    }

    const OWN: &str = "refs/heads/agent/${bottle}/**";

    #[test]
    fn h2_only_the_refs_of_the_patterns_by_their_full_names() {
        for name in ["main", "HEAD", "refs/notes/commits", "refs/pull/1/head", "refs/replace/x"] {
            assert_eq!(judge(&[OWN], name, Change::Create, false), Some(RefRule::ReservedRef));
        }
        let main = "refs/heads/main";
        assert_eq!(judge(&[OWN], main, Change::Advance, true), Some(RefRule::RefNotAllowed));
        let tag = judge(&[OWN], "refs/tags/v1", Change::Create, false);
        assert_eq!(tag, Some(RefRule::TagNotAllowed));
        assert_eq!(judge(&["refs/tags/*"], "refs/tags/v1", Change::Create, false), None);
        assert_eq!(judge(&[], main, Change::Advance, true), Some(RefRule::ReadOnly));
        assert_eq!(judge(&[OWN], "refs/heads/agent/b/x", Change::Create, false), None);
    }

    #[test]
    fn every_rule_is_in_the_documentation() {
        let text = include_str!("../../docs/git.md");
        for rule in [
            RefRule::ReadOnly,
            RefRule::OddName,
            RefRule::ReservedRef,
            RefRule::TagNotAllowed,
            RefRule::RefNotAllowed,
            RefRule::ForceNotAllowed,
            RefRule::DeleteNotAllowed,
        ] {
            assert!(text.contains(&format!("`{}`", rule.as_str())), "{}", rule.as_str());
        }
    }

    #[test]
    fn j2_a_name_that_a_person_could_misread_is_refused() {
        for odd in ["m\u{430}in", "x\u{202e}y", "a b", "a\"b", "a'b", "a$b", "a&b", "é", "🍾"] {
            let name = format!("refs/heads/agent/b/{odd}");
            assert_eq!(
                judge(&[OWN], &name, Change::Create, false),
                Some(RefRule::OddName),
                "{odd}"
            );
        }
        let long = format!("refs/heads/agent/b/{}", "x".repeat(300));
        assert_eq!(judge(&[OWN], &long, Change::Create, true), Some(RefRule::OddName));
        for plain in ["fix-#12", "v1.2+build", "a@b", "100%", "a,b=c_d"] {
            let name = format!("refs/heads/agent/b/{plain}");
            assert_eq!(judge(&[OWN], &name, Change::Create, false), None, "{plain}");
        }
    }

    #[test]
    fn h2_force_and_delete_are_for_what_the_bottle_made() {
        let name = "refs/heads/agent/b/x";
        for (change, rule) in
            [(Change::Force, RefRule::ForceNotAllowed), (Change::Delete, RefRule::DeleteNotAllowed)]
        {
            assert_eq!(judge(&[OWN], name, change, false), Some(rule));
            assert_eq!(judge(&[OWN], name, change, true), None);
        }
        assert_eq!(judge(&[OWN], name, Change::Advance, false), None);
    }
}

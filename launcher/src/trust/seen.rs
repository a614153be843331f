//! What a person saw when they trusted a manifest, kept so that they are shown what is different now.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::fingerprint::{digest_of, named_files};
use crate::manifest::Manifest;
use crate::policy_view::PolicyView;

/// How far a line of a policy goes until what its word is about.
const WORD: usize = 14;

/// The effective policy line by line, and a digest of each file it is made of.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Seen {
    policy: Vec<String>,
    files: BTreeMap<PathBuf, String>,
}

impl Seen {
    /// What there is to see of that manifest.
    pub(crate) fn of(manifest: &Manifest) -> anyhow::Result<Self> {
        let mut policy = Vec::new();
        for name in manifest.agents.keys() {
            let (agent, bottle) = manifest.agent(name)?;
            let text = PolicyView::of(name, agent, bottle).text();
            let mut under = "";
            for line in text.lines() {
                // Lines that go on under a word are told with it.
                let Some((word, value)) =
                    line.split_at_checked(WORD).filter(|_| line.starts_with("  "))
                else {
                    policy.push(line.to_owned());
                    continue;
                };
                under = if word.trim().is_empty() { under } else { word.trim() };
                // A route's number is another one where a route before it goes.
                let value = match value.trim().split_once(". ") {
                    Some((number, rest)) if number.bytes().all(|byte| byte.is_ascii_digit()) => {
                        rest
                    }
                    Some(_) | None => value.trim(),
                };
                policy.push(format!("{name}: {under} {value}"));
            }
        }
        let digests = named_files(manifest).into_iter().map(|path| {
            let digest = digest_of(&path)?;
            Ok((path, digest))
        });
        Ok(Self { policy, files: digests.collect::<anyhow::Result<_>>()? })
    }

    /// What is different now, in lines.
    pub(crate) fn changes(&self, now: &Self) -> Vec<String> {
        let (then, here): (BTreeSet<_>, BTreeSet<_>) =
            (self.policy.iter().collect(), now.policy.iter().collect());
        let gone = self.policy.iter().filter(|line| !here.contains(line));
        let new = now.policy.iter().filter(|line| !then.contains(line));
        let mut lines: Vec<String> = gone.map(|line| format!("- {line}")).collect();
        lines.extend(new.map(|line| format!("+ {line}")));
        for (path, digest) in &now.files {
            match self.files.get(path) {
                None => lines.push(format!("+ reads {}", path.display())),
                Some(then) if then != digest => {
                    lines.push(format!("! {} has another content", path.display()));
                }
                Some(_) => {}
            }
        }
        let left = self.files.keys().filter(|path| !now.files.contains_key(*path));
        lines.extend(left.map(|path| format!("- reads {}", path.display())));
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::Origin;

    fn seen(routes: &str, command: &str) -> Seen {
        let text = format!(
            "version: 1\nagents: {{a: {{bottle: b, command: [{command}]}}}}\nbottles:\n  b:\n    egress: {{routes: [{routes}]}}\n"
        );
        Seen::of(&Manifest::read(&text, Origin::BuiltIn, None).unwrap()).unwrap()
    }

    #[test]
    fn i4_what_changed_since_it_was_trusted_is_told_line_by_line() {
        let then = seen("{host: a.example.org}, {host: b.example.org}", "x");
        assert!(then.changes(&then).is_empty());
        let now = seen("{host: b.example.org}, {host: evil.example.org}", "y");
        assert_eq!(
            then.changes(&now),
            [
                "- agent a: x",
                "- a: routes a.example.org: every method, every path, with no credential",
                "+ agent a: y",
                "+ a: routes evil.example.org: every method, every path, with no credential",
            ]
        );
        let with = |path: &str, digest: &str| {
            let mut seen = then.clone();
            seen.files.insert(path.into(), digest.to_owned());
            seen
        };
        assert_eq!(then.changes(&with("p.md", "1")), ["+ reads p.md"]);
        assert_eq!(with("p.md", "1").changes(&with("p.md", "2")), ["! p.md has another content"]);
        assert_eq!(with("p.md", "1").changes(&then), ["- reads p.md"]);
    }
}

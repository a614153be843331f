//! Files that run elsewhere, with more rights than the agent has: a push that changes one needs to be
//! granted.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// All of them, as people and agents read it.
pub const PROTECTED: Protected = Protected;

/// At the root of a repository alone: what the hosts read there.
const AT_THE_ROOT: [&str; 3] = [".github/workflows/**", ".gitlab-ci.yml", ".gitmodules"];
/// In any folder: whoever opens the folder runs them.
const ANYWHERE: [&str; 4] =
    [".mcp.json", ".devcontainer/**", ".devcontainer.json", ".vscode/tasks.json"];

/// In any folder as well, with a `*` within a part, which no pattern has: `is_agent_settings` knows
/// them.
const AGENT_SETTINGS: &str = ".claude/settings*.json";

/// What is protected, written out as one list.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Protected;

/// Files of a repository: a path with `*` for one part and `**` for one or more.
#[derive(Clone, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct FilePattern(String);

/// A text that names no files of a repository.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("`{}` names no files of a repository: parts of a path, `*` and `**`", .0.escape_debug())]
pub struct InvalidFilePattern(String);

impl FilePattern {
    /// Whether it covers that path.
    pub fn matches(&self, path: &str) -> bool {
        matches(&self.0, path)
    }
}

/// Whether a change of that path runs with more rights elsewhere. Case is no difference: on some
/// machines it is none.
pub fn is_protected(path: &str) -> bool {
    let path = path.to_lowercase();
    let parts: Vec<&str> = path.split('/').collect();
    let below = |pattern: &str| {
        (0..parts.len()).any(|at| {
            let rest = parts.get(at..).unwrap_or_default();
            matches(pattern, &rest.join("/"))
        })
    };
    AT_THE_ROOT.iter().any(|pattern| matches(pattern, &path))
        || ANYWHERE.iter().any(|pattern| below(pattern))
        || is_agent_settings(&parts)
}

/// [`AGENT_SETTINGS`], in any folder.
fn is_agent_settings(parts: &[&str]) -> bool {
    parts.windows(2).any(|pair| {
        pair[0] == ".claude"
            && pair[1].starts_with("settings")
            && pair[1].split('.').next_back() == Some("json")
    })
}

fn matches(pattern: &str, path: &str) -> bool {
    let (pattern, path): (Vec<_>, Vec<_>) =
        (pattern.split('/').collect(), path.split('/').collect());
    crate::push_ref::parts_match(&pattern, &path)
}

impl fmt::Display for Protected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let patterns = AT_THE_ROOT.iter().chain([&AGENT_SETTINGS]).chain(&ANYWHERE);
        for (nth, pattern) in patterns.enumerate() {
            write!(f, "{}{pattern}", if nth == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

impl FromStr for FilePattern {
    type Err = InvalidFilePattern;

    fn from_str(text: &str) -> Result<Self, InvalidFilePattern> {
        let good = |part: &str| {
            let wild = matches!(part, "*" | "**");
            let named = !part.is_empty() && !part.contains('*') && part != "." && part != "..";
            wild || (named && !part.chars().any(char::is_control))
        };
        if text.split('/').all(good) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidFilePattern(text.to_owned()))
        }
    }
}

impl TryFrom<String> for FilePattern {
    type Error = InvalidFilePattern;

    fn try_from(text: String) -> Result<Self, InvalidFilePattern> {
        text.parse()
    }
}

impl From<FilePattern> for String {
    fn from(pattern: FilePattern) -> Self {
        pattern.0
    }
}

impl fmt::Display for FilePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn i3_what_runs_elsewhere_is_known_by_its_path() {
        for path in [
            ".github/workflows/ci.yml",
            ".GitHub/Workflows/ci.yml",
            ".gitlab-ci.yml",
            ".gitmodules",
            ".claude/settings.json",
            "sub/.claude/settings.local.json",
            ".mcp.json",
            "a/b/.mcp.json",
            ".devcontainer/devcontainer.json",
            "a/.vscode/tasks.json",
        ] {
            assert!(is_protected(path), "{path}");
        }
        for path in [
            "src/main.rs",
            ".github/dependabot.yml",
            "docs/.github/workflows/x.yml",
            ".claude/skills/x.json",
            ".vscode/settings.json",
            "settings.json",
        ] {
            assert!(!is_protected(path), "{path}");
        }
    }

    #[test]
    fn what_people_read_is_what_is_protected() {
        let all = [
            ".github/workflows/**",
            ".gitlab-ci.yml",
            ".gitmodules",
            ".claude/settings*.json",
            ".mcp.json",
            ".devcontainer/**",
            ".devcontainer.json",
            ".vscode/tasks.json",
        ];
        assert_eq!(PROTECTED.to_string(), all.join(", "));
        for pattern in all {
            assert!(is_protected(&pattern.replace('*', "x")), "{pattern}");
        }
    }

    #[test]
    fn a_grant_names_parts_of_a_path() {
        let grant: FilePattern = ".github/workflows/**".parse().unwrap();
        assert!(grant.matches(".github/workflows/a/b.yml") && !grant.matches(".gitmodules"));
        for bad in ["", "/etc", "a//b", "../x", "a*"] {
            assert!(bad.parse::<FilePattern>().is_err(), "{bad}");
        }
    }
}

//! Changes of files that run elsewhere with more rights than the agent has, links that leave the
//! tree, and repositories within the repository.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::Stdio;

use anyhow::{Context as _, anyhow};
use git_gate::{FilePattern, is_protected};

use super::Finding;
use super::Place;
use crate::program::Program;

/// The longest path that is read.
const PATH_LIMIT: u64 = 64 * 1024;
/// The longest target of a link.
const TARGET_LIMIT: u64 = 4096;
/// So many of each rule are looked for, and so many are told of.
const SHOWN: usize = 20;
const PROTECTED_FILE: &str = "protected-file";

/// A file as one of the new commits leaves it.
struct Change {
    mode: String,
    object: String,
    path: String,
}

/// Every such change that was not granted. A merge's changes are those that no parent has.
pub(super) fn changes(
    git: &Program,
    news: &[&str],
    granted: &[FilePattern],
) -> anyhow::Result<Vec<Finding>> {
    let list = git.clone().args(["rev-list"]).args(news.iter().copied()).args(["--not", "--all"]);
    let mut list = list.blocking();
    list.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut list = list.spawn().context("cannot run git")?;
    let commits = list.stdout.take().ok_or_else(|| anyhow!("git has no output"))?;
    let mut compare = git
        .clone()
        .args(["diff-tree", "--stdin", "-r", "-c", "--root", "--raw", "-z", "--no-commit-id"])
        .args(["--no-renames", "--no-abbrev", "--no-ext-diff", "--no-textconv"])
        .blocking();
    compare.stdin(Stdio::from(commits)).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut compare = compare.spawn().context("cannot run git")?;
    let output = compare.stdout.take().ok_or_else(|| anyhow!("git has no output"))?;
    let mut output = BufReader::new(output);
    let mut found: Vec<Finding> = Vec::new();
    // Read to the end: a git that cannot write would fail.
    while let Some(change) = next(&mut output)? {
        let rule = rule(git, &change, granted)?;
        let finding = rule.map(|(rule, why)| Finding {
            rule: rule.to_owned(),
            commit: None,
            place: Place::Held { path: change.path, why: why.to_owned() },
            len: 0,
            encoding: "plain",
        });
        let new = finding.filter(|finding| {
            let same = found.iter().filter(|known| known.rule == finding.rule).count();
            !found.contains(finding) && same < SHOWN
        });
        found.extend(new);
    }
    let listed = list.wait().context("cannot run git")?.success();
    if !compare.wait().context("cannot run git")?.success() || !listed {
        return Err(anyhow!("git could not compare the new commits"));
    }
    found.sort_by_key(|finding| finding.rule != PROTECTED_FILE);
    found.truncate(SHOWN);
    Ok(found)
}

fn rule(
    git: &Program,
    change: &Change,
    granted: &[FilePattern],
) -> anyhow::Result<Option<(&'static str, &'static str)>> {
    let path = change.path.as_str();
    if change.mode == "000000" || granted.iter().any(|pattern| pattern.matches(path)) {
        return Ok(None);
    }
    if change.mode == "160000" {
        return Ok(Some(("submodule", "it is a repository within this one")));
    }
    if is_protected(path) {
        return Ok(Some((PROTECTED_FILE, "it runs elsewhere, with more rights")));
    }
    if change.mode == "120000" && leaves(path, &target(git, &change.object)?) {
        return Ok(Some(("link-leaves-the-tree", "it is a link that leads out of the repository")));
    }
    Ok(None)
}

/// `:<modes> <objects> <status>\0<path>\0`, with a colon, a mode and an object more for each further
/// parent.
fn next(output: &mut impl std::io::BufRead) -> anyhow::Result<Option<Change>> {
    let Some(head) = part(output)? else { return Ok(None) };
    let path = part(output)?.context("git names no path")?;
    let parents = head.bytes().take_while(|&byte| byte == b':').count();
    let mut words = head.trim_start_matches(':').split(' ');
    let mode = words.nth(parents).context("git names no mode")?.to_owned();
    let object = words.nth(parents).context("git names no object")?.to_owned();
    Ok(Some(Change { mode, object, path }))
}

fn part(output: &mut impl std::io::BufRead) -> anyhow::Result<Option<String>> {
    let mut bytes = Vec::new();
    output.take(PATH_LIMIT).read_until(0, &mut bytes).context("cannot read git's output")?;
    if bytes.is_empty() {
        return Ok(None);
    }
    if bytes.pop() != Some(0) {
        return Err(anyhow!("git's output ended early"));
    }
    Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
}

fn target(git: &Program, object: &str) -> anyhow::Result<String> {
    let mut cat = git.clone().args(["cat-file", "blob", object]).blocking();
    cat.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = cat.spawn().context("cannot run git")?;
    let mut text = Vec::new();
    if let Some(output) = child.stdout.take() {
        output.take(TARGET_LIMIT).read_to_end(&mut text).context("cannot read a link")?;
    }
    child.wait().context("cannot run git")?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// Whether a link at that path leads out of the tree it stands in.
fn leaves(path: &str, target: &str) -> bool {
    let mut depth = path.split('/').count() - 1;
    if target.starts_with('/') {
        return true;
    }
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." if depth == 0 => return true,
            ".." => depth -= 1,
            _ => depth += 1,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn i1_a_link_is_followed_in_the_mind() {
        for (path, target) in [("a", "/etc/passwd"), ("a", "../x"), ("a/b", "c/../../../x")] {
            assert!(leaves(path, target), "{path} -> {target}");
        }
        for (path, target) in [("a", "b"), ("a/b", "../c"), ("a/b", "./c/../d")] {
            assert!(!leaves(path, target), "{path} -> {target}");
        }
    }

    #[test]
    fn reads_changes_of_commits_and_of_merges() {
        let text = b":100644 120000 aa bb T\0link\0::100644 100644 160000 aa bb cc MM\0sub\0";
        let mut output = &text[..];
        let one = next(&mut output).unwrap().unwrap();
        assert_eq!(
            (one.mode.as_str(), one.object.as_str(), one.path.as_str()),
            ("120000", "bb", "link")
        );
        let two = next(&mut output).unwrap().unwrap();
        assert_eq!(
            (two.mode.as_str(), two.object.as_str(), two.path.as_str()),
            ("160000", "cc", "sub")
        );
        assert!(next(&mut output).unwrap().is_none());
    }
}

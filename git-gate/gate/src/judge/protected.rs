//! Changes of files that run elsewhere with more rights than the agent has, links that leave the
//! tree, and repositories within the repository.

use std::io::{BufRead, BufReader, BufWriter, Read as _, Write as _};
use std::process::{ChildStdin, Stdio};
use std::thread::JoinHandle;

use anyhow::{Context as _, anyhow, bail};
use git_gate::{FilePattern, is_protected};

use super::links::Links;
use super::{Finding, Place};
use crate::program::{Program, Running};

/// The longest path that is read.
const PATH_LIMIT: u64 = 64 * 1024;
/// So many of each rule are looked for, and so many are told of.
const SHOWN: usize = 20;
const PROTECTED_FILE: &str = "protected-file";

/// A file as one of the new commits leaves it.
struct Change {
    mode: String,
    object: String,
    path: String,
}

/// The changes of new commits, compared by git while the commits come and other things are judged.
#[derive(Debug)]
pub(super) struct Changes {
    /// With it ends whoever reads it.
    compare: Running,
    commits: BufWriter<ChildStdin>,
    found: JoinHandle<anyhow::Result<Vec<Finding>>>,
}

impl Changes {
    /// Waits for commits. A merge's changes are those that no parent has.
    pub(super) fn begin(git: &Program, granted: &[FilePattern]) -> anyhow::Result<Self> {
        let mut compare = git
            .clone()
            .args(["diff-tree", "--stdin", "-r", "-c", "--root", "--raw", "-z", "--no-commit-id"])
            .args(["--no-renames", "--no-abbrev", "--no-ext-diff", "--no-textconv"])
            .blocking();
        compare.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut compare = Running(compare.spawn().context("cannot run git")?);
        let (commits, output) = (compare.0.stdin.take(), compare.0.stdout.take());
        let (Some(commits), Some(output)) = (commits, output) else { bail!("git has no streams") };
        let (git, granted) = (git.clone(), granted.to_vec());
        let found =
            std::thread::spawn(move || read(BufReader::new(output), Links::new(git), &granted));
        Ok(Self { compare, commits: BufWriter::new(commits), found })
    }

    /// One of the new commits.
    pub(super) fn commit(&mut self, name: &str) -> anyhow::Result<()> {
        writeln!(self.commits, "{name}").context("git does not compare the new commits")
    }

    /// Every such change that was not granted.
    pub(super) fn end(self) -> anyhow::Result<Vec<Finding>> {
        let Self { mut compare, mut commits, found } = self;
        commits.flush().context("git does not compare the new commits")?;
        drop(commits);
        let found = found.join().map_err(|_| anyhow!("a thread ended"))??;
        if !compare.0.wait().context("cannot run git")?.success() {
            return Err(anyhow!("git could not compare the new commits"));
        }
        Ok(found)
    }
}

/// Reads to the end: a git that cannot write would fail.
fn read(
    mut output: impl BufRead,
    mut links: Links,
    granted: &[FilePattern],
) -> anyhow::Result<Vec<Finding>> {
    let mut found: Vec<Finding> = Vec::new();
    while let Some(change) = next(&mut output)? {
        let rule = rule(&mut links, &change, granted)?;
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
    found.sort_by_key(|finding| finding.rule != PROTECTED_FILE);
    found.truncate(SHOWN);
    Ok(found)
}

fn rule(
    links: &mut Links,
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
    if change.mode == "120000" && leaves(path, &links.target(&change.object)?) {
        return Ok(Some(("link-leaves-the-tree", "it is a link that leads out of the repository")));
    }
    Ok(None)
}

/// `:<modes> <objects> <status>\0<path>\0`, with a colon, a mode and an object more for each further
/// parent.
fn next(output: &mut impl BufRead) -> anyhow::Result<Option<Change>> {
    let Some(head) = part(output)? else { return Ok(None) };
    let path = part(output)?.context("git names no path")?;
    let parents = head.bytes().take_while(|&byte| byte == b':').count();
    let mut words = head.trim_start_matches(':').split(' ');
    let mode = words.nth(parents).context("git names no mode")?.to_owned();
    let object = words.nth(parents).context("git names no object")?.to_owned();
    Ok(Some(Change { mode, object, path }))
}

fn part(output: &mut impl BufRead) -> anyhow::Result<Option<String>> {
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
